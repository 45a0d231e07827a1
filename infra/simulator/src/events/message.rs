//! Messages: what is told to a callback, with its attributes filled in.

use axum::http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    cars::Car,
    time::rfc3339,
    world::{
        State,
        callbacks::{Attribute, Callback, Place, RunState},
        messages::Message,
        monitors::Monitor,
        remotes::{Action, FailureCause, Remote, RemoteStatus},
    },
};

/// What a value may stand for, with a `$` before it, in any case.
const VARIABLES: [&str; 8] = [
    "vin",
    "callbackid",
    "callbacklabel",
    "monitorid",
    "monitorlabel",
    "remotetype",
    "remotestatus",
    "remotelabel",
];

/// Headers that are the transport's own.
const OWN: [&str; 6] =
    ["host", "content-length", "content-type", "transfer-encoding", "connection", "te"];

impl Attribute {
    /// Whether it can be sent: a key that fits its place, no unknown variable.
    pub(crate) fn is_sound(&self) -> bool {
        let known = self
            .value
            .strip_prefix('$')
            .is_none_or(|name| VARIABLES.contains(&name.to_ascii_lowercase().as_str()));
        let fits = match self.place {
            Place::Header => {
                HeaderName::from_bytes(self.key.as_bytes())
                    .is_ok_and(|name| !OWN.contains(&name.as_str()))
                    && HeaderValue::from_str(&self.value).is_ok()
            }
            Place::Body | Place::Query => !self.key.is_empty(),
        };
        known && fits
    }
}

/// Those of the callback, with those of a monitor or remote added or in their place.
fn joined(callback: &[Attribute], own: &[Attribute]) -> Vec<Attribute> {
    let mut all = callback.to_vec();
    for attribute in own {
        all.retain(|known| known.place != attribute.place || known.key != attribute.key);
        all.push(attribute.clone());
    }
    all
}

/// Puts values in the place of variables. One that means nothing here is left as it is.
fn filled(mut attributes: Vec<Attribute>, known: &[(&str, &str)]) -> Vec<Attribute> {
    for attribute in &mut attributes {
        let value = attribute.value.strip_prefix('$').and_then(|name| {
            known.iter().find(|(variable, _)| variable.eq_ignore_ascii_case(name))
        });
        if let Some((_, value)) = value {
            attribute.value = (*value).to_owned();
        }
    }
    attributes
}

fn shown_vin(car: &Car) -> String {
    if car.quirks.lower_case_vin { car.vin.to_ascii_lowercase() } else { car.vin.clone() }
}

impl Message {
    /// The message as it is sent, with its attributes of the body.
    pub(crate) fn sent(&self, with_attributes: bool) -> Value {
        let mut body = self.body.clone();
        let of_body = self.attributes.iter().filter(|attribute| attribute.place == Place::Body);
        if with_attributes {
            let attributes: Vec<Value> = of_body
                .map(|attribute| json!({"key": attribute.key, "value": attribute.value}))
                .collect();
            body["attributes"] = Value::Array(attributes);
        }
        body
    }
}

impl State {
    /// Lets a monitor speak, if its callback runs.
    pub(crate) fn tell_monitor(
        &mut self,
        monitor: &Monitor,
        own: &[Attribute],
        at: Timestamp,
        event: &Value,
    ) {
        let Some(callback) = self.running(&monitor.callback) else { return };
        let vin = self.cars.get(&monitor.vin).map(shown_vin).unwrap_or_default();
        let attributes = filled(
            joined(&callback.attributes, own),
            &[
                ("Vin", &vin),
                ("CallbackID", &callback.id),
                ("CallbackLabel", callback.label.as_deref().unwrap_or_default()),
                ("MonitorID", &monitor.id),
                ("MonitorLabel", &monitor.label),
            ],
        );
        let body = json!({
            "callbackId": callback.id,
            "type": "Monitor",
            "date": rfc3339(at),
            "monitorEvent": event,
        });
        self.put_message(&monitor.callback, Some(&monitor.id), at, body, attributes);
    }

    /// Tells where a remote stands, if its callback runs.
    pub(crate) fn tell_remote(
        &mut self,
        remote: &Remote,
        at: Timestamp,
        status: RemoteStatus,
        cause: Option<FailureCause>,
    ) {
        let Some(callback) = self.running(&remote.callback) else { return };
        let vin = self.cars.get(&remote.vin).map(shown_vin).unwrap_or_default();
        let shown = json!(status);
        let attributes = filled(
            joined(&callback.attributes, &remote.attributes),
            &[
                ("Vin", &vin),
                ("CallbackID", &callback.id),
                ("CallbackLabel", callback.label.as_deref().unwrap_or_default()),
                ("RemoteType", remote.action.remote_type()),
                ("RemoteStatus", shown.as_str().unwrap_or_default()),
                ("RemoteLabel", remote.label.as_deref().unwrap_or_default()),
            ],
        );
        let done = matches!(
            status,
            RemoteStatus::Success | RemoteStatus::AlreadyDone | RemoteStatus::Failed
        );
        let mut event = json!({"type": if done { "Done" } else { "Pending" }, "status": status});
        if let Some(cause) = cause {
            event["failureCause"] = json!(cause);
        }
        if let Some(detail) = remote.detail(status) {
            event["feedbackDetail"] = json!(detail);
        }
        let body = json!({
            "callbackId": callback.id,
            "type": "Remote",
            "date": rfc3339(at),
            "remoteEvent": {
                "remoteActionId": remote.id,
                "remoteType": remote.action.remote_type(),
                "eventStatus": event,
            },
        });
        self.put_message(&remote.callback, None, at, body, attributes);
    }

    fn running(&self, callback: &str) -> Option<Callback> {
        let callback = self.callbacks.iter().find(|known| known.id == callback)?;
        (callback.status == RunState::Running).then(|| callback.clone())
    }

    /// Puts a message into the queue of a callback.
    pub(crate) fn put_message(
        &mut self,
        callback: &str,
        monitor: Option<&str>,
        at: Timestamp,
        body: Value,
        attributes: Vec<Attribute>,
    ) {
        self.messages_made += 1;
        self.outbox.push(Message {
            number: self.messages_made,
            callback: callback.to_owned(),
            monitor: monitor.map(str::to_owned),
            made_at: at,
            not_before: at,
            attempts: 0,
            body,
            attributes,
        });
    }
}

impl Remote {
    /// What a forced lock adds to its success.
    pub(crate) fn detail(&self, status: RemoteStatus) -> Option<&'static str> {
        let forced = self.action == Action::Door
            && self.body["door"]["forced"] == true
            && self.body["door"]["state"] == "Locked";
        (forced && status == RemoteStatus::Success).then_some("NoCIDBlacklisted")
    }
}
