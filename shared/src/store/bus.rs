//! Events that the bus would not take, until it does.

use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use jiff::Timestamp;

use super::{
    Applied, Error, Store, applied, live, number,
    outbox::{BUS_AGAIN, EventItem},
    text,
};
use crate::domain::{event::Event, ids::AttemptId};

impl Store {
    /// An event that the bus would not take.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn for_the_bus(
        &self,
        pk: &str,
        sk: &str,
        now: Timestamp,
    ) -> Result<Option<Event>, Error> {
        let Some(item) = self.outbox_item(pk, sk).await? else { return Ok(None) };
        let item: Option<EventItem> = live(item, "event", now)?;
        Ok(item.map(|item| item.event))
    }

    /// The bus has it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bus_has_it(&self, pk: &str, sk: &str) -> Result<(), Error> {
        self.delete_outbox(pk, sk).await
    }

    /// Claims, for one run, an event that is due for the bus at `due_at`: it is due again in a while,
    /// unless the bus takes it before. `false`: another run was here, or it is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_for_the_bus(
        &self,
        pk: &str,
        sk: &str,
        due_at: i64,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let attempt = AttemptId::random();
        let result = self
            .client
            .update_item()
            .table_name(&self.tables.outbox)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .condition_expression("attribute_exists(pk) AND due_at = :read")
            .update_expression("SET due_at = :due, attempt = :attempt")
            .expression_attribute_values(":read", number(due_at))
            .expression_attribute_values(":due", number((now + BUS_AGAIN).as_second()))
            .expression_attribute_values(":attempt", text(attempt.as_str()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        Ok(matches!(applied(result, &attempt)?, Applied::Yes))
    }
}
