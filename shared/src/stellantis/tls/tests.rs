//! Mutual TLS against a server that demands it.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, server::WebPkiClientVerifier};

use super::*;
use crate::{
    domain::brand::Brand,
    stellantis::{
        ApiError, Cause, Maker,
        testing::{Stub, json, maker, secret},
    },
};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// A server that demands a certificate of this authority.
    async fn stub(&self) -> Stub {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let (certificate, key) = self.issue("127.0.0.1");
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Stub::start_tls(vec![json("{}")], config).await
    }

    /// The `maker` secret with a certificate of this authority, and that certificate.
    fn secret(&self) -> (Arc<MakerSecret>, Vec<u8>) {
        let (certificate, key) = self.issue("us.example");
        let secret = MakerSecret {
            certificate: Some(certificate.pem()),
            private_key: Some(key.serialize_pem().into()),
            ca: Some(self.0.pem()),
            ..secret()
        };
        (Arc::new(secret), certificate.der().to_vec())
    }
}

async fn call(maker: &Maker, secret: &Arc<MakerSecret>) -> Option<Cause> {
    let client = maker.with_credentials(secret).unwrap();
    match client.api(Brand::Peugeot, &"token".into()).user().await {
        Ok(_) => None,
        Err(ApiError::Transient { cause, .. }) => Some(cause),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_maker_sees_our_certificate_and_the_new_one_after_a_rotation() {
    let authority = Authority::new();
    let stub = authority.stub().await;
    let maker = maker(stub.settings());
    let (first, first_der) = authority.secret();
    let (second, second_der) = authority.secret();

    for secret in [&first, &first, &second] {
        assert_eq!(call(&maker, secret).await, None);
    }

    assert_eq!(*stub.shown.lock().unwrap(), [first_der.clone(), first_der, second_der]);
}

#[tokio::test]
async fn without_a_certificate_the_maker_is_not_reached() {
    let authority = Authority::new();
    let stub = authority.stub().await;
    let ca = Some(authority.0.pem());
    let none = Arc::new(MakerSecret { ca, ..secret() });

    let cause = call(&maker(stub.settings()), &none).await;

    assert_eq!(cause, Some(Cause::ClientCertificate));
    assert!(stub.asked().is_empty());
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_told_apart() {
    let authority = Authority::new();
    let stub = authority.stub().await;
    let (foreign, _) = Authority::new().secret();
    let foreign = MakerSecret { ca: Some(authority.0.pem()), ..(*foreign).clone() };

    let cause = call(&maker(stub.settings()), &Arc::new(foreign)).await;

    assert_eq!(cause, Some(Cause::ClientCertificate));
}

#[tokio::test]
async fn a_server_of_an_unknown_authority_gets_nothing() {
    let authority = Authority::new();
    let stub = authority.stub().await;
    let (known, _) = authority.secret();
    let unknown = MakerSecret { ca: None, ..(*known).clone() };

    let cause = call(&maker(stub.settings()), &Arc::new(unknown)).await;

    assert_eq!(cause, Some(Cause::Connect));
    assert!(stub.asked().is_empty());
}

#[test]
fn what_is_wrong_with_an_identity_is_named_without_showing_it() {
    let (good, _) = Authority::new().secret();
    let error = |change: fn(&mut MakerSecret)| {
        let mut secret = (*good).clone();
        change(&mut secret);
        let error = maker_client(&secret, "test/1", Timeouts::default()).unwrap_err();
        assert!(!format!("{error:?}").contains("seeded"));
        error
    };

    assert!(matches!(error(|s| s.private_key = None), TlsError::HalfIdentity));
    assert!(matches!(error(|s| s.certificate = None), TlsError::HalfIdentity));
    assert!(matches!(error(|s| s.certificate = Some("seeded".into())), TlsError::Certificate));
    assert!(matches!(error(|s| s.ca = Some("seeded".into())), TlsError::Authority));
    assert!(matches!(error(|s| s.private_key = Some(KEY.into())), TlsError::PrivateKey));
    let other = KeyPair::generate().unwrap().serialize_pem();
    let mut secret = (*good).clone();
    secret.private_key = Some(other.into());
    let error = maker_client(&secret, "test/1", Timeouts::default()).unwrap_err();
    assert!(matches!(error, TlsError::Identity(_)));
}

const KEY: &str = "-----BEGIN PRIVATE KEY-----\nseeded!\n-----END PRIVATE KEY-----";

#[test]
fn connection_to_aws_outlives_the_pause_of_a_schedule() {
    assert!(super::AWS_IDLE > std::time::Duration::from_mins(1));
}
