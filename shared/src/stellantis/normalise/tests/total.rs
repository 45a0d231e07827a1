//! Whatever JSON holds, something exact or nothing comes out.

use proptest::{collection, prelude::*, sample};
use serde_json::Value as Json;

use super::*;

/// Every name that a document may hold, so that arbitrary documents get deep.
const NAMES: [&str; 96] = [
    "createdAt",
    "updatedAt",
    "lastPosition",
    "privacy",
    "environment",
    "service",
    "preconditioning",
    "preconditionning",
    "vehicle",
    "_embedded",
    "extension",
    "location",
    "maintenance",
    "energies",
    "energy",
    "engines",
    "powertrain",
    "ignition",
    "doorsState",
    "battery",
    "safety",
    "odometer",
    "timed.odometer",
    "kinetic",
    "drivingBehavior",
    "lightingSystem",
    "alarm",
    "transmission",
    "wipingBlades",
    "adas",
    "geometry",
    "properties",
    "coordinates",
    "heading",
    "type",
    "subType",
    "level",
    "autonomy",
    "charging",
    "fuel",
    "electric",
    "consumptions",
    "consumption",
    "total",
    "instant",
    "residual",
    "plugged",
    "status",
    "remainingTime",
    "chargingRate",
    "nextDelayedTime",
    "schedule",
    "programs",
    "capacity",
    "load",
    "health",
    "resistance",
    "slot",
    "enabled",
    "start",
    "end",
    "occurence",
    "day",
    "speed",
    "oil",
    "coolant",
    "temp",
    "thermic",
    "lockedStates",
    "opening",
    "identifier",
    "state",
    "voltage",
    "beltStatus",
    "mileage",
    "moving",
    "airConditioning",
    "gearbox",
    "mode",
    "parkAssist",
    "front",
    "activation",
    "trigger",
    "startAt",
    "position",
    "id",
    "vin",
    "details",
    "startPosition",
    "duration",
    "distance",
    "startEnergies",
    "energyConsumptions",
    "segments",
    "onboardCapabilities",
    "remote",
];

fn json() -> impl Strategy<Value = Json> {
    let word = sample::select(vec![
        "Fuel",
        "Electric",
        "Thermic",
        "Hydrogen",
        "Start",
        "InProgress",
        "Open",
        "On",
        "Full",
        "PT1H30M",
        "PT0S",
        "22:30",
        "2026-01-01T00:00:00Z",
        "Mon Jun 03 08:35:36 GMT 2019",
        "33,3",
        "true",
        "VF3ABCDE0FG123456",
        "a1",
    ]);
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-10..220_i64).prop_map(Json::from),
        (-10.0..220.0_f64).prop_map(Json::from),
        word.prop_map(Json::from),
        ".{0,12}".prop_map(Json::from),
    ];
    leaf.prop_recursive(6, 24, 4, |inner| {
        let name =
            prop_oneof![4 => sample::select(NAMES.to_vec()).prop_map(str::to_owned), 1 => ".{0,8}"];
        prop_oneof![
            1 => collection::vec(inner.clone(), 0..3).prop_map(Json::from),
            4 => collection::btree_map(name, inner, 0..4)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

/// A document whose every block is there and holds anything.
fn status() -> impl Strategy<Value = Json> {
    let names = sample::subsequence(NAMES.to_vec(), 0..40);
    (names, collection::vec(json(), 40)).prop_map(|(names, values)| {
        let pairs = names.into_iter().map(str::to_owned).zip(values);
        Json::Object(pairs.collect())
    })
}

fn every_reader(value: &Json) {
    let _ = wire::User::read(value).map(user);
    let _ = wire::Vehicle::read(value).and_then(vehicle);
    let _ = wire::OnboardCapabilities::read(value).map(capabilities);
    let _ = wire::Trip::read(value).as_ref().and_then(trip);
    let _ = wire::Alert::read(value).as_ref().and_then(alert);
    let _ = wire::Alarm::read(value).as_ref().and_then(alarm);
    let _ = wire::Collision::read(value).as_ref().and_then(collision);
    let _ = wire::Maintenance::read(value).map(|due| maintained(&due, received()));
    let _ = wire::Position::read(value).map(|place| located(place, received()));
    let _ = wire::Page::read(value).map(|page| page.items::<wire::Trip>(&["trips"]));
    let _ = wire::Problem::read(value);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_document_is_a_panic(value in prop_oneof![json(), status()]) {
        every_reader(&value);
    }

    #[test]
    fn every_snapshot_is_exact_and_survives_storage(value in status()) {
        let snapshot = of(&value);
        for reading in snapshot.readings() {
            prop_assert_eq!(reading.field.kind(), reading.value.kind());
            prop_assert!(reading.observed_at.is_none_or(|at| at <= received() + AHEAD));
            if let Value::Number(number) = reading.value {
                prop_assert!(number.is_finite());
            }
            if reading.field.kind() == Kind::Text {
                let Value::Text(text) = &reading.value else { panic!("no text") };
                prop_assert!(text.is_ascii() && text.len() <= 128);
            }
        }
        let stored = serde_json::to_string(&snapshot).unwrap();
        prop_assert_eq!(serde_json::from_str::<Snapshot>(&stored).unwrap(), snapshot);
    }

    #[test]
    fn merging_what_is_known_changes_nothing(value in status()) {
        let snapshot = of(&value);
        let (merged, changes) = snapshot.clone().merge(snapshot.clone());
        prop_assert_eq!(merged, snapshot);
        prop_assert!(changes.is_empty());
    }

    #[test]
    fn what_a_merge_tells_is_what_it_changed(one in status(), other in status()) {
        let (old, new) = (of(&one), of(&other));
        let (merged, changes) = old.clone().merge(new);
        for field in Field::ALL {
            let change = changes.iter().find(|change| change.field == *field);
            prop_assert_eq!(change.is_some(), old.get(*field) != merged.get(*field));
            if let Some(change) = change {
                prop_assert_eq!(change.new.as_ref(), merged.get(*field));
                prop_assert_eq!(change.old.as_ref(), old.get(*field));
            }
        }
        for block in Block::ALL {
            prop_assert!(merged.observed_at(*block) >= old.observed_at(*block));
        }
    }
}
