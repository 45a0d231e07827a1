//! Posts to the operator's endpoints, as the Standard Webhooks specification has it. The client
//! proves no identity, follows no redirect, takes no proxy from the environment and reads next to
//! nothing of an answer; every address is judged when it is connected to.

pub mod address;
mod attempts;
mod sign;

use std::{
    collections::BTreeMap,
    io,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
pub use reqwest::StatusCode;
use reqwest::header;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use secrecy::SecretString;
use url::Url;

use self::address::{Judge, NotResolved, Refused};
pub use self::{
    attempts::{Attempts, RECENT},
    sign::sign,
};
use crate::{clock::Budget, config::Addresses, domain::webhook::Failure};

/// How long one try may take, from the connection to the answer.
pub const TRY: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(5);
/// How long a connection is kept for the next event.
const IDLE: Duration = Duration::from_secs(15);
/// An endpoint that takes longer than this is slow,
const QUICK: Duration = Duration::from_secs(2);
/// for so long.
const SLOW_FOR: SignedDuration = SignedDuration::from_mins(5);
/// How much of an answer is read, so that its connection can be used again.
const READ: usize = 1024;

/// The client, made when `deliver` first needs it: no other function does.
#[derive(Debug)]
pub struct Webhooks {
    /// What came of the latest requests.
    pub attempts: Attempts,
    addresses: Addresses,
    client: OnceLock<reqwest::Client>,
    /// When an endpoint was slow last, as far as this process knows.
    slow: Mutex<BTreeMap<Url, Timestamp>>,
}

/// One event as it is posted.
#[derive(Debug)]
pub struct Message<'a> {
    /// The event's id: the same for every try.
    pub id: &'a str,
    /// When this try is made, by the machine's clock: the receiver compares it with its own.
    pub at: Timestamp,
    /// The `CloudEvent`.
    pub body: String,
    /// Whether the operator asked for it once more.
    pub replayed: bool,
    /// The secrets that are valid, newest first.
    pub secrets: &'a [SecretString],
}

/// An endpoint did not take an event.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// No address of it may be connected to.
    #[error("the address is refused")]
    Address(#[source] Option<reqwest::Error>),
    /// It was not connected to.
    #[error("not connected: {}", .0.as_str())]
    NotConnected(Failure, #[source] reqwest::Error),
    /// It did not answer in time, or was cut off: it may have taken it.
    #[error("no answer")]
    NoAnswer(#[source] reqwest::Error),
    /// It answered, and not with success.
    #[error("answered {0}")]
    Status(StatusCode),
    /// The client can't be built.
    #[error("the client can't be built")]
    Client,
}

impl PostError {
    /// In a word that may be shown: nothing of an answer but its status.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Status(status) => format!("status_{}", status.as_u16()),
            other => other.failure().as_str().to_owned(),
        }
    }

    /// The same without the status.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Address(_) => Failure::AddressRefused,
            Self::NotConnected(failure, _) => *failure,
            Self::NoAnswer(error) if error.is_timeout() => Failure::Timeout,
            Self::NoAnswer(_) => Failure::Closed,
            Self::Status(_) => Failure::Status,
            Self::Client => Failure::Internal,
        }
    }

    /// The status of its answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status(status) => Some(*status),
            _ => None,
        }
    }

    /// Whether it wants no more.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Status(StatusCode::GONE))
    }
}

impl Webhooks {
    /// Connects to nothing, and builds nothing yet.
    #[must_use]
    pub fn new(addresses: Addresses) -> Self {
        Self {
            attempts: Attempts::default(),
            addresses,
            client: OnceLock::new(),
            slow: Mutex::default(),
        }
    }

    /// Whether an endpoint was slow a moment ago, be its answer a success or not.
    #[must_use]
    pub fn is_slow(&self, url: &Url, now: Timestamp) -> bool {
        let slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        slow.get(url).is_some_and(|at| now.duration_since(*at) < SLOW_FOR)
    }

    /// One try at one event, and the status of its success. Anything but a 2xx is a failure; a
    /// redirect too.
    ///
    /// # Errors
    /// [`PostError`].
    pub async fn post(&self, url: &Url, message: Message<'_>) -> Result<StatusCode, PostError> {
        let (at, quick) = (message.at, Budget::lasting(QUICK));
        let posted = self.send(url, message).await;
        let mut slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        if quick.is_over() {
            slow.insert(url.clone(), at);
        } else {
            slow.remove(url);
        }
        posted
    }

    async fn send(&self, url: &Url, message: Message<'_>) -> Result<StatusCode, PostError> {
        if address::check(url, self.addresses).is_err() {
            return Err(PostError::Address(None));
        }
        let client = self.client()?;
        let seconds = message.at.as_second();
        let signatures: Vec<String> = message
            .secrets
            .iter()
            .filter_map(|secret| sign(secret, message.id, seconds, &message.body))
            .collect();
        let mut request = client
            .post(url.clone())
            .header(header::CONTENT_TYPE, "application/cloudevents+json")
            .header("webhook-id", message.id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", signatures.join(" "));
        if message.replayed {
            request = request.header("webhook-replayed", "true");
        }
        // The errors of `reqwest` name the address, whose path may be a secret of the operator's.
        let answer = request.body(message.body).send().await.map_err(classify)?;
        let status = answer.status();
        drain(answer).await;
        if status.is_success() { Ok(status) } else { Err(PostError::Status(status)) }
    }

    fn client(&self) -> Result<&reqwest::Client, PostError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = build(self.addresses).ok_or(PostError::Client)?;
        Ok(self.client.get_or_init(|| client))
    }
}

fn build(addresses: Addresses) -> Option<reqwest::Client> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = std::sync::Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .user_agent(concat!("accessing-party/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(std::sync::Arc::new(Judge::new(addresses)))
        .https_only(addresses == Addresses::Public)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT)
        .timeout(TRY)
        .pool_idle_timeout(IDLE)
        .build()
        .ok()
}

fn classify(error: reqwest::Error) -> PostError {
    let error = error.without_url();
    let causes = || std::iter::successors(std::error::Error::source(&error), |it| it.source());
    if causes().any(<dyn std::error::Error + 'static>::is::<Refused>) {
        return PostError::Address(Some(error));
    }
    if !error.is_connect() {
        return PostError::NoAnswer(error);
    }
    let known = causes().find_map(failure_of);
    let failure = match known {
        Some(failure) => failure,
        None if error.is_timeout() => Failure::Timeout,
        None => Failure::Unreachable,
    };
    PostError::NotConnected(failure, error)
}

/// What a cause of a failed connection says, if it says anything.
fn failure_of(cause: &(dyn std::error::Error + 'static)) -> Option<Failure> {
    if cause.is::<NotResolved>() {
        return Some(Failure::Dns);
    }
    if cause.is::<rustls::Error>() {
        return Some(Failure::Tls);
    }
    let mut cause = cause.downcast_ref::<io::Error>()?;
    // One may be wrapped in another, which `source` steps over.
    while let Some(inner) = cause.get_ref().and_then(|inner| inner.downcast_ref::<io::Error>()) {
        cause = inner;
    }
    if cause.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>) {
        return Some(Failure::Tls);
    }
    match cause.kind() {
        io::ErrorKind::ConnectionRefused => Some(Failure::Refused),
        io::ErrorKind::TimedOut => Some(Failure::Timeout),
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => Some(Failure::Closed),
        // What answers in plain text where TLS is expected.
        io::ErrorKind::InvalidData => Some(Failure::Tls),
        _ => None,
    }
}

/// A little is read and none kept: a longer answer costs its connection.
async fn drain(mut answer: reqwest::Response) {
    let mut read = 0;
    while read < READ {
        match answer.chunk().await {
            Ok(Some(chunk)) => read += chunk.len(),
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests;
