//! The latest attempts to send to an endpoint, in one item that is read only by who looks at it.

use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::PARTITION;
use crate::{
    domain::{
        ids::{AttemptId, WebhookId},
        webhook::Attempt,
    },
    store::{Applied, Error, SCHEMA, Store, applied, from_json, json, live, number, text, to_item},
    webhooks::RECENT,
};

/// How long attempts are kept.
const ATTEMPTS_KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);

/// The latest attempts to send to an endpoint: an item of their own, since every run of `deliver` reads
/// the endpoint and nobody needs them but who looks at it.
#[derive(Serialize, Deserialize)]
struct AttemptsItem {
    pk: String,
    sk: String,
    schema: u8,
    attempt: AttemptId,
    expires_at: i64,
    /// Newest first, as JSON.
    body: String,
}

/// Its sort key.
pub(super) fn key(id: &WebhookId) -> String {
    format!("LOG#{id}")
}

impl Store {
    /// The latest attempts to send to an endpoint, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attempts(&self, id: &WebhookId, now: Timestamp) -> Result<Vec<Attempt>, Error> {
        Ok(self.attempts_item(id, now).await?.map_or_else(Vec::new, |(attempts, _)| attempts))
    }

    async fn attempts_item(
        &self,
        id: &WebhookId,
        now: Timestamp,
    ) -> Result<Option<(Vec<Attempt>, AttemptId)>, Error> {
        let Some(item) = self.outbox_item(PARTITION, &key(id)).await? else {
            return Ok(None);
        };
        let item: Option<AttemptsItem> = live(item, "attempts", now)?;
        item.map(|item| Ok((from_json(&item.body, "attempts")?, item.attempt))).transpose()
    }

    /// Adds attempts, oldest first, to the latest ones of an endpoint, of which some twenty are kept.
    ///
    /// # Errors
    /// When the database fails, or others add to them all the time.
    pub async fn add_attempts(
        &self,
        id: &WebhookId,
        new: Vec<Attempt>,
        now: Timestamp,
    ) -> Result<(), Error> {
        for _ in 0..3 {
            let (mut all, read) = match self.attempts_item(id, now).await? {
                Some((known, read)) => (known, Some(read)),
                None => (Vec::new(), None),
            };
            all.extend(new.iter().cloned());
            all.sort_by_key(|attempt| std::cmp::Reverse(attempt.at));
            all.truncate(RECENT);
            match self.put_attempts(id, &all, read, now).await {
                Err(Error::Conflict) => {}
                other => return other,
            }
        }
        Err(Error::Conflict)
    }

    async fn put_attempts(
        &self,
        id: &WebhookId,
        attempts: &[Attempt],
        read: Option<AttemptId>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let attempt = AttemptId::random();
        let item = AttemptsItem {
            pk: PARTITION.into(),
            sk: key(id),
            schema: SCHEMA,
            attempt: attempt.clone(),
            expires_at: (now + ATTEMPTS_KEPT).as_second(),
            body: json(&attempts, "attempts")?,
        };
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.outbox)
            .set_item(Some(to_item(&item, "attempts")?))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match read {
            Some(read) => put
                .condition_expression("attempt = :read")
                .expression_attribute_values(":read", text(read.as_str())),
            // One that has expired may still lie there.
            None => put
                .condition_expression("attribute_not_exists(pk) OR expires_at <= :now")
                .expression_attribute_values(":now", number(now.as_second())),
        };
        match applied(put.send().await, &attempt)? {
            Applied::Yes => Ok(()),
            Applied::No(_) => Err(Error::Conflict),
        }
    }
}
