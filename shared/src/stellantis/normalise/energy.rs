//! Energies by type, whatever their order and however they are wrapped; ghosts dropped.

use jiff::{SignedDuration, Timestamp};

use super::{super::wire, Entry, PERCENT, RANGE, Times, flag, number, programs, put, text, within};
use crate::domain::{
    snapshot::{Block, Field, Snapshot, Value},
    trip::EnergyKind,
};

/// An empty energy this much older than the newest is a ghost: a battery car's `Fuel` at 0.
const GHOST: SignedDuration = SignedDuration::from_hours(30 * 24);

pub(super) fn energies(snapshot: &mut Snapshot, parts: &wire::Parts, times: Times) {
    // New names first: of one moment, what is there already holds.
    let all = || parts.energies.iter().chain(&parts.energy).flatten();
    let newest = all().filter_map(|energy| times.of(energy.created_at)).max();
    for energy in all().filter(|energy| !is_ghost(energy, newest, times)) {
        let time = times.of(energy.created_at);
        match kind(energy.kind.as_deref(), energy.sub_kind.as_deref()) {
            Some(EnergyKind::Electric) => electric(snapshot, energy, time, times),
            Some(EnergyKind::Fuel) => fuel(snapshot, energy, time),
            Some(EnergyKind::Hydrogen) => hydrogen(snapshot, energy, time),
            None => {}
        }
    }
}

/// Which energy. Hydrogen is written as a kind of fuel.
pub(super) fn kind(kind: Option<&str>, sub_kind: Option<&str>) -> Option<EnergyKind> {
    match (kind?, sub_kind) {
        ("Fuel", Some("Hydrogen")) | ("Hydrogen", _) => Some(EnergyKind::Hydrogen),
        ("Fuel", _) => Some(EnergyKind::Fuel),
        ("Electric", _) => Some(EnergyKind::Electric),
        _ => None,
    }
}

fn is_ghost(energy: &wire::Energy, newest: Option<Timestamp>, times: Times) -> bool {
    let empty = |amount: Option<f64>| amount.is_none_or(|amount| amount == 0.0);
    let old = match (times.of(energy.created_at), newest) {
        (Some(time), Some(newest)) => newest.duration_since(time) > GHOST,
        (None, Some(_)) => true,
        (_, None) => false,
    };
    old && empty(energy.level) && empty(energy.autonomy)
}

fn fuel(snapshot: &mut Snapshot, energy: &wire::Energy, time: Option<Timestamp>) {
    let (total, instant) = consumption(energy);
    let litres = total.map(|centilitres| centilitres / 100.0);
    let entries = [
        number(Field::FuelLevel, energy.level, PERCENT),
        number(Field::FuelRange, energy.autonomy, RANGE),
        number(Field::FuelConsumed, litres, 0.0..=1e6),
        number(Field::FuelConsumption, instant, 0.0..=200.0),
    ];
    put(snapshot, Block::Fuel, time, entries);
}

fn hydrogen(snapshot: &mut Snapshot, energy: &wire::Energy, time: Option<Timestamp>) {
    let (_, instant) = consumption(energy);
    let entries = [
        number(Field::HydrogenLevel, energy.level, PERCENT),
        number(Field::HydrogenRange, energy.autonomy, RANGE),
        number(Field::HydrogenConsumption, instant, 0.0..=200.0),
    ];
    put(snapshot, Block::Hydrogen, time, entries);
}

/// In the car's life, and at the moment.
fn consumption(energy: &wire::Energy) -> (Option<f64>, Option<f64>) {
    let Some(fuel) = energy.extension.as_ref().and_then(|extension| extension.fuel.as_ref()) else {
        return (None, None);
    };
    let new = fuel.consumptions.as_ref();
    let old = fuel.consumption.as_ref().and_then(|old| old.consumption);
    (new.and_then(|new| new.total), new.and_then(|new| new.instant).or(old))
}

fn electric(snapshot: &mut Snapshot, energy: &wire::Energy, time: Option<Timestamp>, times: Times) {
    let entries = [
        number(Field::ElectricLevel, energy.level, PERCENT),
        number(Field::ElectricRange, energy.autonomy, RANGE),
    ];
    put(snapshot, Block::Electric, time, entries);
    let extension = energy.extension.as_ref().and_then(|extension| extension.electric.as_ref());
    let within = extension.and_then(|electric| electric.charging.as_ref());
    if let Some(charging) = within.or(energy.charging.as_ref()) {
        put(snapshot, Block::Charging, time, charge(charging));
    }
    let within = extension.and_then(|electric| electric.battery.as_ref());
    let battery = within.or(energy.battery.as_ref());
    let own = |own: Option<Timestamp>| own.map_or(time, |own| times.of(Some(own)));
    let load = battery.and_then(|battery| battery.load.as_ref());
    let total = load.and_then(|load| load.capacity).or(battery.and_then(|b| b.capacity));
    // The deprecated residual energy is in kWh.
    let kilowatt_hours = extension.and_then(|electric| electric.residual.as_ref()?.consumption);
    let residual = load.and_then(|load| load.residual).or(kilowatt_hours.map(|kwh| kwh * 1000.0));
    let entries = [
        number(Field::ElectricEnergyCapacity, total, 1.0..=1e6),
        number(Field::ElectricEnergyResidual, residual, 0.0..=1e6),
    ];
    put(snapshot, Block::ElectricEnergy, own(load.and_then(|load| load.created_at)), entries);
    if let Some(health) = battery.and_then(|battery| battery.health.as_ref()) {
        let entries = [
            number(Field::ElectricHealthCapacity, health.capacity, PERCENT),
            number(Field::ElectricHealthResistance, health.resistance, PERCENT),
        ];
        put(snapshot, Block::ElectricHealth, own(health.created_at), entries);
    }
}

fn charge(charging: &wire::Charging) -> [Entry; 9] {
    let in_progress = charging.status.as_deref() == Some("InProgress");
    let remaining = charging.remaining.map(|remaining| remaining.0);
    // `PT0S` of a car that doesn't charge says nothing.
    let remaining = within(remaining, 0.0..=864_000.0).filter(|s| in_progress || *s > 0.0);
    let delayed = charging.next_delayed.as_ref().map(|time| time.0.clone());
    [
        flag(Field::ChargingPlugged, charging.plugged),
        text(Field::ChargingStatus, charging.status.as_ref()),
        remaining.map(|seconds| (Field::ChargingRemaining, Value::Number(seconds))),
        number(Field::ChargingRate, charging.rate, 0.0..=2_000.0),
        text(Field::ChargingMode, charging.mode.as_ref()),
        text(Field::ChargingPower, charging.power.as_ref()),
        text(Field::ChargingType, charging.kind.as_ref()),
        delayed.map(|time| (Field::ChargingDelayedStart, Value::Text(time))),
        programs(Field::ChargingPrograms, charging.schedule.as_ref().map(|schedule| &schedule.0)),
    ]
}
