//! What the operator is told: small by construction, an event says what changed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
    /// Fields of a car's state changed.
    #[serde(rename = "vehicle.state.changed")]
    StateChanged {
        /// Which car.
        vin: Vin,
        /// The names of the fields; their values stand in the snapshot.
        fields: Vec<String>,
    },
}

impl Event {
    /// A new one.
    #[must_use]
    pub fn new(enrollment: &EnrollmentId, what: What, time: Timestamp) -> Self {
        Self { id: EventId::random(), time, enrollment: enrollment.clone(), what }
    }
}
