//! The HTTP clients: one TLS stack, one root store bundled and never parsed, no redirects, no
//! proxies from the environment, time-outs on everything.

use std::{sync::Arc, time::Duration};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use secrecy::ExposeSecret;

use super::secret::MakerSecret;

/// Longer than a burst of calls, shorter than a function sleeps between two: a connection that
/// died unnoticed would turn the first renewal into a lost answer.
const IDLE: Duration = Duration::from_secs(15);
/// AWS is asked by schedules, some every minute, and by an SDK that tries again: a connection that lives
/// from one run to the next spares its handshake, and keeps what DynamoDB remembers with it.
const AWS_IDLE: Duration = Duration::from_secs(90);

/// How long a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// To reach the host, TLS included.
    pub connect: Duration,
    /// For the whole call, the body included.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(3), total: Duration::from_secs(12) }
    }
}

/// No client can be made of what the secret or the settings hold.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// `certificate` without `private_key`, or the reverse.
    #[error("the client certificate and its private key must be given together")]
    HalfIdentity,
    /// `certificate` is no PEM certificate.
    #[error("the client certificate is not a PEM certificate")]
    Certificate,
    /// `private_key` is no PEM key. Without source: the parser's error may quote the key.
    #[error("the private key is not a PEM private key")]
    PrivateKey,
    /// `ca` is no PEM certificate.
    #[error("the private authority is not a PEM certificate")]
    Authority,
    /// The two don't belong together, or the key is of an unknown kind.
    #[error("the client certificate and the private key do not fit")]
    Identity(#[source] rustls::Error),
    /// The TLS library refused its own provider.
    #[error("TLS cannot be set up")]
    Provider(#[source] rustls::Error),
    /// The HTTP library refused the client.
    #[error("the HTTP client cannot be built")]
    Client(#[source] reqwest::Error),
}

/// A client that proves no identity, for the AWS SDK alone.
///
/// # Errors
/// When the TLS or the HTTP library refuses its settings.
pub fn aws_client(user_agent: &str, timeouts: Timeouts) -> Result<reqwest::Client, TlsError> {
    let config = builder(roots())?.with_no_client_auth();
    client(config, user_agent, timeouts, AWS_IDLE)
}

/// A client that proves no identity.
///
/// # Errors
/// When the TLS or the HTTP library refuses its settings.
pub fn plain_client(user_agent: &str, timeouts: Timeouts) -> Result<reqwest::Client, TlsError> {
    let config = builder(roots())?.with_no_client_auth();
    client(config, user_agent, timeouts, IDLE)
}

/// A client that shows the maker our certificate, and trusts the maker's private authority
/// beside the public ones.
pub(super) fn maker_client(
    secret: &MakerSecret,
    user_agent: &str,
    timeouts: Timeouts,
) -> Result<reqwest::Client, TlsError> {
    let mut roots = roots();
    for authority in certificates(secret.ca.as_deref()).ok_or(TlsError::Authority)? {
        roots.add(authority).map_err(|_| TlsError::Authority)?;
    }
    let builder = builder(roots)?;
    let config = match (&secret.certificate, &secret.private_key) {
        (None, None) => builder.with_no_client_auth(),
        (Some(certificate), Some(key)) => {
            let chain = certificates(Some(certificate)).ok_or(TlsError::Certificate)?;
            let key = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes())
                .map_err(|_| TlsError::PrivateKey)?;
            builder.with_client_auth_cert(chain, key).map_err(TlsError::Identity)?
        }
        _ => return Err(TlsError::HalfIdentity),
    };
    client(config, user_agent, timeouts, IDLE)
}

/// Mozilla's roots, ready-made: the system's would be some 300 files to read at every start.
fn roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

type Builder = rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>;

fn builder(roots: RootCertStore) -> Result<Builder, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Provider)?
        .with_root_certificates(roots))
}

/// The certificates of a PEM text: none for no text, `None` for a text that holds none.
fn certificates(pem: Option<&str>) -> Option<Vec<CertificateDer<'static>>> {
    let Some(pem) = pem else { return Some(Vec::new()) };
    let certificates: Vec<_> =
        CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().ok()?;
    (!certificates.is_empty()).then_some(certificates)
}

fn client(
    config: ClientConfig,
    user_agent: &str,
    timeouts: Timeouts,
    idle: Duration,
) -> Result<reqwest::Client, TlsError> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .user_agent(user_agent)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(timeouts.connect)
        .timeout(timeouts.total)
        .pool_idle_timeout(idle)
        .build()
        .map_err(TlsError::Client)
}

#[cfg(test)]
mod tests;
