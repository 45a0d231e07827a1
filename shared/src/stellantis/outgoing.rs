//! The one door to the maker: credentials are attached here and nowhere else, and only for the
//! origin they belong to. Answers are read through a counter.

use std::{error::Error, io, time::Duration};

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::{
    Client,
    api::Reset,
    permission::{Again, Call, Urgency},
    settings::Settings,
};
use crate::domain::brand::Brand;

/// The longest answer read, counted after decoding.
const LONGEST_BODY: usize = 8 * 1024 * 1024;
/// A wait beyond this is no answer to "when again?".
pub(super) const LONGEST_WAIT: Duration = Duration::from_hours(24);

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// What a call shows, and thereby where it may go.
pub(super) enum Credential<'a> {
    /// A user's access token: to the API alone.
    Bearer(&'a SecretString, Ask),
    /// The client certificate alone: to the B2B API.
    Certificate,
    /// The client's secret and a code or token in a form: to one brand's identity provider alone.
    Client {
        /// Whose.
        brand: Brand,
        /// The `Basic` header.
        basic: HeaderValue,
        /// The form, encoded.
        form: Vec<u8>,
        /// Whether it can wait.
        urgency: Urgency,
    },
}

/// What a call to the API wants.
pub(super) enum Ask {
    /// To read.
    Read,
    /// To change something; with JSON, or without.
    Change(Method, Option<Vec<u8>>),
}

/// Why no usable answer came. It will pass: nothing here ends a grant or blames a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The address is not the maker's, or not over TLS: a wrong setting. Nothing was sent.
    #[error("refused to send there")]
    Refused,
    /// Calls are stopped by the operator, or the host asked to be left alone. Nothing was sent.
    #[error("may not be called now")]
    NotNow,
    /// No connection. Nothing was sent.
    #[error("no connection")]
    Connect,
    /// The host refused our client certificate: the secret may have been rotated.
    #[error("the client certificate was refused")]
    ClientCertificate,
    /// No answer in time.
    #[error("timed out")]
    Timeout,
    /// The connection broke before the answer was complete.
    #[error("the connection broke")]
    Broken,
    /// An answer with this status.
    #[error("answered {0}")]
    Status(u16),
    /// A detour where an answer is due, such as `/am/oauth2c/OAuthProxy.jsp`.
    #[error("redirected")]
    Redirect,
    /// HTML, or nothing, where JSON is due.
    #[error("answered something that is not JSON")]
    NotJson,
    /// JSON that is cut short or of a wrong shape.
    #[error("answered JSON of the wrong shape")]
    Malformed,
    /// An answer over 8 MiB.
    #[error("answered too much")]
    TooLarge,
}

impl Cause {
    /// Whether the maker may have acted on the call though we saw no answer. False only where
    /// it is certain that nothing arrived.
    #[must_use]
    pub const fn may_have_arrived(self) -> bool {
        !matches!(self, Self::Refused | Self::NotNow | Self::Connect | Self::ClientCertificate)
    }
}

/// A complete answer, not judged yet.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// `Retry-After` in seconds (the maker sends no dates), at most a day.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        seconds(&self.headers, "retry-after")
    }

    /// Whether the body calls itself HTML, or looks like it.
    pub(super) fn is_html(&self) -> bool {
        let named = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        named.is_some_and(|name| name.to_ascii_lowercase().contains("html"))
            || self.body.trim_ascii_start().starts_with(b"<")
    }
}

/// A header that counts seconds. A number of 30 years and more is a time and no count.
pub(super) fn seconds(headers: &HeaderMap, name: &str) -> Option<Duration> {
    let seconds: u64 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
    if (1_000_000_000..10_000_000_000_000).contains(&seconds) {
        return None;
    }
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

impl Client {
    /// Every call to the maker: asks first whether it may be made, and tells if the host limits us.
    pub(super) async fn send(
        &self,
        brand: Brand,
        url: Url,
        headers: HeaderMap,
        credential: Credential<'_>,
    ) -> Result<Reply, Cause> {
        let urgency = match &credential {
            Credential::Client { urgency, .. } => *urgency,
            _ => Urgency::Normal,
        };
        let host = url.host_str().unwrap_or_default().to_owned();
        if !self.permission.allows(Call { brand, host: &host, urgency }).await {
            return Err(Cause::NotNow);
        }
        let reply = send(&self.http, &self.settings, url, headers, credential).await?;
        if reply.status == StatusCode::TOO_MANY_REQUESTS {
            let reset = Reset::read(&reply.headers);
            self.permission.limited(&host, Again { retry_after: reply.retry_after(), reset }).await;
        }
        Ok(reply)
    }
}

/// Sends a call, credentials attached, and reads its answer.
async fn send(
    http: &reqwest::Client,
    settings: &Settings,
    url: Url,
    headers: HeaderMap,
    credential: Credential<'_>,
) -> Result<Reply, Cause> {
    let request = attach(settings, url, headers, credential).ok_or(Cause::Refused)?;
    let mut response = http.execute(request).await.map_err(|error| cause(&error))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| cause(&error))? {
        if body.len() + chunk.len() > LONGEST_BODY {
            return Err(Cause::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { status, headers, body })
}

/// The only place where a credential meets an address. `None` if they don't belong together.
fn attach(
    settings: &Settings,
    url: Url,
    headers: HeaderMap,
    credential: Credential<'_>,
) -> Option<reqwest::Request> {
    let (base, method, authorization, body) = match credential {
        Credential::Bearer(token, ask) => {
            let value = format!("Bearer {}", token.expose_secret());
            let value = HeaderValue::try_from(value).ok()?;
            let (method, body) = match ask {
                Ask::Read => (Method::GET, None),
                Ask::Change(method, body) => (method, body.map(|body| (JSON, body))),
            };
            (&settings.api_url, method, Some(value), body)
        }
        Credential::Certificate => (&settings.b2b_url, Method::GET, None, None),
        Credential::Client { brand, basic, form, .. } => {
            (&settings.identity.get(brand).url, Method::POST, Some(basic), Some((FORM, form)))
        }
    };
    if !is_safe(&url) || !is_below(base, &url) {
        return None;
    }
    let mut request = reqwest::Request::new(method, url);
    *request.headers_mut() = headers;
    if let Some(mut value) = authorization {
        value.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    if let Some((kind, body)) = body {
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        *request.body_mut() = Some(body.into());
    }
    Some(request)
}

/// Over TLS, or to this machine; and naming no user.
fn is_safe(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let named = !url.username().is_empty() || url.password().is_some();
    !named && (url.scheme() == "https" || (url.scheme() == "http" && loopback))
}

/// The same origin, and a path at or below the base's. The parser has resolved every `..`.
fn is_below(base: &Url, url: &Url) -> bool {
    let root = base.path().trim_end_matches('/');
    let rest = url.path().strip_prefix(root);
    base.origin() == url.origin()
        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What an error of the HTTP library means. The error itself is dropped: it names the address.
fn cause(error: &reqwest::Error) -> Cause {
    if is_certificate_alert(error) {
        Cause::ClientCertificate
    } else if error.is_connect() {
        Cause::Connect
    } else if error.is_timeout() {
        Cause::Timeout
    } else {
        Cause::Broken
    }
}

/// Looks for a TLS alert about our certificate, which with TLS 1.3 comes after the handshake.
fn is_certificate_alert(error: &(dyn Error + 'static)) -> bool {
    use rustls::AlertDescription as Alert;
    let mut next = Some(error);
    while let Some(error) = next {
        // An I/O error hides what it wraps from `source`.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let tls = match inner {
            Some(inner) => inner.downcast_ref::<rustls::Error>(),
            None => error.downcast_ref::<rustls::Error>(),
        };
        if let Some(rustls::Error::AlertReceived(alert)) = tls {
            return matches!(
                alert,
                Alert::NoCertificate
                    | Alert::BadCertificate
                    | Alert::UnsupportedCertificate
                    | Alert::CertificateRevoked
                    | Alert::CertificateExpired
                    | Alert::CertificateUnknown
                    | Alert::CertificateRequired
                    | Alert::UnknownCA
                    | Alert::AccessDenied
                    | Alert::DecryptError
            );
        }
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests;
