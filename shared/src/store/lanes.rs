//! Lanes: the events for one endpoint about one car, or about an enrollment as such, in strict
//! order. A lane's head stands in a due index of its endpoint's own, so that no endpoint's backlog
//! hides another's; `due_at` is its lease too, since whoever claims it moves that on.

mod dead;
mod retry;

use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, Update,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::{dead::Dead, retry::Retried};
use super::{
    Applied, DueKey, Error, SCHEMA, Store, Transaction, applied, live, number, parse, text, to_item,
};
use crate::{
    aws::AwsError,
    domain::{
        event::{Event, What},
        ids::{AttemptId, EventId, WebhookId},
    },
};

/// How long an event waits in a lane, be the endpoint paused or not.
const WAITS: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How many are taken of a lane at a time.
const AT_ONCE: i32 = 20;

/// A lane's key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lane {
    /// The partition: the enrollment's, so that its erasure finds it.
    pub pk: String,
    /// To which endpoint.
    pub webhook: WebhookId,
    /// About which car; `-` for none.
    car: String,
}

/// A lane that we have claimed.
#[derive(Debug, Clone, Deserialize)]
pub struct Head {
    attempt: AttemptId,
    appended: u64,
    /// The event that was tried last.
    #[serde(default)]
    trying: Option<EventId>,
    #[serde(default)]
    tries: u32,
    #[serde(default)]
    since: Option<Timestamp>,
}

/// How often an event was tried, and since when.
#[derive(Debug, Clone, Copy)]
pub struct Tries {
    /// How often.
    pub count: u32,
    /// The first time.
    pub since: Timestamp,
}

/// An event in a lane.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sending {
    pk: String,
    sk: String,
    schema: u8,
    expires_at: i64,
    /// When it came into the lane.
    pub queued_at: Timestamp,
    /// The event.
    pub event: Event,
    /// Whether the operator asked for it once more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replayed: bool,
}

impl Lane {
    pub(super) fn of(pk: &str, webhook: &WebhookId, event: &Event) -> Self {
        let car = match event.what {
            // A test waits behind nothing, nor does anything behind it.
            What::WebhookTest { .. } => event.id.to_string(),
            _ => event.what.vin().unwrap_or_else(|| "-".to_owned()),
        };
        Self { pk: pk.to_owned(), webhook: webhook.clone(), car }
    }

    /// The lane of a key found in an index.
    #[must_use]
    pub fn of_key(key: &DueKey) -> Option<Self> {
        let (webhook, car) = key.sk.strip_prefix("LANE#")?.split_once('#')?;
        Some(Self { pk: key.pk.clone(), webhook: webhook.parse().ok()?, car: car.to_owned() })
    }

    /// Whether it is that of a test.
    #[must_use]
    pub fn is_of_test(&self) -> bool {
        self.car.parse::<EventId>().is_ok()
    }

    fn head(&self) -> String {
        format!("LANE#{}#{}", self.webhook, self.car)
    }

    fn queue(&self) -> String {
        format!("SEND#{}#{}#", self.webhook, self.car)
    }
}

/// Where the lanes of an endpoint wait that nothing is sent to.
#[must_use]
pub fn paused_shard(webhook: &WebhookId) -> String {
    format!("paused#{webhook}")
}

impl Head {
    /// How often this event was tried before.
    #[must_use]
    pub fn tries_of(&self, event: &EventId, now: Timestamp) -> Tries {
        let known = self.trying.as_ref() == Some(event);
        match self.since.filter(|_| known) {
            Some(since) => Tries { count: self.tries, since },
            None => Tries { count: 0, since: now },
        }
    }
}

impl Store {
    fn lane_shard(&self, lane: &Lane) -> String {
        self.shards().of_lane(&lane.webhook, &lane.pk)
    }

    /// Puts an event at the end of a lane, and makes the lane due unless it is at work or waits.
    pub(super) fn append_in(
        &self,
        transaction: &mut Transaction,
        lane: &Lane,
        at: &str,
        event: &Event,
        now: Timestamp,
    ) -> Result<(), Error> {
        let sending = Sending {
            pk: lane.pk.clone(),
            sk: format!("{}{at}", lane.queue()),
            schema: SCHEMA,
            expires_at: (now + WAITS).as_second(),
            queued_at: now,
            event: event.clone(),
            replayed: false,
        };
        self.queue_in(transaction, lane, &sending, now)
    }

    fn queue_in(
        &self,
        transaction: &mut Transaction,
        lane: &Lane,
        sending: &Sending,
        now: Timestamp,
    ) -> Result<(), Error> {
        transaction.put(self.put_outbox(to_item(sending, "delivery")?)?);
        let head = Update::builder()
            .table_name(&self.tables.outbox)
            .key("pk", text(&lane.pk))
            .key("sk", text(lane.head()))
            .update_expression(
                "SET #shard = if_not_exists(#shard, :shard), due_at = if_not_exists(due_at, :now), \
                 expires_at = :expires, #schema = :schema ADD appended :one",
            )
            .expression_attribute_names("#shard", "shard")
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_values(":shard", text(self.lane_shard(lane)))
            .expression_attribute_values(":now", number(now.as_second()))
            // It must outlive the last event behind it.
            .expression_attribute_values(
                ":expires",
                number((now + WAITS + SignedDuration::from_hours(24)).as_second()),
            )
            .expression_attribute_values(":schema", number(SCHEMA))
            .expression_attribute_values(":one", number(1))
            .build()
            .map_err(|_| Error::Malformed("lane"))?;
        transaction.update(head);
        Ok(())
    }

    /// Claims a lane that is due, one too that waited for its endpoint. `None`: another run has it, it waits, or it is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_lane(
        &self,
        lane: &Lane,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Option<Head>, Error> {
        let attempt = AttemptId::random();
        let result = self
            .client
            .update_item()
            .table_name(&self.tables.outbox)
            .key("pk", text(&lane.pk))
            .key("sk", text(lane.head()))
            .condition_expression("due_at <= :now")
            .update_expression(
                "SET #shard = :shard, due_at = :until, attempt = :attempt REMOVE backs_off",
            )
            .expression_attribute_names("#shard", "shard")
            .expression_attribute_values(":shard", text(self.lane_shard(lane)))
            .expression_attribute_values(":now", number(now.as_second()))
            .expression_attribute_values(":until", number((now + lease).as_second()))
            .expression_attribute_values(":attempt", text(attempt.as_str()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        if let Ok(output) = &result
            && let Some(item) = output.attributes.clone()
        {
            return Ok(Some(parse(item, "lane")?));
        }
        match applied(result, &attempt)? {
            // An earlier try did it and its answer was lost.
            Applied::Yes => {
                let item = self.outbox_item(&lane.pk, &lane.head()).await?;
                item.map(|item| parse(item, "lane")).transpose()
            }
            Applied::No(_) => Ok(None),
        }
    }

    /// The oldest events of a lane, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn front_of(&self, lane: &Lane, now: Timestamp) -> Result<Vec<Sending>, Error> {
        let mut start = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.tables.outbox)
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":pk", text(&lane.pk))
                .expression_attribute_values(":prefix", text(lane.queue()))
                .consistent_read(true)
                .limit(AT_ONCE)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| AwsError::from_sdk(&error))?;
            let items = page.items.unwrap_or_default().into_iter();
            let found: Vec<Sending> = items
                .filter_map(|item| live(item, "delivery", now).transpose())
                .collect::<Result<_, _>>()?;
            start = page.last_evaluated_key;
            // A page of expired ones alone says nothing about those behind them.
            if !found.is_empty() || start.is_none() {
                return Ok(found);
            }
        }
    }

    /// An event of a lane was taken, or must not be sent any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sent(&self, sending: &Sending) -> Result<(), Error> {
        self.delete_outbox(&sending.pk, &sending.sk).await
    }

    /// Notes a failed try: the lane waits until `due`. A lease that was lost writes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn put_off(
        &self,
        lane: &Lane,
        head: &Head,
        event: &EventId,
        tries: Tries,
        due: Timestamp,
    ) -> Result<(), Error> {
        // What backs off is told from what is leased: only the one may be made due at once.
        let set = "SET due_at = :due, trying = :event, tries = :tries, since = :since, \
                   backs_off = :tries";
        let values = [
            (":due", number(due.as_second())),
            (":event", text(event.as_str())),
            (":tries", number(tries.count)),
            (":since", text(tries.since.to_string())),
        ];
        self.move_head(lane, head, set, values).await
    }

    /// Gives a lane back that has more to send: it is due at once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_back(&self, lane: &Lane, head: &Head, now: Timestamp) -> Result<(), Error> {
        let set = "SET due_at = :due";
        self.move_head(lane, head, set, [(":due", number(now.as_second()))]).await
    }

    /// Lets a lane wait until its endpoint is enabled again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn park(&self, lane: &Lane, head: &Head, now: Timestamp) -> Result<(), Error> {
        let set = "SET #shard = :paused, due_at = :due REMOVE trying, tries, since";
        let values =
            [(":paused", text(paused_shard(&lane.webhook))), (":due", number(now.as_second()))];
        self.move_head(lane, head, set, values).await
    }

    /// Ends a lane that is empty. `false`: an event came meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_lane(&self, lane: &Lane, head: &Head) -> Result<bool, Error> {
        let result = self
            .client
            .delete_item()
            .table_name(&self.tables.outbox)
            .key("pk", text(&lane.pk))
            .key("sk", text(lane.head()))
            .condition_expression(
                "attribute_not_exists(pk) OR (attempt = :mine AND appended = :read)",
            )
            .expression_attribute_values(":mine", text(head.attempt.as_str()))
            .expression_attribute_values(":read", number(head.appended))
            .send()
            .await;
        Ok(matches!(applied(result, &head.attempt)?, Applied::Yes))
    }

    /// Changes a lane's head if it is still ours; may be done again.
    async fn move_head<const N: usize>(
        &self,
        lane: &Lane,
        head: &Head,
        change: &str,
        values: [(&str, AttributeValue); N],
    ) -> Result<(), Error> {
        let mut update = self
            .client
            .update_item()
            .table_name(&self.tables.outbox)
            .key("pk", text(&lane.pk))
            .key("sk", text(lane.head()))
            .condition_expression("attempt = :mine")
            .update_expression(change)
            .expression_attribute_values(":mine", text(head.attempt.as_str()));
        if change.contains("#shard") {
            update = update.expression_attribute_names("#shard", "shard");
        }
        for (name, value) in values {
            update = update.expression_attribute_values(name, value);
        }
        applied(update.send().await, &head.attempt).map(|_| ())
    }

    /// Empties and ends a lane, for an endpoint that is no more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn drop_lane(&self, lane: &Lane) -> Result<(), Error> {
        let items = self.below(&self.tables.outbox, &lane.pk, &lane.queue()).await?;
        for sk in items.iter().filter_map(|item| item.get("sk")?.as_s().ok()) {
            self.delete_outbox(&lane.pk, sk).await?;
        }
        self.delete_outbox(&lane.pk, &lane.head()).await
    }
}
