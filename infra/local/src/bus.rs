//! `EventBridge`'s stand-in: takes events, and gives them to whoever looks or listens, in no order
//! that could be relied on.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::front::{Caller, Refusal};

/// How many events a listener may be behind.
const BEHIND: usize = 256;
/// How many are kept to be looked at.
const KEPT: usize = 100_000;

/// The bus; clones share it.
#[derive(Clone)]
pub struct Bus {
    arn: Option<String>,
    seed: Option<u64>,
    received: Arc<Mutex<Vec<Value>>>,
    news: broadcast::Sender<Value>,
}

impl Bus {
    pub(crate) fn new(arn: Option<String>, seed: Option<u64>) -> Self {
        let news = broadcast::channel(BEHIND).0;
        Self { arn, seed, received: Arc::default(), news }
    }

    /// The `CloudEvent`s that came so far; shuffled, where the weather is by seed.
    #[must_use]
    pub fn received(&self) -> Vec<Value> {
        let mut events = self.received.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(seed) = self.seed {
            events.sort_by_key(|event| {
                let hash = digest(&SHA256, format!("{seed} {}", event["id"]).as_bytes());
                hash.as_ref().to_vec()
            });
        }
        events
    }

    /// Those that come from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Value> {
        self.news.subscribe()
    }

    pub(crate) fn authorise(&self, caller: &Caller<'_>, body: &Value) -> Result<(), Refusal> {
        let action = "events:PutEvents";
        let names = body["Entries"].as_array().into_iter().flatten();
        for name in names.map(|entry| entry["EventBusName"].as_str().unwrap_or("default")) {
            let own = self.arn.as_deref().filter(|arn| arn.rsplit(':').next() == Some(name));
            caller.may(action, own.unwrap_or(name), &[])?;
        }
        Ok(())
    }

    /// What `EventBridge` would refuse of an entry is refused in the answer, not by its status.
    pub(crate) fn call(&self, body: &Value) -> Value {
        let mut failed = 0;
        let mut answers = Vec::new();
        for entry in body["Entries"].as_array().into_iter().flatten() {
            let detail = entry["Detail"].as_str().unwrap_or_default();
            let event = serde_json::from_str::<Value>(detail).ok().filter(Value::is_object);
            let named = ["Source", "DetailType"].iter().all(|name| entry[name].is_string());
            if let Some(event) = event.filter(|_| named && detail.len() < 256 * 1024) {
                self.keep(event);
                answers.push(json!({"EventId": shared::random::id()}));
            } else {
                failed += 1;
                answers.push(json!({"ErrorCode": "MalformedDetail", "ErrorMessage": "refused"}));
            }
        }
        json!({"FailedEntryCount": failed, "Entries": answers})
    }

    fn keep(&self, event: Value) {
        let mut received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        if received.len() == KEPT {
            received.remove(0);
        }
        received.push(event.clone());
        // Nobody listens, but where somebody sits before `cargo run`.
        let _ = self.news.send(event);
    }
}
