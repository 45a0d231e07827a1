//! What a car can tell and do, before its owner is asked.

use std::time::Duration;

use accessing_party::Drive;
use serde_json::json;
use simulator::{Fault, FaultKind, Operation};
use tests::{CAR, World, minutes};

const UNKNOWN: &str = "VR3UHZKXZPT999999";

async fn world() -> World {
    World::with(|options| options.streams = Drive::Running).await
}

fn path(vin: &str) -> String {
    format!("/v1/eligibility/{vin}")
}

/// Asks what will not be answered: whoever does, waits for twenty seconds.
async fn ask(world: &World, vin: &str) {
    let path = path(vin);
    let asked = tokio::time::timeout(Duration::from_secs(2), world.api("GET", &path, None)).await;
    assert!(asked.is_err(), "{:?}", asked.map(|answer| answer.body));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connected_car_is_eligible_and_tells_what_it_can() {
    let world = world().await;

    let answer = world.api("GET", &path(CAR), None).await;

    assert_eq!((answer.status, &answer.body["eligible"]), (200, &json!(true)), "{}", answer.body);
    let remotes = answer.body["capabilities"]["remotes"].to_string();
    assert!(remotes.contains("horn") && !remotes.contains("navigation"), "{remotes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_car_that_the_maker_does_not_know_is_not_eligible() {
    let world = world().await;

    let answer = world.api("GET", &path(UNKNOWN), None).await;

    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body, json!({"eligible": false, "capabilities": null}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vin_that_two_brands_use_needs_the_brand() {
    let world = world().await;
    let mokka = "VXKUHZKXZP4000011";

    let answer = world.api("GET", &path(mokka), None).await;
    assert_eq!((answer.status, answer.body["field"].as_str()), (400, Some("brand")));

    let answer = world.api("GET", &format!("{}?brand=opel", path(mokka)), None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_question_passes_the_switch_of_a_stopped_brand() {
    let world = World::start().await;
    world.api("PUT", "/v1/control", Some(json!({"stopped": ["peugeot"]}))).await;

    ask(&world, CAR).await;
    world.clock.advance(minutes(3));
    let run = world.run("act").await;

    assert_eq!((&run["found"], &run["left"]), (&json!(1), &json!(1)), "{run}");
    assert_eq!(world.maker().calls(Operation::Eligibility), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maker_that_limits_is_not_asked_again_before_its_time() {
    let world = world().await;
    world.maker().fault(Fault::once(Operation::Eligibility, FaultKind::RetryAfter(3600)));

    ask(&world, CAR).await;
    ask(&world, UNKNOWN).await;

    assert_eq!(world.maker().calls(Operation::Eligibility), 1);
}
