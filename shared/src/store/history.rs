//! What was: observations, trips and alerts of a car, each kept for its time.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Error, SCHEMA, Store, Transaction, enrollments::partition, from_json, json, listing::Order,
    live, part::page, text, to_item,
};
use crate::domain::{ids::EnrollmentId, vin::Vin};

/// A kind of history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// What changed, when it was observed.
    Observations,
    /// Trips, by start.
    Trips,
    /// Alerts, by start.
    Alerts,
}

/// An id of the maker's is any text: this sorts behind all of them.
pub(super) const BEHIND_EVERY_ID: &str = "\u{10ffff}";

impl History {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Observations => "OBS",
            Self::Trips => "TRIP",
            Self::Alerts => "ALERT",
        }
    }

    /// The key of an entry: the same thing has the same one.
    pub(crate) fn key(self, vin: &Vin, at: Timestamp, id: &str) -> String {
        // The second alone: times sort as text, and a key of ours has one form.
        let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
        format!("{}#{}#{at}#{id}", self.prefix(), vin.as_str())
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct EntryItem {
    pk: String,
    sk: String,
    schema: u8,
    expires_at: i64,
    body: String,
}

impl EntryItem {
    pub(super) fn new(
        enrollment: &EnrollmentId,
        sk: String,
        expires_at: Timestamp,
        body: String,
    ) -> Self {
        let expires_at = expires_at.as_second();
        Self { pk: partition(enrollment), sk, schema: SCHEMA, expires_at, body }
    }
}

impl Store {
    /// Adds an entry to a history. The same entry again overwrites itself.
    ///
    /// # Errors
    /// When it can't be expressed.
    #[expect(clippy::too_many_arguments, reason = "the parts of one key")]
    pub fn add_entry_in<T: Serialize>(
        &self,
        transaction: &mut Transaction,
        enrollment: &EnrollmentId,
        history: History,
        vin: &Vin,
        (at, id): (Timestamp, &str),
        entry: &T,
        expires_at: Timestamp,
    ) -> Result<(), Error> {
        let (sk, body) = (history.key(vin, at, id), json(entry, "entry")?);
        let item = EntryItem::new(enrollment, sk, expires_at, body);
        transaction.put(self.put_record(to_item(&item, "entry")?)?);
        Ok(())
    }

    /// A page of a history between two times; with the key to go on from.
    ///
    /// # Errors
    /// When the database fails.
    #[expect(clippy::too_many_arguments, reason = "a query's own parts")]
    pub async fn entries<T: DeserializeOwned>(
        &self,
        enrollment: &EnrollmentId,
        history: History,
        vin: &Vin,
        ((from, to), order): ((Timestamp, Timestamp), Order),
        after: Option<String>,
        limit: i32,
        now: Timestamp,
    ) -> Result<(Vec<T>, Option<String>), Error> {
        let pk = partition(enrollment);
        let until = history.key(vin, to, BEHIND_EVERY_ID);
        let query = self
            .client
            .query()
            .table_name(&self.tables.records)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .scan_index_forward(order.is_forward())
            .expression_attribute_values(":from", text(history.key(vin, from, "")))
            .expression_attribute_values(":to", text(until));
        let (items, next) = page(query, &pk, after, limit).await?;
        let mut entries = Vec::new();
        for item in items {
            if let Some(entry) = live::<EntryItem>(item, "entry", now)? {
                entries.push(from_json(&entry.body, "entry")?);
            }
        }
        Ok((entries, next))
    }
}

/// How long history is kept.
#[must_use]
pub fn kept_until(now: Timestamp, days: u16) -> Timestamp {
    now + SignedDuration::from_hours(24 * i64::from(days))
}
