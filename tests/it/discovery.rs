//! Which cars an account has, when the maker is not itself.

use serde_json::{Value, json};
use simulator::{Fault, FaultKind, Operation};
use tests::{CAR, World, hours};

/// A day, with the schedule that fetches once in an hour.
async fn day(world: &World) {
    for _ in 0..26 {
        world.clock.advance(hours(1));
        world.run("fetch").await;
    }
    world.settle().await;
}

async fn cars(world: &World, id: &str) -> Vec<Value> {
    let page = world.read(&format!("/v1/enrollments/{id}/vehicles")).await;
    page["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_extensions_told_of_a_car_outlives_a_day_on_which_they_are_refused() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;
    world.settle().await;
    let before = cars(&world, &id).await;
    let listed = world.maker().calls(Operation::Vehicles);

    world.maker().fault(Fault::times(Operation::Vehicles, 9, FaultKind::RefusedExtension));
    day(&world).await;

    assert!(world.maker().calls(Operation::Vehicles) >= listed + 2, "once with, once without");
    let after = cars(&world, &id).await;
    for told in ["capabilities", "label"] {
        assert!(!before[0][told].is_null(), "{before:?}");
        assert_eq!(after[0][told], before[0][told]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_empty_all_at_once_is_believed_the_second_time() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;
    world.settle().await;
    let empty = FaultKind::Answer {
        status: 200,
        content_type: "application/hal+json".to_owned(),
        body: json!({"total": 0, "_embedded": {"vehicles": []}}).to_string(),
    };

    world.maker().fault(Fault::once(Operation::Vehicles, empty.clone()));
    day(&world).await;
    assert_eq!(cars(&world, &id).await[0]["vin"], CAR);

    world.maker().fault(Fault::times(Operation::Vehicles, 2, empty));
    day(&world).await;
    day(&world).await;
    assert_eq!(cars(&world, &id).await, Vec::<Value>::new());
}

fn edit(operation: Operation, times: u32, at: &str, value: Option<Value>) -> Fault {
    Fault::times(operation, times, FaultKind::Edit { at: at.to_owned(), value })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vehicle_that_cant_be_read_is_never_taken_for_sold() {
    for (at, value) in [
        ("/_embedded/vehicles/0/vin", Some(json!("not-a-vin"))),
        ("/_embedded/vehicles/0/id", None),
        ("/_embedded/vehicles/*/id", Some(json!("../elsewhere"))),
        ("/_embedded/vehicles/0", Some(json!("a string"))),
        ("/_embedded/vehicles", Some(json!([]))),
        ("/_embedded/vehicles", Some(json!("none"))),
    ] {
        let world = World::start().await;
        let id = world.enroll("user-1", "citroen", "citroen-dominique").await;
        world.settle().await;
        let before = cars(&world, &id).await.len();
        assert!(before >= 2);

        world.maker().fault(edit(Operation::Vehicles, 10_000, at, value.clone()));
        for _ in 0..3 {
            day(&world).await;
        }

        assert_eq!(cars(&world, &id).await.len(), before, "{at} {value:?}");
        assert!(!world.event_types(&id).await.contains(&"vehicle.removed".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_list_is_doubted_by_time_and_not_by_number() {
    let world = World::start().await;
    let id = world.enroll("user-1", "citroen", "citroen-dominique").await;
    world.settle().await;
    let before = cars(&world, &id).await.len();
    let empty = json!({"total": 0, "_embedded": {"vehicles": []}}).to_string();
    let content_type = "application/hal+json".to_owned();
    let empty = FaultKind::Answer { status: 200, content_type, body: empty };
    world.maker().fault(Fault::times(Operation::Vehicles, 10_000, empty));

    // Each car has its daily look in the same hour: several see the list empty.
    day(&world).await;
    assert_eq!(cars(&world, &id).await.len(), before);
    assert_eq!(world.read(&format!("/v1/enrollments/{id}")).await["vehicles"], before);

    day(&world).await;
    assert_eq!(cars(&world, &id).await, Vec::<Value>::new());
    assert_eq!(world.read(&format!("/v1/enrollments/{id}")).await["reason"], "no_vehicle");
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_any_form_that_the_reference_allows_are_taken() {
    let world = World::start().await;
    world.maker().edit_car(CAR, |car| car.quirks.odd_ids = true).unwrap();
    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;
    day(&world).await;

    let car = format!("/v1/enrollments/{id}/vehicles/{CAR}");
    assert!(world.read(&car).await["last_seen"].is_string());
    for kind in ["trips", "alerts"] {
        let page = world.read(&format!("{car}/{kind}?limit=3")).await;
        assert!(!page["items"].as_array().unwrap().is_empty(), "{kind}");
    }
    let numbers = Some(json!(4711));
    world.maker().fault(edit(Operation::Trips, 10_000, "/_embedded/trips/0/id", numbers));
    day(&world).await;
    let mut last = world.read(&format!("{car}/trips?limit=100")).await;
    let trips = last["items"].as_array_mut().unwrap();
    assert!(trips.iter().any(|trip| trip["id"] == "4711"), "{trips:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_for_that_the_consent_does_not_include() {
    let world = World::start().await;
    let scopes = json!(["openid", "data:telemetry"]);
    let id = world.enroll_with("user-1", "peugeot", "peugeot-alex", &scopes).await;
    day(&world).await;

    let calls = |operation| world.maker().calls(operation);
    assert_eq!((calls(Operation::Trips), calls(Operation::Alerts)), (0, 0));
    assert!(calls(Operation::Status) > 0 && calls(Operation::Maintenance) > 0);
    let pictures = cars(&world, &id).await[0]["pictures"].clone();
    assert!(pictures.is_array(), "{pictures}");
}
