//! Taking in what the maker sent: each message put on its own, what can't be read put aside. What
//! is put stays put, so that all of it may be sent again at any time.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::{Value, value::RawValue};

use crate::{
    app::App,
    clock::Budget,
    domain::ids::EnrollmentId,
    metrics::Metric,
    stellantis::notification::{Incoming, Notification, split},
    store::{
        self,
        inbox::{Arrival, unproven},
    },
};

/// How many messages are put at once.
const AT_ONCE: usize = 16;
/// The most messages of a body, many times what the maker sends: more would not be put in time, and
/// would come again and again.
const MOST: usize = 2_000;
/// The most bytes of a message that may be anybody's; a true one has a few hundred.
const LONGEST_UNPROVEN: usize = 100_000;
/// What one put may take; none begins without.
const NEEDED: Duration = Duration::from_secs(1);
/// What stands where a secret stood, as long as that was.
const BLACK: u8 = b'*';

/// What was made of a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// Messages that are new.
    pub new: usize,
    /// Messages that were there already.
    pub known: usize,
    /// What can't be read.
    pub unreadable: usize,
}

/// Not all of it was taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// Time ran out.
    #[error("there was not enough time")]
    Late,
}

enum Outcome {
    New,
    Known,
    Unreadable,
}

/// How an authentic message is recognised.
pub struct Proof<'a> {
    /// What the subscription's messages carry; it is stored nowhere.
    pub secret: &'a str,
    /// Whether it stood in the body before that was blacked out.
    pub stood: bool,
    /// Whether an attribute's value is the secret.
    pub is_secret: &'a (dyn Fn(&str) -> bool + Sync),
}

/// Takes a body in.
///
/// # Errors
/// When something was not taken. What was stays.
pub async fn take(
    app: &App,
    enrollment: &EnrollmentId,
    body: &[u8],
    proof: Proof<'_>,
    (now, budget): (Timestamp, Budget),
) -> Result<Taken, Error> {
    let taking = Taking { app, enrollment, proof, now, budget };
    let messages = split(body).ok().filter(|messages| messages.len() <= MOST);
    let Some(messages) = messages else {
        taking.aside(body).await?;
        return Ok(Taken { unreadable: 1, ..Taken::default() });
    };
    let mut outcomes: Vec<Result<Outcome, Error>> = Vec::with_capacity(messages.len());
    // Those under way at once alone take memory.
    for some in messages.chunks(AT_ONCE * 4) {
        let puts: Vec<_> = some.iter().map(|raw| taking.put(raw)).collect();
        outcomes.extend(stream::iter(puts).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await);
    }
    let mut taken = Taken::default();
    // One that failed has not kept the others from being put.
    for outcome in outcomes {
        match outcome? {
            Outcome::New => taken.new += 1,
            Outcome::Known => taken.known += 1,
            Outcome::Unreadable => taken.unreadable += 1,
        }
    }
    Ok(taken)
}

struct Taking<'a> {
    app: &'a App,
    enrollment: &'a EnrollmentId,
    proof: Proof<'a>,
    now: Timestamp,
    budget: Budget,
}

impl Taking<'_> {
    async fn put(&self, raw: &RawValue) -> Result<Outcome, Error> {
        if !self.budget.allows(NEEDED) {
            return Err(Error::Late);
        }
        // Where a brand is believed by its address, nothing without the secret is unproven.
        let demanded = self.app.config.trusted_by_address.is_empty();
        let arrival = arrival(raw, self.enrollment, self.proof.is_secret, self.now)
            .and_then(|arrival| if demanded { share_name(arrival) } else { Some(arrival) });
        let Some(arrival) = arrival else {
            return self.aside(raw.get().as_bytes()).await;
        };
        let new = self.app.store.receive(self.enrollment, &arrival).await?;
        Ok(if new { Outcome::New } else { Outcome::Known })
    }

    /// Into quarantine, without the secret.
    async fn aside(&self, raw: &[u8]) -> Result<Outcome, Error> {
        let (raw, found) = blacked(raw, self.proof.secret.as_bytes());
        let secret = found || self.proof.stood;
        self.app.store.quarantine(self.enrollment, &raw, secret, self.now).await?;
        self.app.metrics.record(Metric::Quarantined);
        tracing::error!(
            enrollment.id = %self.enrollment, length = raw.len(), secret,
            "a notification can't be read; it is in quarantine"
        );
        Ok(Outcome::Unreadable)
    }
}

/// A message that can be understood.
fn arrival(
    raw: &RawValue,
    enrollment: &EnrollmentId,
    is_secret: &(dyn Fn(&str) -> bool + Sync),
    now: Timestamp,
) -> Option<Arrival> {
    let Incoming { content, text, secret, vin } =
        Incoming::read(raw, enrollment, is_secret).ok()?;
    let value: Value = serde_json::from_str(&text).ok()?;
    Notification::read(&value, now)?;
    Some(Arrival { content, text, secret, overwrites: false, vin, received_at: now })
}

/// What came without the secret shares a name with others that did. `None`: it is too long for one.
fn share_name(arrival: Arrival) -> Option<Arrival> {
    if arrival.secret {
        return Some(arrival);
    }
    let content = unproven(&arrival.content);
    let short = arrival.text.len() <= LONGEST_UNPROVEN;
    short.then_some(Arrival { content, overwrites: true, ..arrival })
}

/// With the secret blacked out wherever it stands, and whether it stood there.
#[must_use]
pub fn blacked(raw: &[u8], secret: &[u8]) -> (Vec<u8>, bool) {
    let (mut out, mut found) = (raw.to_vec(), false);
    if secret.is_empty() {
        return (out, found);
    }
    let mut start = 0;
    while let Some(at) = out
        .get(start..)
        .and_then(|rest| rest.windows(secret.len()).position(|window| window == secret))
    {
        let end = start + at + secret.len();
        if let Some(there) = out.get_mut(start + at..end) {
            there.fill(BLACK);
        }
        (start, found) = (end, true);
    }
    (out, found)
}

/// Whether a value of something blacked out is where the secret stood.
#[must_use]
pub fn is_blacked(value: &str) -> bool {
    value.len() >= 32 && value.bytes().all(|byte| byte == BLACK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_blacked_out_wherever_it_stands() {
        let secret = "0123456789abcdef0123456789abcdef0123456789A";
        let raw = format!("x{secret}y{secret}");

        let (black, found) = blacked(raw.as_bytes(), secret.as_bytes());

        assert!(found);
        assert_eq!(black.len(), raw.len());
        let black = String::from_utf8(black).unwrap();
        assert!(!black.contains(secret) && black.starts_with("x***") && black.contains("*y*"));
        assert!(is_blacked(&black[1..=secret.len()]) && !is_blacked(secret) && !is_blacked(""));
        assert_eq!(blacked(b"plain", secret.as_bytes()), (b"plain".to_vec(), false));
    }
}
