//! The logical shards of the due indexes: every kind of work has as many, and workers share them.

use std::{fmt, num::NonZeroU8, str::FromStr};

use aws_lc_rs::digest::{SHA256, digest};

use crate::domain::ids::WebhookId;

/// The most workers that the template lists, each of which has lanes of its own.
const MOST_WORKERS: NonZeroU8 = NonZeroU8::MIN.saturating_add(7);

/// How many shards the due indexes of a deployment have. Each takes a thousand writes a second, and
/// costs a query whenever a worker asks what is due. The number is part of the keys: it is fixed when
/// the tables are made, and whoever changes it leaves behind what is due in the shards of before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shards(NonZeroU8);

impl FromStr for Shards {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Shards {
    /// As few as there can be.
    pub const ONE: Self = Self(NonZeroU8::MIN);

    /// The shard of a key within one kind of work: `refresh#07`.
    #[must_use]
    pub fn of_key(self, kind: &str, key: &str) -> String {
        format!("{kind}#{:02}", first_byte(key) % self.0)
    }

    /// The shards of one kind of work that one of `workers` walks.
    pub fn of_worker(self, kind: &str, worker: u16, workers: u16) -> impl Iterator<Item = String> {
        numbers(self.0, worker, workers).map(move |number| format!("{kind}#{number:02}"))
    }

    /// The shard of an endpoint's own index in which the lanes of a partition stand.
    pub(super) fn of_lane(self, webhook: &WebhookId, pk: &str) -> String {
        lane(webhook, first_byte(pk) % self.lanes())
    }

    /// The shards of an endpoint's own index that one of `workers` walks.
    pub fn lanes_of_worker(
        self,
        webhook: &WebhookId,
        worker: u16,
        workers: u16,
    ) -> impl Iterator<Item = String> {
        numbers(self.lanes(), worker, workers).map(move |number| lane(webhook, number))
    }

    /// An endpoint has fewer lanes than a table has cars: one shard a worker serves them.
    fn lanes(self) -> NonZeroU8 {
        self.0.min(MOST_WORKERS)
    }
}

fn first_byte(key: &str) -> u8 {
    digest(&SHA256, key.as_bytes()).as_ref()[0]
}

fn numbers(count: NonZeroU8, worker: u16, workers: u16) -> impl Iterator<Item = u8> {
    let workers = workers.max(1);
    (0..count.get()).filter(move |number| u16::from(*number) % workers == worker)
}

fn lane(webhook: &WebhookId, number: u8) -> String {
    format!("lane#{webhook}#{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shards(count: &str) -> Shards {
        count.parse().unwrap()
    }

    #[test]
    fn shard_has_one_worker_whatever_their_number() {
        for (count, workers) in (1..=16).flat_map(|count| (1..=8).map(move |of| (count, of))) {
            let all = shards(&count.to_string());
            let mut walked: Vec<_> =
                (0..workers).flat_map(|worker| all.of_worker("fetch", worker, workers)).collect();
            walked.sort();
            let listed = walked.len();
            walked.dedup();

            assert_eq!((walked.len(), listed), (count, count), "{workers} workers");
        }
    }

    #[test]
    fn key_stays_in_a_shard_that_is_walked() {
        for count in ["1", "3", "16"] {
            let all = shards(count);
            for key in ["ENR#1", "ENR#2", "ENR#3", "ENR#4"] {
                let shard = all.of_key("fetch", key);

                assert_eq!(shard, all.of_key("fetch", key));
                assert!(all.of_worker("fetch", 0, 1).any(|name| name == shard), "{shard}");
            }
        }
    }

    #[test]
    fn lane_is_walked_whatever_the_number_of_shards() {
        let webhook = WebhookId::random();
        for count in ["1", "3", "16", "200"] {
            let lane = shards(count).of_lane(&webhook, "ENR#1");

            assert!(shards(count).lanes_of_worker(&webhook, 0, 1).any(|name| name == lane));
        }
    }

    #[test]
    fn sixteen_shards_have_the_names_of_the_first_tables() {
        assert_eq!(shards("16").of_key("act", "ENR#1"), "act#05");
    }

    #[test]
    fn no_shard_at_all_is_refused() {
        for wrong in ["0", "", "-1", "256", "two"] {
            assert!(wrong.parse::<Shards>().is_err(), "{wrong}");
        }
    }
}
