//! An index is a copy that lags: here a second database, to which writes come late, and which
//! answers in place of the first when a query shall see the past.

use std::collections::VecDeque;

use dynoxide::{Database, DynoxideError};
use serde_json::{Value, json};

use super::{
    dispatch::{dispatch, request},
    request::Touched,
};
use crate::front::Operation;

/// Writes are handed on at the latest when so many wait.
const WAITING: usize = 64;

pub(super) struct Lag {
    copy: Database,
    waiting: VecDeque<(Touched, Value)>,
}

impl Lag {
    /// A copy of what the tables hold now.
    pub(super) fn open(db: &Database, creations: &[Value]) -> Result<Self, DynoxideError> {
        let copy = Database::memory()?;
        for creation in creations {
            copy.create_table(request(creation.clone())?)?;
            let mut start = Value::Null;
            loop {
                let mut body = json!({"TableName": creation["TableName"]});
                if !start.is_null() {
                    body["ExclusiveStartKey"] = start;
                }
                let page = dispatch(db, Operation::Scan, body)?;
                for item in page["Items"].as_array().into_iter().flatten() {
                    put(&copy, &creation["TableName"], item)?;
                }
                start = page["LastEvaluatedKey"].clone();
                if start.is_null() {
                    break;
                }
            }
        }
        Ok(Self { copy, waiting: VecDeque::new() })
    }

    /// Notes how items stand after a write.
    pub(super) fn follow(
        &mut self,
        db: &Database,
        written: Vec<Touched>,
    ) -> Result<(), DynoxideError> {
        for item in written {
            let found = dispatch(
                db,
                Operation::GetItem,
                json!({"TableName": item.table, "Key": item.key}),
            )?;
            self.waiting.push_back((item, found["Item"].clone()));
        }
        self.catch_up(WAITING)
    }

    /// The answer as it would have been before so many of the last writes.
    pub(super) fn query(&mut self, body: Value, behind: usize) -> Result<Value, DynoxideError> {
        self.catch_up(behind)?;
        dispatch(&self.copy, Operation::Query, body)
    }

    fn catch_up(&mut self, leave: usize) -> Result<(), DynoxideError> {
        while self.waiting.len() > leave {
            let Some((item, state)) = self.waiting.pop_front() else { break };
            let table = Value::from(item.table);
            if state.is_null() {
                dispatch(
                    &self.copy,
                    Operation::DeleteItem,
                    json!({"TableName": table, "Key": item.key}),
                )?;
            } else {
                put(&self.copy, &table, &state)?;
            }
        }
        Ok(())
    }
}

fn put(copy: &Database, table: &Value, item: &Value) -> Result<(), DynoxideError> {
    dispatch(copy, Operation::PutItem, json!({"TableName": table, "Item": item})).map(drop)
}
