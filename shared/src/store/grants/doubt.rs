//! A second opinion before a grant that the maker calls dead is given up.

use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use jiff::{SignedDuration, Timestamp};

use super::{
    super::{Applied, Error, Store, applied, number, text},
    Grant,
};
use crate::domain::ids::AttemptId;

/// How long after the maker said that a grant is dead it is asked once more: one server of several may
/// not have heard yet of its last renewal.
const SECOND_OPINION: SignedDuration = SignedDuration::from_mins(10);

impl Grant {
    /// When the maker may be asked once more, after it said that this version is dead.
    #[must_use]
    pub fn asked_again_at(&self) -> Option<Timestamp> {
        let refused_at = self.refused_at.filter(|_| self.refused_version == Some(self.version))?;
        Timestamp::from_second(refused_at).ok().map(|at| at + SECOND_OPINION)
    }
}

impl Store {
    /// Notes that the maker says that this version is dead, and gives the lease back: it is asked once
    /// more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn doubt_grant(&self, grant: &Grant, now: Timestamp) -> Result<Applied, Error> {
        let attempt = AttemptId::random();
        let result = self
            .client
            .update_item()
            .table_name(&self.tables.grants)
            .key("pk", text(grant.id.as_str()))
            .condition_expression("attempt = :mine AND version = :version")
            .update_expression(
                "SET lease_until = :none, open_intents = open_intents - :one, attempt = :attempt, \
                 due_at = :due, refused_at = :now, refused_version = :version",
            )
            .expression_attribute_values(":mine", text(grant.attempt.as_str()))
            .expression_attribute_values(":version", number(grant.version))
            .expression_attribute_values(":none", number(0))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":attempt", text(attempt.as_str()))
            .expression_attribute_values(":now", number(now.as_second()))
            .expression_attribute_values(":due", number((now + SECOND_OPINION).as_second()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        applied(result, &attempt)
    }
}
