//! Messages on their way out: kept until a callback took them, or for 72 hours.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::callbacks::Attribute;

/// How long an undelivered message is kept.
pub(crate) const KEPT: Duration = Duration::from_hours(72);
/// Between two attempts.
pub(crate) const RETRY: Duration = Duration::from_secs(10);
/// How many go in one batch at most.
pub(crate) const BATCH: usize = 100;

/// One message with its attributes, variables filled in.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Message {
    /// Rising in the order they were made.
    pub(crate) number: u64,
    pub(crate) callback: String,
    pub(crate) monitor: Option<String>,
    pub(crate) made_at: Timestamp,
    /// Not before this; held back on demand.
    pub(crate) not_before: Timestamp,
    pub(crate) attempts: u32,
    /// Without its attributes.
    pub(crate) body: Value,
    pub(crate) attributes: Vec<Attribute>,
}

/// A `POST` to a callback's target, as it went.
#[derive(Clone, Debug, Serialize)]
pub struct Delivery {
    /// The callback.
    pub callback: String,
    /// When, by the simulated clock.
    pub at: Timestamp,
    /// What the receiver answered; none: nothing, or no connection.
    pub status: Option<u16>,
    /// The numbers of its messages.
    pub messages: Vec<u64>,
    /// Whether it was a JSON array.
    pub batch: bool,
    /// What was sent. It holds secrets, so it is not serialized.
    #[serde(skip)]
    pub body: String,
}

/// What goes wrong with deliveries, on demand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryFault {
    /// Only to this callback; none: any.
    #[serde(default)]
    pub callback: Option<String>,
    /// How often.
    #[serde(default = "once")]
    pub times: u32,
    /// What.
    pub kind: DeliveryFaultKind,
}

fn once() -> u32 {
    1
}

/// What can go wrong with a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryFaultKind {
    /// The message is sent twice.
    Duplicate,
    /// The message is held back for so many seconds; others pass it.
    Late(u32),
    /// All that waits goes out in reverse order.
    Reordered,
    /// All that waits goes out as a batch, even if it is one.
    Batch,
    /// The body breaks off in the middle.
    Corrupted,
    /// No attributes: not in headers, query or body.
    NoAttributes,
}

impl DeliveryFault {
    /// Befalls the next delivery.
    #[must_use]
    pub fn once(kind: DeliveryFaultKind) -> Self {
        Self { callback: None, times: 1, kind }
    }
}
