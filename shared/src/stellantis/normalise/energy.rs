//! Energies by type, whatever their order and however they are wrapped; ghosts dropped.

use jiff::{SignedDuration, Timestamp};

use super::{
    super::wire, Entry, PERCENT, RANGE, Times, Told, flag, number, programs, put, text, within,
};
use crate::domain::{
    snapshot::{Block, Field, Snapshot, Value},
    trip::EnergyKind,
};

/// An empty energy this much older than the newest is a ghost: a battery car's `Fuel` at 0.
const GHOST: SignedDuration = SignedDuration::from_hours(30 * 24);

pub(super) fn energies(snapshot: &mut Snapshot, parts: &wire::Parts, times: Times) {
    // New names first: of one moment, what is there already holds.
    let all: Vec<_> = parts.energies.iter().chain(&parts.energy).flatten().collect();
    let dated: Vec<_> = all.iter().map(|energy| Dated::of(energy, &all, times)).collect();
    let newest = dated.iter().filter_map(|dated| dated.told.time()).max();
    for dated in dated.iter().filter(|dated| !is_ghost(dated, newest)) {
        match kind(dated.energy.kind.as_deref(), dated.energy.sub_kind.as_deref()) {
            Some(EnergyKind::Electric) => electric(snapshot, dated, times),
            Some(EnergyKind::Fuel) => fuel(snapshot, dated.energy, dated.told),
            Some(EnergyKind::Hydrogen) => hydrogen(snapshot, dated.energy, dated.told),
            None => {}
        }
    }
}

/// One energy, and when it was told.
struct Dated<'a> {
    energy: &'a wire::Energy,
    /// What it says itself.
    own: Told,
    /// The latest that it or its twin under the other name says.
    told: Told,
}

impl<'a> Dated<'a> {
    fn of(energy: &'a wire::Energy, all: &[&wire::Energy], times: Times) -> Self {
        let own = times.of(energy.told);
        let twins = all.iter().filter(|other| are_twins(energy, other));
        let told =
            twins.map(|twin| times.of(twin.told)).fold(own, |latest, twin| match (latest, twin) {
                (Told::Ahead(_), Told::At(Some(_))) => twin,
                (_, Told::At(time)) if time > latest.time() => twin,
                _ => latest,
            });
        Self { energy, own, told }
    }

    /// Of a part: its own time, unless that is the energy's, which may stand still with it.
    fn part(&self, own: Option<wire::Stamp>, times: Times) -> Told {
        match own {
            Some(own) if times.of(Some(own)) != self.own => times.of(Some(own)),
            _ => self.told,
        }
    }
}

/// Whether two entries are of one energy at one moment: of the same kind, saying the same of it.
fn are_twins(one: &wire::Energy, other: &wire::Energy) -> bool {
    let kinds = |energy: &wire::Energy| kind(energy.kind.as_deref(), energy.sub_kind.as_deref());
    let charging = |energy: &wire::Energy| charging(energy).and_then(|it| it.status.clone());
    let numbers = [(one.level, other.level), (one.autonomy, other.autonomy)];
    let both: Vec<_> = numbers.into_iter().filter_map(|(one, other)| one.zip(other)).collect();
    let same = both.iter().all(|(one, other)| (one - other).abs() < 1e-6);
    let charge = charging(one).zip(charging(other));
    kinds(one) == kinds(other)
        && !both.is_empty()
        && same
        && charge.is_none_or(|(one, other)| one == other)
}

fn charging(energy: &wire::Energy) -> Option<&wire::Charging> {
    let electric = energy.extension.as_ref().and_then(|extension| extension.electric.as_ref());
    electric.and_then(|electric| electric.charging.as_ref()).or(energy.charging.as_ref())
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

fn is_ghost(dated: &Dated<'_>, newest: Option<Timestamp>) -> bool {
    let energy = dated.energy;
    let empty = |amount: Option<f64>| amount.is_none_or(|amount| amount == 0.0);
    let old = match (dated.told.time(), newest) {
        (Some(time), Some(newest)) => newest.duration_since(time) > GHOST,
        (None, Some(_)) => true,
        (_, None) => false,
    };
    old && empty(energy.level) && empty(energy.autonomy)
}

fn fuel(snapshot: &mut Snapshot, energy: &wire::Energy, told: Told) {
    let (total, instant) = consumption(energy);
    let litres = total.map(|centilitres| centilitres / 100.0);
    let entries = [
        number(Field::FuelLevel, energy.level, PERCENT),
        number(Field::FuelRange, energy.autonomy, RANGE),
        number(Field::FuelConsumed, litres, 0.0..=1e6),
        number(Field::FuelConsumption, instant, 0.0..=200.0),
    ];
    put(snapshot, Block::Fuel, told, entries);
}

fn hydrogen(snapshot: &mut Snapshot, energy: &wire::Energy, told: Told) {
    let (_, instant) = consumption(energy);
    let entries = [
        number(Field::HydrogenLevel, energy.level, PERCENT),
        number(Field::HydrogenRange, energy.autonomy, RANGE),
        number(Field::HydrogenConsumption, instant, 0.0..=200.0),
    ];
    put(snapshot, Block::Hydrogen, told, entries);
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

fn electric(snapshot: &mut Snapshot, dated: &Dated<'_>, times: Times) {
    let energy = dated.energy;
    let entries = [
        number(Field::ElectricLevel, energy.level, PERCENT),
        number(Field::ElectricRange, energy.autonomy, RANGE),
    ];
    put(snapshot, Block::Electric, dated.told, entries);
    let extension = energy.extension.as_ref().and_then(|extension| extension.electric.as_ref());
    if let Some(charging) = charging(energy) {
        put(snapshot, Block::Charging, dated.part(charging.told, times), charge(charging));
    }
    let within = extension.and_then(|electric| electric.battery.as_ref());
    let battery = within.or(energy.battery.as_ref());
    let own = |own: Option<wire::Stamp>| {
        dated.part(own.or(battery.and_then(|battery| battery.told)), times)
    };
    let load = battery.and_then(|battery| battery.load.as_ref());
    let total = load.and_then(|load| load.capacity).or(battery.and_then(|b| b.capacity));
    // The deprecated residual energy is in kWh.
    let kilowatt_hours = extension.and_then(|electric| electric.residual.as_ref()?.consumption);
    let residual = load.and_then(|load| load.residual).or(kilowatt_hours.map(|kwh| kwh * 1000.0));
    let entries = [
        number(Field::ElectricEnergyCapacity, total, 1.0..=1e6),
        number(Field::ElectricEnergyResidual, residual, 0.0..=1e6),
    ];
    put(snapshot, Block::ElectricEnergy, own(load.and_then(|load| load.told)), entries);
    if let Some(health) = battery.and_then(|battery| battery.health.as_ref()) {
        let entries = [
            number(Field::ElectricHealthCapacity, health.capacity, PERCENT),
            number(Field::ElectricHealthResistance, health.resistance, PERCENT),
        ];
        put(snapshot, Block::ElectricHealth, own(health.told), entries);
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
