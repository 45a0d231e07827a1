//! Remotes: what a car is asked to do, and how that goes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{callbacks::Attribute, store::State};
use crate::cars::Change;

/// What a remote asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Lock or unlock.
    Door,
    /// Sound the horn.
    Horn,
    /// Lights on or off.
    Lights,
    /// Charge, or do not.
    Charging,
    /// Heat or cool.
    Preconditioning,
    /// Wake up and send a picture.
    WakeUp,
    /// Take a destination.
    Navigation,
}

/// Why a remote failed, as the wire names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the maker gives names and no explanations")]
pub enum FailureCause {
    GeneralError,
    VehicleError,
    WrongCommand,
    VehicleConnectionTimeout,
    MissingRights,
    NotPossibleDueToVehicleBatteryLevel,
    NotPossibleDueToVehiclePrivacyLevel,
    TooManyWakeUpsOverMonth,
    TooManyRequestInShortTime,
    SameActionInProgress,
    NotPossibleDueToVehicleStolenState,
    VehicleInUse,
    TooManyRequestSent,
    DoorsOpen,
    VehicleErrorOrCidInside,
    CidInside,
    ExternalChargingSystemError,
    VehicleChargingSystemError,
    VehicleIsNotLocked,
    CanceledByDriver,
}

/// What becomes of a remote, where it is not left to the car.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// The car decides, so many seconds late.
    Delayed(u32),
    /// It fails.
    Failed(FailureCause),
    /// Things are as wanted already.
    AlreadyDone,
    /// It works, whatever the car's state.
    Success,
    /// The car decides and does; no event ever comes, only `GET` knows.
    Silent,
    /// Nothing ever happens after it was accepted.
    Stuck,
}

/// A fate waiting for its remote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteFate {
    /// Only for this car; none: any.
    #[serde(default)]
    pub vin: Option<String>,
    /// Only for this action; none: any.
    #[serde(default)]
    pub action: Option<Action>,
    /// For so many remotes.
    #[serde(default = "once")]
    pub times: u32,
    /// What becomes of them.
    pub fate: Fate,
}

fn once() -> u32 {
    1
}

/// A remote on its way.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Remote {
    pub(crate) id: String,
    pub(crate) client: String,
    pub(crate) account: String,
    pub(crate) callback: String,
    pub(crate) vin: String,
    pub(crate) label: Option<String>,
    pub(crate) action: Action,
    /// What it does to the car, where the car can show it.
    pub(crate) change: Option<Change>,
    /// As it was sent.
    pub(crate) body: Value,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) accepted_at: Timestamp,
    pub(crate) fate: Option<Fate>,
    /// What is still to come, in order; the last of it ends the remote.
    pub(crate) steps: Vec<Step>,
    pub(crate) status: RemoteStatus,
    pub(crate) cause: Option<FailureCause>,
    /// None while it is on its way.
    pub(crate) done_at: Option<Timestamp>,
}

/// A thing that happens on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) at: Timestamp,
    /// None: it ends, however it ends.
    pub(crate) pending: Option<RemoteStatus>,
}

/// Where a remote stands, as the wire names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the maker gives names and no explanations")]
pub enum RemoteStatus {
    Accepted,
    WakingUpVehicle,
    CheckingVehicle,
    SentToVehicle,
    TooManyWakeUpsOverMonth,
    Success,
    AlreadyDone,
    Failed,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Door,
        Self::Horn,
        Self::Lights,
        Self::Charging,
        Self::Preconditioning,
        Self::WakeUp,
        Self::Navigation,
    ];

    /// The member of the request's body.
    #[must_use]
    pub fn member(self) -> &'static str {
        match self {
            Self::Door => "door",
            Self::Horn => "horn",
            Self::Lights => "lights",
            Self::Charging => "charging",
            Self::Preconditioning => "preconditioning",
            Self::WakeUp => "wakeUp",
            Self::Navigation => "navigation",
        }
    }

    /// `RemoteType` of answers and events.
    #[must_use]
    pub fn remote_type(self) -> &'static str {
        match self {
            Self::Door => "Doors",
            Self::Horn => "Horn",
            Self::Lights => "Lights",
            Self::Charging => "ElectricBatteryChargingRequest",
            Self::Preconditioning => "ThermalPreconditioning",
            Self::WakeUp => "WakeUp",
            Self::Navigation => "Navigation",
        }
    }

    /// The scope it needs.
    #[must_use]
    pub fn scope(self) -> &'static str {
        match self {
            Self::Door => "remote:door:write",
            Self::Horn => "remote:horn:write",
            Self::Lights => "remote:lights:write",
            Self::Charging => "remote:charging:write",
            Self::Preconditioning => "remote:preconditioning:write",
            Self::WakeUp => "remote:wakeup:write",
            Self::Navigation => "remote:navigation:write",
        }
    }
}

impl FailureCause {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::GeneralError,
        Self::VehicleError,
        Self::WrongCommand,
        Self::VehicleConnectionTimeout,
        Self::MissingRights,
        Self::NotPossibleDueToVehicleBatteryLevel,
        Self::NotPossibleDueToVehiclePrivacyLevel,
        Self::TooManyWakeUpsOverMonth,
        Self::TooManyRequestInShortTime,
        Self::SameActionInProgress,
        Self::NotPossibleDueToVehicleStolenState,
        Self::VehicleInUse,
        Self::TooManyRequestSent,
        Self::DoorsOpen,
        Self::VehicleErrorOrCidInside,
        Self::CidInside,
        Self::ExternalChargingSystemError,
        Self::VehicleChargingSystemError,
        Self::VehicleIsNotLocked,
        Self::CanceledByDriver,
    ];
}

/// Wake-ups of a car in one month.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct WakeUps {
    /// Year and month, as one number.
    month: i32,
    pub(crate) count: u32,
    pub(crate) last: Option<Timestamp>,
}

impl WakeUps {
    /// Takes one more, unless the month has had as many as it may.
    pub(crate) fn take(&mut self, now: Timestamp, most: u32) -> bool {
        let date = jiff::tz::TimeZone::UTC.to_datetime(now).date();
        let month = i32::from(date.year()) * 12 + i32::from(date.month());
        if month != self.month {
            self.month = month;
            self.count = 0;
        }
        if self.count >= most {
            return false;
        }
        self.count += 1;
        self.last = Some(now);
        true
    }
}

/// By VIN.
pub(crate) type AllWakeUps = BTreeMap<String, WakeUps>;

impl State {
    /// The remotes of one callback and vehicle.
    pub(crate) fn remotes_of(&self, callback: &str, vin: &str) -> impl Iterator<Item = &Remote> {
        self.remotes.iter().filter(move |remote| remote.callback == callback && remote.vin == vin)
    }
}
