//! Answers to POSTs that carry an `Idempotency-Key`, kept for a day.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Applied, Error, Store, applied, live, to_item};
use crate::domain::{enrollment::sha256, ids::AttemptId};

const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// What a key was used for, and what was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotent {
    /// SHA-256 of the request's path and body: another request under the same key is refused.
    pub request: String,
    /// The id that the first request made.
    pub made: String,
}

#[derive(Serialize, Deserialize)]
struct IdempotentItem {
    pk: String,
    sk: String,
    attempt: AttemptId,
    expires_at: i64,
    body: Idempotent,
}

impl Store {
    /// Notes the first use of a key, or tells what its first use was.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn idempotent(
        &self,
        api_key: &str,
        key: &str,
        first: Idempotent,
        now: Timestamp,
    ) -> Result<Idempotent, Error> {
        let pk = format!("IDEM#{api_key}#{}", sha256(&[key]));
        let attempt = AttemptId::random();
        let item = IdempotentItem {
            pk: pk.clone(),
            sk: "-".into(),
            attempt: attempt.clone(),
            expires_at: (now + KEPT).as_second(),
            body: first.clone(),
        };
        let result = self
            .client
            .put_item()
            .table_name(&self.tables.records)
            .set_item(Some(to_item(&item, "idempotency")?))
            .condition_expression("attribute_not_exists(pk) OR expires_at <= :now")
            .expression_attribute_values(":now", super::number(now.as_second()))
            .return_values_on_condition_check_failure(
                aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld,
            )
            .send()
            .await;
        match applied(result, &attempt)? {
            Applied::Yes => Ok(first),
            Applied::No(old) => {
                let old = old.ok_or(Error::Malformed("idempotency"))?;
                let old: Option<IdempotentItem> = live(old, "idempotency", now)?;
                Ok(old.ok_or(Error::Conflict)?.body)
            }
        }
    }
}
