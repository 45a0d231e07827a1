//! The database front: DynamoDB's API over dynoxide, which is kinder than DynamoDB. Here it refuses
//! what the caller's role would not allow, and has the bad days that the real one has.

mod changes;
mod dispatch;
pub(crate) mod engine;
mod lag;
mod request;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

pub use self::engine::DatabaseError;
use self::request::{Need, needs, transaction_size};
pub(crate) use self::{
    changes::Watcher,
    engine::{Engine, QUEUE_TABLE, Reply, STREAM_TABLE},
};
use crate::{
    faults::Effect,
    front::{Caller, Operation, Refusal},
    template::Table,
};

/// The tables as the functions see them.
#[derive(Clone)]
pub(crate) struct Tables {
    pub(crate) engine: Engine,
    pub(crate) known: Arc<BTreeMap<String, Table>>,
    pub(crate) region: String,
}

impl Tables {
    /// What a call is about: its tables, and whether it reads an index.
    pub(crate) fn subject(operation: Operation, body: &Value) -> (Vec<String>, bool) {
        let needs = needs(operation, body);
        let index = needs.iter().any(|need| need.index.is_some());
        (needs.into_iter().map(|need| need.table).collect(), index)
    }

    /// Whether the caller's role allows all of it.
    pub(crate) fn authorise(
        &self,
        caller: &Caller<'_>,
        operation: Operation,
        body: &Value,
    ) -> Result<(), Refusal> {
        for Need { action, table, index, context } in needs(operation, body) {
            let known = self.known.get(&table).ok_or_else(no_table)?;
            let action = format!("dynamodb:{action}");
            let resource = match index {
                Some(index) => format!("{}/index/{index}", known.arn),
                None => known.arn.clone(),
            };
            let context: Vec<_> = context.iter().map(|(key, value)| (*key, &**value)).collect();
            caller.may(&action, &resource, &context)?;
            // DynamoDB opens the table's key in the caller's name.
            let via = format!("dynamodb.{}.amazonaws.com", self.region);
            if let Some(key) = &known.key {
                caller.may("kms:Decrypt", key, &[("kms:ViaService", &via)])?;
            }
        }
        Ok(())
    }

    /// Does a call, with what befalls it.
    pub(crate) async fn call(
        &self,
        operation: Operation,
        mut body: Value,
        effect: Option<(Effect, u64)>,
    ) -> Result<Reply, Refusal> {
        let mut behind = None;
        let mut left_undone = Value::Null;
        match effect {
            Some((Effect::Stale, drawn)) => behind = Some(1 + index(drawn, 4)),
            Some((Effect::ShortPage, drawn)) => shorten(&mut body, 1 + drawn % 3),
            Some((Effect::Unprocessed, drawn)) => left_undone = take_away(&mut body, drawn),
            Some((Effect::Conflict, drawn)) => return Err(conflict(operation, &body, drawn)),
            _ => (),
        }
        let done = self.engine.run(move |core| core.call(operation, body, behind)).await;
        let done = done.map_err(|error| Refusal::internal(&error))?;
        let mut reply = done.map_err(|error| Refusal::of(&error))?;
        if !left_undone.is_null() {
            let member = if operation == Operation::BatchGetItem {
                "UnprocessedKeys"
            } else {
                "UnprocessedItems"
            };
            reply.body[member] = left_undone;
        }
        Ok(reply)
    }
}

fn no_table() -> Refusal {
    Refusal::new(
        400,
        "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
        "Requested resource not found",
    )
}

/// A number drawn, as an index below `count`.
fn index(drawn: u64, count: usize) -> usize {
    usize::try_from(drawn % count.max(1) as u64).unwrap_or_default()
}

fn shorten(body: &mut Value, limit: u64) {
    let asked = body["Limit"].as_u64().unwrap_or(u64::MAX);
    body["Limit"] = asked.min(limit).into();
}

/// Takes the last keys or requests of one table out of a batch. The first stays, so that a caller
/// who asks again for the rest comes to an end.
fn take_away(body: &mut Value, drawn: u64) -> Value {
    let tables = body["RequestItems"].as_object_mut().into_iter().flatten();
    for (table, request) in tables {
        let (fields, list) = match request {
            Value::Array(list) => (None, list),
            Value::Object(fields) => {
                let others = fields.clone();
                match fields.get_mut("Keys").and_then(Value::as_array_mut) {
                    Some(list) => (Some(others), list),
                    None => continue,
                }
            }
            _ => continue,
        };
        if list.len() > 1 {
            let rest = list.split_off(1 + index(drawn, list.len() - 1));
            return match fields {
                Some(mut fields) => {
                    fields.insert("Keys".to_owned(), rest.into());
                    json!({table.as_str(): fields})
                }
                None => json!({table.as_str(): rest}),
            };
        }
    }
    Value::Null
}

fn conflict(operation: Operation, body: &Value, drawn: u64) -> Refusal {
    if operation != Operation::TransactWriteItems {
        let kind = "com.amazonaws.dynamodb.v20120810#TransactionConflictException";
        return Refusal::new(400, kind, "Transaction is ongoing for the item");
    }
    let size = transaction_size(body);
    let struck = index(drawn, size);
    let code = |at| if at == struck { "TransactionConflict" } else { "None" };
    let reasons: Vec<_> = (0..size).map(|at| json!({"Code": code(at)})).collect();
    let codes: Vec<_> = (0..size).map(code).collect();
    let message = format!(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
        codes.join(", ")
    );
    Refusal::new(400, "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", &message)
        .with("CancellationReasons", reasons.into())
}
