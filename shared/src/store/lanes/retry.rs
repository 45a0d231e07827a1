//! When an endpoint is tried again, and trying it now.

use jiff::Timestamp;

use super::Lane;
use crate::{
    domain::ids::{AttemptId, WebhookId},
    store::{Applied, DueTable, Error, Store, applied, number, text},
};

/// How many lanes of a shard are made due by one request.
const PAGE: i32 = 100;

/// What is tried again now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retried {
    /// How many lanes.
    pub lanes: usize,
    /// Whether there may be more.
    pub more: bool,
}

impl Store {
    /// When anything is sent to an endpoint next, also what is being sent. `None`: nothing waits.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_try(&self, webhook: &WebhookId) -> Result<Option<Timestamp>, Error> {
        let mut next: Option<i64> = None;
        for shard in self.shards().lanes_of_worker(webhook, 0, 1) {
            let first = self.due(DueTable::Outbox, &shard, Timestamp::MAX, 1).await?;
            next = first.iter().map(|key| key.due_at).chain(next).min();
        }
        Ok(next.and_then(|second| Timestamp::from_second(second).ok()))
    }

    /// Makes every lane of an endpoint due that backs off after a failure. One that is being worked on
    /// stays as it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn retry_lanes(&self, webhook: &WebhookId, now: Timestamp) -> Result<Retried, Error> {
        let mut retried = Retried::default();
        for shard in self.shards().lanes_of_worker(webhook, 0, 1) {
            let keys = self.due(DueTable::Outbox, &shard, Timestamp::MAX, PAGE).await?;
            retried.more |= i32::try_from(keys.len()).is_ok_and(|found| found >= PAGE);
            for key in keys.iter().filter(|key| key.due_at > now.as_second()) {
                let Some(lane) = Lane::of_key(key) else { continue };
                retried.lanes += usize::from(self.retry_lane(&lane, now).await?);
            }
        }
        Ok(retried)
    }

    async fn retry_lane(&self, lane: &Lane, now: Timestamp) -> Result<bool, Error> {
        let attempt = AttemptId::random();
        let result = self
            .client
            .update_item()
            .table_name(&self.tables.outbox)
            .key("pk", text(&lane.pk))
            .key("sk", text(lane.head()))
            .condition_expression("attribute_exists(backs_off) AND due_at > :now")
            .update_expression("SET due_at = :now")
            .expression_attribute_values(":now", number(now.as_second()))
            .send()
            .await;
        Ok(matches!(applied(result, &attempt)?, Applied::Yes))
    }
}
