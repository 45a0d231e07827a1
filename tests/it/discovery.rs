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
