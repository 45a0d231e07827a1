//! Sealed tokens: one item a grant, small and hot, read only by what calls the maker.

mod doubt;

use aws_sdk_dynamodb::types::{
    Delete, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, Update,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Applied, Error, SCHEMA, Store, Transaction, applied, number, parse, text, to_item};
use crate::{
    aws::AwsError,
    domain::{
        brand::Brand,
        ids::{AttemptId, EnrollmentId, GrantId},
    },
    random,
};

/// The refresh token is used at least this often, whether or not anybody needs it: how long an
/// unused one lives is undocumented, and reports begin at a day.
const RENEW_AFTER: SignedDuration = SignedDuration::from_hours(20);
/// How long after a renewal died nobody uses its refresh token again. The answer may wait in the
/// rescue queue, which `refresh` drains every five minutes; meanwhile the token stored is dead, and
/// using it would end the grant.
const RESCUED_WITHIN: SignedDuration = SignedDuration::from_mins(30);
/// Spread over this much, so that grants made together do not stay together.
const JITTER_SECONDS: u32 = 2 * 3600;

/// The tokens of one consent, sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id.
    #[serde(rename = "pk")]
    pub id: GrantId,
    /// Layout of this item.
    pub schema: u8,
    /// Whose.
    pub enrollment: EnrollmentId,
    /// Which identity provider gave it.
    pub brand: Brand,
    /// Counts renewals; every store of new tokens says which version they came from.
    pub version: u64,
    /// Both tokens; bound to id and version.
    #[serde(with = "serde_bytes_compat")]
    pub sealed: Vec<u8>,
    /// When the access token ends, in epoch seconds.
    pub access_ends: i64,
    /// When the refresh token was used last, in epoch seconds.
    pub renewed_at: i64,
    /// Renewals begun whose answer was never stored. More than the one under way: an answer was
    /// lost, and perhaps the only valid token with it.
    #[serde(default)]
    pub open_intents: u32,
    /// When the maker first said of a version that it is dead, in epoch seconds: once is not
    /// believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_at: Option<i64>,
    /// Of which version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_version: Option<u64>,
    /// Renewals that failed since the last one that succeeded.
    #[serde(default)]
    pub failures: u32,
    /// Until when somebody may be renewing it, in epoch seconds.
    #[serde(default)]
    pub lease_until: i64,
    /// The last conditional write.
    pub attempt: AttemptId,
    /// Its due shard; absent when it is renewed no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// When it is to be renewed, in epoch seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<i64>,
}

/// Tokens as binary attribute values.
mod serde_bytes_compat {
    use serde::{Deserializer, Serializer, de::Visitor};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
        }
        from.deserialize_byte_buf(Bytes)
    }
}

/// New tokens, sealed, on their way into a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewal {
    /// Whose.
    pub grant: GrantId,
    /// The version whose refresh token was used.
    pub used_version: u64,
    /// The new tokens, sealed for version `used_version + 1`.
    pub sealed: Vec<u8>,
    /// When the access token ends, in epoch seconds.
    pub access_ends: i64,
    /// When they were received, in epoch seconds.
    pub renewed_at: i64,
}

/// What became of a claim.
#[derive(Debug)]
pub enum Claim {
    /// It is ours until the lease ends.
    Ours(Box<Grant>),
    /// Somebody is renewing it, or it is not due any more.
    Busy,
    /// There is no such grant.
    Gone,
}

/// What a claim is for.
#[derive(Debug, Clone, Copy)]
pub enum ClaimFor {
    /// A renewal by whoever needs an access token.
    Use,
    /// The scheduled one: only if it is still due at the time read from the index.
    Schedule {
        /// That time.
        due_at: i64,
    },
    /// Its end: no renewal may begin any more.
    End,
}

/// When a grant renewed at `now` is due again.
fn next_due(now: Timestamp) -> i64 {
    (now + RENEW_AFTER).as_second() - i64::from(random::below(JITTER_SECONDS))
}

impl Grant {
    /// A grant just received.
    #[must_use]
    pub fn new(
        id: GrantId,
        enrollment: EnrollmentId,
        brand: Brand,
        sealed: Vec<u8>,
        access_ends: Timestamp,
        now: Timestamp,
    ) -> Self {
        Self {
            schema: SCHEMA,
            shard: None,
            due_at: Some(next_due(now)),
            id,
            enrollment,
            brand,
            version: 1,
            sealed,
            access_ends: access_ends.as_second(),
            renewed_at: now.as_second(),
            open_intents: 0,
            refused_at: None,
            refused_version: None,
            failures: 0,
            lease_until: 0,
            attempt: AttemptId::random(),
        }
    }
}

impl Store {
    /// A grant, strongly consistent.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn grant(&self, id: &GrantId) -> Result<Option<Grant>, Error> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.grants)
            .key("pk", text(id.as_str()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| AwsError::from_sdk(&error))?;
        answer.item.map(|item| parse(item, "grant")).transpose()
    }

    /// Adds a new grant.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn add_grant_in(&self, transaction: &mut Transaction, grant: &Grant) -> Result<(), Error> {
        let shard = Some(self.shard("refresh", grant.id.as_str()));
        let grant = &Grant { shard, ..grant.clone() };
        let put = Put::builder()
            .table_name(&self.tables.grants)
            .set_item(Some(to_item(grant, "grant")?))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(|_| Error::Malformed("grant"))?;
        transaction.put(put);
        Ok(())
    }

    /// Takes the lease and notes the intent, in one conditional update of the base item. What it
    /// returns is what the database holds: no second read is needed. A lease that ended with its
    /// intent open holds for longer: its answer may be on the way home from the rescue queue.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_grant(
        &self,
        id: &GrantId,
        purpose: ClaimFor,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Claim, Error> {
        let attempt = AttemptId::random();
        let mut condition = "attribute_exists(pk) AND lease_until <= :now \
                             AND (open_intents = :none OR lease_until <= :rescued)"
            .to_owned();
        let mut update = self
            .client
            .update_item()
            .table_name(&self.tables.grants)
            .key("pk", text(id.as_str()))
            .update_expression(
                "SET lease_until = :until, attempt = :attempt, open_intents = open_intents + :one",
            )
            .expression_attribute_values(":until", number((now + lease).as_second()))
            .expression_attribute_values(":attempt", text(attempt.as_str()))
            .expression_attribute_values(":now", number(now.as_second()))
            .expression_attribute_values(":none", number(0))
            .expression_attribute_values(":rescued", number((now - RESCUED_WITHIN).as_second()))
            .expression_attribute_values(
                ":one",
                number(u8::from(!matches!(purpose, ClaimFor::End))),
            )
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if let ClaimFor::Schedule { due_at } = purpose {
            condition.push_str(" AND due_at = :due_at");
            update = update.expression_attribute_values(":due_at", number(due_at));
        }
        let result = update.condition_expression(condition).send().await;
        if let Ok(output) = &result
            && let Some(item) = output.attributes.clone()
        {
            return Ok(Claim::Ours(Box::new(parse(item, "grant")?)));
        }
        match applied(result, &attempt)? {
            // An earlier try did it and its answer was lost.
            Applied::Yes => {
                Ok(self.grant(id).await?.map_or(Claim::Gone, |grant| Claim::Ours(Box::new(grant))))
            }
            Applied::No(Some(_)) => Ok(Claim::Busy),
            Applied::No(None) => Ok(Claim::Gone),
        }
    }

    /// Stores renewed tokens under one condition alone: that nobody has renewed that version yet.
    /// Whoever holds an answer stores it, even if its lease ran out. Releases the lease.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn store_renewal(&self, renewal: &Renewal, now: Timestamp) -> Result<Applied, Error> {
        let attempt = AttemptId::random();
        let result = self
            .client
            .update_item()
            .table_name(&self.tables.grants)
            .key("pk", text(renewal.grant.as_str()))
            .condition_expression("attribute_exists(pk) AND version = :used")
            .update_expression(
                "SET version = :next, sealed = :sealed, access_ends = :ends, renewed_at = :at, \
                 open_intents = :none, failures = :none, lease_until = :none, attempt = :attempt, due_at = :due",
            )
            .expression_attribute_values(":used", number(renewal.used_version))
            .expression_attribute_values(":next", number(renewal.used_version + 1))
            .expression_attribute_values(
                ":sealed",
                aws_sdk_dynamodb::types::AttributeValue::B(renewal.sealed.clone().into()),
            )
            .expression_attribute_values(":ends", number(renewal.access_ends))
            .expression_attribute_values(":at", number(renewal.renewed_at))
            .expression_attribute_values(":none", number(0))
            .expression_attribute_values(":attempt", text(attempt.as_str()))
            .expression_attribute_values(":due", number(next_due(now)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        applied(result, &attempt)
    }

    /// Gives the lease back after a renewal that brought nothing, to be tried again at `due`.
    /// `settled`: the maker answered, so the intent is not open any more. How often it failed is kept
    /// as `grant` says.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_grant(
        &self,
        grant: &Grant,
        settled: bool,
        due: Timestamp,
    ) -> Result<Applied, Error> {
        let attempt = AttemptId::random();
        let result = self
            .client
            .update_item()
            .table_name(&self.tables.grants)
            .key("pk", text(grant.id.as_str()))
            .condition_expression("attempt = :mine AND version = :version")
            .update_expression(
                "SET lease_until = :none, open_intents = open_intents - :settled, failures = :failures, attempt = :attempt, due_at = :due",
            )
            .expression_attribute_values(":mine", text(grant.attempt.as_str()))
            .expression_attribute_values(":version", number(grant.version))
            .expression_attribute_values(":none", number(0))
            .expression_attribute_values(":settled", number(u8::from(settled)))
            .expression_attribute_values(":failures", number(grant.failures))
            .expression_attribute_values(":attempt", text(attempt.as_str()))
            .expression_attribute_values(":due", number(due.as_second()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        applied(result, &attempt)
    }

    /// Ends a grant: renewed no more, its tokens gone, if it still is at the version that failed.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn end_grant_in(&self, transaction: &mut Transaction, grant: &Grant) -> Result<(), Error> {
        let delete = Delete::builder()
            .table_name(&self.tables.grants)
            .key("pk", text(grant.id.as_str()))
            .condition_expression("version = :version")
            .expression_attribute_values(":version", number(grant.version))
            .build()
            .map_err(|_| Error::Malformed("grant"))?;
        transaction.delete(delete);
        Ok(())
    }

    /// Takes a grant out of the schedule, for one that a newer consent replaced.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn retire_grant_in(
        &self,
        transaction: &mut Transaction,
        id: &GrantId,
    ) -> Result<(), Error> {
        let update = Update::builder()
            .table_name(&self.tables.grants)
            .key("pk", text(id.as_str()))
            .condition_expression("attribute_exists(pk)")
            .update_expression("REMOVE #shard, due_at")
            .expression_attribute_names("#shard", "shard")
            .build()
            .map_err(|_| Error::Malformed("grant"))?;
        transaction.update(update);
        Ok(())
    }

    /// Notes that a grant belongs to another enrollment, whose consent it renewed. To do it again
    /// changes nothing; a grant that is gone stays gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn assign_grant(&self, id: &GrantId, enrollment: &EnrollmentId) -> Result<(), Error> {
        let result = self
            .client
            .update_item()
            .table_name(&self.tables.grants)
            .key("pk", text(id.as_str()))
            .condition_expression("attribute_exists(pk)")
            .update_expression("SET enrollment = :enrollment")
            .expression_attribute_values(":enrollment", text(enrollment.as_str()))
            .send()
            .await;
        applied(result, &AttemptId::random()).map(|_| ())
    }

    /// Deletes a grant, whatever its version. Gone already is fine.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_grant(&self, id: &GrantId) -> Result<(), Error> {
        self.client
            .delete_item()
            .table_name(&self.tables.grants)
            .key("pk", text(id.as_str()))
            .send()
            .await
            .map_err(|error| AwsError::from_sdk(&error))?;
        Ok(())
    }
}
