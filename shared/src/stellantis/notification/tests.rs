use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::snapshot::{Block, Field, Value as Known};

const RECEIVED: &str = "2026-03-02T06:00:30Z";

fn read(value: &Value) -> Option<Notification> {
    Notification::read(value, RECEIVED.parse().unwrap())
}

fn monitor(values: &Value, extensions: &Value) -> Triggered {
    let message = json!({
        "callbackId": "cb", "type": "Monitor", "date": "2026-03-02T06:00:00Z",
        "monitorEvent": {"monitorId": "m", "refresh": true, "values": values, "extensions": extensions},
    });
    match read(&message).unwrap().told {
        Told::Monitor(triggered) => triggered,
        Told::Remote(_) => panic!("a monitor"),
    }
}

fn literal(data: &str, text: &Value) -> Value {
    json!({"data": data, "value": {"type": "string", "body": {"literalValue": text}}})
}

#[test]
fn a_monitors_message_is_read_with_values_in_our_units() {
    let values = json!([
        literal("vehicle.energy.electric.level", &json!("19")),
        literal("vehicle.energy.charging.plugged", &json!("true")),
        literal("vehicle.energy.charging.status", &json!("InProgress")),
        literal("vehicle.odometer", &json!(1234)),
        literal("vehicle.engines.thermic.oil.temp", &json!("215")),
        literal("vehicle.doorsState.lockedState", &json!("Locked")),
        literal("vehicle.trip.distance", &json!("12.5")),
        literal("vehicle.position", &json!("48.1,2.3")),
        {"data": "vehicle.alert", "value": {"type": "obj.alert", "body": {"objectValues": [
            {"type": "RiskOfIce", "id": "1"}, {"type": "FuelLevelLow"}]}}},
    ]);

    let triggered = monitor(&values, &json!([]));

    assert_eq!((triggered.monitor.as_str(), triggered.refresh), ("m", true));
    assert_eq!(triggered.values["vehicle.alert"], "RiskOfIce,FuelLevelLow");
    assert_eq!(triggered.values["vehicle.odometer"], "1234");
    assert!(!triggered.values.contains_key("vehicle.position"));
    let state = triggered.state;
    let date = "2026-03-02T06:00:00Z".parse().ok();
    assert_eq!(state.number(Field::ElectricLevel), Some(19.0));
    assert_eq!(state.told_alone_at(Field::ElectricLevel), date);
    assert_eq!(state.flag(Field::ChargingPlugged), Some(true));
    assert!(state.is_charging());
    assert_eq!(state.number(Field::OdometerMileage), Some(1234.0));
    assert_eq!(state.observed_at(Block::Odometer), date);
    assert_eq!(state.get(Field::ThermicEngineOilTemperature), None);
    assert_eq!(state.get(Field::DoorsLocks), Some(&Known::List(vec!["locked".into()])));
}

#[test]
fn a_status_that_comes_along_is_read_and_what_has_no_time_is_left() {
    let status = json!({
        "energies": [{"type": "Electric", "level": 50, "autonomy": 200, "createdAt": "2026-03-02T05:50:00Z"}],
        "battery": {"voltage": 80},
    });
    let extensions = json!([{"type": "vehicle.status", "body": [{"status": status}]}]);

    let values = json!([literal("vehicle.energy.electric.level", &json!("49"))]);
    let state = monitor(&values, &extensions).state;

    assert_eq!(state.number(Field::ElectricLevel), Some(49.0));
    assert_eq!(state.number(Field::ElectricRange), Some(200.0));
    assert_eq!(state.get(Field::BatteryLevel), None);
}

#[test]
fn a_remotes_message_is_read() {
    let message = json!({
        "callbackId": "cb", "type": "Remote", "date": "2026-03-02T06:00:00.5Z",
        "remoteEvent": {"remoteActionId": "r", "remoteType": "Doors", "eventStatus":
            {"type": "Done", "status": "Failed", "failureCause": "VehicleConnectionTimeout"}},
    });

    let read = read(&message).unwrap();

    assert_eq!(read.date, "2026-03-02T06:00:00Z".parse().unwrap());
    let Told::Remote(commanded) = read.told else { panic!("a remote") };
    assert_eq!((commanded.action.as_str(), commanded.status.as_deref()), ("r", Some("Failed")));
    assert_eq!(commanded.failure_cause.as_deref(), Some("VehicleConnectionTimeout"));
}

#[test]
fn what_says_not_whose_or_when_is_no_message() {
    let whole = json!({"callbackId": "cb", "date": "2026-03-02T06:00:00Z", "monitorEvent": {"monitorId": "m"}});
    assert!(read(&whole).is_some());
    for missing in ["callbackId", "date", "monitorEvent"] {
        let mut message = whole.clone();
        message.as_object_mut().unwrap().remove(missing);
        assert!(read(&message).is_none(), "{missing}");
    }
}

/// Any JSON under the names that a message has.
fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "callbackId",
        "date",
        "attributes",
        "monitorEvent",
        "monitorId",
        "refresh",
        "values",
        "data",
        "value",
        "body",
        "literalValue",
        "objectValues",
        "type",
        "extensions",
        "status",
        "position",
        "remoteEvent",
        "remoteActionId",
        "eventStatus",
        "energies",
        "level",
        "createdAt",
        "key",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "cb",
            "2026-03-02T06:00:00Z",
            "vehicle.odometer",
            "1e999",
            "-5",
            "é"
        ])
        .prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_json_holds_something_exact_or_nothing_comes_out(
        mut value in any_json(), event in any_json()
    ) {
        if let Some(object) = value.as_object_mut() {
            object.insert("monitorEvent".into(), event);
        }
        if let Some(Told::Monitor(triggered)) = read(&value).map(|read| read.told) {
            prop_assert!(triggered.values.len() <= MOST_VALUES);
            for block in triggered.state.blocks() {
                prop_assert!(triggered.state.observed_at(block).is_some());
            }
        }
        let text = value.to_string();
        let enrollment = "enr_00000000000000000000000000".parse().unwrap();
        for raw in split(text.as_bytes()).unwrap() {
            if let Ok(incoming) = Incoming::read(raw, &enrollment, |_| false) {
                prop_assert!(serde_json::from_str::<Value>(&incoming.text).is_ok());
            }
        }
    }
}
