//! What has expired is gone for every reader, though DynamoDB removes it up to days later. Here
//! nothing is ever removed: no test ticks, so that only the readers' own look decides.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use simulator::Operation;
use tests::{CAR, RETURN_TO, World};

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

/// How many items of a table have a sort key that begins so.
async fn stored(world: &World, prefix: &str) -> usize {
    let items = world.items("Records").await;
    let begins = |item: &&Value| item["sk"]["S"].as_str().unwrap_or_default().starts_with(prefix);
    items.iter().filter(begins).count()
}

async fn count(world: &World, path: &str) -> usize {
    world.read(path).await["items"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_enrollment_is_invisible_after_its_time() {
    let world = World::start().await;
    let id = world.begin_enrollment("user-1", "peugeot").await.id;
    let lists = ["user_ref=user-1", "status=begun"].map(|by| format!("/v1/enrollments?{by}"));

    world.clock.advance(days(30));
    assert_eq!(world.api("GET", &format!("/v1/enrollments/{id}"), None).await.status, 200);
    world.clock.advance(days(1));

    for path in [format!("/v1/enrollments/{id}"), format!("/v1/enrollments/{id}/export")] {
        assert_eq!(world.api("GET", &path, None).await.status, 404, "{path}");
    }
    let erase = world.api("DELETE", &format!("/v1/enrollments/{id}"), None).await;
    assert_eq!(erase.status, 404, "{}", erase.body);
    for list in &lists {
        assert_eq!(count(&world, list).await, 0, "{list}");
    }
    assert_eq!(stored(&world, "META").await, 1, "it is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_car_did_is_invisible_after_its_retention_in_every_list_and_in_the_export() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;
    for _ in 0..16 {
        world.clock.advance(SignedDuration::from_hours(3));
        world.run_all().await;
    }
    let car = format!("/v1/enrollments/{id}/vehicles/{CAR}");
    let lists = [("history", "OBS#"), ("trips", "TRIP#"), ("alerts", "ALERT#")];
    for (list, _) in lists {
        assert!(count(&world, &format!("{car}/{list}")).await > 0, "{list}");
    }

    world.clock.advance(days(31));

    let export = world.export(&id, 100).await;
    for (list, prefix) in lists {
        assert!(stored(&world, prefix).await > 0, "{prefix} is still there");
        assert_eq!(count(&world, &format!("{car}/{list}?limit=100")).await, 0, "{list}");
    }
    // The latest state stays.
    let kinds: Vec<_> = export.iter().map(|item| item["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["enrollment", "vehicle"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_is_forgotten_after_a_day() {
    let world = World::start().await;
    let begin = async || {
        let wish = json!({"user_ref": "user-1", "brand": "opel", "return_to": RETURN_TO});
        let answer = world.post_once("one", "/v1/enrollments", wish).await;
        answer.body["id"].as_str().unwrap().to_owned()
    };
    let first = begin().await;
    world.clock.advance(SignedDuration::from_hours(23));
    assert_eq!(begin().await, first);

    world.clock.advance(SignedDuration::from_hours(1));

    assert_ne!(begin().await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_nobody_did_in_its_day_is_never_done() {
    let world = World::start().await;
    let path = format!("/v1/eligibility/{CAR}");
    // Whoever asks waits for twenty seconds; the request is written before.
    let asked = tokio::time::timeout(Duration::from_secs(2), world.api("GET", &path, None)).await;
    assert!(asked.is_err() && stored(&world, "REQ#").await == 1);

    world.clock.advance(days(1));
    let done = world.run("act").await;

    assert_eq!((done["found"].as_u64(), stored(&world, "REQ#").await), (Some(1), 1));
    assert_eq!(world.maker().calls(Operation::Eligibility), 0);
}
