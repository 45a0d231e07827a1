//! The operator's `EventBridge` bus: every event, whole, without places, in no order.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use jiff::{SignedDuration, Timestamp};

use crate::{
    aws::{AwsError, Lazy},
    domain::event::CloudEvent,
};

/// How long the bus is waited for, all tries of the SDK included.
const PATIENCE: Duration = Duration::from_secs(3);
/// For how long it is not asked after it failed: one that hangs must not hold up each event.
const RESTS: SignedDuration = SignedDuration::from_secs(30);

/// Puts events on the bus.
#[derive(Debug, Clone)]
pub struct Bus {
    client: Lazy<aws_sdk_eventbridge::Client>,
    name: Option<String>,
    /// When it failed last, as far as this process knows.
    failed_at: Arc<Mutex<Option<Timestamp>>>,
}

/// The bus did not take an event.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// It did not answer, or refused the call.
    #[error("the bus failed")]
    Failed(#[source] AwsError),
    /// It did not answer in time: it may have taken the event.
    #[error("the bus did not answer in time")]
    TimedOut,
    /// It failed a moment ago, and was not asked.
    #[error("the bus failed a moment ago")]
    Resting,
    /// It refused this one event, by a code of its own.
    #[error("the bus refused an event: {0}")]
    Refused(String),
    /// An event can't be written as JSON, which a test would show.
    #[error("the event can't be written")]
    Unwritable,
}

impl Bus {
    /// Over a client made by `App`.
    #[must_use]
    pub fn new(client: Lazy<aws_sdk_eventbridge::Client>, name: Option<String>) -> Self {
        Self { client, name, failed_at: Arc::default() }
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.name.is_some()
    }

    /// Puts an event of `time` on the bus, if there is one.
    ///
    /// # Errors
    /// When the bus did not take it; after a lost answer it may have.
    pub async fn put(
        &self,
        event: &CloudEvent,
        time: Timestamp,
        now: Timestamp,
    ) -> Result<(), BusError> {
        let failed_at = *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner);
        if failed_at.is_some_and(|at| now.duration_since(at) < RESTS) {
            return Err(BusError::Resting);
        }
        let put = tokio::time::timeout(PATIENCE, self.put_now(event, time)).await;
        let put = put.unwrap_or(Err(BusError::TimedOut));
        if matches!(put, Err(BusError::Failed(_) | BusError::TimedOut)) {
            *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        }
        put
    }

    async fn put_now(&self, event: &CloudEvent, time: Timestamp) -> Result<(), BusError> {
        let Some(name) = &self.name else { return Ok(()) };
        let detail = serde_json::to_string(event).map_err(|_| BusError::Unwritable)?;
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(name)
            .source("accessing-party")
            .detail_type(&event.kind)
            .detail(detail)
            .time(aws_smithy_types::DateTime::from_secs(time.as_second()))
            .build();
        let answer = self.client.put_events().entries(entry).send().await;
        let answer = answer.map_err(|error| BusError::Failed(AwsError::from_sdk(&error)))?;
        // The call succeeds though an entry of it fails.
        if answer.failed_entry_count() == 0 {
            return Ok(());
        }
        let code = answer.entries().iter().find_map(PutEventsResultEntry::error_code);
        Err(BusError::Refused(code.unwrap_or("unknown").to_owned()))
    }
}
