//! The main job.

use jiff::SignedDuration;
use tests::{CAR, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_connects_and_the_cars_data_arrives() {
    let world = World::start().await;

    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;
    world.pass(SignedDuration::from_mins(2)).await;

    assert_eq!(world.status(&id).await, "active");
    let vehicles = world.read(&format!("/v1/enrollments/{id}/vehicles")).await;
    assert_eq!(vehicles["items"][0]["vin"], "VR3UHZKXZPT000208");
    let state = world.read(&format!("/v1/enrollments/{id}/vehicles/VR3UHZKXZPT000208")).await;
    assert!(state["state"]["electric"]["values"]["level"]["value"].is_number(), "{state}");
    assert_eq!(state["state"]["electric"]["values"]["level"]["unit"], "%");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_kept_alive_for_days() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;

    world.pass(SignedDuration::from_hours(4 * 24)).await;

    assert_eq!(world.status(&id).await, "active");
    assert_eq!(world.maker().live_grants("peugeot-alex"), 1);
    assert_eq!(world.maker().reuse_kills(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_is_gone_here_and_at_the_maker() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;
    world.pass(SignedDuration::from_mins(2)).await;

    let answer = world.api("DELETE", &format!("/v1/enrollments/{id}"), None).await;
    world.settle().await;

    assert_eq!(answer.status, 202);
    assert_eq!(world.status(&id).await, "erased");
    assert_eq!(world.maker().live_grants("peugeot-alex"), 0);
    world.assert_nowhere(&[CAR, "user-1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_withdrawn_at_the_maker_asks_for_a_new_one() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;

    world.maker().withdraw("peugeot-alex");
    world.pass(SignedDuration::from_hours(26)).await;

    assert_eq!(world.status(&id).await, "reauthorization_required");
    let told = world.event_types(&id).await;
    assert!(told.contains(&"enrollment.reauthorization_required".to_owned()), "{told:?}");
}
