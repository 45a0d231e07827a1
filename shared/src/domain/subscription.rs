//! That the maker tells us of an enrollment's cars: what Stellantis calls a callback. One each.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
}

/// How a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
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
        Self { state: State::Pending, day, callback: None, former: Vec::new() }
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
