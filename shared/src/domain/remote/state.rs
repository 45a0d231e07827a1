//! Where a remote stands. Every state has a rank, and none is left for one of no higher rank.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a remote stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RemoteState)]
pub enum State {
    /// Written, and not sent.
    Requested,
    /// Somebody is sending it.
    Sending,
    /// No answer came: whether the maker has it is being asked.
    Unknown,
    /// The maker took it.
    Accepted,
    /// The car slept.
    WakingUpVehicle,
    /// The car is asked how it is.
    CheckingVehicle,
    /// The car has it.
    SentToVehicle,
    /// The car may not be woken any more this month.
    TooManyWakeUpsOverMonth,
    /// The car's battery is too low.
    VehicleBatteryChargeTooLow,
    /// The maker had it, and did not say within half an hour how it ended.
    TimedOut,
    /// The car did it.
    Success,
    /// Things were as wanted already.
    AlreadyDone,
    /// It came to nothing.
    Failed,
    /// It was too late to send it: it never was.
    Expired,
}

impl State {
    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Sending => "sending",
            Self::Unknown => "unknown",
            Self::Accepted => "accepted",
            Self::WakingUpVehicle => "waking_up_vehicle",
            Self::CheckingVehicle => "checking_vehicle",
            Self::SentToVehicle => "sent_to_vehicle",
            Self::TooManyWakeUpsOverMonth => "too_many_wake_ups_over_month",
            Self::VehicleBatteryChargeTooLow => "vehicle_battery_charge_too_low",
            Self::TimedOut => "timed_out",
            Self::Success => "success",
            Self::AlreadyDone => "already_done",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }

    /// What the maker calls it, in an event or an answer; `None` for what we do not know.
    #[must_use]
    pub fn told(status: &str) -> Option<Self> {
        Some(match status {
            "Accepted" => Self::Accepted,
            "WakingUpVehicle" => Self::WakingUpVehicle,
            "CheckingVehicle" => Self::CheckingVehicle,
            "SentToVehicle" => Self::SentToVehicle,
            "TooManyWakeUpsOverMonth" => Self::TooManyWakeUpsOverMonth,
            "VehicleBatteryChargeTooLow" => Self::VehicleBatteryChargeTooLow,
            "Success" => Self::Success,
            "AlreadyDone" => Self::AlreadyDone,
            "Failed" => Self::Failed,
            _ => return None,
        })
    }

    /// The same, with one word for all that is done.
    #[must_use]
    pub const fn phase(self) -> &'static str {
        if self.outcome().is_some() { "done" } else { self.as_str() }
    }

    /// How it ended, if the car had it or the maker refused it.
    #[must_use]
    pub const fn outcome(self) -> Option<&'static str> {
        match self {
            Self::Success | Self::AlreadyDone | Self::Failed => Some(self.as_str()),
            _ => None,
        }
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Requested => 0,
            Self::Sending => 1,
            Self::Unknown => 2,
            Self::Accepted => 3,
            Self::WakingUpVehicle => 4,
            Self::CheckingVehicle => 5,
            Self::SentToVehicle => 6,
            Self::TooManyWakeUpsOverMonth | Self::VehicleBatteryChargeTooLow => 7,
            Self::TimedOut => 8,
            Self::Success | Self::AlreadyDone | Self::Failed | Self::Expired => 9,
        }
    }

    /// Whether this is a step forward. Only what was never sent expires, and only what the maker
    /// had times out; a late word of the maker is still taken after that.
    #[must_use]
    pub const fn may_become(self, to: Self) -> bool {
        let possible = match to {
            Self::Expired => self.rank() <= Self::Sending.rank(),
            Self::TimedOut => self.rank() >= Self::Accepted.rank(),
            Self::Unknown => self.rank() == Self::Sending.rank(),
            _ => true,
        };
        possible && to.rank() > self.rank()
    }

    /// Whether the maker is not asked about it any more.
    #[must_use]
    pub const fn is_end(self) -> bool {
        self.rank() >= Self::TimedOut.rank()
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
