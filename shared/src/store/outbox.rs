//! Events, written in the transaction that changes the state they tell of.

use aws_sdk_dynamodb::types::Put;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Error, Item, SCHEMA, Store, Transaction, enrollments::partition, shard, to_item};
use crate::domain::{event::Event, ids::EnrollmentId};

/// How long an event waits to be told.
const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);

#[derive(Serialize, Deserialize)]
struct EventItem {
    pk: String,
    sk: String,
    schema: u8,
    shard: String,
    due_at: i64,
    expires_at: i64,
    event: Event,
}

impl Store {
    /// Tells an event, together with what it tells of.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn tell_in(&self, transaction: &mut Transaction, event: Event) -> Result<(), Error> {
        let item = EventItem {
            pk: partition(&event.enrollment),
            sk: format!("EVT#{}#{}", event.time, event.id),
            schema: SCHEMA,
            shard: shard("deliver", event.id.as_str()),
            due_at: event.time.as_second(),
            expires_at: (event.time + KEPT).as_second(),
            event,
        };
        let put = Put::builder()
            .table_name(&self.tables.outbox)
            .set_item(Some(to_item(&item, "event")?))
            .build()
            .map_err(|_| Error::Malformed("event"))?;
        transaction.put(put);
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
        let items = self.below(&self.tables.outbox, &partition(enrollment), "EVT#").await?;
        let live = |item: Item| super::live::<EventItem>(item, "event", now).transpose();
        items.into_iter().filter_map(live).map(|item| item.map(|item| item.event)).collect()
    }
}
