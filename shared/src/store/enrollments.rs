//! Enrollments.

use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Applied, Error, Item, SCHEMA, Shards, Store, Transaction, Versioned, applied, live, number,
    text, to_item,
};
use crate::{
    aws::AwsError,
    domain::{
        enrollment::{EXCHANGE_WITHIN, Enrollment, Status},
        ids::{AttemptId, EnrollmentId},
    },
};

/// How long an enrollment that came to nothing is kept for the operator to see.
const DEAD_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// When an account is looked through by the sweep if nobody has done it since its confirmation.
const FIRST_LOOK_WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// How often an account without cars is looked through.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_hours(24);
/// What was tried in vain is tried again between these.
const SOONEST: SignedDuration = SignedDuration::from_mins(1);
const LATEST: SignedDuration = SignedDuration::from_hours(6);
/// How long a tombstone is kept.
const TOMBSTONE_KEPT: SignedDuration = SignedDuration::from_hours(396 * 24);

#[derive(Serialize, Deserialize)]
struct EnrollmentItem {
    pk: String,
    sk: String,
    schema: u8,
    version: u64,
    attempt: AttemptId,
    status: Status,
    /// In microseconds: with the status it is the key of the index `changed`.
    #[serde(default)]
    changed_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    find: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    body: Enrollment,
}

/// The partition of everything that belongs to an enrollment.
#[must_use]
pub fn partition(id: &EnrollmentId) -> String {
    format!("ENR#{id}")
}

/// The enrollment that a partition belongs to.
#[must_use]
pub fn of_partition(pk: &str) -> Option<EnrollmentId> {
    pk.strip_prefix("ENR#")?.parse().ok()
}

/// When `act` must look at it, if its state does not last.
fn deadline(enrollment: &Enrollment) -> Option<Timestamp> {
    match enrollment.status {
        Status::Exchanging => Some(enrollment.updated_at + EXCHANGE_WITHIN),
        Status::AwaitingConfirmation => enrollment.confirmation.as_ref().map(|c| c.until),
        Status::Erasing => Some(enrollment.updated_at),
        Status::Active | Status::ReauthorizationRequired
            if !enrollment.former_grants.is_empty() =>
        {
            Some(enrollment.updated_at)
        }
        // Its first look, asked for when it was confirmed, came to nothing for an hour.
        Status::Active if enrollment.vehicles.is_none() => {
            Some(enrollment.updated_at + FIRST_LOOK_WITHIN)
        }
        // A car may still come into the account.
        Status::Active if enrollment.vehicles == Some(0) => {
            Some(enrollment.updated_at + LOOK_AGAIN)
        }
        _ => None,
    }
}

fn expiry(enrollment: &Enrollment) -> Option<Timestamp> {
    match enrollment.status {
        Status::Begun => Some(enrollment.link_expires_at + DEAD_KEPT),
        Status::Declined | Status::Failed | Status::Merged => {
            Some(enrollment.updated_at + DEAD_KEPT)
        }
        Status::Erased => Some(enrollment.updated_at + TOMBSTONE_KEPT),
        _ => None,
    }
}

fn item(
    shards: Shards,
    enrollment: &Enrollment,
    version: u64,
    attempt: &AttemptId,
) -> Result<Item, Error> {
    let pk = partition(&enrollment.id);
    let due_at = deadline(enrollment);
    let item = EnrollmentItem {
        sk: "META".into(),
        schema: SCHEMA,
        version,
        attempt: attempt.clone(),
        status: enrollment.status,
        changed_at: enrollment.updated_at.as_microsecond(),
        find: enrollment.user_ref.as_ref().map(|user| format!("user#{}", user.as_str())),
        shard: due_at.map(|_| shards.of_key("act", &pk)),
        due_at: due_at.map(Timestamp::as_second),
        expires_at: expiry(enrollment).map(Timestamp::as_second),
        body: enrollment.clone(),
        pk,
    };
    to_item(&item, "enrollment")
}

pub(super) fn read(item: Item, now: Timestamp) -> Result<Option<Versioned<Enrollment>>, Error> {
    let item: Option<EnrollmentItem> = live(item, "enrollment", now)?;
    Ok(item.map(|item| Versioned { value: item.body, version: item.version }))
}

impl Store {
    /// An enrollment, strongly consistent.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enrollment(
        &self,
        id: &EnrollmentId,
        now: Timestamp,
    ) -> Result<Option<Versioned<Enrollment>>, Error> {
        match self.record(&partition(id), "META").await? {
            Some(item) => read(item, now),
            None => Ok(None),
        }
    }

    /// Puts off what is due of one since `due_at`, in vain: by a quarter of the time that it waits
    /// already. One that was changed meanwhile has a time of its own.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn put_off_enrollment(
        &self,
        id: &EnrollmentId,
        due_at: i64,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(found) = self.enrollment(id, now).await? else { return Ok(()) };
        let waits = now.duration_since(found.value.updated_at);
        let until = now + (waits / 4).clamp(SOONEST, LATEST);
        let result = self
            .client
            .update_item()
            .table_name(&self.tables.records)
            .key("pk", text(partition(id)))
            .key("sk", text("META"))
            .condition_expression("version = :version AND due_at = :read")
            .update_expression("SET due_at = :until")
            .expression_attribute_values(":version", number(found.version))
            .expression_attribute_values(":read", number(due_at))
            .expression_attribute_values(":until", number(until.as_second()))
            .send()
            .await;
        // To do it once more changes nothing, so it needs no attempt of its own.
        applied(result, &AttemptId::random()).map(|_| ())
    }

    /// Writes one alone; `version` is the one read, 0 for a new one.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it was changed in between.
    pub async fn save_enrollment(
        &self,
        enrollment: &Enrollment,
        version: u64,
    ) -> Result<(), Error> {
        let attempt = AttemptId::random();
        let put = self.enrollment_put(enrollment, version, &attempt)?;
        let result = self
            .client
            .put_item()
            .table_name(put.table_name())
            .set_item(Some(put.item))
            .set_condition_expression(put.condition_expression)
            .set_expression_attribute_values(put.expression_attribute_values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match applied(result, &attempt)? {
            Applied::Yes => Ok(()),
            Applied::No(_) => Err(Error::Conflict),
        }
    }

    /// The same write as a part of a transaction.
    ///
    /// # Errors
    /// When it can't be expressed, which a test would show.
    pub fn save_enrollment_in(
        &self,
        transaction: &mut Transaction,
        enrollment: &Enrollment,
        version: u64,
    ) -> Result<(), Error> {
        transaction.put(self.enrollment_put(enrollment, version, &AttemptId::random())?);
        Ok(())
    }

    fn enrollment_put(
        &self,
        enrollment: &Enrollment,
        version: u64,
        attempt: &AttemptId,
    ) -> Result<Put, Error> {
        let put = Put::builder().table_name(&self.tables.records).set_item(Some(item(
            self.shards(),
            enrollment,
            version + 1,
            attempt,
        )?));
        let put = if version == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("version = :version")
                .expression_attribute_values(":version", super::number(version))
        };
        put.build().map_err(|_| Error::Malformed("enrollment"))
    }

    /// The enrollments that see a car, whatever its brand: keys only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enrollments_with(
        &self,
        vin: &crate::domain::vin::Vin,
    ) -> Result<Vec<EnrollmentId>, Error> {
        let mut found = Vec::new();
        let mut from = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.tables.records)
                .index_name("find")
                .key_condition_expression("#find = :find")
                .expression_attribute_names("#find", "find")
                .expression_attribute_values(":find", text(format!("vin#{}", vin.as_str())))
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|error| AwsError::from_sdk(&error))?;
            found.extend(page.items().iter().filter_map(pk_of).filter_map(|pk| of_partition(&pk)));
            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(found);
            }
        }
    }
}

fn pk_of(item: &Item) -> Option<String> {
    item.get("pk")?.as_s().ok().cloned()
}
