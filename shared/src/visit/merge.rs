//! What is newer of a car's state, into what is known: state, history and events in one
//! transaction, whoever learnt it: a look, or a notification.

use std::iter;

use jiff::Timestamp;

use crate::{
    app::App,
    domain::{
        event::{Event, What},
        ids::{EnrollmentId, EventId},
        snapshot::{Change, Snapshot},
        vin::Vin,
    },
    store::{
        self, Transaction, Versioned,
        history::{History, kept_until},
        vehicles::Known,
    },
};

use super::tell;

/// What a merge made of it.
#[derive(Debug)]
pub struct Merged {
    /// The car's state.
    pub snapshot: Snapshot,
    /// Whether a value is another one now.
    pub changed: bool,
    /// Whether there is anything to write: at least a time moved.
    pub moved: bool,
}

/// Adds to `transaction` what a newer document changes of what is known. `message`: the name of
/// the message that told it, after which its events are named, so that each has one id whenever
/// and however often it is taken.
///
/// # Errors
/// When it can't be expressed.
pub fn merge_in(
    app: &App,
    transaction: &mut Transaction,
    enrollment: &EnrollmentId,
    known: Versioned<Known>,
    newer: Snapshot,
    message: Option<&str>,
) -> Result<Merged, store::Error> {
    let (store, now) = (&app.store, app.clock.now());
    let Known { vehicle, snapshot: before } = known.value;
    let vin = vehicle.vin.clone();
    // A notification may come late; the answer to a look does not.
    let (snapshot, changes) = match message {
        Some(_) => before.clone().merge(newer),
        None => before.clone().merge_answer(newer),
    };
    let merged = Merged { changed: !changes.is_empty(), moved: snapshot != before, snapshot };
    if !merged.moved {
        return Ok(merged);
    }
    let written = Known { vehicle, snapshot: merged.snapshot.clone() };
    store.save_known_in(transaction, enrollment, &written, known.version)?;
    if changes.is_empty() {
        return Ok(merged);
    }
    // Of two looks in one second, neither is the other's.
    let look = format!("{:012}", known.version);
    observe(app, transaction, enrollment, &vin, &changes, message.unwrap_or(&look))?;
    let told = tell::changed(&vin, &changes, app.config.retention.positions);
    let charging = tell::charging(&vin, &before, &merged.snapshot);
    for what in iter::once(told).chain(charging) {
        store.tell_in(transaction, event(enrollment, what, now, message))?;
    }
    Ok(merged)
}

fn event(enrollment: &EnrollmentId, what: What, now: Timestamp, message: Option<&str>) -> Event {
    let word = match what {
        What::ChargingStarted { .. } => "charging.started",
        What::ChargingEnded { .. } => "charging.ended",
        _ => "state.changed",
    };
    let event = Event::new(enrollment, what, now);
    match message {
        Some(message) => {
            let id = EventId::derived(&[enrollment.as_str(), word, message]);
            Event { id, ..event }
        }
        None => event,
    }
}

/// History: only what moved, and no place unless that is wanted.
fn observe(
    app: &App,
    transaction: &mut Transaction,
    enrollment: &EnrollmentId,
    vin: &Vin,
    changes: &[Change],
    id: &str,
) -> Result<(), store::Error> {
    let retention = &app.config.retention;
    let kept: Vec<_> = changes
        .iter()
        .filter(|change| retention.positions || !change.field.is_position())
        .cloned()
        .collect();
    if kept.is_empty() || retention.history_days == 0 {
        return Ok(());
    }
    let now = app.clock.now();
    let until = kept_until(now, retention.history_days);
    let at = (now, id);
    app.store.add_entry_in(transaction, enrollment, History::Observations, vin, at, &kept, until)
}
