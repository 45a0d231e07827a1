//! Whether the maker may be called. The answer lies in a layer above: it reads the database.

use std::{fmt, time::Duration};

use futures_util::future::BoxFuture;

use super::api::Reset;
use crate::domain::brand::Brand;

/// A call that is about to be made.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// For which brand.
    pub brand: Brand,
    /// To which host.
    pub host: &'a str,
    /// Whether it can wait.
    pub urgency: Urgency,
}

/// Whether a call can wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// It can.
    Normal,
    /// A refresh token is about to end for want of use: only the operator's stop holds it back, not
    /// a host that asked to be left alone.
    TokenEnds,
}

/// When a host that limits us wants to hear from us again, in the words of its headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    /// `Retry-After`.
    pub retry_after: Option<Duration>,
    /// `X-RateLimit-Reset`.
    pub reset: Option<Reset>,
}

/// Asked before every call to the maker, and told when the maker limits us.
pub trait Permission: Send + Sync + fmt::Debug {
    /// Whether the call may be made now.
    fn allows<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, bool>;
    /// The host answered 429.
    fn limited<'a>(&'a self, host: &'a str, again: Again) -> BoxFuture<'a, ()>;
}
