//! Who asked what of a car, and what became of it: written with it, and never changed.
//!
//! An entry is two items. What names a person or a car stands below the enrollment and is erased
//! with it; ids, times and outcome stand apart, and stay for 13 months.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::Put;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{
    Error, Item, SCHEMA, Store, Transaction, enrollments::partition, from_json, json, live,
    part::page, text, to_item,
};
use crate::domain::{
    enrollment::UserRef,
    ids::{EnrollmentId, RemoteId},
    remote::{Cause, Kind, Remote, State},
    vin::Vin,
};

const KEPT: SignedDuration = SignedDuration::from_hours(396 * 24);

/// One thing that happened to a remote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// To which remote.
    pub remote: RemoteId,
    /// Under which enrollment.
    pub enrollment: EnrollmentId,
    /// The API key that asked for it.
    pub key: String,
    /// What kind it is.
    pub kind: Kind,
    /// What happened: it was requested, sent, or ended like this.
    pub state: State,
    /// Why it failed.
    pub failure_cause: Option<Cause>,
}

/// Whom it concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The user for whom it was asked.
    pub on_behalf_of: UserRef,
    /// The car.
    pub vin: Vin,
}

#[derive(Serialize, Deserialize)]
struct EntryItem {
    pk: String,
    sk: String,
    schema: u8,
    expires_at: i64,
    body: String,
}

/// The partition of a month.
fn month(at: Timestamp) -> String {
    format!("AUDIT#{}", TimeZone::UTC.to_datetime(at).strftime("%Y-%m"))
}

fn person_key(remote: &RemoteId) -> String {
    format!("AUDIT#{remote}")
}

/// What is worth an entry: who asked, that it left, and how it ended.
const fn is_kept(state: State) -> bool {
    matches!(state, State::Requested | State::Sending | State::Unknown) || state.is_end()
}

impl Store {
    /// Notes what just happened to a remote, if it is worth an entry.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn audit_in(
        &self,
        transaction: &mut Transaction,
        remote: &Remote,
        now: Timestamp,
    ) -> Result<(), Error> {
        if !is_kept(remote.state) {
            return Ok(());
        }
        let entry = Entry {
            at: now,
            remote: remote.id.clone(),
            enrollment: remote.enrollment.clone(),
            key: remote.key.clone(),
            kind: remote.kind,
            state: remote.state,
            failure_cause: remote.failure_cause,
        };
        let sk = format!("{now}#{}#{}", remote.id, remote.state);
        let expires_at = (now + KEPT).as_second();
        let body = json(&entry, "audit")?;
        let item = EntryItem { pk: month(now), sk, schema: SCHEMA, expires_at, body };
        transaction.put(self.put_once(&item)?);
        if remote.state == State::Requested {
            let person =
                Person { on_behalf_of: remote.on_behalf_of.clone(), vin: remote.vin.clone() };
            let item = EntryItem {
                pk: partition(&remote.enrollment),
                sk: person_key(&remote.id),
                schema: SCHEMA,
                expires_at,
                body: json(&person, "audit")?,
            };
            transaction.put(self.put_once(&item)?);
        }
        Ok(())
    }

    fn put_once(&self, item: &EntryItem) -> Result<Put, Error> {
        Put::builder()
            .table_name(&self.tables.records)
            .set_item(Some(to_item(item, "audit")?))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(|_| Error::Malformed("audit"))
    }

    /// A page of a month's entries (`at` lies in it), oldest first, each with whom it concerns
    /// unless that was erased; and the key to go on from.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit(
        &self,
        at: Timestamp,
        after: Option<String>,
        limit: i32,
        now: Timestamp,
    ) -> Result<(Vec<(Entry, Option<Person>)>, Option<String>), Error> {
        let pk = month(at);
        let query = self
            .client
            .query()
            .table_name(&self.tables.records)
            .key_condition_expression("pk = :pk");
        let (items, next) = page(query, &pk, after, limit).await?;
        let mut entries: Vec<Entry> = Vec::new();
        for item in items {
            if let Some(item) = live::<EntryItem>(item, "audit", now)? {
                entries.push(from_json(&item.body, "audit")?);
            }
        }
        let persons = self.persons(&entries, now).await?;
        let with = |entry: Entry| {
            let person = persons.get(entry.remote.as_str()).cloned();
            (entry, person)
        };
        Ok((entries.into_iter().map(with).collect(), next))
    }

    /// Whom entries concern, by remote.
    async fn persons(
        &self,
        entries: &[Entry],
        now: Timestamp,
    ) -> Result<HashMap<String, Person>, Error> {
        let places: HashMap<_, _> =
            entries.iter().map(|entry| (entry.remote.as_str(), &entry.enrollment)).collect();
        let key = |(remote, enrollment): (&&str, &&EnrollmentId)| {
            Item::from([
                ("pk".into(), text(partition(enrollment))),
                ("sk".into(), text(format!("AUDIT#{remote}"))),
            ])
        };
        let mut persons = HashMap::new();
        for item in self.records(places.iter().map(key).collect()).await? {
            if let Some(item) = live::<EntryItem>(item, "audit", now)? {
                let remote = item.sk.strip_prefix("AUDIT#").unwrap_or_default().to_owned();
                persons.insert(remote, from_json(&item.body, "audit")?);
            }
        }
        Ok(persons)
    }
}
