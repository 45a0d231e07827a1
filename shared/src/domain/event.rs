//! What the operator is told: small by construction, an event says what changed.

mod changed;
mod cloud;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    changed::Changed,
    cloud::{CloudEvent, TYPES},
};
use super::{
    alert::Severity,
    brand::Brand,
    enrollment::Reason,
    ids::{EnrollmentId, EventId, RemoteId, RuleId, WebhookId},
    snapshot::Reading,
    vehicle::UpstreamId,
    vin::Vin,
    webhook::PauseReason,
};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The same for ever, however often it is delivered.
    pub id: EventId,
    /// When.
    pub time: Timestamp,
    /// To which enrollment; to none, where it befell the deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrollment: Option<EnrollmentId>,
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
    /// An enrollment of another user has the same brand account. Whose is never told here.
    #[serde(rename = "enrollment.account_shared")]
    AccountShared,
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
    /// A warning came up.
    #[serde(rename = "vehicle.alert.raised")]
    AlertRaised(Warning),
    /// A warning went out.
    #[serde(rename = "vehicle.alert.cleared")]
    AlertCleared(Warning),
    /// A drive ended. Where it led is never told here.
    #[serde(rename = "vehicle.trip.completed")]
    TripCompleted {
        /// Of which car.
        vin: Vin,
        /// The maker's id of it.
        trip: UpstreamId,
        /// When it began.
        started_at: Option<Timestamp>,
        /// When it ended.
        stopped_at: Option<Timestamp>,
        /// How far it went, kilometres.
        distance_km: Option<f64>,
        /// How long it took, seconds.
        duration_s: Option<f64>,
    },
    /// Another enrollment has the same car too: shared in a family, or sold. Whose is never told.
    #[serde(rename = "vehicle.shared")]
    VehicleShared {
        /// Which.
        vin: Vin,
    },
    /// A rule of the operator's came true at the maker. Its id follows from the message alone.
    #[serde(rename = "vehicle.monitor.triggered")]
    MonitorTriggered {
        /// Of which car.
        vin: Vin,
        /// By which of the operator's monitors.
        #[serde(rename = "monitor", alias = "rule")]
        rule: RuleId,
        /// What the operator calls it.
        name: String,
        /// Whether the rule itself says where the car is: one with a zone, or with its position.
        #[serde(default)]
        about_places: bool,
        /// When, by the maker's clock.
        at: Timestamp,
        /// Whether it was true before already and is told again.
        refresh: bool,
        /// What the maker told with it, as a car's state has it. Places are left out.
        #[serde(default)]
        readings: Vec<Reading>,
        /// The same by the maker's names, as it sent them. Places are left out.
        #[serde(alias = "values")]
        maker_values: BTreeMap<String, String>,
    },
    /// A command to a car got further.
    #[serde(rename = "vehicle.remote.updated")]
    RemoteUpdated {
        /// To which car.
        vin: Vin,
        /// Which.
        remote: RemoteId,
        /// What it commands: `door`, `horn`, …
        kind: String,
        /// How far it is: `requested`, `sending`, `unknown`, `accepted`, `waking_up_vehicle`, …,
        /// `done`, `expired`, `timed_out`.
        state: String,
        /// How it ended, if it did: `success`, `already_done`, `failed`.
        outcome: Option<String>,
        /// Why it failed.
        failure_cause: Option<String>,
    },
    /// A car has told nothing for a week.
    #[serde(rename = "vehicle.data.stale")]
    DataStale {
        /// Which.
        vin: Vin,
        /// When it told anything last.
        last_seen: Timestamp,
    },
    /// It speaks again.
    #[serde(rename = "vehicle.data.fresh")]
    DataFresh {
        /// Which.
        vin: Vin,
        /// When it told that.
        last_seen: Timestamp,
    },
    /// Little is left of the calls that the maker takes in a day, from all of us together: cars are
    /// looked at less often. Told once a day.
    #[serde(rename = "quota.low")]
    QuotaLow {
        /// How much is left, percent.
        percent_left: u8,
    },
    /// An endpoint of the operator's fails, or asked for no more: nothing is sent to it until it is
    /// enabled again.
    #[serde(rename = "webhook.paused")]
    WebhookPaused {
        /// Which.
        webhook: WebhookId,
        /// Why.
        reason: PauseReason,
    },
    /// The operator tries an endpoint.
    #[serde(rename = "webhook.test")]
    WebhookTest {
        /// Which.
        webhook: WebhookId,
    },
}

/// A warning of a car.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Warning {
    /// Of which car.
    pub vin: Vin,
    /// The maker's id of it.
    pub alert: UpstreamId,
    /// Of about 110 kinds: `fuel_level_low`, …
    pub kind: Option<String>,
    /// How grave it is.
    pub severity: Option<Severity>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended, if it did.
    pub ended_at: Option<Timestamp>,
}

impl What {
    /// Whether that it happened says where a car is, whatever is left out of it.
    #[must_use]
    pub const fn is_about_places(&self) -> bool {
        matches!(self, Self::MonitorTriggered { about_places: true, .. })
    }

    /// What names the one thing told of, where the maker gave it a name: it is told under one id.
    /// A maker may give one id to several warnings: what began at another time is another one.
    fn thing(&self) -> Option<Vec<String>> {
        let of_warning = |word: &str, warning: &Warning| {
            let began = warning.started_at.map(|at| at.as_second().to_string());
            let own = [word, warning.vin.as_str(), warning.alert.as_str()].map(str::to_owned);
            own.into_iter().chain(began).collect()
        };
        match self {
            Self::AlertRaised(warning) => Some(of_warning("alert.raised", warning)),
            Self::AlertCleared(warning) => Some(of_warning("alert.cleared", warning)),
            Self::TripCompleted { vin, trip, .. } => {
                Some(["trip.completed", vin.as_str(), trip.as_str()].map(str::to_owned).into())
            }
            Self::RemoteUpdated { remote, state, .. } => {
                let parts = ["remote.updated", remote.as_str(), state.as_str()];
                Some(parts.map(str::to_owned).into())
            }
            _ => None,
        }
    }
}

impl Event {
    /// The enrollment whose erasure silences it. That it was erased is told all the same.
    #[must_use]
    pub fn silenced_with(&self) -> Option<&EnrollmentId> {
        self.enrollment.as_ref().filter(|_| self.what != What::Erased)
    }

    /// A new one.
    #[must_use]
    pub fn new(enrollment: &EnrollmentId, what: What, time: Timestamp) -> Self {
        let id = what.thing().map_or_else(EventId::random, |parts| {
            let parts = parts.iter().map(String::as_str);
            EventId::derived(&[enrollment.as_str()].into_iter().chain(parts).collect::<Vec<_>>())
        });
        Self { id, time, enrollment: Some(enrollment.clone()), what }
    }

    /// A new one that is about no enrollment.
    #[must_use]
    pub fn of_deployment(what: What, time: Timestamp) -> Self {
        Self { id: EventId::random(), time, enrollment: None, what }
    }
}
