//! What the operator is told: small by construction, an event says what changed.

mod changed;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::changed::Changed;
use super::{
    brand::Brand,
    enrollment::Reason,
    ids::{EnrollmentId, EventId},
    vin::Vin,
};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The same for ever, however often it is delivered.
    pub id: EventId,
    /// When.
    pub time: Timestamp,
    /// To which enrollment.
    pub enrollment: EnrollmentId,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum What {
    /// A login link was given out.
    #[serde(rename = "enrollment.begun")]
    Begun {
        /// Of this brand.
        brand: Brand,
    },
    /// The user consented.
    #[serde(rename = "enrollment.completed")]
    Completed,
    /// The user refused, or the consent failed.
    #[serde(rename = "enrollment.declined")]
    Declined {
        /// Why.
        reason: Reason,
    },
    /// The operator's backend confirmed it.
    #[serde(rename = "enrollment.confirmed")]
    Confirmed,
    /// The user must consent again.
    #[serde(rename = "enrollment.reauthorization_required")]
    ReauthorizationRequired {
        /// Why.
        reason: Reason,
    },
    /// Nothing is left of it.
    #[serde(rename = "enrollment.erased")]
    Erased,
    /// A car appeared in the account.
    #[serde(rename = "vehicle.discovered")]
    VehicleDiscovered {
        /// Which.
        vin: Vin,
    },
    /// A car left the account: sold, or unlinked.
    #[serde(rename = "vehicle.removed")]
    VehicleRemoved {
        /// Which.
        vin: Vin,
    },
    /// Fields of a car's state changed. That a place changed is told, but neither the old nor the
    /// new one unless past positions are kept at all (`POSITION_HISTORY`): an event outlives the
    /// moment by two weeks. With every field at its longest it stays far below an item's 400 KB.
    #[serde(rename = "vehicle.state.changed")]
    StateChanged {
        /// Which car.
        vin: Vin,
        /// What changed, field by field.
        changes: Vec<Changed>,
    },
    /// The traction battery began to charge.
    #[serde(rename = "vehicle.charging.started")]
    ChargingStarted {
        /// Which car.
        vin: Vin,
        /// How full the battery is, percent.
        level: Option<f64>,
    },
    /// It charges no more.
    #[serde(rename = "vehicle.charging.ended")]
    ChargingEnded {
        /// Which car.
        vin: Vin,
        /// How full the battery is, percent.
        level: Option<f64>,
        /// `finished`, `stopped`, `failure` or `disconnected`; nothing, if the car says nothing.
        status: Option<String>,
    },
}

impl Event {
    /// A new one.
    #[must_use]
    pub fn new(enrollment: &EnrollmentId, what: What, time: Timestamp) -> Self {
        Self { id: EventId::random(), time, enrollment: enrollment.clone(), what }
    }
}
