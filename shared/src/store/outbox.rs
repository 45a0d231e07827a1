//! Events, written in the transaction that changes the state they tell of, and handed on from here:
//! each becomes an item in a lane of every endpoint that wants it, oldest first.

use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Applied, Error, Item, SCHEMA, Shards, Store, Transaction, applied, enrollments::partition,
    json, lanes::Lane, live, number, text, to_item,
};
use crate::{
    aws::AwsError,
    clock::order,
    domain::{
        enrollment::{Status, UserRef},
        event::Event,
        ids::{AttemptId, EnrollmentId},
        webhook::Webhook,
    },
};

/// How long an event waits to be told, and is kept to be looked at once it was.
const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);
/// The longest event: the lanes of twenty endpoints have to take it in one transaction.
const LONGEST: usize = 100_000;
/// How many are looked at for the oldest: of more than one only where some have expired.
const LOOK: i32 = 10;

#[derive(Serialize, Deserialize)]
pub(super) struct EventItem {
    pk: String,
    sk: String,
    schema: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shard: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<i64>,
    expires_at: i64,
    /// Until when the run that claimed it may be publishing it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claimed_until: Option<i64>,
    /// By which claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempt: Option<AttemptId>,
    pub(super) event: Event,
}

/// An event that was not handed on yet, and its key.
#[derive(Debug, Clone)]
pub struct Untold {
    /// The event.
    pub event: Event,
    claimed_until: Option<i64>,
    attempt: Option<AttemptId>,
    pk: String,
    /// What follows the kind in its sort key.
    at: String,
}

#[derive(Deserialize)]
struct AnchorItem {
    status: Status,
    find: Option<String>,
}

/// An enrollment that may still be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldOf {
    /// Its user, if one is known.
    pub user: Option<UserRef>,
}

/// The partition of what befell nobody's enrollment, but the deployment.
const DEPLOYMENT: &str = "SYS";

fn partition_of(event: &Event) -> String {
    event.enrollment.as_ref().map_or_else(|| DEPLOYMENT.to_owned(), partition)
}

impl Store {
    /// Tells an event, together with what it tells of.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn tell_in(&self, transaction: &mut Transaction, event: Event) -> Result<(), Error> {
        let pk = partition_of(&event);
        let item = EventItem {
            // Events are handed on in the order in which they came about. Their own times can't
            // tell it: they have the grain of a second.
            sk: format!("EVT#{:017}#{}", order(), event.id),
            schema: SCHEMA,
            shard: Some(self.shard("deliver", &pk)),
            due_at: Some(event.time.as_second()),
            expires_at: (event.time + KEPT).as_second(),
            claimed_until: None,
            attempt: None,
            event,
            pk,
        };
        if json(&item.event, "event")?.len() > LONGEST {
            return Err(Error::Malformed("event"));
        }
        transaction.put(self.put_outbox(to_item(&item, "event")?)?);
        Ok(())
    }

    /// The events of an enrollment that have not expired by `now`, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events(
        &self,
        enrollment: &EnrollmentId,
        now: Timestamp,
    ) -> Result<Vec<Event>, Error> {
        let mut events: Vec<Event> = Vec::new();
        for prefix in ["TOLD#", "EVT#"] {
            let items = self.below(&self.tables.outbox, &partition(enrollment), prefix).await?;
            for item in items {
                events.extend(live::<EventItem>(item, "event", now)?.map(|item| item.event));
            }
        }
        events.sort_by_key(|event| event.time);
        Ok(events)
    }

    /// The oldest event of a partition that was not handed on. What expired before it was is
    /// removed: it must not stand before those that still count. One that can't be read, since a
    /// newer version of this code wrote it, stays for that; those behind it do not wait for it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn oldest_untold(&self, pk: &str, now: Timestamp) -> Result<Option<Untold>, Error> {
        let mut start = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.tables.outbox)
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":pk", text(pk))
                .expression_attribute_values(":prefix", text("EVT#"))
                .consistent_read(true)
                .limit(LOOK)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| AwsError::from_sdk(&error))?;
            for item in page.items.unwrap_or_default() {
                let sk = item.get("sk").and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
                let at = sk.strip_prefix("EVT#").unwrap_or_default().to_owned();
                match live(item, "event", now) {
                    Ok(Some(EventItem { event, claimed_until, attempt, .. })) => {
                        let pk = pk.to_owned();
                        return Ok(Some(Untold { event, claimed_until, attempt, pk, at }));
                    }
                    Ok(None) => {
                        tracing::error!("an event expired before it was handed on");
                        self.delete_outbox(pk, &sk).await?;
                    }
                    Err(Error::Malformed(_)) => {
                        tracing::error!("an event can't be read; those behind it are handed on");
                    }
                    Err(error) => return Err(error),
                }
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(None);
            }
        }
    }

    /// Claims an event for one run, which alone publishes it until the lease ends. The time due
    /// stays as it is: the index need not be written, and the sweep finds what a dead run left.
    /// `false`: another run has it, or it was handed on meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_event(
        &self,
        untold: &Untold,
        run: &AttemptId,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<bool, Error> {
        let result = self
            .client
            .update_item()
            .table_name(&self.tables.outbox)
            .key("pk", text(&untold.pk))
            .key("sk", text(format!("EVT#{}", untold.at)))
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(claimed_until) \
                 OR claimed_until <= :now OR attempt = :run)",
            )
            .update_expression("SET claimed_until = :until, attempt = :run")
            .expression_attribute_values(":now", number(now.as_second()))
            .expression_attribute_values(":until", number((now + lease).as_second()))
            .expression_attribute_values(":run", text(run.as_str()))
            .send()
            .await;
        Ok(matches!(applied(result, run)?, Applied::Yes))
    }

    /// Hands an event on: into the lanes of these endpoints, and to the bus later if it would not
    /// take it now. From then on it is no more due. All of it or nothing, and once.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it was handed on meanwhile, or its enrollment is being erased.
    pub async fn hand_on(
        &self,
        untold: &Untold,
        webhooks: &[&Webhook],
        bus_later: bool,
        now: Timestamp,
    ) -> Result<Vec<Lane>, Error> {
        let mut transaction = Transaction::new();
        self.demand_told_in(&mut transaction, &untold.event)?;
        transaction.delete(self.outbox_deletion(&untold.pk, &format!("EVT#{}", untold.at))?);
        let told = untold.item(self.shards(), "TOLD", None);
        transaction.put(self.put_outbox(to_item(&told, "event")?)?);
        if bus_later {
            let again = untold.item(self.shards(), "BUS", Some(now + BUS_AGAIN));
            transaction.put(self.put_outbox(to_item(&again, "event")?)?);
        }
        let mut lanes = Vec::new();
        for webhook in webhooks {
            let lane = Lane::of(&untold.pk, &webhook.id, &untold.event);
            self.append_in(&mut transaction, &lane, &untold.at, &untold.event, now)?;
            lanes.push(lane);
        }
        self.commit(transaction).await?;
        Ok(lanes)
    }

    /// Forgets an event that must not be told any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget(&self, untold: &Untold) -> Result<(), Error> {
        self.delete_outbox(&untold.pk, &format!("EVT#{}", untold.at)).await
    }

    /// Whose an event is, if its enrollment may still be told of. Of the enrollment no more is read
    /// than that: the role of whoever hands events on allows nothing else.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn told_of(
        &self,
        id: &EnrollmentId,
        now: Timestamp,
    ) -> Result<Option<ToldOf>, Error> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.records)
            .key("pk", text(partition(id)))
            .key("sk", text("META"))
            .projection_expression("#status, #find, expires_at")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#find", "find")
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| AwsError::from_sdk(&error))?;
        let Some(item) = answer.item else { return Ok(None) };
        let item: Option<AnchorItem> = live(item, "enrollment", now)?;
        let told = item.filter(|item| item.status.may_be_told());
        let user = |find: String| find.strip_prefix("user#")?.parse().ok();
        Ok(told.map(|item| ToldOf { user: item.find.and_then(user) }))
    }

    /// Nothing of an enrollment is told once its erasure was asked for.
    pub(super) fn demand_told_in(
        &self,
        transaction: &mut Transaction,
        event: &Event,
    ) -> Result<(), Error> {
        let Some(id) = event.silenced_with() else { return Ok(()) };
        let check = ConditionCheck::builder()
            .table_name(&self.tables.records)
            .key("pk", text(partition(id)))
            .key("sk", text("META"))
            .condition_expression(
                "attribute_exists(pk) AND #status <> :erasing AND #status <> :erased",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":erasing", text("erasing"))
            .expression_attribute_values(":erased", text("erased"))
            .build()
            .map_err(|_| Error::Malformed("check"))?;
        transaction.check(check);
        Ok(())
    }

    pub(super) fn put_outbox(&self, item: Item) -> Result<Put, Error> {
        Put::builder()
            .table_name(&self.tables.outbox)
            .set_item(Some(item))
            .build()
            .map_err(|_| Error::Malformed("put"))
    }

    /// The deletion of an item that must be there: of two that take it, one does.
    pub(super) fn outbox_deletion(&self, pk: &str, sk: &str) -> Result<Delete, Error> {
        Delete::builder()
            .table_name(&self.tables.outbox)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .condition_expression("attribute_exists(pk)")
            .build()
            .map_err(|_| Error::Malformed("delete"))
    }

    pub(super) async fn outbox_item(&self, pk: &str, sk: &str) -> Result<Option<Item>, Error> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.outbox)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| AwsError::from_sdk(&error))?;
        Ok(answer.item)
    }

    pub(super) async fn delete_outbox(&self, pk: &str, sk: &str) -> Result<(), Error> {
        self.client
            .delete_item()
            .table_name(&self.tables.outbox)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .send()
            .await
            .map_err(|error| AwsError::from_sdk(&error))?;
        Ok(())
    }
}

/// After how long the bus is asked again.
pub(super) const BUS_AGAIN: SignedDuration = SignedDuration::from_mins(1);

impl Untold {
    /// Whether another run than this one may be publishing it now.
    #[must_use]
    pub fn is_claimed_by_another(&self, run: &AttemptId, now: Timestamp) -> bool {
        self.claimed_until.is_some_and(|until| until > now.as_second())
            && self.attempt.as_ref() != Some(run)
    }

    fn item(&self, shards: Shards, kind: &str, due: Option<Timestamp>) -> EventItem {
        EventItem {
            pk: self.pk.clone(),
            sk: format!("{kind}#{}", self.at),
            schema: SCHEMA,
            shard: due.map(|_| shards.of_key("deliver", &self.pk)),
            due_at: due.map(Timestamp::as_second),
            expires_at: (self.event.time + KEPT).as_second(),
            claimed_until: None,
            attempt: None,
            event: self.event.clone(),
        }
    }
}
