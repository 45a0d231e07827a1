//! Documents as owners of real cars reported them, with invented cars, places and times: what
//! contradicts the reference, and what must come of it.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulator::{Fault, FaultKind, Operation};
use tests::{ACCOUNT, CAR, World, hours, minutes};

fn answers(status: u16, body: &Value) -> FaultKind {
    let content_type = "application/hal+json".to_owned();
    FaultKind::Answer { status, content_type, body: body.to_string() }
}

/// Everything else of a status, told `before` ago.
fn document(world: &World, before: SignedDuration, parts: &Value) -> Value {
    let at = (world.now() - before).to_string();
    let mut document = json!({
        "createdAt": at, "updatedAt": at,
        "ignition": {"createdAt": at, "type": "Stop"},
        "privacy": {"createdAt": at, "state": "None"},
        "odometer": {"createdAt": at, "mileage": 20_661.3},
        "kinetic": {"createdAt": at, "moving": false},
    });
    document.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
    document
}

/// The schedule that fetches, an hour later, with this status for whoever asks.
async fn poll(world: &World, status: Value) {
    world.maker().fault(Fault::once(Operation::Status, answers(200, &status)));
    world.run("fetch").await;
    world.settle().await;
    assert!(world.maker().pending_faults().is_empty(), "the status was not asked for");
}

async fn state(world: &World, id: &str) -> Value {
    world.read(&format!("/v1/enrollments/{id}/vehicles/{CAR}")).await["state"].clone()
}

fn value<'a>(state: &'a Value, field: &str) -> &'a Value {
    let (block, key) = field.split_once('.').unwrap();
    &state[block]["values"][key]
}

fn assert_told(state: &Value, field: &str, expected: &Value, at: Timestamp) {
    let told = value(state, field);
    assert_eq!(&told["value"], expected, "{field}: {told}");
    assert_eq!(told["observed_at"], at.to_string().as_str(), "{field}");
}

async fn enrolled() -> (World, String) {
    let world = World::with(|options| {
        options.parameters.insert("Notifications".into(), "off".into());
    })
    .await;
    // The first look comes with the consent; it brings nothing.
    world.maker().fault(Fault::once(Operation::Status, FaultKind::Status(500)));
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.clock.advance(hours(3));
    (world, id)
}

/// For months the service left `energies[].createdAt` as it was while the values moved; the time
/// stood in the old `energy[].updatedAt` alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_created_at_that_stands_still_freezes_no_value() {
    let (world, id) = enrolled().await;
    let frozen = "2025-06-29T22:02:09Z";
    let status = |at: Timestamp, level: f64, fuel: f64, charging: Value| {
        let mut new = charging.clone();
        new["schedule"] = json!([]);
        let load = json!({"createdAt": frozen, "capacity": 12_000, "residual": level * 120.0});
        json!({
            "energies": [
                {"createdAt": frozen, "type": "Fuel", "subType": "FossilEnergy", "level": fuel,
                 "autonomy": 90, "extension": {"fuel": {"consumptions": {"total": 20_365.31}}}},
                {"createdAt": frozen, "type": "Electric", "subType": "ElectricEnergy",
                 "level": level, "autonomy": 36, "extension": {"electric": {
                    "charging": new, "battery": {"load": load}}}},
            ],
            "energy": [
                {"createdAt": frozen, "updatedAt": at.to_string(), "type": "Fuel",
                 "level": fuel, "autonomy": 90},
                {"createdAt": frozen, "updatedAt": at.to_string(), "type": "Electric",
                 "level": level, "autonomy": 36, "charging": charging},
            ],
        })
    };

    let first = world.now() - minutes(40);
    let stopped = json!({"plugged": true, "status": "Stopped", "remainingTime": "PT3H40M"});
    poll(&world, document(&world, minutes(40), &status(first, 71.0, 23.0, stopped))).await;
    let told = state(&world, &id).await;
    assert_told(&told, "electric.level", &json!(71.0), first);
    assert_told(&told, "fuel.level", &json!(23.0), first);
    assert_eq!(value(&told, "fuel.consumed")["value"], 203.6531, "only the new name has it");

    world.clock.advance(hours(1));
    let second = world.now() - minutes(2);
    let charging = json!({"plugged": true, "status": "InProgress", "remainingTime": "PT3H15M"});
    poll(&world, document(&world, minutes(2), &status(second, 50.0, 29.0, charging))).await;
    let told = state(&world, &id).await;
    for (field, expected) in [
        ("electric.level", json!(50.0)),
        ("fuel.level", json!(29.0)),
        ("charging.status", json!("in_progress")),
        ("charging.remaining", json!(11_700.0)),
        ("electric_energy.residual", json!(6_000.0)),
    ] {
        assert_told(&told, field, &expected, second);
    }
    for block in ["electric", "charging", "fuel", "electric_energy"] {
        assert_eq!(told[block]["stale"], Value::Null, "{block}");
    }
}

/// The same where no time moves at all: of equal times the newer document wins, as a whole.
#[tokio::test(flavor = "multi_thread")]
async fn of_equal_times_the_newer_document_wins() {
    let (world, id) = enrolled().await;
    let at: Timestamp = "2026-03-01T22:02:09Z".parse().unwrap();
    let status = |level: f64, charging: Value| {
        let electric = json!({"charging": charging});
        json!({"energies": [{"createdAt": at.to_string(), "type": "Electric", "level": level,
            "extension": {"electric": electric}}]})
    };
    let charging = json!({"status": "InProgress", "plugged": true, "remainingTime": "PT1H"});
    poll(&world, document(&world, minutes(5), &status(71.0, charging))).await;
    world.clock.advance(hours(1));
    let stopped = json!({"status": "Stopped", "plugged": true});
    poll(&world, document(&world, minutes(5), &status(80.0, stopped))).await;

    let told = state(&world, &id).await;
    assert_told(&told, "electric.level", &json!(80.0), at);
    assert_told(&told, "charging.status", &json!("stopped"), at);
    assert_eq!(*value(&told, "charging.remaining"), Value::Null, "it is told no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn updated_at_counts_wherever_it_is_later() {
    let (world, id) = enrolled().await;
    let at = world.now() - minutes(3);
    let parts = json!({"energies": [{"createdAt": "2025-06-29T22:02:09Z",
        "updatedAt": at.to_string(), "type": "Electric", "level": 33.0, "autonomy": 90}]});
    poll(&world, document(&world, minutes(3), &parts)).await;

    let told = state(&world, &id).await;
    assert_told(&told, "electric.level", &json!(33.0), at);
    assert_eq!(told["electric"]["stale"], Value::Null);
}

/// Blocks have times of their own, also those that the reference gives none.
#[tokio::test(flavor = "multi_thread")]
async fn every_block_is_as_old_as_it_says() {
    let (world, id) = enrolled().await;
    let old: Timestamp = "2025-07-20T05:53:30Z".parse().unwrap();
    let parts = json!({
        "adas": {"createdAt": old.to_string(), "sli": 30, "fse": true, "accr": "StandBy"},
        "wipingBlades": {"createdAt": old.to_string(), "active": true},
        "transmission": {"gearbox": {"updatedAt": old.to_string(), "ratio": "Ratio1"}},
        "environment": {"createdAt": old.to_string(), "air": {"temp": 6.5}},
        "preconditioning": {"createdAt": old.to_string(),
            "airConditioning": {"status": "Disabled"}},
    });
    poll(&world, document(&world, minutes(5), &parts)).await;

    let told = state(&world, &id).await;
    assert_told(&told, "assistants.speed_limit", &json!(30.0), old);
    assert_told(&told, "assistants.adaptive_cruise", &json!("stand_by"), old);
    for block in ["assistants", "wipers", "gearbox", "air", "preconditioning"] {
        assert_eq!(told[block]["observed_at"], old.to_string().as_str(), "{block}");
        assert_eq!(told[block]["stale"], "asleep", "{block}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_battery_with_a_quarter_of_its_energy_is_shown_and_marked() {
    let (world, id) = enrolled().await;
    let at = world.now() - minutes(5);
    let load = json!({"createdAt": at.to_string(), "capacity": 39_232, "residual": 9_056});
    let parts = json!({"energies": [{"createdAt": at.to_string(), "type": "Electric",
        "level": 100.0, "autonomy": 70, "extension": {"electric": {"battery": {"load": load}}}}]});
    poll(&world, document(&world, minutes(5), &parts)).await;

    let told = state(&world, &id).await;
    assert_told(&told, "electric.level", &json!(100.0), at);
    assert_told(&told, "electric_energy.capacity", &json!(39_232.0), at);
    assert_told(&told, "electric_energy.residual", &json!(9_056.0), at);
    assert_eq!(told["electric"]["contradicts"], json!(["electric_energy.residual"]));
    assert_eq!(told["electric_energy"]["contradicts"], json!(["electric.level"]));
    assert_eq!(told["ignition"]["contradicts"], json!([]));
}

/// One resource that fails for days keeps no other from being read.
#[tokio::test(flavor = "multi_thread")]
async fn trips_that_always_fail_keep_nothing_else_from_being_read() {
    for kind in [FaultKind::Status(500), answers(400, &json!({"code": 40000})), FaultKind::Html] {
        let (world, id) = enrolled().await;
        let asked = world.maker().calls(Operation::Maintenance);
        world.maker().fault(Fault::times(Operation::Trips, 10_000, kind.clone()));
        for _ in 0..26 {
            world.run("fetch").await;
            world.clock.advance(hours(1));
        }
        world.settle().await;

        let told = state(&world, &id).await;
        assert!(value(&told, "maintenance.days")["value"].is_number(), "{kind:?}: {told}");
        assert!(world.maker().calls(Operation::Alerts) > 20, "{kind:?}");
        // The first time was with the consent.
        assert!(asked >= 1 && world.maker().calls(Operation::Maintenance) > asked, "{kind:?}");
        assert!(world.maker().calls(Operation::Trips) < 20, "{kind:?}: ever more seldom");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_404_of_the_vehicle_list_is_no_vehicle_under_whatever_code() {
    for body in [json!({"code": 40410, "message": "No vehicule found"}), json!({"code": 40477})] {
        let world = World::start().await;
        world.maker().fault(Fault::times(Operation::Vehicles, 99, answers(404, &body)));
        let id = world.enroll("user-1", "peugeot", ACCOUNT).await;

        let enrollment = world.read(&format!("/v1/enrollments/{id}")).await;
        assert_eq!(enrollment["status"], "active");
        assert_eq!(
            (&enrollment["vehicles"], &enrollment["reason"]),
            (&json!(0), &json!("no_vehicle"))
        );
    }
}

/// A car whose clock is ahead is as old as its values are known, falls silent, and costs no write
/// while it says the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_car_whose_clock_is_ahead_is_not_seen_at_every_look() {
    let (world, id) = enrolled().await;
    let at = "2027-01-01T00:00:00Z";
    let document = json!({"createdAt": at, "odometer": {"createdAt": at, "mileage": 20_661.3}});
    poll(&world, document.clone()).await;
    let first = state(&world, &id).await["odometer"].clone();
    assert_eq!(first["contradicts"], json!(["observed_at"]));

    world.maker().fault(Fault::times(Operation::Status, 10_000, answers(200, &document)));
    world.maker().fault(Fault::times(Operation::Maintenance, 10_000, FaultKind::Status(404)));
    world.clock.advance(hours(1));
    world.run("fetch").await;
    world.clock.advance(hours(1));
    let snapshot = async || {
        let items = world.cloud.items("Records").await.unwrap();
        items.into_iter().find(|item| item["sk"]["S"].as_str().unwrap().starts_with("SNAP#"))
    };
    let before = snapshot().await;
    world.run("fetch").await;
    assert_eq!(snapshot().await, before, "nothing new, nothing written");
    for _ in 0..36 {
        world.clock.advance(hours(6));
        world.run("fetch").await;
    }
    world.settle().await;

    let told = state(&world, &id).await;
    assert_eq!(told["odometer"]["observed_at"], first["observed_at"]);
    assert_eq!(told["odometer"]["stale"], "asleep");
    assert!(world.event_types(&id).await.contains(&"vehicle.data.stale".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn stolen_cars_rear_belts_and_pictures_are_told() {
    let (world, id) = enrolled().await;
    let belts = json!([{"id": "Driver", "belt": "Normal"}, {"id": "RearLeft", "belt": "Omission"},
        {"id": "RearCenter", "belt": "Normal"}]);
    let parts = json!({"stolen": true, "safety": {"beltStatus": belts}});
    poll(&world, document(&world, minutes(5), &parts)).await;

    let told = state(&world, &id).await;
    assert_eq!(value(&told, "theft.stolen")["value"], true);
    assert_eq!(value(&told, "safety.rear_left_belt")["value"], "omission");
    assert_eq!(value(&told, "safety.rear_middle_belt")["value"], "normal");
}
