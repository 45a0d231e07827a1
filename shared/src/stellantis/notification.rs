//! What the maker sends to a callback: split into messages that have a name of their own, and read
//! into the domain. Total: whatever JSON holds, something exact or nothing comes out.

mod content;
mod single;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

pub use self::content::{Incoming, Unreadable, split};
use super::{
    normalise,
    wire::{self, Read},
};
use crate::domain::{alert::Alert, snapshot::Snapshot, trip::Trip, vin::Vin};

/// The longest id, as everywhere.
const LONGEST_ID: usize = 512;
/// The longest name or value taken over from a message.
const LONGEST: usize = 256;
/// At most so many values of one event are told.
const MOST_VALUES: usize = 32;

/// At most so many trips, and warnings, of one event: all of it is taken in one transaction.
const MOST_ENTRIES: usize = 10;

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// The maker's id of the callback that it was sent to.
    pub callback: String,
    /// When it was made, by the maker's clock.
    pub date: Timestamp,
    /// What it tells.
    pub told: Told,
}

/// What a message tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// A monitor came true, or is true still.
    Monitor(Triggered),
    /// A command to a car got further.
    Remote(Commanded),
}

/// A monitor that came true.
#[derive(Debug, Clone, PartialEq)]
pub struct Triggered {
    /// The maker's id of it.
    pub monitor: String,
    /// Whether it was true before already.
    pub refresh: bool,
    /// What made it true, by the maker's names, as it was sent. No places.
    pub values: BTreeMap<String, String>,
    /// What it says of the car's state; everything in it has a time.
    pub state: Snapshot,
    /// Trips that came along.
    pub trips: Vec<Trip>,
    /// Warnings that came along.
    pub alerts: Vec<Alert>,
}

/// A command that got further, in the maker's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commanded {
    /// The maker's id of it.
    pub action: String,
    /// What it commands: `Doors`, `Horn`, …
    pub kind: Option<String>,
    /// `Pending` or `Done`.
    pub phase: Option<String>,
    /// `Accepted`, `Success`, `Failed`, …
    pub status: Option<String>,
    /// Why it failed.
    pub failure_cause: Option<String>,
}

impl Notification {
    /// Reads a message received at a time. `None`: it is neither a monitor's nor a remote's, or
    /// doesn't say whose or when.
    #[must_use]
    pub fn read(value: &Value, received: Timestamp) -> Option<Self> {
        let message = wire::Message::read(value)?;
        let date = Timestamp::from_second(message.date?.as_second()).ok()?;
        let callback = id(message.callback)?;
        let told = match (message.monitor, message.remote) {
            (Some(event), _) => Told::Monitor(triggered(event, date, received)?),
            (None, Some(event)) => Told::Remote(commanded(event)?),
            (None, None) => return None,
        };
        Some(Self { callback, date, told })
    }
}

fn triggered(event: wire::MonitorEvent, date: Timestamp, received: Timestamp) -> Option<Triggered> {
    let mut state = Snapshot::new();
    let (mut trips, mut alerts) = (Vec::new(), Vec::new());
    for body in event.extensions.into_iter().flatten().filter_map(|one| one.body).flatten() {
        for told in states(&body, received) {
            state = state.merge(told).0;
        }
        let warned = body.alerts.iter().flatten();
        trips.extend(body.trip.as_ref().and_then(normalise::trip));
        alerts.extend(warned.filter_map(normalise::alert));
    }
    trips.truncate(MOST_ENTRIES);
    alerts.truncate(MOST_ENTRIES);
    // What has no time can't be told from what is newer: the next look at the car brings it.
    let timed = state.clone();
    state = state.without(|block| timed.observed_at(block).is_none());
    let mut values = BTreeMap::new();
    for value in event.values.into_iter().flatten() {
        let (Some(name), Some(text)) = (value.data, value.value.and_then(text)) else { continue };
        // Nothing was observed after we heard of it, or it could never be overwritten.
        single::put(&mut state, &name, &text, date.min(received));
        if values.len() < MOST_VALUES && is_told(&name) && text.len() <= LONGEST {
            values.insert(name, text);
        }
    }
    Some(Triggered {
        monitor: id(event.monitor)?,
        refresh: event.refresh.unwrap_or_default(),
        values,
        state,
        trips,
        alerts,
    })
}

/// What one extension says of the car's state.
fn states(body: &wire::EventBody, received: Timestamp) -> Vec<Snapshot> {
    let document = |value: &Value| {
        let document = wire::Document::read(value)?;
        Some(normalise::snapshot(&document, received))
    };
    let doors = body.doors.as_ref().map(|doors| serde_json::json!({ "doorsState": doors }));
    let position = body.position.as_ref().and_then(wire::Position::read);
    let maintenance = body.maintenance.as_ref().and_then(wire::Maintenance::read);
    let alarm = body.alarm.as_ref().and_then(wire::Alarm::read);
    let told = [
        body.status.as_ref().and_then(document),
        body.telemetry.as_ref().and_then(document),
        doors.as_ref().and_then(document),
        position.map(|position| normalise::located(position, received)),
        maintenance.map(|due| normalise::maintained(&due, received)),
        alarm.map(|alarm| normalise::alarmed(&alarm, received)),
    ];
    told.into_iter().flatten().collect()
}

/// A value in words; of warnings their kinds.
fn text(value: wire::TriggerBody) -> Option<String> {
    let body = value.body?;
    if let Some(wire::Literal(text)) = body.literal {
        return Some(text);
    }
    let kinds = body.objects?.into_iter().filter_map(|object| object.kind);
    Some(kinds.collect::<Vec<_>>().join(","))
}

fn is_told(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
    let lower = name.to_ascii_lowercase();
    let place = ["position", "location", "zone"].iter().any(|word| lower.contains(word));
    name.len() <= 64 && name.chars().all(plain) && !place
}

fn commanded(event: wire::RemoteEvent) -> Option<Commanded> {
    let status = event.status.unwrap_or_default();
    let short = |text: Option<String>| text.filter(|text| text.len() <= LONGEST);
    let word = |word: Option<wire::Word>| short(word.map(|word| word.0));
    Some(Commanded {
        action: id(event.action)?,
        kind: short(event.kind),
        phase: word(status.phase),
        status: word(status.status),
        failure_cause: word(status.cause),
    })
}

fn id(id: Option<wire::Id>) -> Option<String> {
    id.map(|id| id.0).filter(|id| id.len() <= LONGEST_ID)
}

/// The VIN among a message's attributes.
fn vin_of(attributes: &[wire::Attribute]) -> Option<Vin> {
    let is_vin = |attribute: &&wire::Attribute| {
        attribute.key.as_deref().is_some_and(|key| key.eq_ignore_ascii_case("vin"))
    };
    attributes.iter().find(is_vin)?.value.as_deref()?.parse().ok()
}

#[cfg(test)]
mod tests;
