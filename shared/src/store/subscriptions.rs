//! Subscriptions at the maker, one an enrollment, and who looks after one now. `act` holds a lease
//! while it asks the maker, so that two runs never create two; whoever has a reason wakes it, and a
//! wake-up that comes while it is looked after is not lost.

use aws_sdk_dynamodb::types::{
    ReturnValuesOnConditionCheckFailure, Update, builders::UpdateBuilder,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Applied, Error, Item, SCHEMA, Store, Transaction, Versioned, applied, enrollments::partition,
    from_json, json, number, parse, text,
};
use crate::{
    aws::AwsError,
    domain::{
        ids::{AttemptId, EnrollmentId},
        subscription::Subscription,
    },
};

const KEY: &str = "SUB";
/// The kind of shards in which they are due.
pub const DUE: &str = "subscriptions";

#[derive(Serialize, Deserialize)]
struct SubscriptionItem {
    pk: String,
    sk: String,
    schema: u8,
    version: u64,
    body: String,
}

/// The right to ask the maker for one enrollment's subscription and monitors.
#[derive(Debug)]
pub struct Held {
    enrollment: EnrollmentId,
    attempt: AttemptId,
    /// As it stood when it was taken.
    pub subscription: Subscription,
}

/// What came of trying to take it.
#[derive(Debug)]
pub enum Hold {
    /// It is ours until we give it back, or the lease runs out.
    Ours(Box<Held>),
    /// Another run looks after it.
    Busy,
    /// There is none, or its enrollment is not open any more.
    Gone,
}

fn read(item: Item) -> Result<Versioned<Subscription>, Error> {
    let item: SubscriptionItem = parse(item, "subscription")?;
    let value = from_json(&item.body, "subscription")?;
    Ok(Versioned { value, version: item.version })
}

impl Store {
    /// An enrollment's subscription.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn subscription(
        &self,
        enrollment: &EnrollmentId,
    ) -> Result<Option<Versioned<Subscription>>, Error> {
        self.record(&partition(enrollment), KEY).await?.map(read).transpose()
    }

    /// Makes a subscription due, and if there is none yet, one that the maker is to be asked for.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn want_subscription_in(
        &self,
        transaction: &mut Transaction,
        enrollment: &EnrollmentId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let day = now.as_second().div_euclid(86_400);
        let body = json(&Subscription::pending(day), "subscription")?;
        let set = "SET #schema = :schema, #shard = :shard, due_at = :due, woken = :woken, \
                   version = if_not_exists(version, :one), body = if_not_exists(body, :body)";
        let update = self
            .waking(enrollment, now)
            .update_expression(set)
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_names("#shard", "shard")
            .expression_attribute_values(":schema", number(SCHEMA))
            .expression_attribute_values(":shard", text(self.shard(DUE, &partition(enrollment))))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":body", text(body))
            .build()
            .map_err(|_| Error::Malformed("subscription"))?;
        transaction.update(update);
        Ok(())
    }

    fn waking(&self, enrollment: &EnrollmentId, due: Timestamp) -> UpdateBuilder {
        Update::builder()
            .table_name(&self.tables.records)
            .key("pk", text(partition(enrollment)))
            .key("sk", text(KEY))
            .expression_attribute_values(":due", number(due.as_second()))
            .expression_attribute_values(":woken", text(AttemptId::random().as_str()))
    }

    /// Makes a subscription due by then, if it is there and not due sooner.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn wake_subscription(
        &self,
        enrollment: &EnrollmentId,
        due: Timestamp,
    ) -> Result<(), Error> {
        let attempt = AttemptId::random();
        let result = self
            .client
            .update_item()
            .table_name(&self.tables.records)
            .key("pk", text(partition(enrollment)))
            .key("sk", text(KEY))
            .condition_expression(
                "attribute_exists(pk) AND (due_at > :due OR attribute_exists(lease))",
            )
            // Earlier versions had them in the shards of `act`.
            .update_expression(
                "SET #shard = :shard, due_at = :due, woken = :attempt, attempt = :attempt",
            )
            .expression_attribute_names("#shard", "shard")
            .expression_attribute_values(":shard", text(self.shard(DUE, &partition(enrollment))))
            .expression_attribute_values(":due", number(due.as_second()))
            .expression_attribute_values(":attempt", text(attempt.as_str()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        applied(result, &attempt).map(|_| ())
    }

    /// Takes a subscription in hand until `now + lease`: longer than a run may last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hold_subscription(
        &self,
        enrollment: &EnrollmentId,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Hold, Error> {
        let attempt = AttemptId::random();
        let result = self
            .client
            .update_item()
            .table_name(&self.tables.records)
            .key("pk", text(partition(enrollment)))
            .key("sk", text(KEY))
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(lease) OR leased_until <= :now)",
            )
            .update_expression(
                "SET lease = :attempt, attempt = :attempt, leased_until = :until REMOVE woken",
            )
            .expression_attribute_values(":now", number(now.as_second()))
            .expression_attribute_values(":until", number((now + lease).as_second()))
            .expression_attribute_values(":attempt", text(attempt.as_str()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match applied(result, &attempt)? {
            Applied::Yes => {}
            Applied::No(Some(_)) => return Ok(Hold::Busy),
            Applied::No(None) => return Ok(Hold::Gone),
        }
        Ok(match self.subscription(enrollment).await? {
            Some(found) => Hold::Ours(Box::new(Held {
                enrollment: enrollment.clone(),
                attempt,
                subscription: found.value,
            })),
            None => Hold::Gone,
        })
    }

    /// Writes what became of it, and gives it back: due at `due`, or sooner if somebody woke it
    /// meanwhile. What another run has taken over, or what was erased, is left alone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_back_subscription(
        &self,
        held: &Held,
        subscription: &Subscription,
        due: Timestamp,
    ) -> Result<(), Error> {
        for (undisturbed, condition) in
            [(true, "lease = :lease AND attribute_not_exists(woken)"), (false, "lease = :lease")]
        {
            let attempt = AttemptId::random();
            let due_too = if undisturbed { ", #shard = :shard, due_at = :due" } else { "" };
            let update = format!(
                "SET body = :body, version = version + :one, attempt = :attempt{due_too} REMOVE lease, leased_until"
            );
            let mut query = self
                .client
                .update_item()
                .table_name(&self.tables.records)
                .key("pk", text(partition(&held.enrollment)))
                .key("sk", text(KEY))
                .condition_expression(condition)
                .update_expression(update)
                .expression_attribute_values(":lease", text(held.attempt.as_str()))
                .expression_attribute_values(":body", text(json(subscription, "subscription")?))
                .expression_attribute_values(":one", number(1))
                .expression_attribute_values(":attempt", text(attempt.as_str()))
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                );
            if undisturbed {
                let shard = self.shard(DUE, &partition(&held.enrollment));
                query = query
                    .expression_attribute_names("#shard", "shard")
                    .expression_attribute_values(":shard", text(shard))
                    .expression_attribute_values(":due", number(due.as_second()));
            }
            if let Applied::Yes = applied(query.send().await, &attempt)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Notes a callback as soon as the maker has named it, so that what it sends at once is believed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_subscription(
        &self,
        held: &Held,
        subscription: &Subscription,
    ) -> Result<(), Error> {
        let attempt = AttemptId::random();
        let result = self
            .client
            .update_item()
            .table_name(&self.tables.records)
            .key("pk", text(partition(&held.enrollment)))
            .key("sk", text(KEY))
            .condition_expression("lease = :lease")
            .update_expression("SET body = :body, version = version + :one, attempt = :attempt")
            .expression_attribute_values(":lease", text(held.attempt.as_str()))
            .expression_attribute_values(":body", text(json(subscription, "subscription")?))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":attempt", text(attempt.as_str()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match applied(result, &attempt)? {
            Applied::Yes => Ok(()),
            Applied::No(_) => Err(Error::Conflict),
        }
    }

    /// Takes a subscription away: the operator wants none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn drop_subscription(&self, held: &Held) -> Result<(), Error> {
        self.client
            .delete_item()
            .table_name(&self.tables.records)
            .key("pk", text(partition(&held.enrollment)))
            .key("sk", text(KEY))
            .send()
            .await
            .map_err(|error| AwsError::from_sdk(&error))?;
        Ok(())
    }
}
