//! Trips, alerts, alarms, collisions, maintenance.

use std::ops::RangeInclusive;

use jiff::Timestamp;

use super::{
    super::wire, MILEAGE, PERCENT, RANGE, energy::kind, id, place::position, within, word,
};
use crate::domain::{
    alert::{Alarm, AlarmMessage, Alert, Collision, Impact, Severity},
    trip::{EnergyLevel, EnergyUse, Fault, Segment, Trip},
};

/// A trip; nothing for one without an id.
pub(in super::super) fn trip(trip: &wire::Trip) -> Option<Trip> {
    let kinetic = trip.kinetic.as_ref();
    // m/s on the wire, the average at least; the highest stands in the same object.
    let speed = |metres: Option<f64>| within(metres.map(|metres| metres * 3.6), 0.0..=400.0);
    Some(Trip {
        id: id(trip.id.as_ref())?,
        started_at: trip.started_at,
        stopped_at: trip.stopped_at,
        updated_at: trip.updated_at.max(trip.created_at),
        reported_at: trip.created_at.or(trip.updated_at),
        done: trip.done,
        duration_s: within(trip.duration.as_ref().map(|seconds| seconds.0), 0.0..=1e7),
        distance_km: within(trip.distance, 0.0..=20_000.0),
        start_mileage_km: within(trip.start_mileage, MILEAGE),
        average_speed_kmh: speed(kinetic.and_then(|kinetic| kinetic.average)),
        max_speed_kmh: speed(kinetic.and_then(|kinetic| kinetic.max)),
        start_place: trip.start_position.as_ref().and_then(position),
        stop_place: trip.stop_position.as_ref().and_then(position),
        start_energies: levels(trip.start_energies.as_ref()),
        end_energies: levels(trip.end_energies.as_ref()),
        consumptions: consumptions(trip.consumptions.as_ref()),
        segments: trip.segments.iter().flatten().map(segment).collect(),
        faults: trip.faults.iter().flatten().map(fault).collect(),
    })
}

fn levels(energies: Option<&Vec<wire::TripEnergy>>) -> Vec<EnergyLevel> {
    let levels = energies.into_iter().flatten().filter_map(|energy| {
        Some(EnergyLevel {
            kind: kind(energy.kind.as_deref(), energy.sub_kind.as_deref())?,
            level_percent: within(energy.level, PERCENT),
            range_km: within(energy.autonomy, RANGE),
        })
    });
    levels.collect()
}

fn consumptions(energies: Option<&Vec<wire::EnergyConsumption>>) -> Vec<EnergyUse> {
    use crate::domain::trip::EnergyKind::{Electric, Fuel, Hydrogen};
    let uses = energies.into_iter().flatten().filter_map(|energy| {
        let kind = kind(energy.kind.as_deref(), energy.sub_kind.as_deref())?;
        let average = energy.average.and_then(|average| match kind {
            Fuel => Some(average / 100.0),
            Electric => Some(average / 1000.0),
            Hydrogen => None,
        });
        Some(EnergyUse {
            kind,
            total: within(energy.consumption, 0.0..=1e5),
            per_100km: within(average, 0.0..=1e4),
            unit: kind.unit(),
        })
    });
    uses.collect()
}

fn segment(segment: &wire::TripSegment) -> Segment {
    Segment {
        propulsion: segment.propulsion.as_deref().and_then(word),
        share_percent: within(segment.percent, PERCENT),
        distance_km: within(segment.distance, 0.0..=20_000.0),
    }
}

fn fault(fault: &wire::TripFault) -> Fault {
    Fault {
        fault: fault.fault.as_deref().and_then(word),
        cause: fault.cause.as_deref().and_then(word),
    }
}

/// An alert; nothing for one without an id.
pub(in super::super) fn alert(alert: &wire::Alert) -> Option<Alert> {
    let severity = match alert.severity.as_deref() {
        Some("Information") => Some(Severity::Information),
        Some("Warning") => Some(Severity::Warning),
        Some("Critical") => Some(Severity::Critical),
        _ => None,
    };
    Some(Alert {
        id: id(alert.id.as_ref())?,
        kind: alert.kind.as_deref().and_then(word),
        severity,
        active: alert.active,
        started_at: alert.started_at,
        ended_at: alert.ended_at,
        updated_at: alert.updated_at.max(alert.created_at),
        reported_at: alert.created_at.or(alert.updated_at),
        start_place: alert.start_position.as_ref().and_then(position),
        end_place: alert.end_position.as_ref().and_then(position),
    })
}

/// An alarm message; nothing for one without an id or that says nothing.
pub(in super::super) fn alarm(alarm: &wire::Alarm) -> Option<Alarm> {
    let id = id(alarm.id.as_ref())?;
    if let Some(trigger) = &alarm.trigger {
        let message = AlarmMessage::Trigger {
            kind: word(trigger.kind.as_deref()?)?,
            started_at: trigger.started_at,
            place: trigger.position.as_ref().and_then(position),
        };
        return Some(Alarm {
            id,
            created_at: trigger.told.and_then(|told| told.until(Timestamp::MAX)),
            message,
        });
    }
    let status = alarm.status.as_ref()?;
    let message = AlarmMessage::Status(word(status.activation.as_deref()?)?);
    Some(Alarm { id, created_at: status.told.and_then(|told| told.until(Timestamp::MAX)), message })
}

/// A collision; nothing for one without an id.
pub(in super::super) fn collision(collision: &wire::Collision) -> Option<Collision> {
    let impact = |detail: &wire::CollisionDetail| Impact {
        side: detail.side.as_deref().and_then(word),
        severity: detail.severity.as_deref().and_then(word),
    };
    Some(Collision {
        id: id(collision.id.as_ref())?,
        created_at: collision.told.and_then(|told| told.until(Timestamp::MAX)),
        impacts: collision.details.iter().flatten().map(impact).collect(),
        tipped_over: collision.tipped_over,
        pedestrian: collision.pedestrian,
    })
}

/// Days until a car is to be serviced; negative: overdue.
pub(super) const DAYS_LEFT: RangeInclusive<f64> = -36_500.0..=36_500.0;
/// Kilometres until a car is to be serviced; negative: overdue.
pub(super) const DISTANCE_LEFT: RangeInclusive<f64> = -500_000.0..=500_000.0;
