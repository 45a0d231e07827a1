//! The only code that talks to DynamoDB.
//!
//! | table | `pk` | `sk` | what | `shard` + `due_at` |
//! |---|---|---|---|---|
//! | Grants | `gr_…` | | sealed tokens, lease, version | `refresh#NN`, next renewal |
//! | Records | `ENR#enr_…` | `META` | the enrollment: the anchor of all below | `act#NN`, deadline of its state |
//! | | | `CAR#{vin}` | a car's address, pace and watermarks | `fetch#NN`, next look |
//! | | | `SNAP#{vin}` | its latest state | |
//! | | | `OBS#{vin}#{time}` | what changed then (TTL) | |
//! | | | `TRIP#{vin}#{start}#{id}` | a trip (TTL) | |
//! | | | `ALERT#{vin}#{start}#{id}` | an alert (TTL) | |
//! | | | `SUB` | its subscription at the maker, and who looks after it | `subscriptions#NN`, the next look |
//! | | | `WATCH#{vin}#mon_…` | a rule on a car | |
//! | | | `RULE#mon_…` | a rule on one of its cars; others under `RULES#all`, `RULES#user#{user_ref}` | |
//! | | | `RMT#{vin}#rem_…` | a command to a car (TTL) | `act#NN`, until it is settled |
//! | | | `RMTLOCK#{vin}#{kind}` | the last command of a kind (TTL) | |
//! | | | `RMTACT#{id}` | the command that the maker calls so (TTL) | |
//! | | | `COUNT#{vin}#{hour}`, `WAKE#{vin}#{month}` | commands and wake-ups of a car (TTL) | |
//! | | | `AUDIT#rem_…` | for whom a command was, and to which car (TTL) | |
//! | | | `REQ#req_…` | what `act` shall do (TTL) | `act#NN`, the sweep |
//! | | `SYS` | `REQ#req_…` | a request about no enrollment (TTL) | `act#NN` |
//! | | | `CONTROL` | stops and pauses of all calls | |
//! | | | `COUNT#key#{key}#{hour}`, `COUNT#all#{hour}` | commands by a key, and all (TTL) | |
//! | | `RULES` | `RULE#mon_…` | where a rule lies | |
//! | | `AUDIT#{month}` | `{time}#rem_…#{state}` | what happened to a command (TTL) | |
//! | | `IN#enr_…` | `MSG#{sha256}` | a message of the maker, or the mark that it is done (TTL) | `digest#NN`, the sweep |
//! | | | `PART#{sha256}#{n}` | a piece of a long one's text (TTL) | `digest#NN` |
//! | | | `BAD#{sha256}` | what can't be understood (TTL) | `digest#NN`, once |
//! | | `IDENT#{sha256}` | `-` | the enrollment of a user, brand and subject | |
//! | | `ACCT#{sha256}` | `-` | the enrollments of a brand and subject: a set of ids | |
//! | | `IDEM#{key}#{sha256}` | `-` | the answer to an idempotent POST (TTL) | |
//! | Outbox | `ENR#enr_…`, `SYS` | `EVT#{order}#evt_…` | an event to hand on (TTL) | `deliver#NN`, its time |
//! | | | `TOLD#{order}#evt_…` | one that was handed on (TTL) | |
//! | | | `BUS#{order}#evt_…` | one that the bus would not take (TTL) | `deliver#NN`, next try |
//! | | | `LANE#whk_…#{vin, evt_… of a test, or -}` | a lane's head: lease, tries (TTL) | `lane#whk_…#N` or `paused#whk_…` |
//! | | | `SEND#whk_…#{vin or -}#{order}#evt_…` | an event in a lane (TTL) | |
//! | | | `DEAD#whk_…#{order}#evt_…` | one that was given up (TTL) | `dead#whk_…`, when |
//! | | `HOOKS` | `whk_…` | an endpoint of the operator's, its health | |
//! | | | `LOG#whk_…` | the latest attempts to send to it (TTL) | |
//!
//! Indexes (keys only): `due` on (`shard`, `due_at`) in every table; in Records also `find` on
//! (`find`, `sk`), where `find` is `user#{user_ref}`, `vin#{vin}`, `rule#{rule}` or `bad`, and `changed`
//! on (`status`, `changed_at`) for enrollments.
//! Every item has `schema`, but for hashes of identities and of idempotency keys. What has `expires_at` is gone from then on, for every reader, whether
//! or not DynamoDB has removed it yet.

pub mod accounts;
pub mod audit;
mod bus;
pub mod control;
pub mod counters;
mod due;
pub mod enrollments;
pub mod entries;
mod erasure;
pub mod grants;
pub mod held;
pub mod history;
pub mod idempotency;
pub mod identities;
pub mod inbox;
pub mod lanes;
pub mod listing;
pub mod monitors;
pub mod outbox;
pub mod quarantine;
pub mod remotes;
pub mod requests;
pub mod rules;
pub mod subscriptions;
pub mod transaction;
pub mod vehicles;
pub mod webhooks;

mod packed;
mod part;
mod shards;

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::{
        delete_item::DeleteItemError, put_item::PutItemError, update_item::UpdateItemError,
    },
    types::{AttributeValue, error::ConditionalCheckFailedException},
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use jiff::Timestamp;
use serde::de::DeserializeOwned;

pub use self::{
    due::{DueKey, DueTable},
    shards::Shards,
    transaction::Transaction,
};
use crate::{
    aws::{AwsError, Lazy},
    config::Tables,
    domain::ids::AttemptId,
};

/// The longest body of an item; an item has at most 400 KB.
const LONGEST: usize = 350_000;
/// How often what a busy table left undone is asked for again.
const MOST_TRIES: u32 = 8;
/// The version of the items written now; the previous one stays readable.
pub const SCHEMA: u8 = 1;

/// An item as the SDK has it.
pub type Item = HashMap<String, AttributeValue>;

/// The three tables.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) client: Lazy<Client>,
    tables: Tables,
}

/// The store did not do what was asked. Look-ups of what is not there are no error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// DynamoDB did not answer, or refused.
    #[error("the database failed")]
    Database(#[from] AwsError),
    /// Somebody else changed it in between: read again and decide anew.
    #[error("changed in between")]
    Conflict,
    /// An item can't be read: written by a later version, or by hand.
    #[error("an item of kind {0} is not well-formed")]
    Malformed(&'static str),
}

/// A value and the version under which it was read.
#[derive(Debug, Clone)]
pub struct Versioned<T> {
    /// The value.
    pub value: T,
    /// Writes say this, and fail if it has moved on.
    pub version: u64,
}

/// Whether a conditional write was applied.
#[derive(Debug)]
pub enum Applied {
    /// It was: now, or by an earlier try whose answer was lost.
    Yes,
    /// Its condition did not hold for this item.
    No(Option<Item>),
}

impl Store {
    /// Over a client made by `App`.
    #[must_use]
    pub fn new(client: Lazy<Client>, tables: Tables) -> Self {
        Self { client, tables }
    }

    /// The shards of its due indexes.
    #[must_use]
    pub fn shards(&self) -> Shards {
        self.tables.shards
    }

    /// The shard of a key within one kind of work: `refresh#07`.
    pub(crate) fn shard(&self, kind: &str, key: &str) -> String {
        self.shards().of_key(kind, key)
    }

    /// Every item below a partition whose sort key begins with `prefix`, in order.
    pub(crate) async fn below(
        &self,
        table: &str,
        pk: &str,
        prefix: &str,
    ) -> Result<Vec<Item>, Error> {
        let mut items = Vec::new();
        let mut from = None;
        loop {
            let query =
                self.client.query().table_name(table).expression_attribute_values(":pk", text(pk));
            // An empty value can't be compared with a key.
            let query = if prefix.is_empty() {
                query.key_condition_expression("pk = :pk")
            } else {
                query
                    .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                    .expression_attribute_values(":prefix", text(prefix))
            };
            let page = query
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|error| AwsError::from_sdk(&error))?;
            items.extend(page.items.unwrap_or_default());
            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(items);
            }
        }
    }

    /// One item of Records, strongly consistent.
    pub(crate) async fn record(&self, pk: &str, sk: &str) -> Result<Option<Item>, Error> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.records)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| AwsError::from_sdk(&error))?;
        Ok(answer.item)
    }

    /// Items of Records by key, in no order; those gone meanwhile are left out.
    pub(crate) async fn records(&self, keys: Vec<Item>) -> Result<Vec<Item>, Error> {
        let mut found = Vec::new();
        for chunk in keys.chunks(100) {
            let (mut wanted, mut tries) = (chunk.to_vec(), 0);
            while !wanted.is_empty() {
                let keys = aws_sdk_dynamodb::types::KeysAndAttributes::builder()
                    .set_keys(Some(wanted))
                    .consistent_read(true)
                    .build()
                    .map_err(|_| Error::Malformed("key"))?;
                let answer = self
                    .client
                    .batch_get_item()
                    .request_items(&self.tables.records, keys)
                    .send()
                    .await
                    .map_err(|error| AwsError::from_sdk(&error))?;
                found.extend(answer.responses.into_iter().flatten().flat_map(|(_, items)| items));
                let left = answer.unprocessed_keys.unwrap_or_default();
                wanted = left.into_values().flat_map(|keys| keys.keys).collect();
                if !wanted.is_empty() {
                    // The table is busy: at once it would be no less so.
                    tries += 1;
                    if tries > MOST_TRIES {
                        return Err(AwsError::Refused("UnprocessedKeys".to_owned()).into());
                    }
                    transaction::pause(tries).await;
                }
            }
        }
        Ok(found)
    }
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

#[expect(clippy::needless_pass_by_value, reason = "numbers are copied")]
pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Reads an item; `None` if it has expired by `now`.
pub(crate) fn live<T: DeserializeOwned>(
    item: Item,
    kind: &'static str,
    now: Timestamp,
) -> Result<Option<T>, Error> {
    let expires_at = item.get("expires_at").and_then(as_number);
    if expires_at.is_some_and(|at| at <= now.as_second()) {
        return Ok(None);
    }
    parse(item, kind).map(Some)
}

pub(crate) fn parse<T: DeserializeOwned>(item: Item, kind: &'static str) -> Result<T, Error> {
    serde_dynamo::from_item(item).map_err(|_| Error::Malformed(kind))
}

pub(crate) fn json<T: serde::Serialize>(value: &T, kind: &'static str) -> Result<String, Error> {
    let text = serde_json::to_string(value).map_err(|_| Error::Malformed(kind))?;
    // DynamoDB would refuse the item, and be asked again and again.
    if text.len() > LONGEST { Err(Error::Malformed(kind)) } else { Ok(text) }
}

pub(crate) fn from_json<T: DeserializeOwned>(text: &str, kind: &'static str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|_| Error::Malformed(kind))
}

pub(crate) fn to_item<T: serde::Serialize>(value: &T, kind: &'static str) -> Result<Item, Error> {
    serde_dynamo::to_item(value).map_err(|_| Error::Malformed(kind))
}

pub(crate) fn as_number(value: &AttributeValue) -> Option<i64> {
    value.as_n().ok()?.parse().ok()
}

/// The error of a write that may carry the item which made its condition fail.
pub(crate) trait ConditionFailure: ProvideErrorMetadata {
    /// The failure of a condition, if that is what it is.
    fn failure(&self) -> Option<&ConditionalCheckFailedException>;
}

macro_rules! condition_failure {
    ($error:ty) => {
        impl ConditionFailure for $error {
            fn failure(&self) -> Option<&ConditionalCheckFailedException> {
                match self {
                    Self::ConditionalCheckFailedException(failure) => Some(failure),
                    _ => None,
                }
            }
        }
    };
}
condition_failure!(PutItemError);
condition_failure!(UpdateItemError);
condition_failure!(DeleteItemError);

/// Tells a failed condition from a failed database, and one's own earlier try from a stranger's.
pub(crate) fn applied<O, E: ConditionFailure, R>(
    result: Result<O, SdkError<E, R>>,
    attempt: &AttemptId,
) -> Result<Applied, Error> {
    let Err(error) = result else { return Ok(Applied::Yes) };
    let Some(failure) = error.as_service_error().and_then(ConditionFailure::failure) else {
        return Err(AwsError::from_sdk(&error).into());
    };
    let item = failure.item();
    let mine = item.and_then(|item| item.get("attempt")).and_then(|id| id.as_s().ok());
    if mine.is_some_and(|id| id == attempt.as_str()) {
        return Ok(Applied::Yes);
    }
    Ok(Applied::No(item.cloned()))
}
