//! Values told alone: the maker's name of one, and the field that it is. What would leave its block
//! contradicting itself (an alarm's kind without its time, open doors without the closed ones), and
//! what is no state of a car (a trip's length), is told to the operator but not merged.

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::{
    domain::snapshot::{Field, Snapshot, Value},
    stellantis::{normalise, wire::Read},
};

/// Puts a value told alone where it belongs.
pub(super) fn put(state: &mut Snapshot, name: &str, text: &str, at: Timestamp) {
    let Some(field) = field(name) else { return };
    if let Some(value) = value(field, text) {
        state.put_alone(field, at, value);
    }
}

fn field(name: &str) -> Option<Field> {
    Some(match name {
        "vehicle.odometer" => Field::OdometerMileage,
        "vehicle.powertrain.status" => Field::PowertrainStatus,
        "vehicle.engines.thermic.oil.temp" => Field::ThermicEngineOilTemperature,
        "vehicle.energy.electric.level" => Field::ElectricLevel,
        "vehicle.energy.electric.autonomy" => Field::ElectricRange,
        "vehicle.energy.fuel.level" => Field::FuelLevel,
        "vehicle.energy.fuel.autonomy" => Field::FuelRange,
        "vehicle.energy.charging.status" => Field::ChargingStatus,
        "vehicle.energy.charging.plugged" => Field::ChargingPlugged,
        "vehicle.energy.charging.type" => Field::ChargingType,
        "vehicle.doorsState.lockedState" => Field::DoorsLocks,
        "vehicle.kinetic.moving" => Field::KineticMoving,
        "vehicle.kinetic.speed" => Field::KineticSpeed,
        "vehicle.drivingBehavior.mode" => Field::DrivingMode,
        "vehicle.safety.autoECallTriggering" => Field::SafetyEmergencyCall,
        "vehicle.preconditioning.airConditioning" => Field::PreconditioningStatus,
        "vehicle.alarm.status.activation" => Field::AlarmActivation,
        "environment.air.temp" => Field::AirTemperature,
        "privacy.state" => Field::PrivacyState,
        _ => return None,
    })
}

/// By the rules for the same field of a status: ranges, words, values that mean nothing.
fn value(field: Field, text: &str) -> Option<Value> {
    let json = || Json::from(text);
    match field {
        Field::ChargingPlugged | Field::KineticMoving => bool::read(&json()).map(Value::Flag),
        Field::DoorsLocks => {
            let words: Vec<_> = text.split(',').filter_map(normalise::word).collect();
            (!words.is_empty()).then_some(Value::List(words))
        }
        _ => match range(field) {
            Some(range) => normalise::within(f64::read(&json()), range).map(Value::Number),
            None => normalise::word(text).map(Value::Text),
        },
    }
}

fn range(field: Field) -> Option<std::ops::RangeInclusive<f64>> {
    Some(match field {
        // A 0 says nothing where it isn't known that the ignition is on.
        Field::OdometerMileage => 0.1..=*normalise::MILEAGE.end(),
        Field::ElectricLevel | Field::FuelLevel => normalise::PERCENT,
        Field::ElectricRange | Field::FuelRange => normalise::RANGE,
        // 215 °C means that it is not available.
        Field::ThermicEngineOilTemperature => -60.0..=214.9,
        Field::KineticSpeed => 0.0..=400.0,
        Field::AirTemperature => -60.0..=70.0,
        _ => return None,
    })
}
