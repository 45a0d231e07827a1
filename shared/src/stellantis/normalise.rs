//! From the maker's documents to the domain: names, units, sentinels, ghosts and order, settled
//! once. Total: whatever JSON holds, something exact or nothing comes out.

mod account;
mod body;
mod energy;
mod events;
mod place;

use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};

pub(super) use self::{
    account::{capabilities, user, vehicle, vehicles},
    events::{alarm, alert, collision, trip},
    place::position,
};
use super::wire::{self, Stamp};
use crate::domain::{
    snapshot::{Block, Field, Program, Snapshot, Value},
    vehicle::UpstreamId,
};

/// A car's clock may be ahead of ours by this much before it is not believed.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// The times that stand in for a block's own.
#[derive(Clone, Copy)]
struct Times {
    /// The document's.
    document: Option<Stamp>,
    /// When we received it: nothing was observed later, or it could never be overwritten.
    received: Timestamp,
}

/// When a block was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// Then; or the maker gives no time.
    At(Option<Timestamp>),
    /// The maker says: in the future. It was received then.
    Ahead(Timestamp),
}

impl Told {
    /// The time of a block, for comparing.
    fn time(self) -> Option<Timestamp> {
        match self {
            Self::At(time) => time,
            Self::Ahead(received) => Some(received),
        }
    }
}

impl Times {
    /// By a block's own time, else by that of what it stands in.
    fn of(self, own: Option<Stamp>) -> Told {
        let Some(stamp) = own.or(self.document) else { return Told::At(None) };
        match stamp.until(self.received + AHEAD) {
            Some(time) => Told::At(Some(time)),
            None => Told::Ahead(self.received),
        }
    }

    /// Those for parts of something that may have a time of its own.
    fn within(self, own: Option<Stamp>) -> Self {
        Self { document: own.or(self.document), ..self }
    }
}

/// A status, or one item of telemetry, received at a time.
pub(super) fn snapshot(document: &wire::Document, received: Timestamp) -> Snapshot {
    let status = &document.status;
    let times = Times { document: status.told, received };
    let mut snapshot = Snapshot::new();
    for parts in [Some(&document.parts), status.vehicle.as_ref()].into_iter().flatten() {
        body::parts(&mut snapshot, parts, times);
        energy::energies(&mut snapshot, parts, times);
    }
    body::around(&mut snapshot, status, times);
    snapshot
}

/// A place on its own, as the one block of a state.
pub(super) fn located(position: wire::Position, received: Timestamp) -> Snapshot {
    let status = wire::Status { position: Some(position), ..wire::Status::default() };
    let mut snapshot = Snapshot::new();
    body::around(&mut snapshot, &status, Times { document: None, received });
    snapshot
}

/// An anti-theft alarm on its own, as blocks of a state.
pub(super) fn alarmed(alarm: &wire::Alarm, received: Timestamp) -> Snapshot {
    let mut snapshot = Snapshot::new();
    body::alarm(&mut snapshot, alarm, Times { document: None, received });
    snapshot
}

/// When a car is to be serviced, as the one block of a state.
pub(super) fn maintained(due: &wire::Maintenance, received: Timestamp) -> Snapshot {
    let mut snapshot = Snapshot::new();
    body::maintenance(&mut snapshot, due, Times { document: None, received });
    snapshot
}

type Entry = Option<(Field, Value)>;

/// Puts what is there of a block.
fn put<const N: usize>(snapshot: &mut Snapshot, block: Block, told: Told, entries: [Entry; N]) {
    let values = entries.into_iter().flatten();
    match told {
        Told::At(time) => snapshot.put(block, time, values),
        Told::Ahead(received) => snapshot.put_ahead(block, received, values),
    }
}

/// A number, if it lies in a range that makes sense.
fn number(field: Field, number: Option<f64>, range: RangeInclusive<f64>) -> Entry {
    within(number, range).map(|number| (field, Value::Number(number)))
}

/// Six decimals at most: more would be noise of a conversion, which a value that is stored and
/// read again must not be told apart by. Adding zero makes a negative zero positive.
pub(super) fn within(number: Option<f64>, range: RangeInclusive<f64>) -> Option<f64> {
    let number = number.filter(|number| range.contains(number))?;
    Some((number * 1e6).round() / 1e6 + 0.0)
}

pub(super) const PERCENT: RangeInclusive<f64> = 0.0..=100.0;
/// Kilometres that a car may go before it stops.
pub(super) const RANGE: RangeInclusive<f64> = 0.0..=5_000.0;
/// Kilometres in a car's life; below the sensor's "invalid", 0xFFFFFF tenths.
pub(super) const MILEAGE: RangeInclusive<f64> = 0.0..=1_600_000.0;

fn flag(field: Field, flag: Option<bool>) -> Entry {
    flag.map(|flag| (field, Value::Flag(flag)))
}

fn text(field: Field, text: Option<&String>) -> Entry {
    text.and_then(|text| word(text)).map(|word| (field, Value::Text(word)))
}

fn list(field: Field, items: Option<impl IntoIterator<Item = String>>) -> Entry {
    items.map(|items| (field, Value::List(items.into_iter().collect())))
}

fn words(field: Field, items: Option<&Vec<String>>) -> Entry {
    list(field, items.map(|items| items.iter().filter_map(|item| word(item))))
}

fn programs(field: Field, items: Option<&Vec<wire::Program>>) -> Entry {
    let programs: Vec<_> = items?.iter().map(program).collect();
    let programs: Vec<_> = programs.into_iter().filter(|p| *p != Program::default()).collect();
    (!programs.is_empty()).then_some((field, Value::Programs(programs)))
}

fn program(program: &wire::Program) -> Program {
    let days = program.occurence.as_ref().and_then(|occurence| occurence.days.as_ref());
    Program {
        slot: program.slot.filter(|slot| (0.0..=64.0).contains(slot)).map(small),
        enabled: program.enabled,
        start: program.start.as_ref().map(|time| time.0.clone()),
        end: program.end.as_ref().map(|time| time.0.clone()),
        days: days.into_iter().flatten().filter_map(|day| word(day)).collect(),
        recurrence: program.recurrence.as_deref().and_then(word),
        until_full: program.until_full,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the caller has checked the range"
)]
fn small(number: f64) -> u32 {
    number as u32
}

/// An enumeration's value in snake case, known or not: new ones will come. `None` for what can't
/// be one, so that free text never gets further.
pub(super) fn word(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ');
    if text.len() > 64 || !text.chars().all(plain) {
        return None;
    }
    let text = text.replace("UnLocked", "Unlocked");
    let letters: Vec<char> = text.chars().collect();
    let mut word = String::with_capacity(text.len() + 8);
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| letters.get(index));
        let after_small = before.is_some_and(char::is_ascii_lowercase);
        let ends_capitals = before.is_some_and(char::is_ascii_uppercase)
            && letters.get(index + 1).is_some_and(char::is_ascii_lowercase);
        if letter.is_ascii_uppercase() && (after_small || ends_capitals) {
            word.push('_');
        }
        let separator = matches!(letter, '-' | ' ');
        word.push(if separator { '_' } else { letter.to_ascii_lowercase() });
    }
    (!word.is_empty()).then_some(word)
}

/// The maker's id of a trip, an alert and so on.
fn id(id: Option<&wire::Id>) -> Option<UpstreamId> {
    id?.0.parse().ok()
}

#[cfg(test)]
mod tests;
