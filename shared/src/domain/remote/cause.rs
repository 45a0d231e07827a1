//! Why a remote failed: the maker's twenty reasons, and ours.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! causes {
    ($( $(#[$doc:meta])* $name:ident = $word:literal $(, $theirs:literal)? ;)+) => {
        /// Why a remote failed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Cause {
            $( $(#[$doc])* $name, )+
        }

        impl Cause {
            /// As stored and shown.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$name => $word, )+ }
            }

            /// What the maker calls it; what we do not know is some other cause.
            #[must_use]
            pub fn told(text: &str) -> Self {
                $( $( if text == $theirs { return Self::$name; } )? )+
                Self::Other
            }
        }
    };
}

causes! {
    /// Theirs, unexplained.
    GeneralError = "general_error", "GeneralError";
    /// The car could not.
    VehicleError = "vehicle_error", "VehicleError";
    /// The car does not know this.
    WrongCommand = "wrong_command", "WrongCommand";
    /// The car was not reached.
    VehicleConnectionTimeout = "vehicle_connection_timeout", "VehicleConnectionTimeout";
    /// The user may not.
    MissingRights = "missing_rights", "MissingRights";
    /// Its battery is too low.
    NotPossibleDueToVehicleBatteryLevel = "not_possible_due_to_vehicle_battery_level", "NotPossibleDueToVehicleBatteryLevel";
    /// Its driver wants to be left alone.
    NotPossibleDueToVehiclePrivacyLevel = "not_possible_due_to_vehicle_privacy_level", "NotPossibleDueToVehiclePrivacyLevel";
    /// It was woken too often this month.
    TooManyWakeUpsOverMonth = "too_many_wake_ups_over_month", "TooManyWakeUpsOverMonth";
    /// Asked too often, too fast.
    TooManyRequestInShortTime = "too_many_request_in_short_time", "TooManyRequestInShortTime";
    /// Somebody asked for the same just before.
    SameActionInProgress = "same_action_in_progress", "SameActionInProgress";
    /// It was reported stolen.
    NotPossibleDueToVehicleStolenState = "not_possible_due_to_vehicle_stolen_state", "NotPossibleDueToVehicleStolenState";
    /// Somebody drives it.
    VehicleInUse = "vehicle_in_use", "VehicleInUse";
    /// Asked too often.
    TooManyRequestSent = "too_many_request_sent", "TooManyRequestSent";
    /// A door is open.
    DoorsOpen = "doors_open", "DoorsOpen";
    /// The car could not, or its key is inside.
    VehicleErrorOrCidInside = "vehicle_error_or_cid_inside", "VehicleErrorOrCidInside";
    /// Its key is inside.
    CidInside = "cid_inside", "CidInside";
    /// The charging point could not.
    ExternalChargingSystemError = "external_charging_system_error", "ExternalChargingSystemError";
    /// The car's charger could not.
    VehicleChargingSystemError = "vehicle_charging_system_error", "VehicleChargingSystemError";
    /// It is not locked.
    VehicleIsNotLocked = "vehicle_is_not_locked", "VehicleIsNotLocked";
    /// Its driver cancelled it.
    CanceledByDriver = "canceled_by_driver", "CanceledByDriver";
    /// The maker gave a reason that is newer than this code, or none.
    Other = "other";
    /// The maker's interface refused it: nothing reached the car.
    Refused = "refused";
    /// The maker's interface was asked too often: nothing reached the car.
    Limited = "limited";
    /// The maker's interface could not be reached: nothing was sent.
    MakerUnreachable = "maker_unreachable";
    /// The car is not in the account any more.
    VehicleGone = "vehicle_gone";
    /// The user must consent again.
    ReauthorizationRequired = "reauthorization_required";
    /// The operator's switch stopped all remotes before it was sent.
    RemotesStopped = "remotes_stopped";
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_shown_as_it_is_stored_and_an_unknown_one_is_some_other() {
        for cause in [Cause::CidInside, Cause::Refused, Cause::VehicleErrorOrCidInside] {
            assert_eq!(serde_json::to_string(&cause).unwrap(), format!("\"{cause}\""));
        }
        assert_eq!(Cause::told("VehicleInUse"), Cause::VehicleInUse);
        assert_eq!(Cause::told("MeteorStrike"), Cause::Other);
    }
}
