//! Remotes, the lock of each kind on a car, and the way back from the maker's id of one.

use aws_sdk_dynamodb::types::Put;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Error, Item, SCHEMA, Store, Transaction, Versioned, enrollments::partition, from_json, json,
    live, number, part::page, text, to_item,
};
use crate::domain::{
    ids::{AttemptId, EnrollmentId, RemoteId},
    remote::{Kind, Remote},
    vehicle::UpstreamId,
    vin::Vin,
};

/// How long a remote can be read, and is recognised when the maker tells of it.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

#[derive(Serialize, Deserialize)]
struct RemoteItem {
    pk: String,
    sk: String,
    schema: u8,
    version: u64,
    attempt: AttemptId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shard: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<i64>,
    expires_at: i64,
    body: String,
}

/// Which remote: a lock's or a pointer's.
#[derive(Serialize, Deserialize)]
struct NamedItem {
    pk: String,
    sk: String,
    schema: u8,
    vin: Vin,
    remote: RemoteId,
    expires_at: i64,
}

/// A remote as it was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// It, and the version read.
    pub remote: Versioned<Remote>,
    /// Who wrote it last.
    pub attempt: AttemptId,
}

fn prefix(vin: &Vin) -> String {
    format!("RMT#{}#", vin.as_str())
}

fn key(vin: &Vin, id: &RemoteId) -> String {
    format!("{}{id}", prefix(vin))
}

fn lock_key(vin: &Vin, kind: Kind) -> String {
    format!("RMTLOCK#{}#{kind}", vin.as_str())
}

fn pointer_key(action: &UpstreamId) -> String {
    format!("RMTACT#{}", action.as_str())
}

fn read(item: Item, now: Timestamp) -> Result<Option<Found>, Error> {
    let Some(item) = live::<RemoteItem>(item, "remote", now)? else { return Ok(None) };
    let value = from_json(&item.body, "remote")?;
    let remote = Versioned { value, version: item.version };
    Ok(Some(Found { remote, attempt: item.attempt }))
}

impl Store {
    /// A remote, strongly consistent.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remote(
        &self,
        enrollment: &EnrollmentId,
        vin: &Vin,
        id: &RemoteId,
        now: Timestamp,
    ) -> Result<Option<Found>, Error> {
        self.remote_at(&partition(enrollment), &key(vin, id), now).await
    }

    /// The same by its key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remote_at(
        &self,
        pk: &str,
        sk: &str,
        now: Timestamp,
    ) -> Result<Option<Found>, Error> {
        let item = self.record(pk, sk).await?;
        item.map_or(Ok(None), |item| read(item, now))
    }

    /// The remote that the maker calls so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remote_of_action(
        &self,
        enrollment: &EnrollmentId,
        action: &UpstreamId,
        now: Timestamp,
    ) -> Result<Option<Found>, Error> {
        let item = self.record(&partition(enrollment), &pointer_key(action)).await?;
        let Some(item) = item else { return Ok(None) };
        match live::<NamedItem>(item, "pointer", now)? {
            Some(named) => self.remote(enrollment, &named.vin, &named.remote, now).await,
            None => Ok(None),
        }
    }

    /// A page of a car's remotes, newest first, with the key to go on from.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remotes(
        &self,
        enrollment: &EnrollmentId,
        vin: &Vin,
        after: Option<String>,
        limit: i32,
        now: Timestamp,
    ) -> Result<(Vec<Remote>, Option<String>), Error> {
        let pk = partition(enrollment);
        let query = self
            .client
            .query()
            .table_name(&self.tables.records)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":prefix", text(prefix(vin)))
            .scan_index_forward(false);
        let (items, next) = page(query, &pk, after, limit).await?;
        let mut remotes = Vec::new();
        for item in items {
            remotes.extend(read(item, now)?.map(|found| found.remote.value));
        }
        Ok((remotes, next))
    }

    /// Writes a remote; `version` is the one read, 0 for a new one. Tells under which id the write
    /// is known again.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn save_remote_in(
        &self,
        transaction: &mut Transaction,
        remote: &Remote,
        version: u64,
    ) -> Result<AttemptId, Error> {
        let (pk, sk) = (partition(&remote.enrollment), key(&remote.vin, &remote.id));
        let attempt = AttemptId::random();
        let item = RemoteItem {
            schema: SCHEMA,
            version: version + 1,
            attempt: attempt.clone(),
            shard: remote.due_at.map(|_| self.shard("act", &format!("{pk}{sk}"))),
            due_at: remote.due_at.map(Timestamp::as_second),
            expires_at: (remote.requested_at + KEPT).as_second(),
            body: json(remote, "remote")?,
            pk,
            sk,
        };
        let put = Put::builder()
            .table_name(&self.tables.records)
            .set_item(Some(to_item(&item, "remote")?));
        let put = if version == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("version = :version")
                .expression_attribute_values(":version", number(version))
        };
        transaction.put(put.build().map_err(|_| Error::Malformed("remote"))?);
        Ok(attempt)
    }

    /// Which remote of a kind was the last one on a car. It holds the others off until it is
    /// settled: so nothing need be done, and can be forgotten, when it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_of_kind(
        &self,
        enrollment: &EnrollmentId,
        vin: &Vin,
        kind: Kind,
    ) -> Result<Option<RemoteId>, Error> {
        let item = self.record(&partition(enrollment), &lock_key(vin, kind)).await?;
        item.map(|item| super::parse(item, "lock").map(|lock: NamedItem| lock.remote)).transpose()
    }

    /// Makes a remote the last one of its kind, if `before` still is.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn follow_in(
        &self,
        transaction: &mut Transaction,
        remote: &Remote,
        before: Option<&RemoteId>,
    ) -> Result<(), Error> {
        let item = named(remote, lock_key(&remote.vin, remote.kind));
        let put =
            Put::builder().table_name(&self.tables.records).set_item(Some(to_item(&item, "lock")?));
        let put = match before {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(before) => put
                .condition_expression("remote = :before")
                .expression_attribute_values(":before", text(before.as_str())),
        };
        transaction.put(put.build().map_err(|_| Error::Malformed("lock"))?);
        Ok(())
    }

    /// Lets a remote be found by the maker's id of it.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn point_in(
        &self,
        transaction: &mut Transaction,
        remote: &Remote,
        action: &UpstreamId,
    ) -> Result<(), Error> {
        let item = to_item(&named(remote, pointer_key(action)), "pointer")?;
        transaction.put(self.put_record(item)?);
        Ok(())
    }
}

fn named(remote: &Remote, sk: String) -> NamedItem {
    NamedItem {
        pk: partition(&remote.enrollment),
        sk,
        schema: SCHEMA,
        vin: remote.vin.clone(),
        remote: remote.id.clone(),
        expires_at: (remote.requested_at + KEPT).as_second(),
    }
}
