use rcgen::{
    CertificateParams, DnType, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, date_time_ymd,
};

use super::*;

fn now() -> Timestamp {
    "2026-12-01T12:00:00Z".parse().unwrap()
}

fn parameters() -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::OrganizationName, "Example SAS");
    parameters.distinguished_name.push(DnType::CommonName, "MZP00001");
    parameters.not_before = date_time_ymd(2026, 11, 30);
    parameters.not_after = date_time_ymd(2027, 11, 30);
    parameters
}

fn pair() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    (parameters().self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn refused(certificate: &str, key: &str) -> (&'static str, Flaw) {
    judge(certificate, key, now()).unwrap_err()
}

#[test]
fn a_certificate_and_its_key_are_accepted_and_named() {
    let (certificate, key) = pair();

    let identity = judge(&certificate, &key, now()).unwrap();

    assert_eq!(identity.to_string(), "CN=MZP00001, ends 2027-11-30");
    judge(&certificate.replace('\n', "\r\n"), &key, now()).unwrap();
    judge(&format!("Bag Attributes\n{certificate}"), &key, now()).unwrap();
}

#[test]
fn what_is_given_in_the_wrong_place_is_told_apart() {
    let (certificate, key) = pair();
    let request = parameters().serialize_request(&KeyPair::generate().unwrap()).unwrap();
    let request = request.pem().unwrap();
    let newer = request.replace("BEGIN CERT", "BEGIN NEW CERT").replace("END CERT", "END NEW CERT");

    for (certificate, key, field, flaw) in [
        ("garbage", key.as_str(), "certificate", Flaw::NotPem("CERTIFICATE")),
        ("", &key, "certificate", Flaw::NotPem("CERTIFICATE")),
        (&request, &key, "certificate", Flaw::Request),
        (&newer, &key, "certificate", Flaw::Request),
        (&key, &key, "certificate", Flaw::Kind("certificate")),
        (&certificate, "garbage", "private_key", Flaw::NotPem("PRIVATE KEY")),
        (&certificate, &certificate, "private_key", Flaw::Kind("private key")),
        (
            &certificate,
            &key.replace("PRIVATE", "ENCRYPTED PRIVATE"),
            "private_key",
            Flaw::Encrypted,
        ),
    ] {
        assert_eq!(refused(certificate, key), (field, flaw));
    }
}

#[test]
fn a_certificate_of_another_key_is_foreign() {
    let ((certificate, key), (other, _)) = (pair(), pair());

    assert_eq!(refused(&other, &key), ("private_key", Flaw::Foreign));
    let reversed = format!("{other}{certificate}");
    assert_eq!(refused(&reversed, &key), ("certificate", Flaw::Order));
    judge(&format!("{certificate}{other}"), &key, now()).unwrap();
}

#[test]
fn a_certificate_has_its_time_and_so_has_its_chain() {
    let (certificate, key) = pair();
    let at = |time: &str| judge(&certificate, &key, time.parse().unwrap());
    let mut ended = parameters();
    ended.not_after = date_time_ymd(2026, 11, 30);
    ended.not_before = date_time_ymd(2025, 11, 30);
    let ended = ended.self_signed(&KeyPair::generate().unwrap()).unwrap().pem();

    let early = ("certificate", Flaw::Early("2026-11-30".to_owned()));
    assert_eq!(at("2026-11-29T23:59:59Z").unwrap_err(), early);
    at("2027-11-30T00:00:00Z").unwrap();
    let late = ("certificate", Flaw::Ended("2027-11-30".to_owned()));
    assert_eq!(at("2027-11-30T00:00:01Z").unwrap_err(), late);
    let chain = refused(&format!("{certificate}{ended}"), &key);
    assert_eq!(chain, ("certificate", Flaw::Ended("2026-11-30".to_owned())));
    assert_eq!(judge_authority(&ended, now()), Err(Flaw::Ended("2026-11-30".to_owned())));
    assert_eq!(judge_authority(&key, now()), Err(Flaw::Kind("certificate")));
    assert_eq!(judge_authority(&certificate, now()), Ok(()));
}

/// Of X.509 version 1, which our own tools don't make; valid for a hundred years.
const VERSION_1: &str = "-----BEGIN CERTIFICATE-----\n\
MIIBIjCByQIUUeJo2CExko1rUneq/DyH5+wOKwYwCgYIKoZIzj0EAwIwEzERMA8G\n\
A1UEAwwITVpQMDAwMDEwIBcNMjYxMjAxMDAxMTIxWhgPMjEyNjExMDcwMDExMjFa\n\
MBMxETAPBgNVBAMMCE1aUDAwMDAxMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n\
uArtL4PyRBvt72Fc8xIKUovz10fz0zRCEWnxIkSdQUoAyz3wxGn56KbUTuDzdzCv\n\
weHYdQCOpWQZeMGyFITyxTAKBggqhkjOPQQDAgNIADBFAiBXayBageS3pOXjDpYC\n\
mChoI7ogf908Xu1gUA53zsqIcAIhAIXomEe4vYaXkGa6bykiI3MocCs4awv6C4Ot\n\
YbgoDfkD\n\
-----END CERTIFICATE-----\n";

#[test]
fn version_one_is_refused() {
    assert_eq!(refused(VERSION_1, &pair().1), ("certificate", Flaw::Old));
}

#[test]
fn every_kind_of_key_that_the_maker_may_certify_is_usable() {
    for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_ED25519] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let certificate = parameters().self_signed(&key).unwrap().pem();

        judge(&certificate, &key.serialize_pem(), now()).unwrap();
    }
    let authority = KeyPair::generate().unwrap();
    let issuer = Issuer::new(parameters(), authority);
    let key = KeyPair::generate().unwrap();
    let certificate = parameters().signed_by(&key, &issuer).unwrap().pem();
    judge(&certificate, &key.serialize_pem(), now()).unwrap();
}
