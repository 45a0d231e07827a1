//! What a refusal of the API means. Its texts stop here: they may quote what was sent.

use std::{fmt, time::Duration};

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use super::super::{
    outgoing::{Cause, LONGEST_WAIT, Reply, seconds},
    quota::Quota,
    wire::{Problem, Read},
};

/// Why there is no answer. None of these ends a grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The access token is not taken: renew once, try again once, then stop.
    #[error("the maker refuses the access token: {0}")]
    Unauthorized(Box<Upstream>),
    /// Our application isn't registered for this: our contract or configuration, never the
    /// user's fault.
    #[error("the maker says that the application is not registered: {0}")]
    NotRegistered(Box<Upstream>),
    /// Not this user's car, or not under this address any more: look its address up again.
    #[error("the maker forbids it: {0}")]
    Forbidden(Box<Upstream>),
    /// Unknown: a vehicle whose address changed, or an item that is gone.
    #[error("the maker does not know it: {0}")]
    NotFound(Box<Upstream>),
    /// Our request is wrong.
    #[error("the maker refuses the request: {0}")]
    Invalid(Box<Upstream>),
    /// Too many calls, by anyone of this accessing party.
    #[error("the maker limits our calls: {upstream}")]
    Limited {
        /// When it wants to hear from us again.
        retry_after: Option<Duration>,
        /// When its window ends.
        reset: Option<Reset>,
        /// For the maker's support.
        upstream: Box<Upstream>,
    },
    /// The maker did what was asked, and its answer does not say under which id. Waiting a little
    /// changes nothing.
    #[error("the maker's answer names nothing")]
    Unreadable,
    /// No usable answer. It will pass.
    #[error("the maker {cause}")]
    Transient {
        /// What came instead.
        cause: Cause,
        /// When it wants to hear from us again.
        retry_after: Option<Duration>,
        /// For the maker's support, if anything was answered.
        upstream: Option<Box<Upstream>>,
    },
}

/// When a window of calls ends. The reference says seconds; many services mean a time by a header
/// of this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// In so long.
    In(Duration),
    /// Then.
    At(Timestamp),
}

impl Reset {
    pub(in crate::stellantis) fn read(headers: &HeaderMap) -> Option<Self> {
        let number: i64 = headers.get("x-ratelimit-reset")?.to_str().ok()?.trim().parse().ok()?;
        let time = match number {
            1_000_000_000..1_000_000_000_000 => Timestamp::from_second(number),
            1_000_000_000_000.. => Timestamp::from_millisecond(number),
            _ => return seconds(headers, "x-ratelimit-reset").map(Self::In),
        };
        time.ok().map(Self::At)
    }

    /// How long that is from `now`, at most a day.
    #[must_use]
    pub fn wait(self, now: Timestamp) -> Duration {
        match self {
            Self::In(wait) => wait,
            Self::At(time) => {
                let wait = Duration::try_from(time.duration_since(now)).unwrap_or_default();
                wait.min(LONGEST_WAIT)
            }
        }
    }
}

impl ApiError {
    /// Whether the maker may have done what was asked though it did not say so: then it must be
    /// asked what became of it, and never told again to do what must not happen twice.
    #[must_use]
    pub const fn may_have_arrived(&self) -> bool {
        match self {
            Self::Transient { cause, .. } => cause.may_have_arrived(),
            Self::Unreadable => true,
            _ => false,
        }
    }

    /// For logs, if the maker answered.
    #[must_use]
    pub fn upstream(&self) -> Option<&Upstream> {
        match self {
            Self::Unauthorized(upstream)
            | Self::NotRegistered(upstream)
            | Self::Forbidden(upstream)
            | Self::NotFound(upstream)
            | Self::Invalid(upstream)
            | Self::Limited { upstream, .. } => Some(upstream),
            Self::Transient { upstream, .. } => upstream.as_deref(),
            Self::Unreadable => None,
        }
    }
}

/// What the maker's support asks for. Holds nothing but numbers, an id and a time: safe to log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Upstream {
    /// The HTTP status.
    pub status: u16,
    /// Their code: the status and two digits.
    pub code: Option<u32>,
    /// Their id of the failure.
    pub uuid: Option<String>,
    /// Their time of the failure, as they wrote it.
    pub timestamp: Option<String>,
    /// How many calls they still take.
    pub quota: Option<Quota>,
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if let Some(code) = self.code {
            write!(f, ", code {code}")?;
        }
        if let Some(uuid) = &self.uuid {
            write!(f, ", uuid {uuid}")?;
        }
        if let Some(timestamp) = &self.timestamp {
            write!(f, " at {timestamp}")?;
        }
        Ok(())
    }
}

/// A refusal, with the two that a call may overcome by itself.
pub(super) enum Refusal {
    /// 404 that means "nothing yet".
    NoData(Option<Quota>),
    /// A success without a document.
    Empty(Option<Quota>),
    /// An answer that may be due to an `extension=`, and what it means without one.
    Extension(ApiError),
    /// Any other.
    Error(ApiError),
}

impl From<Cause> for Refusal {
    fn from(cause: Cause) -> Self {
        Self::Error(ApiError::Transient { cause, retry_after: None, upstream: None })
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Error(error) | Refusal::Extension(error) => error,
            Refusal::NoData(_) | Refusal::Empty(_) => {
                Self::NotFound(Upstream { status: 404, ..Upstream::default() }.into())
            }
        }
    }
}

/// "No data for this vehicle" and "nothing found".
const NO_DATA: [u32; 2] = [40_400, 40_499];
/// Seen when an extension that worked yesterday is refused.
const EXTENSION_REFUSED: u32 = 50_055;

/// What an answer that is no success, or no JSON, means.
pub(super) fn judge(reply: &Reply) -> Refusal {
    let problem = serde_json::from_slice(&reply.body).ok();
    let problem = problem.as_ref().and_then(Problem::read).unwrap_or_default();
    let upstream = Box::new(upstream(reply, &problem));
    let code = upstream.code;
    let says = |text: &str| {
        let texts = [&problem.message, &problem.more];
        texts.into_iter().flatten().any(|said| said.to_ascii_lowercase().contains(text))
    };
    let transient = |cause, upstream| ApiError::Transient {
        cause,
        retry_after: reply.retry_after(),
        upstream: Some(upstream),
    };
    let status = reply.status;
    let theirs = Cause::Status(status.as_u16());
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Refusal::Error(ApiError::Limited {
            retry_after: reply.retry_after(),
            reset: Reset::read(&reply.headers),
            upstream,
        });
    }
    Refusal::Error(match status {
        _ if code == Some(EXTENSION_REFUSED) => {
            return Refusal::Extension(transient(theirs, upstream));
        }
        _ if status.is_redirection() => transient(Cause::Redirect, upstream),
        _ if status.is_server_error() => transient(theirs, upstream),
        _ if reply.is_html() => transient(Cause::NotJson, upstream),
        // Their own failures sometimes come under another status.
        _ if code.is_some_and(|code| (50_000..60_000).contains(&code)) => {
            transient(theirs, upstream)
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if says("not registered to plan") => {
            ApiError::NotRegistered(upstream)
        }
        StatusCode::UNAUTHORIZED => ApiError::Unauthorized(upstream),
        StatusCode::FORBIDDEN => ApiError::Forbidden(upstream),
        StatusCode::NOT_FOUND if code.is_some_and(|code| NO_DATA.contains(&code)) => {
            return Refusal::NoData(upstream.quota);
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => ApiError::NotFound(upstream),
        StatusCode::REQUEST_TIMEOUT => transient(theirs, upstream),
        StatusCode::BAD_REQUEST if says("invalid parameter") => {
            return Refusal::Extension(ApiError::Invalid(upstream));
        }
        StatusCode::UNPROCESSABLE_ENTITY => {
            return Refusal::Extension(ApiError::Invalid(upstream));
        }
        _ => ApiError::Invalid(upstream),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "in range: checked just before"
)]
fn upstream(reply: &Reply, problem: &Problem) -> Upstream {
    let harmless = |extra: &'static str| {
        move |text: &String| {
            let known = |c: char| c.is_ascii_alphanumeric() || extra.contains(c);
            text.len() <= 40 && text.chars().all(known)
        }
    };
    Upstream {
        status: reply.status.as_u16(),
        code: problem.code.filter(|code| (0.0..1e6).contains(code)).map(|code| code as u32),
        uuid: problem.uuid.clone().filter(harmless("-")),
        timestamp: problem.timestamp.clone().filter(harmless("-+:. ")),
        quota: Quota::read(&reply.headers),
    }
}

#[cfg(test)]
mod tests;
