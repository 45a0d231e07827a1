//! The operator's endpoints: what is sent where, and with which secrets it is signed.

mod attempt;
mod types;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

pub use self::{
    attempt::{Attempt, Failure},
    types::{InvalidTypes, Types},
};
use super::{
    enrollment::UserRef,
    event::Event,
    ids::{EnrollmentId, WebhookId},
};

/// How many endpoints a deployment has at most.
pub const MOST: usize = 20;
/// How long a secret that was replaced stays valid.
pub const OVERLAP: SignedDuration = SignedDuration::from_hours(24);
/// How many secrets are valid at once, however often they are replaced.
const SECRETS: usize = 3;

/// One endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Where events are posted to.
    pub url: Url,
    /// What the operator calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What is sent to it.
    pub filter: Filter,
    /// Whether places are sent to it.
    pub positions: bool,
    /// Whether anything is sent to it.
    pub state: State,
    /// The secrets by which events are signed, oldest first. They are derived, never stored.
    pub secrets: Vec<Generation>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// What is sent to an endpoint: what all of its parts let through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Types; all, if none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<Types>,
    /// What befell this user's enrollments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_ref: Option<UserRef>,
    /// What befell this enrollment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrollment: Option<EnrollmentId>,
}

/// Whether anything is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
#[schema(as = WebhookState)]
pub enum State {
    /// As it comes.
    Enabled,
    /// The operator switched it off; events wait.
    Disabled,
    /// We stopped; events wait.
    Paused {
        /// Why.
        reason: PauseReason,
        /// Since when.
        #[schema(value_type = String, format = DateTime)]
        since: Timestamp,
    },
}

/// Why we stopped sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PauseReason {
    /// It answered 410: it wants no more.
    Gone,
    /// It has failed for a day, however often it was tried.
    Failing,
}

/// One secret: all that is kept of it is how to derive it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// Its number, from 1.
    pub number: u32,
    /// The key of the ring that it is derived from.
    pub key: String,
    /// Until when it is valid, once it was replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

impl Webhook {
    /// The secrets that are valid at `now`, newest first.
    pub fn valid_secrets(&self, now: Timestamp) -> impl Iterator<Item = &Generation> {
        let valid = move |it: &&Generation| it.valid_until.is_none_or(|until| now < until);
        self.secrets.iter().rev().filter(valid)
    }

    /// With one secret more, derived from `key`; the one before stays valid for a day.
    #[must_use]
    pub fn rotate(mut self, key: &str, now: Timestamp) -> Self {
        let number = self.secrets.last().map_or(0, |last| last.number) + 1;
        self.secrets.retain(|it| it.valid_until.is_none_or(|until| now < until));
        if let Some(last) = self.secrets.last_mut() {
            last.valid_until = Some(now + OVERLAP);
        }
        self.secrets.push(Generation { number, key: key.to_owned(), valid_until: None });
        let surplus = self.secrets.len().saturating_sub(SECRETS);
        self.secrets.drain(..surplus);
        self.updated_at = now;
        self
    }

    /// Whether events are sent to it.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.state == State::Enabled
    }
}

impl Filter {
    /// Whether an event passes; `user` is whose enrollment it befell, as far as that is known.
    #[must_use]
    pub fn passes(&self, event: &Event, user: Option<&UserRef>) -> bool {
        let name = event.what.name();
        (self.types.is_empty() || self.types.iter().any(|types| types.hold(&name)))
            && self.user_ref.as_ref().is_none_or(|wanted| Some(wanted) == user)
            && self
                .enrollment
                .as_ref()
                .is_none_or(|wanted| Some(wanted) == event.enrollment.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::What;

    fn webhook() -> Webhook {
        Webhook {
            id: WebhookId::random(),
            url: "https://example.com/".parse().unwrap(),
            description: None,
            filter: Filter::default(),
            positions: false,
            state: State::Enabled,
            secrets: Vec::new(),
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn valid(webhook: &Webhook, now: Timestamp) -> Vec<u32> {
        webhook.valid_secrets(now).map(|it| it.number).collect()
    }

    #[test]
    fn a_replaced_secret_is_valid_for_a_day_and_no_longer() {
        let now = Timestamp::UNIX_EPOCH;
        let rotated = webhook().rotate("k1", now).rotate("k2", now);

        assert_eq!(valid(&rotated, now), [2, 1]);
        assert_eq!(valid(&rotated, now + OVERLAP), [2]);
        assert_eq!(rotated.secrets[1].key, "k2");
    }

    #[test]
    fn numbers_are_never_used_again_and_few_secrets_are_valid_at_once() {
        let now = Timestamp::UNIX_EPOCH;
        let mut rotated = webhook();
        for _ in 0..7 {
            rotated = rotated.rotate("k1", now);
        }

        assert_eq!(valid(&rotated, now), [7, 6, 5]);
        let later = now + OVERLAP;
        assert_eq!(valid(&rotated.rotate("k1", later), later), [8, 7]);
    }

    #[test]
    fn all_parts_of_a_filter_must_let_an_event_through() {
        let (id, other) = (EnrollmentId::random(), EnrollmentId::random());
        let (user, stranger): (UserRef, UserRef) = ("u".parse().unwrap(), "s".parse().unwrap());
        let event = Event::new(&id, What::Completed, Timestamp::UNIX_EPOCH);
        let filter = |types: &[&str], user_ref: Option<&UserRef>, enrollment| Filter {
            types: types.iter().map(|text| text.parse().unwrap()).collect(),
            user_ref: user_ref.cloned(),
            enrollment,
        };

        assert!(filter(&[], None, None).passes(&event, None));
        assert!(
            filter(&["vehicle.*", "enrollment.*"], Some(&user), Some(id))
                .passes(&event, Some(&user))
        );
        assert!(!filter(&["vehicle.*"], None, None).passes(&event, None));
        assert!(!filter(&[], Some(&user), None).passes(&event, Some(&stranger)));
        assert!(!filter(&[], Some(&user), None).passes(&event, None));
        assert!(!filter(&[], None, Some(other)).passes(&event, None));
    }
}
