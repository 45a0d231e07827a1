//! Several writes that happen together or not at all.

use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{ConditionCheck, Delete, Put, TransactWriteItem, Update},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::time::Duration;

use super::{Error, Item, Store, text};
use crate::{aws::AwsError, random};

/// Collects writes; [`Store::commit`] applies them.
#[derive(Debug, Default)]
pub struct Transaction {
    items: Vec<TransactWriteItem>,
}

impl Transaction {
    /// Nothing to do yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn put(&mut self, put: Put) {
        self.items.push(TransactWriteItem::builder().put(put).build());
    }

    pub(crate) fn update(&mut self, update: Update) {
        self.items.push(TransactWriteItem::builder().update(update).build());
    }

    pub(crate) fn delete(&mut self, delete: Delete) {
        self.items.push(TransactWriteItem::builder().delete(delete).build());
    }

    pub(crate) fn check(&mut self, check: ConditionCheck) {
        self.items.push(TransactWriteItem::builder().condition_check(check).build());
    }
}

impl Store {
    /// A put into Records, unconditional.
    pub(crate) fn put_record(&self, item: Item) -> Result<Put, Error> {
        Put::builder()
            .table_name(&self.tables.records)
            .set_item(Some(item))
            .build()
            .map_err(|_| Error::Malformed("put"))
    }

    /// Applies all of it or nothing. The SDK gives each call one token for all its tries, so an
    /// answer lost on the way does no harm; a conflict with another transaction is tried again.
    ///
    /// # Errors
    /// [`Error::Conflict`] when a condition did not hold; else when the database fails.
    pub async fn commit(&self, transaction: Transaction) -> Result<(), Error> {
        let mut tries = 0;
        loop {
            let result = self
                .client
                .transact_write_items()
                .set_transact_items(Some(transaction.items.clone()))
                .client_request_token(random::id())
                .send()
                .await;
            let Err(error) = result else { return Ok(()) };
            match error.as_service_error().map(verdict) {
                Some(Verdict::Refused) => return Err(Error::Conflict),
                Some(Verdict::Contended) if tries < 5 => {
                    tries += 1;
                    pause(tries).await;
                }
                _ => return Err(AwsError::from_sdk(&error).into()),
            }
        }
    }

    /// A check that an enrollment's anchor still stands, so that nothing in flight brings back
    /// what was erased.
    pub(crate) fn anchor_stands(&self, pk: &str) -> Result<ConditionCheck, Error> {
        ConditionCheck::builder()
            .table_name(&self.tables.records)
            .key("pk", text(pk))
            .key("sk", text("META"))
            .condition_expression("#status IN (:active, :reauthorization)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":active", text("active"))
            .expression_attribute_values(":reauthorization", text("reauthorization_required"))
            .build()
            .map_err(|_| Error::Malformed("check"))
    }
}

enum Verdict {
    Refused,
    Contended,
    Failed,
}

fn verdict(error: &TransactWriteItemsError) -> Verdict {
    let TransactWriteItemsError::TransactionCanceledException(canceled) = error else {
        let contended = error.code() == Some("TransactionInProgressException");
        return if contended { Verdict::Contended } else { Verdict::Failed };
    };
    let codes = || canceled.cancellation_reasons().iter().filter_map(|reason| reason.code());
    if codes().any(|code| code == "ConditionalCheckFailed") {
        return Verdict::Refused;
    }
    let passing = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
    if codes().any(|code| passing.contains(&code)) { Verdict::Contended } else { Verdict::Failed }
}

/// Longer each time, and never in step with the one we collided with.
#[expect(clippy::disallowed_methods, reason = "a few milliseconds between two tries of one write")]
pub(super) async fn pause(tries: u32) {
    let most = 20 << tries;
    tokio::time::sleep(Duration::from_millis(u64::from(5 + random::below(most)))).await;
}
