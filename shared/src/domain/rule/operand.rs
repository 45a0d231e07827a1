//! What a rule can watch: the table of the maker's `DataTrigger`, under the maker's names.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::vehicle::Motorization;

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// It is other than before; takes no value.
    OnChange,
    /// It is this one.
    EqualsTo,
    /// It is one of these.
    IncludedIn,
    /// It is above this.
    GreaterThan,
    /// It is below this.
    LowerThan,
}

use Op::{EqualsTo, GreaterThan, IncludedIn, LowerThan, OnChange};

const COMPARED: &[Op] = &[EqualsTo, GreaterThan, LowerThan];
const CHOSEN: &[Op] = &[OnChange, EqualsTo, IncludedIn];
const SWITCHED: &[Op] = &[OnChange, EqualsTo];
const CHANGED: &[Op] = &[OnChange];
const LISTED: &[Op] = &[IncludedIn];

/// What the right side may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// A number, in the maker's unit.
    Number,
    /// `true` or `false`.
    Boolean,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// A name of a list that grows: not checked beyond its letters.
    Name,
}

impl Values {
    /// Whether this can be a right side.
    #[must_use]
    pub fn take(self, value: &str) -> bool {
        match self {
            Self::Number => value.parse::<f64>().is_ok_and(f64::is_finite),
            Self::Boolean => matches!(value, "true" | "false"),
            Self::OneOf(names) => names.contains(&value),
            Self::Name => {
                let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
                (1..=100).contains(&value.len()) && value.bytes().all(plain)
            }
        }
    }
}

impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number => f.write_str("a number"),
            Self::Boolean => f.write_str("true or false"),
            Self::OneOf(names) => write!(f, "one of {}", names.join(", ")),
            Self::Name => f.write_str("a name of letters and digits"),
        }
    }
}

const POWERTRAIN: Values =
    Values::OneOf(&["NotRunning", "Starting", "Running", "Stopping", "Stopped"]);
const CHARGING: Values =
    Values::OneOf(&["Disconnected", "InProgress", "Failure", "Stopped", "Finished"]);
const TRIPS: Values = Values::OneOf(&["Nominal", "Unstarted", "DataLacking", "Unfinished"]);
const PRIVACY: Values = Values::OneOf(&["None", "Geolocation", "Full"]);

/// Which cars have it at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Every,
    /// Those with a battery to charge.
    Battery,
    /// Those with an engine.
    Engine,
}

struct Row {
    name: &'static str,
    values: Values,
    ops: &'static [Op],
    /// Whether an earlier state may be asked for too.
    previous: bool,
    /// What the user must have granted, and the car produce.
    scope: &'static str,
    of: Of,
}

macro_rules! operands {
    ($( $variant:ident = $name:literal, $values:expr, $ops:ident, $previous:literal, $scope:literal, $of:ident; )+) => {
        /// A value of a car that a trigger watches.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "each is named as the maker names it")]
        pub enum Operand {
            $( #[serde(rename = $name)] $variant, )+
        }

        // By hand: the derived one does not see names that a macro puts in.
        impl utoipa::PartialSchema for Operand {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .description(Some("A value of a car that a trigger watches."))
                    .enum_values(Some([$( $name ),+]))
                    .into()
            }
        }

        impl ToSchema for Operand {}

        impl Operand {
            /// All of them.
            pub const ALL: &[Self] = &[$( Self::$variant ),+];

            const fn row(self) -> Row {
                match self {
                    $( Self::$variant => Row {
                        name: $name,
                        values: $values,
                        ops: $ops,
                        previous: $previous,
                        scope: $scope,
                        of: Of::$of,
                    }, )+
                }
            }
        }
    };
}

operands! {
    Alert = "vehicle.alert", Values::Name, CHOSEN, true, "data:alert", Every;
    Odometer = "vehicle.odometer", Values::Number, COMPARED, false, "data:telemetry", Every;
    Powertrain = "vehicle.powertrain.status", POWERTRAIN, CHOSEN, false, "data:telemetry", Every;
    OilTemperature = "vehicle.engines.thermic.oil.temp", Values::Number, COMPARED, false, "data:telemetry", Engine;
    ElectricLevel = "vehicle.energy.electric.level", Values::Number, COMPARED, false, "data:telemetry", Battery;
    ElectricAutonomy = "vehicle.energy.electric.autonomy", Values::Number, COMPARED, false, "data:telemetry", Battery;
    FuelLevel = "vehicle.energy.fuel.level", Values::Number, COMPARED, false, "data:telemetry", Engine;
    FuelAutonomy = "vehicle.energy.fuel.autonomy", Values::Number, COMPARED, false, "data:telemetry", Engine;
    Autonomy = "vehicle.autonomy", Values::Number, COMPARED, false, "data:telemetry", Every;
    ChargingStatus = "vehicle.energy.charging.status", CHARGING, CHOSEN, true, "data:telemetry", Battery;
    Plugged = "vehicle.energy.charging.plugged", Values::Boolean, SWITCHED, true, "data:telemetry", Battery;
    ChargingType = "vehicle.energy.charging.type", Values::OneOf(&["Partial", "Full"]), SWITCHED, false, "data:telemetry", Battery;
    LockedState = "vehicle.doorsState.lockedState", Values::Name, CHANGED, false, "data:telemetry", Every;
    Opening = "vehicle.doorsState.opening", Values::Name, CHANGED, false, "data:telemetry", Every;
    Moving = "vehicle.kinetic.moving", Values::Boolean, SWITCHED, true, "data:telemetry", Every;
    Speed = "vehicle.kinetic.speed", Values::Number, COMPARED, false, "data:telemetry", Every;
    TripStart = "vehicle.trip.start", Values::Name, CHANGED, false, "data:trip", Every;
    TripStop = "vehicle.trip.stop", Values::Name, CHANGED, false, "data:trip", Every;
    TripDuration = "vehicle.trip.duration", Values::Number, COMPARED, false, "data:trip", Every;
    TripDistance = "vehicle.trip.distance", Values::Number, COMPARED, false, "data:trip", Every;
    TripState = "vehicle.trip.state", TRIPS, LISTED, false, "data:trip", Every;
    BeltWarning = "vehicle.safety.beltWarning", Values::OneOf(&["Normal", "Omission"]), SWITCHED, true, "data:telemetry", Every;
    AirTemperature = "environment.air.temp", Values::Number, COMPARED, false, "data:telemetry", Every;
    Privacy = "privacy.state", PRIVACY, CHOSEN, true, "data:telemetry", Every;
    DrivingMode = "vehicle.drivingBehavior.mode", Values::Name, CHOSEN, true, "data:telemetry", Every;
    EmergencyCall = "vehicle.safety.autoECallTriggering", Values::Name, CHOSEN, true, "data:telemetry", Every;
    AirConditioning = "vehicle.preconditioning.airConditioning", Values::Name, CHANGED, false, "data:telemetry", Every;
    AlarmTrigger = "vehicle.alarm.trigger.type", Values::Name, CHOSEN, false, "data:telemetry", Every;
    AlarmActivation = "vehicle.alarm.status.activation", Values::OneOf(&["Inactive", "Active"]), SWITCHED, false, "data:telemetry", Every;
}

impl Operand {
    /// As the maker names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// What it can be compared with.
    #[must_use]
    pub const fn values(self) -> Values {
        self.row().values
    }

    /// How it can be compared.
    #[must_use]
    pub const fn ops(self) -> &'static [Op] {
        self.row().ops
    }

    /// Whether an earlier state may be asked for too.
    #[must_use]
    pub const fn has_previous(self) -> bool {
        self.row().previous
    }

    /// The scope that covers it.
    #[must_use]
    pub const fn scope(self) -> &'static str {
        self.row().scope
    }

    /// Whether a car that is driven like this can have it.
    #[must_use]
    pub const fn is_of(self, motorization: Motorization) -> bool {
        match self.row().of {
            Of::Every => true,
            Of::Battery => !matches!(motorization, Motorization::Thermic | Motorization::Hydrogen),
            Of::Engine => !matches!(motorization, Motorization::Electric | Motorization::Hydrogen),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_the_29_of_the_description_each_with_a_use() {
        assert_eq!(Operand::ALL.len(), 29);
        for operand in Operand::ALL {
            assert!(!operand.ops().is_empty(), "{operand:?}");
            assert!(operand.scope().starts_with("data:"), "{operand:?}");
            let compared = operand.ops().contains(&GreaterThan);
            assert_eq!(compared, operand.values() == Values::Number, "{operand:?}");
        }
    }

    #[test]
    fn description_names_each_as_it_is_read() {
        let schema = serde_json::to_value(<Operand as utoipa::PartialSchema>::schema()).unwrap();
        let described: Vec<Operand> = serde_json::from_value(schema["enum"].clone()).unwrap();
        assert_eq!(described, Operand::ALL);
    }

    #[test]
    fn what_a_car_does_not_have_is_not_watched_on_it() {
        assert!(!Operand::ElectricLevel.is_of(Motorization::Thermic));
        assert!(Operand::ElectricLevel.is_of(Motorization::Hybrid));
        assert!(!Operand::FuelLevel.is_of(Motorization::Electric));
        assert!(Operand::FuelLevel.is_of(Motorization::Other));
        assert!(Operand::Moving.is_of(Motorization::Hydrogen));
    }
}
