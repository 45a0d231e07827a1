//! That the maker tells us of an enrollment's cars: what Stellantis calls a callback. One each.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long what a replaced callback sends is believed: the maker tries for 72 h.
const BELIEVED: SignedDuration = SignedDuration::from_hours(96);
/// A subscription is looked at every day; longer than this, and we were away.
const OUT_OF_SIGHT: SignedDuration = SignedDuration::from_hours(36);

/// An enrollment's subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// How it stands.
    pub state: State,
    /// The day on which the address in use was issued, see [`address`](crate::address).
    pub day: i64,
    /// The maker's id of the callback; none before it was created.
    pub callback: Option<String>,
    /// Callbacks that were replaced: what they had to send may still come.
    #[serde(default)]
    pub former: Vec<Former>,
    /// How many were made one after the other of which none was found again in the maker's list.
    #[serde(default, skip_serializing_if = "is_none")]
    pub made: u8,
    /// Why it is not active, or why the last look at it came to nothing, in a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When the maker last said how it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
}

/// No more than so many are made of anything whose predecessors the maker's lists do not show.
pub const MOST_MADE: u8 = 3;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
pub(super) const fn is_none(count: &u8) -> bool {
    *count == 0
}

/// How a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SubscriptionState)]
pub enum State {
    /// The maker is to be asked, or its answer is not known.
    Pending,
    /// The maker sends.
    Active,
    /// The maker does not offer it to us.
    Unsupported,
    /// It does not work; it is tried again.
    Failed,
}

/// A callback that was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Former {
    /// The maker's id of it.
    pub callback: String,
    /// Until when its messages are taken for proven.
    pub until: Timestamp,
}

impl Subscription {
    /// One that the maker is to be asked for.
    #[must_use]
    pub const fn pending(day: i64) -> Self {
        Self {
            state: State::Pending,
            day,
            callback: None,
            former: Vec::new(),
            made: 0,
            why: None,
            checked_at: None,
        }
    }

    /// The maker sends by this callback, at the address issued on `day`. Another one before it is
    /// still believed for as long as the maker may send what it could not deliver.
    #[must_use]
    pub fn running(mut self, callback: &str, day: i64, now: Timestamp) -> Self {
        self.former.retain(|former| former.until > now && former.callback != callback);
        if let Some(before) = self.callback.take().filter(|before| before != callback) {
            self.former.push(Former { callback: before, until: now + BELIEVED });
        }
        Self {
            state: State::Active,
            day,
            callback: Some(callback.to_owned()),
            why: None,
            checked_at: Some(now),
            ..self
        }
    }

    /// The maker would not: told apart by `state`, with a word that says why.
    #[must_use]
    pub fn refused(self, state: State, why: &str, now: Timestamp) -> Self {
        Self { state, why: Some(why.to_owned()), checked_at: Some(now), ..self }
    }

    /// Whether so much time has gone by without a look that something may have been missed.
    #[must_use]
    pub fn was_out_of_sight(&self, now: Timestamp) -> bool {
        self.state == State::Active
            && self.checked_at.is_some_and(|at| now.duration_since(at) > OUT_OF_SIGHT)
    }

    /// The callback through which a car can be asked for something, and that tells of it.
    #[must_use]
    pub fn usable(&self) -> Option<&str> {
        self.callback.as_deref().filter(|_| self.state != State::Unsupported)
    }

    /// Whether messages of this callback are for it.
    #[must_use]
    pub fn knows(&self, callback: &str, now: Timestamp) -> bool {
        self.callback.as_deref() == Some(callback)
            || self.former.iter().any(|former| former.callback == callback && former.until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_callback_is_known_for_a_while() {
        let until: Timestamp = "2026-03-06T06:00:00Z".parse().unwrap();
        let former = vec![Former { callback: "old".into(), until }];
        let subscription =
            Subscription { callback: Some("new".into()), former, ..Subscription::pending(1) };

        let knows = |callback, now: &str| subscription.knows(callback, now.parse().unwrap());
        assert!(knows("new", "2026-04-01T00:00:00Z"));
        assert!(knows("old", "2026-03-06T05:59:59Z"));
        assert!(!knows("old", "2026-03-06T06:00:00Z"));
        assert!(!knows("strange", "2026-03-02T00:00:00Z"));
    }
}
