//! What the maker sends to a callback. Its page "Webhook" is the authority on names.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    events::{Alert, Trip},
    read::{Id, Read, Word, document},
};

document! {
    /// A message, of a monitor or of a remote.
    Message {
        callback: Id = "callbackId",
        date: Timestamp = "date",
        monitor: MonitorEvent = "monitorEvent",
        remote: RemoteEvent = "remoteEvent",
    }

    /// What was asked to be sent along.
    Attribute {
        key: String = "key",
        value: String = "value",
    }

    /// A monitor came true.
    MonitorEvent {
        monitor: Id = "monitorId",
        refresh: bool = "refresh",
        values: Vec<TriggerValue> = "values",
        extensions: Vec<EventExtension> = "extensions",
    }

    /// A value that made it true.
    TriggerValue {
        data: String = "data",
        value: TriggerBody = "value",
    }

    /// The value, wrapped.
    TriggerBody {
        body: TriggerLiteral = "body",
    }

    /// The value itself: text, or objects such as warnings.
    TriggerLiteral {
        literal: Literal = "literalValue",
        objects: Vec<TriggerObject> = "objectValues",
    }

    /// A warning; only its kind matters here.
    TriggerObject {
        kind: String = "type",
    }

    /// Data that was asked for with the event.
    EventExtension {
        body: Vec<EventBody> = "body",
    }

    /// One of several kinds of data.
    EventBody {
        status: Value = "status",
        position: Value = "position",
        telemetry: Value = "telemetry",
        doors: Value = "doorsState" | "doorState",
        maintenance: Value = "maintenance",
        alarm: Value = "alarm",
        trip: Trip = "trip",
        alerts: Vec<Alert> = "alerts" | "alert",
    }

    /// A remote got further.
    RemoteEvent {
        action: Id = "remoteActionId",
        kind: String = "remoteType",
        status: RemoteStatus = "eventStatus",
    }

    /// How far it is.
    RemoteStatus {
        phase: Word = "type",
        status: Word = "status",
        cause: Word = "failureCause",
    }
}

/// A value in words, however it is written.
pub(crate) struct Literal(pub(crate) String);

impl Read for Literal {
    fn read(value: &Value) -> Option<Self> {
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Array(items) => {
                let items: Vec<_> = items.iter().filter_map(String::read).collect();
                items.join(",")
            }
            _ => return None,
        };
        Some(Self(text))
    }
}
