//! What was given up: kept for two weeks, listed and replayed.

use aws_sdk_dynamodb::types::Update;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Head, Lane, Sending, Tries, WAITS};
use crate::{
    aws::AwsError,
    domain::{event::Event, ids::WebhookId},
    store::{
        DueKey, DueTable, Error, Item, SCHEMA, Store, Transaction, due::due_key, live, number,
        text, to_item,
    },
};

/// How long one that was given up can be replayed.
const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);

/// An event that was given up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Dead {
    pk: String,
    sk: String,
    schema: u8,
    shard: String,
    due_at: i64,
    expires_at: i64,
    /// Where it goes back to.
    lane: String,
    /// The event.
    pub event: Event,
    /// How often it was tried.
    pub tries: u32,
    /// When it was tried first.
    pub since: Timestamp,
    /// When it was given up.
    pub died_at: Timestamp,
    /// What came of the last try, in a word.
    pub why: String,
}

impl Dead {
    /// Its key in the list.
    #[must_use]
    pub fn key(&self) -> DueKey {
        DueKey { pk: self.pk.clone(), sk: self.sk.clone(), due_at: self.due_at }
    }
}

fn dead_shard(webhook: &WebhookId) -> String {
    format!("dead#{webhook}")
}

impl Store {
    /// Gives up an event after its last try; the lane goes on behind it.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the lane is not ours any more.
    pub async fn bury(
        &self,
        lane: &Lane,
        head: &Head,
        sending: &Sending,
        tries: Tries,
        (why, now): (&str, Timestamp),
    ) -> Result<(), Error> {
        let at = sending.sk.strip_prefix(&lane.queue()).unwrap_or_default();
        let dead = Dead {
            pk: sending.pk.clone(),
            sk: format!("DEAD#{}#{at}", lane.webhook),
            schema: SCHEMA,
            shard: dead_shard(&lane.webhook),
            due_at: now.as_second(),
            expires_at: (now + KEPT).as_second(),
            lane: lane.head(),
            event: sending.event.clone(),
            tries: tries.count,
            since: tries.since,
            died_at: now,
            why: why.to_owned(),
        };
        let mut transaction = Transaction::new();
        transaction.delete(self.outbox_deletion(&sending.pk, &sending.sk)?);
        transaction.put(self.put_outbox(to_item(&dead, "delivery")?)?);
        let ours = Update::builder()
            .table_name(&self.tables.outbox)
            .key("pk", text(&lane.pk))
            .key("sk", text(lane.head()))
            .condition_expression("attempt = :mine")
            .update_expression("REMOVE trying, tries, since")
            .expression_attribute_values(":mine", text(head.attempt.as_str()))
            .build()
            .map_err(|_| Error::Malformed("lane"))?;
        transaction.update(ours);
        self.commit(transaction).await
    }

    /// A page of what an endpoint did not take, by when it was given up. `after` is the last key
    /// of the page before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dead(
        &self,
        webhook: &WebhookId,
        after: Option<DueKey>,
        limit: i32,
        now: Timestamp,
    ) -> Result<(Vec<Dead>, Option<DueKey>), Error> {
        let shard = dead_shard(webhook);
        let start = after.map(|key| {
            Item::from([
                ("pk".into(), text(key.pk)),
                ("sk".into(), text(key.sk)),
                ("shard".into(), text(&shard)),
                ("due_at".into(), number(key.due_at)),
            ])
        });
        let page = self
            .client
            .query()
            .table_name(&self.tables.outbox)
            .index_name("due")
            .key_condition_expression("#shard = :shard")
            .expression_attribute_names("#shard", "shard")
            .expression_attribute_values(":shard", text(&shard))
            .limit(limit)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| AwsError::from_sdk(&error))?;
        let next = page.last_evaluated_key.as_ref().and_then(due_key);
        let mut dead = Vec::new();
        for key in page.items().iter().filter_map(due_key) {
            if let Some(item) = self.outbox_item(&key.pk, &key.sk).await? {
                dead.extend(live::<Dead>(item, "delivery", now)?);
            }
        }
        Ok((dead, next))
    }

    /// How many events an endpoint did not take and are listed, a hundred at most.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dead_count(&self, webhook: &WebhookId) -> Result<usize, Error> {
        Ok(self.due(DueTable::Outbox, &dead_shard(webhook), Timestamp::MAX, 100).await?.len())
    }

    /// Puts an event that was given up back into its lane, under the same id, marked. `false`: it
    /// is not there any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn replay(&self, dead: &Dead, now: Timestamp) -> Result<bool, Error> {
        let head = DueKey { pk: dead.pk.clone(), sk: dead.lane.clone(), due_at: 0 };
        let lane = Lane::of_key(&head).ok_or(Error::Malformed("delivery"))?;
        let at = dead.sk.split('#').skip(2).collect::<Vec<_>>().join("#");
        let sending = Sending {
            pk: dead.pk.clone(),
            sk: format!("{}{at}", lane.queue()),
            schema: SCHEMA,
            expires_at: (now + WAITS).as_second(),
            queued_at: now,
            event: dead.event.clone(),
            replayed: true,
        };
        let mut transaction = Transaction::new();
        transaction.delete(self.outbox_deletion(&dead.pk, &dead.sk)?);
        self.demand_told_in(&mut transaction, &dead.event)?;
        self.queue_in(&mut transaction, &lane, &sending, now)?;
        match self.commit(transaction).await {
            Err(Error::Conflict) => Ok(false),
            other => other.map(|()| true),
        }
    }

    /// Forgets one, for an endpoint that is no more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_dead(&self, dead: &Dead) -> Result<(), Error> {
        self.delete_outbox(&dead.pk, &dead.sk).await
    }
}
