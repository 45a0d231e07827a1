//! Events as others read them: `CloudEvents` 1.0 in JSON, each type versioned, with a JSON Schema of
//! its data in `shared/schemas`.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Changed, Event, What};

/// The version of every type's data. A change that a reader could stumble over makes another one.
const VERSION: &str = "v1";

/// Every type that is told, as filters name it.
pub const TYPES: &[&str] = &[
    "enrollment.account_shared",
    "enrollment.begun",
    "enrollment.completed",
    "enrollment.confirmed",
    "enrollment.declined",
    "enrollment.erased",
    "enrollment.reauthorization_required",
    "quota.low",
    "vehicle.alert.cleared",
    "vehicle.alert.raised",
    "vehicle.charging.ended",
    "vehicle.charging.started",
    "vehicle.data.fresh",
    "vehicle.data.stale",
    "vehicle.discovered",
    "vehicle.monitor.triggered",
    "vehicle.remote.updated",
    "vehicle.removed",
    "vehicle.shared",
    "vehicle.state.changed",
    "vehicle.trip.completed",
    "webhook.paused",
    "webhook.test",
];

/// An event in the words of `CloudEvents` (version 1.0.2, JSON event format §3).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CloudEvent {
    /// `1.0`.
    pub specversion: &'static str,
    /// The same for ever, however often it is delivered.
    pub id: String,
    /// The deployment: its public address.
    pub source: String,
    /// `vehicle.state.changed`: the one name of it, in filters, in rules of the bus and here. Which
    /// version its data has, `dataschema` says.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened, RFC 3339.
    pub time: String,
    /// `enrollments/{id}`, `enrollments/{id}/vehicles/{vin}` or `webhooks/{id}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// `application/json`.
    pub datacontenttype: &'static str,
    /// The `$id` of the schema of `data`.
    pub dataschema: String,
    /// An extension: present and true where the operator asked for it once more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub replayed: bool,
    /// What happened.
    pub data: Value,
}

impl CloudEvent {
    /// As it is sent from `source`; a place only to who asked for `positions`.
    #[must_use]
    pub fn new(event: Event, source: &str, positions: bool) -> Self {
        let what = if positions { event.what } else { event.what.without_positions() };
        let name = what.name();
        let mut data = what.fields();
        data.remove("type");
        let enrollment = event.enrollment.as_ref().map(ToString::to_string);
        let part = |name: &str| data.get(name).and_then(Value::as_str);
        let subject = match (&enrollment, part("vin"), part("webhook")) {
            (Some(id), Some(vin), _) => Some(format!("enrollments/{id}/vehicles/{vin}")),
            (Some(id), None, _) => Some(format!("enrollments/{id}")),
            (None, _, webhook) => webhook.map(|id| format!("webhooks/{id}")),
        };
        if let Some(id) = enrollment {
            data.insert("enrollment".to_owned(), id.into());
        }
        Self {
            specversion: "1.0",
            id: event.id.to_string(),
            source: source.trim_end_matches('/').to_owned(),
            dataschema: format!("urn:accessing-party:schema:{name}.{VERSION}"),
            kind: name,
            time: event.time.to_string(),
            subject,
            datacontenttype: "application/json",
            replayed: false,
            data: data.into(),
        }
    }
}

impl What {
    /// Its type, as filters name it and as it is stored.
    #[must_use]
    pub fn name(&self) -> String {
        self.fields().get("type").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The car that it is about.
    #[must_use]
    pub fn vin(&self) -> Option<String> {
        Some(self.fields().get("vin")?.as_str()?.to_owned())
    }

    /// The same without any place.
    #[must_use]
    pub fn without_positions(self) -> Self {
        match self {
            Self::StateChanged { vin, changes } => {
                let changes = changes.into_iter().map(Changed::without_position).collect();
                Self::StateChanged { vin, changes }
            }
            other => other,
        }
    }

    /// One place that knows how a type is spelt: what it is stored as.
    fn fields(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests;
