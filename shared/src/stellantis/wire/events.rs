//! What happens to a car: trips, alerts, alarms, collisions.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    read::{Id, Read, document},
    status::Position,
    time::{Iso, Stamp},
};

document! {
    /// `GET …/trips/{tid}`, and an item of `…/trips`.
    Trip {
        id: Id = "id",
        created_at: Timestamp = "createdAt",
        updated_at: Timestamp = "updatedAt",
        started_at: Timestamp = "startedAt",
        stopped_at: Timestamp = "stoppedAt",
        start_position: Position = "startPosition",
        stop_position: Position = "stopPosition",
        duration: Seconds = "duration",
        distance: f64 = "distance",
        start_mileage: f64 = "startMileage",
        start_energies: Vec<TripEnergy> = "startEnergies",
        end_energies: Vec<TripEnergy> = "endEnergies",
        consumptions: Vec<EnergyConsumption> = "energyConsumptions",
        kinetic: TripKinetic = "kinetic",
        segments: Vec<TripSegment> = "segments",
        done: bool = "done",
        faults: Vec<TripFault> = "faults",
    }

    /// How much of an energy there was.
    TripEnergy {
        kind: String = "type",
        sub_kind: String = "subType",
        level: f64 = "level",
        autonomy: f64 = "autonomy",
    }

    /// How much of an energy a trip used: L or kWh; over 100 km cL or Wh.
    EnergyConsumption {
        kind: String = "type",
        sub_kind: String = "subType",
        consumption: f64 = "consumption",
        average: f64 = "avgConsumption",
    }

    /// Speeds of a trip, m/s.
    TripKinetic {
        average: f64 = "avgSpeed",
        max: f64 = "maxSpeed",
    }

    /// A part of a trip.
    TripSegment {
        propulsion: String = "propulsion",
        percent: f64 = "percent",
        distance: f64 = "distance",
    }

    /// What a trip lacks.
    TripFault {
        fault: String = "fault",
        cause: String = "cause",
    }

    /// `GET …/alerts/{aid}`, and an item of `…/alerts`.
    Alert {
        id: Id = "id",
        created_at: Timestamp = "createdAt",
        updated_at: Timestamp = "updatedAt",
        active: bool = "active",
        kind: String = "type",
        severity: String = "severity",
        started_at: Timestamp = "startedAt",
        ended_at: Timestamp = "endAt" | "endedAt",
        start_position: Position = "startPosition",
        end_position: Position = "endPosition",
    }

    /// `GET …/alarms/{aid}`, an item of `…/alarms` (then one of the two), and part of a status.
    Alarm {
        told: Stamp = "createdAt" | "updatedAt",
        id: Id = "id",
        status: AlarmStatus = "status",
        trigger: AlarmTrigger = "trigger",
    }

    /// Whether the alarm is armed.
    AlarmStatus {
        told: Stamp = "createdAt" | "updatedAt",
        activation: String = "activation",
    }

    /// The alarm went off.
    AlarmTrigger {
        told: Stamp = "createdAt" | "updatedAt",
        kind: String = "type",
        started_at: Timestamp = "startAt" | "startedAt",
        position: Position = "position",
    }

    /// `GET …/collisions/{cid}`, and an item of `…/collisions`.
    Collision {
        id: Id = "id",
        told: Stamp = "createdAt" | "updatedAt",
        details: Vec<CollisionDetail> = "details",
        tipped_over: bool = "tippedOver",
        pedestrian: bool = "pedestrian",
    }

    /// One side that was hit.
    CollisionDetail {
        side: String = "side",
        severity: String = "severity",
    }
}

/// Seconds: a number as the reference has it, or an ISO 8601 duration.
pub(crate) struct Seconds(pub(crate) f64);

impl Read for Seconds {
    fn read(value: &Value) -> Option<Self> {
        f64::read(value).or_else(|| Iso::read(value).map(|Iso(seconds)| seconds)).map(Self)
    }
}
