//! `EventBridge`'s stand-in: takes events, and gives them to whoever looks or listens, in no order
//! that could be relied on.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::front::{Caller, Refusal};

/// How many events a listener may be behind.
const BEHIND: usize = 256;
/// The bus; clones share it.
#[derive(Clone)]
pub struct Bus {
    arn: Option<String>,
    seed: Option<u64>,
    /// What came so far, where somebody looks at it afterwards.
    received: Option<Arc<Mutex<Vec<Value>>>>,
    news: broadcast::Sender<Value>,
}

impl Bus {
    /// `keeps`: whether events stay here to be looked at. A service that runs for months must not.
    pub(crate) fn new(arn: Option<String>, seed: Option<u64>, keeps: bool) -> Self {
        let news = broadcast::channel(BEHIND).0;
        Self { arn, seed, received: keeps.then(Arc::default), news }
    }

    /// The `CloudEvent`s that came so far; shuffled, where the weather is by seed. None in a cloud that
    /// runs by itself, which keeps no more than it shows.
    #[must_use]
    pub fn received(&self) -> Vec<Value> {
        let Some(received) = &self.received else { return Vec::new() };
        let mut events = received.lock().unwrap_or_else(PoisonError::into_inner).clone();
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
        if let Some(received) = &self.received {
            received.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
        }
        // Nobody listens, but where somebody sits before `cargo run`.
        let _ = self.news.send(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_keeps_what_is_looked_at_afterwards_and_nothing_else() {
        for (keeps, kept) in [(true, 1), (false, 0)] {
            let bus = Bus::new(None, None, keeps);
            let mut news = bus.listen();

            bus.call(&json!({"Entries": [{"Source": "s", "DetailType": "t", "Detail": "{\"id\":\"e1\"}"}]}));

            assert_eq!(news.try_recv().unwrap()["id"], "e1");
            assert_eq!(bus.received().len(), kept);
        }
    }
}
