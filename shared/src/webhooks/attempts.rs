//! The latest attempts that are not stored yet. Each would cost a write of its own, so a process keeps
//! them for a minute unless their outcome is news; what a process takes along when it ends is missing
//! from a list that is for looking at, and nowhere else.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::domain::{
    ids::WebhookId,
    webhook::{Attempt, Failure},
};

/// How many of an endpoint are kept, here and in the store.
pub const RECENT: usize = 20;
/// How long the same outcome waits to be stored.
const EVERY: SignedDuration = SignedDuration::from_secs(60);

/// Attempts by endpoint.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<BTreeMap<WebhookId, Recent>>);

#[derive(Debug, Default)]
struct Recent {
    /// Oldest first.
    unstored: Vec<Attempt>,
    /// When this process stored last, and with which outcome.
    stored: Option<(Timestamp, Outcome)>,
}

type Outcome = (Option<u16>, Option<Failure>);

fn outcome(attempt: &Attempt) -> Outcome {
    (attempt.status, attempt.error)
}

impl Attempts {
    /// Notes an attempt.
    pub fn add(&self, webhook: &WebhookId, attempt: Attempt) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let unstored = &mut all.entry(webhook.clone()).or_default().unstored;
        unstored.push(attempt);
        let surplus = unstored.len().saturating_sub(RECENT);
        unstored.drain(..surplus);
    }

    /// Takes what is to be stored now, oldest first: nothing, while the outcome stays and a minute is
    /// not over.
    pub fn take(&self, webhook: &WebhookId, now: Timestamp) -> Vec<Attempt> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(recent) = all.get_mut(webhook) else { return Vec::new() };
        let Some(last) = recent.unstored.last().map(outcome) else { return Vec::new() };
        let waits = recent
            .stored
            .is_some_and(|(at, before)| before == last && now.duration_since(at) < EVERY);
        if waits {
            return Vec::new();
        }
        recent.stored = Some((now, last));
        std::mem::take(&mut recent.unstored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::EventId;

    fn attempt(second: i64, error: Option<Failure>) -> Attempt {
        Attempt {
            at: Timestamp::from_second(second).unwrap(),
            event: EventId::random(),
            kind: "enrollment.begun".into(),
            status: None,
            error,
        }
    }

    #[test]
    fn many_deliveries_are_one_write_a_minute_and_news_one_at_once() {
        let (attempts, id) = (Attempts::default(), WebhookId::random());
        let mut stored = Vec::new();
        for second in 0..180 {
            let error = (90..95).contains(&second).then_some(Failure::Timeout);
            attempts.add(&id, attempt(second, error));
            let taken = attempts.take(&id, Timestamp::from_second(second).unwrap());
            if !taken.is_empty() {
                stored.push((second, taken.len()));
            }
        }

        // The first, a minute later, as it fails, as it is well again, a minute later.
        assert_eq!(stored, [(0, 1), (60, RECENT), (90, RECENT), (95, 5), (155, RECENT)]);
    }
}
