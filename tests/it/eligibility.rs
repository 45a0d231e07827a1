//! What a car can tell and do, before its owner is asked.

use std::time::Duration;

use accessing_party::Drive;
use serde_json::json;
use simulator::{Fault, FaultKind, Operation};
use tests::{CAR, World, minutes};

/// Far below the twenty seconds that a caller waits for an answer that does not come.
const AT_ONCE: Duration = Duration::from_secs(10);
const UNKNOWN: &str = "VR3UHZKXZPT999999";

async fn world() -> World {
    World::with(|options| options.streams = Drive::Running).await
}

fn path(vin: &str) -> String {
    format!("/v1/eligibility/{vin}")
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
    assert_eq!((answer.status, answer.body["field"].as_str()), (422, Some("brand")));

    let answer = world.api("GET", &format!("{}?brand=opel", path(mokka)), None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_question_passes_the_switch_of_a_stopped_brand() {
    let world = World::start().await;
    world.api("PUT", "/v1/control", Some(json!({"stopped": ["peugeot"]}))).await;

    let answer = world.api("GET", &path(CAR), None).await;

    assert_eq!((answer.status, &answer.body["type"]), (409, &json!("calls_stopped")));
    assert_eq!(world.maker().calls(Operation::Eligibility), 0);
    world.clock.advance(minutes(3));
    assert_eq!(world.run("act").await["found"], 0, "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maker_that_limits_is_not_asked_again_before_its_time() {
    let world = world().await;
    world.maker().fault(Fault::once(Operation::Eligibility, FaultKind::RetryAfter(3600)));

    for vin in [CAR, UNKNOWN] {
        let answer = world.api("GET", &path(vin), None).await;
        assert_eq!((answer.status, &answer.body["type"]), (503, &json!("limited")));
        assert!(answer.headers.contains_key("retry-after"));
    }

    assert_eq!(world.maker().calls(Operation::Eligibility), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maker_that_fails_is_told_as_soon_as_it_is_known() {
    let world = world().await;
    for kind in [FaultKind::Status(500), FaultKind::Html, FaultKind::BrokenJson] {
        world.maker().fault(Fault::once(Operation::Eligibility, kind));
        // A question asked within the same half minute shares the answer.
        world.clock.advance(minutes(1));

        let asked = tokio::time::timeout(AT_ONCE, world.api("GET", &path(CAR), None)).await;
        let answer = asked.expect("the reason is known at once");

        assert_eq!((answer.status, &answer.body["type"]), (502, &json!("maker_down")));
        assert!(answer.body["detail"].as_str().unwrap().contains("no usable answer"));
    }
    world.clock.advance(minutes(1));
    assert_eq!(world.api("GET", &path(CAR), None).await.status, 200);
}
