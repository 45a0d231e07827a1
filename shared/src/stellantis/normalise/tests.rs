use serde_json::json;

use super::*;
use crate::{
    domain::{snapshot::Kind, trip::EnergyKind},
    stellantis::wire::{self, Read},
};

mod documents;
mod total;

fn received() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn of(document: &serde_json::Value) -> Snapshot {
    snapshot(&wire::Document::read(document).unwrap(), received())
}

/// A document with one energy list.
fn energies(energies: &serde_json::Value) -> Snapshot {
    of(&json!({ "energies": energies }))
}

#[test]
fn a_car_that_has_not_reported_is_empty() {
    assert!(of(&json!({})).is_empty());
    assert!(wire::Document::read(&json!([])).is_none());
}

#[test]
fn energies_are_told_apart_by_type_in_any_order() {
    let time = "2026-03-01T10:00:00Z";
    let fuel = json!({"type": "Fuel", "level": 40, "autonomy": 300, "createdAt": time});
    let electric = json!({"type": "Electric", "level": 80, "autonomy": 45, "createdAt": time});

    let one = energies(&json!([fuel, electric]));
    let other = energies(&json!([electric, fuel]));

    assert_eq!(one, other);
    assert_eq!(one.number(Field::FuelLevel), Some(40.0));
    assert_eq!(one.number(Field::ElectricRange), Some(45.0));
}

#[test]
fn a_battery_cars_ghost_tank_is_dropped_and_a_hybrids_empty_tank_is_not() {
    let electric = json!({"type": "Electric", "level": 80, "createdAt": "2026-03-01T10:00:00Z"});
    let tank = |time: Option<&str>| json!({"type": "Fuel", "level": 0, "createdAt": time});

    for ghost in [tank(Some("2021-01-01T00:00:00Z")), tank(None)] {
        let snapshot = energies(&json!([ghost, electric]));
        assert_eq!(snapshot.get(Field::FuelLevel), None);
        assert_eq!(snapshot.number(Field::ElectricLevel), Some(80.0));
    }
    let hybrid = energies(&json!([tank(Some("2026-02-20T00:00:00Z")), electric]));
    assert_eq!(hybrid.number(Field::FuelLevel), Some(0.0));
    let alone = energies(&json!([tank(Some("2021-01-01T00:00:00Z"))]));
    assert_eq!(alone.number(Field::FuelLevel), Some(0.0));
}

#[test]
fn the_old_energy_is_read_as_one_or_as_a_list_and_never_hides_the_new_one() {
    let old = json!({"type": "Electric", "level": 10, "updatedAt": "2022-01-01T00:00:00Z"});
    let new = json!({"type": "Electric", "level": 20, "createdAt": "2026-01-01T00:00:00Z"});

    for document in
        [json!({"energy": old}), json!({"energy": [old]}), json!({"energy": old, "energies": null})]
    {
        assert_eq!(of(&document).number(Field::ElectricLevel), Some(10.0), "{document}");
    }
    for document in [json!({"energy": old, "energies": [new]}), json!({"energy": [new, old]})] {
        assert_eq!(of(&document).number(Field::ElectricLevel), Some(20.0), "{document}");
    }
}

#[test]
fn hydrogen_is_a_kind_of_fuel_on_the_wire_alone() {
    let extension = json!({"fuel": {"consumptions": {"instant": 0.9, "total": 12}}});
    let hydrogen =
        json!({"type": "Fuel", "subType": "Hydrogen", "level": 55, "extension": extension});

    let snapshot = energies(&json!([hydrogen]));

    assert_eq!(snapshot.number(Field::HydrogenLevel), Some(55.0));
    assert_eq!(snapshot.number(Field::HydrogenConsumption), Some(0.9));
    assert_eq!(snapshot.get(Field::FuelLevel), None);
}

#[test]
fn sentinels_and_what_cannot_be_are_nothing() {
    let thermic = json!({"coolant": {"temp": 215}, "oil": {"temp": 215.0}, "air": {"temp": 20}});
    let document = json!({
        "engines": [{"type": "Thermic", "extension": {"thermic": thermic}}],
        "energies": [{"type": "Fuel", "level": 101, "autonomy": 65_535}],
        "odometer": {"mileage": 0},
        "ignition": {"type": "Stop"},
        "environment": {"air": {"temp": 87.5}},
        "kinetic": {"speed": 655.35},
    });

    let snapshot = of(&document);

    assert_eq!(snapshot.number(Field::ThermicEngineAirTemperature), Some(20.0));
    assert_eq!(snapshot.readings().count(), 2, "{snapshot:?}");
}

#[test]
fn an_odometer_at_zero_counts_only_with_the_ignition_on() {
    let with = |ignition: &str| {
        of(&json!({"odometer": {"mileage": 0}, "ignition": {"type": ignition}}))
            .number(Field::OdometerMileage)
    };

    assert_eq!(with("Start"), Some(0.0));
    assert_eq!(with("Stop"), None);
}

#[test]
fn each_value_has_its_own_time_however_it_is_written() {
    let document = json!({
        "createdAt": "2026-02-28T00:00:00Z",
        "odometer": {"mileage": 10, "createdAt": "2023-06-03T08:35:36Z"},
        "battery": {"voltage": 87, "createdAt": null, "updatedAt": "2022-05-05T05:05:05+0200"},
        "privacy": {"state": "None", "createdAt": "Mon Jun 03 08:35:36 GMT 2019"},
        "ignition": {"type": "Stop"},
    });

    let snapshot = of(&document);

    let time = |block| snapshot.observed_at(block).unwrap().to_string();
    assert_eq!(time(Block::Odometer), "2023-06-03T08:35:36Z");
    assert_eq!(time(Block::Battery), "2022-05-05T03:05:05Z");
    assert_eq!(time(Block::Privacy), "2019-06-03T08:35:36Z");
    assert_eq!(time(Block::Ignition), "2026-02-28T00:00:00Z");
}

#[test]
fn a_clock_that_is_ahead_cannot_freeze_a_value() {
    let at = |time: &str| {
        let ignition = json!({"type": "Stop", "createdAt": time, "updatedAt": null});
        of(&json!({ "ignition": ignition })).observed_at(Block::Ignition)
    };

    assert_eq!(at("2099-01-01T00:00:00Z"), Some(received()));
    assert_eq!(at("2026-03-01T12:04:00Z"), "2026-03-01T12:04:00Z".parse().ok());
}

#[test]
fn charging_is_read_in_every_shape() {
    let program = json!({"start": "PT22H30M", "end": "PT6H", "enabled": true,
        "occurence": {"day": ["Mon", "Tue"]}, "chargeUntilFull": false});
    for schedule in [json!([program]), json!({"programs": [program]})] {
        let charging = json!({"plugged": true, "status": "InProgress", "remainingTime": "PT1H30M",
            "chargingRate": 20, "chargingMode": "Slow", "nextDelayedTime": "PT23H15M",
            "schedule": schedule});
        let snapshot = energies(&json!([
            {"type": "Electric", "extension": {"electric": {"charging": charging}}}
        ]));

        assert!(snapshot.is_charging());
        assert_eq!(snapshot.number(Field::ChargingRemaining), Some(5400.0));
        assert_eq!(snapshot.text(Field::ChargingDelayedStart), Some("23:15"));
        let Some(Value::Programs(programs)) = snapshot.get(Field::ChargingPrograms) else {
            panic!("no programs")
        };
        assert_eq!(programs[0].start.as_deref(), Some("22:30"));
        assert_eq!(programs[0].days, ["mon", "tue"]);
    }
    let unplugged = json!({"status": "Disconnected", "remainingTime": "PT0S"});
    let snapshot = energies(&json!([{"type": "Electric", "charging": unplugged}]));
    assert_eq!(snapshot.text(Field::ChargingStatus), Some("disconnected"));
    assert_eq!(snapshot.get(Field::ChargingRemaining), None);
}

#[test]
fn the_traction_battery_has_times_of_its_own() {
    let battery = |load: serde_json::Value| {
        let health = json!({"capacity": 97, "resistance": 95, "createdAt": "2024-01-01T00:00:00Z"});
        let battery = json!({"load": load, "health": health});
        energies(&json!([{"type": "Electric", "createdAt": "2025-01-01T00:00:00Z",
            "extension": {"electric": {"battery": battery}}}]))
    };

    let object = battery(json!({"createdAt": "2024-06-01T00:00:00Z", "capacity": 50_000,
        "residual": 31_000}));
    let number = battery(json!(31_000));

    for snapshot in [&object, &number] {
        assert_eq!(snapshot.number(Field::ElectricEnergyResidual), Some(31_000.0));
        assert_eq!(snapshot.number(Field::ElectricHealthCapacity), Some(97.0));
    }
    let year = |block| object.observed_at(block).unwrap().to_string()[..7].to_owned();
    assert_eq!(year(Block::ElectricEnergy), "2024-06");
    assert_eq!(year(Block::ElectricHealth), "2024-01");
}

#[test]
fn a_place_is_longitude_first_and_must_exist() {
    let place = |coordinates: serde_json::Value| {
        let feature = json!({"geometry": {"coordinates": coordinates},
            "properties": {"type": "Aquire", "heading": 360, "fixStatus": "3D"}});
        position(&wire::Position::read(&feature).unwrap())
    };

    let found = place(json!([2.2945, 48.8584, 35])).unwrap();
    assert!((found.latitude() - 48.8584).abs() < 1e-9 && (found.longitude() - 2.2945).abs() < 1e-9);
    assert_eq!((found.altitude, found.heading), (Some(35.0), Some(0.0)));
    assert_eq!(found.source, Some(crate::domain::position::PositionSource::Acquired));
    assert!(place(json!(["2.29", "48.85"])).is_some());
    for impossible in [json!([2.0, 91.0]), json!([0, 0]), json!([2.0]), json!([null, 2.0, 3.0])] {
        assert_eq!(place(impossible.clone()), None, "{impossible}");
    }
}

#[test]
fn words_are_snake_case_known_or_not() {
    for (text, expected) in [
        ("InProgress", "in_progress"),
        ("SuperLocked", "super_locked"),
        ("TrunkUnLocked", "trunk_unlocked"),
        ("ZEVEco", "zev_eco"),
        ("Level1", "level1"),
        ("AdBlueFault", "ad_blue_fault"),
        ("Some-Thing new", "some_thing_new"),
    ] {
        assert_eq!(word(text).as_deref(), Some(expected));
    }
    for text in ["", "a@b.example", "é", &"x".repeat(65)] {
        assert_eq!(word(text), None, "{text}");
    }
}

#[test]
fn a_trip_is_in_the_units_it_says() {
    let trip = json!({"id": "t1", "duration": "PT20M", "distance": 12.5,
        "kinetic": {"avgSpeed": 10, "maxSpeed": 25},
        "energyConsumptions": [
            {"type": "Fuel", "consumption": 0.8, "avgConsumption": 640},
            {"type": "Electric", "consumption": 1.2, "avgConsumption": 15_000}],
        "startEnergies": [{"type": "Electric", "level": 80}],
        "faults": [{"fault": "DataLacking", "cause": "GeoPrivacy"}]});

    let trip = super::trip(&wire::Trip::read(&trip).unwrap()).unwrap();

    assert_eq!(trip.duration_s, Some(1200.0));
    assert_eq!((trip.average_speed_kmh, trip.max_speed_kmh), (Some(36.0), Some(90.0)));
    let per_100km: Vec<_> = trip.consumptions.iter().map(|c| (c.kind, c.per_100km)).collect();
    let expected = [(EnergyKind::Fuel, Some(6.4)), (EnergyKind::Electric, Some(15.0))];
    assert_eq!(per_100km, expected);
    assert_eq!(trip.faults[0].cause.as_deref(), Some("geo_privacy"));
}

#[test]
fn a_vehicle_without_vin_or_address_is_left_out_and_none_comes_twice() {
    let list = json!([
        {"id": "a1", "vin": "vf3abcde0fg123456"},
        {"id": "a2", "vin": "VF3ABCDE0FG123456"},
        {"id": "a3"},
        {"id": "../a4", "vin": "VF3ABCDE0FG123457"},
    ]);

    let (vehicles, unread) = vehicles(Read::read(&list).unwrap());

    assert_eq!((vehicles.len(), unread), (1, 2));
    assert_eq!(vehicles[0].vin.as_str(), "VF3ABCDE0FG123456");
}

#[test]
fn the_latest_of_a_blocks_times_counts_unless_it_is_in_the_future() {
    let at = |created: &str, updated: &str| {
        let odometer = json!({"mileage": 10, "createdAt": created, "updatedAt": updated});
        of(&json!({ "odometer": odometer })).observed_at(Block::Odometer).unwrap().to_string()
    };

    let (old, new, future) =
        ("2025-06-29T22:02:09Z", "2026-03-01T11:00:00Z", "2027-01-01T00:00:00Z");
    assert_eq!(at(old, new), new);
    assert_eq!(at(new, old), new);
    assert_eq!(at(old, future), old);
}

#[test]
fn a_twin_under_the_old_name_lends_its_time_only_where_it_says_the_same() {
    let of = |level: i64| {
        of(&json!({
            "energies": [{"type": "Electric", "level": 50, "createdAt": "2025-06-29T00:00:00Z",
                "extension": {"electric": {"battery": {"health": {"capacity": 96}}}}}],
            "energy": {"type": "Electric", "level": level, "updatedAt": "2026-03-01T11:00:00Z"},
        }))
    };

    let (same, other) = (of(50), of(49));
    let time = |snapshot: &Snapshot, block| snapshot.observed_at(block).unwrap().to_string();
    assert_eq!(time(&same, Block::Electric), "2026-03-01T11:00:00Z");
    assert_eq!(time(&same, Block::ElectricHealth), "2026-03-01T11:00:00Z");
    assert_eq!(other.number(Field::ElectricLevel), Some(49.0));
    assert_eq!(time(&other, Block::ElectricHealth), "2025-06-29T00:00:00Z");
}

#[test]
fn the_odometers_three_names_are_one() {
    let at = "2026-03-01T10:00:00Z";
    let nested = json!({"timed": {"odometer": {"mileage": 12, "createdAt": at}}});

    assert_eq!(of(&nested).number(Field::OdometerMileage), Some(12.0));
}
