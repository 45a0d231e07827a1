//! The operator's `EventBridge` bus: every event, whole, without places, in no order.

use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use jiff::Timestamp;

use crate::{
    aws::{AwsError, Lazy},
    domain::event::CloudEvent,
};

/// Puts events on the bus.
#[derive(Debug, Clone)]
pub struct Bus {
    client: Lazy<aws_sdk_eventbridge::Client>,
    name: Option<String>,
}

/// The bus did not take an event.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// It did not answer, or refused the call.
    #[error("the bus failed")]
    Failed(#[source] AwsError),
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
        Self { client, name }
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.name.is_some()
    }

    /// Puts an event on the bus, if there is one.
    ///
    /// # Errors
    /// When the bus did not take it; after a lost answer it may have.
    pub async fn put(&self, event: &CloudEvent, time: Timestamp) -> Result<(), BusError> {
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
