//! One drive, from ignition on to ignition off.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{position::Position, snapshot::Unit, vehicle::UpstreamId};

/// A trip, as far as the maker could tell it. Kept there for about two months.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Trip {
    /// The maker's id.
    pub id: UpstreamId,
    /// When it began.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub stopped_at: Option<Timestamp>,
    /// When the maker changed what it tells about it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Timestamp>,
    /// When the maker heard of it: what it is found again by where it has no beginning.
    #[serde(skip)]
    pub reported_at: Option<Timestamp>,
    /// Whether it has ended.
    pub done: Option<bool>,
    /// How long it took, seconds.
    pub duration_s: Option<f64>,
    /// How far it went, kilometres.
    pub distance_km: Option<f64>,
    /// The odometer at the start, kilometres.
    pub start_mileage_km: Option<f64>,
    /// Average speed, km/h.
    pub average_speed_kmh: Option<f64>,
    /// Highest speed, km/h.
    pub max_speed_kmh: Option<f64>,
    /// Where it began.
    pub start_place: Option<Position>,
    /// Where it ended.
    pub stop_place: Option<Position>,
    /// Levels at the start.
    #[serde(default)]
    pub start_energies: Vec<EnergyLevel>,
    /// Levels at the end.
    #[serde(default)]
    pub end_energies: Vec<EnergyLevel>,
    /// What it used.
    #[serde(default)]
    pub consumptions: Vec<EnergyUse>,
    /// The parts driven by each propulsion.
    #[serde(default)]
    pub segments: Vec<Segment>,
    /// What is missing from it, and why.
    #[serde(default)]
    pub faults: Vec<Fault>,
}

impl Trip {
    /// Whether it has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.done.unwrap_or(self.stopped_at.is_some())
    }

    /// The time under which it is kept: for one thing always the same, whenever it is read. `None`:
    /// the maker gives no time at all.
    #[must_use]
    pub fn kept_at(&self) -> Option<Timestamp> {
        self.started_at.or(self.reported_at).or(self.stopped_at)
    }

    /// Whether its end is still to come. One that the maker gave up (`unfinished`, `unstarted`)
    /// has none.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let given_up =
            |fault: &Fault| matches!(fault.fault.as_deref(), Some("unfinished" | "unstarted"));
        !self.is_over() && !self.faults.iter().any(given_up)
    }

    /// Without any place.
    #[must_use]
    pub fn without_positions(self) -> Self {
        Self { start_place: None, stop_place: None, ..self }
    }

    /// With the units of what it used: a trip stored by an earlier version has none.
    #[must_use]
    pub fn with_units(mut self) -> Self {
        for used in &mut self.consumptions {
            used.unit = used.kind.unit();
        }
        self
    }
}

/// What a car can run on.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EnergyKind {
    /// Petrol or diesel.
    Fuel,
    /// Electricity.
    Electric,
    /// Hydrogen.
    Hydrogen,
}

impl EnergyKind {
    /// What a trip's use of it is counted in.
    #[must_use]
    pub const fn unit(self) -> Option<Unit> {
        match self {
            Self::Fuel => Some(Unit::Litre),
            Self::Electric => Some(Unit::KilowattHour),
            Self::Hydrogen => None,
        }
    }
}

/// How much of an energy there was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EnergyLevel {
    /// Which energy.
    pub kind: EnergyKind,
    /// Percent.
    pub level_percent: Option<f64>,
    /// How far it takes the car, kilometres.
    pub range_km: Option<f64>,
}

/// How much of an energy a trip used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EnergyUse {
    /// Which energy.
    pub kind: EnergyKind,
    /// In all.
    pub total: Option<f64>,
    /// Over 100 km.
    pub per_100km: Option<f64>,
    /// The unit of both; for hydrogen the maker names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
}

/// A part of a trip driven by one propulsion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Segment {
    /// `thermal`, `electric` or `hybrid`.
    pub propulsion: Option<String>,
    /// Its share of the trip, percent.
    pub share_percent: Option<f64>,
    /// Kilometres.
    pub distance_km: Option<f64>,
}

/// What is missing from a trip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Fault {
    /// `unstarted`, `data_lacking` or `unfinished`.
    pub fault: Option<String>,
    /// `geo_privacy`, `full_privacy` or `connection`.
    pub cause: Option<String>,
}
