//! Stream records, made here rather than by dynoxide, whose writes slow down as its own stream
//! grows and can't be trimmed: only what some mapping waits for is kept, until it is delivered.
//!
//! A record is written right after its change and not in one transaction with it. A process that
//! ends between the two loses a wake-up, which is what the functions' sweeps are for.

use std::sync::Arc;

use dynoxide::{Database, DynoxideError};
use serde_json::{Value, json};
use shared::Clock;
use tokio::sync::Notify;

use super::{dispatch::dispatch, engine::STREAM_TABLE, request::Touched};
use crate::{front::Operation, template::Pattern};

/// A mapping that waits for changes.
#[derive(Debug, Clone)]
pub(crate) struct Watcher {
    /// Its own name: each mapping has its own place in the stream.
    pub(crate) id: String,
    pub(crate) table: String,
    pub(crate) stream: String,
    pub(crate) region: String,
    pub(crate) filters: Vec<Pattern>,
}

pub(super) struct Changes {
    watchers: Vec<Watcher>,
    clock: Clock,
    news: Arc<Notify>,
    last: i64,
}

/// A change that some mapping may wait for.
pub(super) struct Watched {
    item: Touched,
    existed: bool,
}

impl Changes {
    pub(super) fn new(watchers: Vec<Watcher>, clock: Clock, news: Arc<Notify>) -> Self {
        Self { watchers, clock, news, last: 0 }
    }

    /// Looks at the items before they change, those alone that could pass a filter.
    pub(super) fn before(
        &self,
        db: &Database,
        written: &[Touched],
    ) -> Result<Vec<Watched>, DynoxideError> {
        let mut watched = Vec::new();
        for item in written {
            let wanted = ["INSERT", "MODIFY", "REMOVE"]
                .iter()
                .any(|event| self.waiting(item, event).next().is_some());
            if wanted {
                watched.push(Watched { existed: exists(db, item)?, item: item.clone() });
            }
        }
        Ok(watched)
    }

    /// Keeps a record of each change that a mapping waits for.
    pub(super) fn after(
        &mut self,
        db: &Database,
        watched: Vec<Watched>,
    ) -> Result<(), DynoxideError> {
        for Watched { item, existed } in watched {
            let event = match (existed, exists(db, &item)?) {
                (false, true) => "INSERT",
                (true, true) => "MODIFY",
                (true, false) => "REMOVE",
                (false, false) => continue,
            };
            let now = self.clock.now();
            self.last = now.as_microsecond().max(self.last + 1);
            for watcher in self.waiting(&item, event) {
                let record = record(watcher, &item, event, self.last, now.as_second());
                let sequence = record["dynamodb"]["SequenceNumber"].clone();
                let body = json!({"TableName": STREAM_TABLE, "Item": {
                    "pk": {"S": watcher.id}, "sk": {"S": sequence}, "record": {"S": record.to_string()},
                }});
                dispatch(db, Operation::PutItem, body)?;
                self.news.notify_one();
            }
        }
        Ok(())
    }

    fn waiting(&self, item: &Touched, event: &str) -> impl Iterator<Item = &Watcher> {
        let probe = json!({"eventName": event, "dynamodb": {"Keys": item.key}});
        self.watchers.iter().filter(move |watcher| {
            let passes = watcher.filters.iter().any(|filter| filter.matches(&probe));
            watcher.table == item.table && (watcher.filters.is_empty() || passes)
        })
    }
}

/// As Lambda hands it to a function.
fn record(watcher: &Watcher, item: &Touched, event: &str, sequence: i64, second: i64) -> Value {
    let size = json!(item.key).to_string().len();
    json!({
        "eventID": format!("{sequence:032x}"),
        "eventName": event,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": watcher.region,
        "eventSourceARN": watcher.stream,
        "dynamodb": {
            "ApproximateCreationDateTime": second,
            "Keys": item.key,
            "SequenceNumber": format!("{sequence:021}"),
            "SizeBytes": size,
            "StreamViewType": "KEYS_ONLY",
        },
    })
}

fn exists(db: &Database, item: &Touched) -> Result<bool, DynoxideError> {
    let found =
        dispatch(db, Operation::GetItem, json!({"TableName": item.table, "Key": item.key}))?;
    Ok(found.get("Item").is_some_and(|item| !item.is_null()))
}
