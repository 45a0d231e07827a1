//! Erasure while the maker, or we ourselves, have a bad day: it waits, and leaves nothing.

use accessing_party::{Effect, Operation as Db, Rule};
use jiff::SignedDuration;
use serde_json::{Value, json};
use simulator::{Fault, FaultKind, Operation};
use tests::{ACCOUNT, CAR, Receiver, World};

/// The maker revokes nothing until its faults are cleared.
fn refuse_to_revoke(world: &World) {
    world.maker().fault(Fault::times(Operation::Revoke, 10_000, FaultKind::Status(503)));
}

async fn begin(world: &World, id: &str) {
    let answer = world.api("DELETE", &format!("/v1/enrollments/{id}"), None).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    world.settle().await;
}

/// Sweeps of `act` at such a distance, so often.
async fn sweep(world: &World, minutes: i64, times: usize) {
    for _ in 0..times {
        world.clock.advance(SignedDuration::from_mins(minutes));
        world.run("act").await;
        world.settle().await;
    }
}

async fn grants(world: &World) -> usize {
    world.items("Grants").await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_a_new_consent_replaced_is_revoked_however_long_the_maker_is_down() {
    let world = World::revoking().await;
    world.enroll("user-1", "peugeot", ACCOUNT).await;
    refuse_to_revoke(&world);
    world.enroll_unconfirmed("user-1", "peugeot", ACCOUNT).await;
    sweep(&world, 60, 24).await;
    assert_eq!((grants(&world).await, world.maker().live_grants(ACCOUNT)), (2, 2));

    world.maker().clear_faults();
    sweep(&world, 60, 8).await;

    assert_eq!((grants(&world).await, world.maker().live_grants(ACCOUNT)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_revokes_the_grants_before_the_last_one_too() {
    let world = World::revoking().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    refuse_to_revoke(&world);
    for _ in 0..2 {
        world.enroll_unconfirmed("user-1", "peugeot", ACCOUNT).await;
        world.settle().await;
    }
    begin(&world, &id).await;
    sweep(&world, 60, 4).await;
    assert_eq!(world.status(&id).await, "erasing");
    assert_eq!((grants(&world).await, world.maker().live_grants(ACCOUNT)), (3, 3));

    world.maker().clear_faults();
    sweep(&world, 60, 8).await;

    assert_eq!(world.status(&id).await, "erased");
    assert_eq!((grants(&world).await, world.maker().live_grants(ACCOUNT)), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_maker_never_confirms_is_given_up_after_a_week_and_told_as_such() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    refuse_to_revoke(&world);
    begin(&world, &id).await;
    sweep(&world, 60, 6 * 24).await;
    assert_eq!(world.status(&id).await, "erasing");
    sweep(&world, 60, 2 * 24).await;

    let erasure = world.read(&format!("/v1/enrollments/{id}/erasure")).await;
    assert_eq!(erasure["status"], "erased", "{erasure}");
    assert_eq!(erasure["revocation"], "unconfirmed", "{erasure}");
    assert_eq!(grants(&world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_waits_the_maker_is_asked_ever_less_often() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    refuse_to_revoke(&world);
    begin(&world, &id).await;
    sweep(&world, 1, 6 * 60).await;

    let asked = world.maker().calls(Operation::Revoke);
    assert!((8..=40).contains(&asked), "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_ours_does_not_pass_for_a_subscription_that_the_maker_keeps() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    let seal = world.cloud.secrets().get("seal").unwrap();
    world.cloud.secrets().put("seal", json!({}));
    world.clock.advance(SignedDuration::from_mins(6));
    begin(&world, &id).await;
    sweep(&world, 10, 3).await;
    assert_eq!(world.status(&id).await, "erasing");

    world.cloud.secrets().put("seal", seal);
    sweep(&world, 60, 8).await;

    let erasure = world.read(&format!("/v1/enrollments/{id}/erasure")).await;
    let told = (&erasure["status"], &erasure["subscription"], &erasure["revocation"]);
    let confirmed = json!("confirmed");
    assert_eq!(told, (&json!("erased"), &confirmed, &confirmed), "{erasure}");
    assert!(world.maker().callbacks().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_request_on_nothing_of_it_is_told_or_listed() {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    // One event alone: an endpoint that refuses many is paused.
    let wish = json!({"url": receiver.url(), "types": ["enrollment.begun"]});
    let hook = world.api("POST", "/v1/webhooks", Some(wish)).await;
    let rule = json!({"name": "charging", "when": {"use": "charging_started"}});
    let rule = world.api("POST", "/v1/monitors", Some(rule)).await;
    let watched = format!("/v1/monitors/{}/vehicles", rule.body["id"].as_str().unwrap());
    receiver.answer(503);
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.pass(SignedDuration::from_hours(84)).await;
    let dead = format!("/v1/webhooks/{}/deliveries", hook.body["id"].as_str().unwrap());
    let given_up = items(&world, &dead).await;
    assert!(given_up.iter().any(|it| it["enrollment"] == json!(id)), "{given_up:?}");
    assert!(items(&world, &watched).await.iter().any(|it| it["vin"] == CAR));

    refuse_to_revoke(&world);
    begin(&world, &id).await;

    assert_eq!(world.status(&id).await, "erasing");
    assert_eq!(items(&world, &watched).await, Vec::<Value>::new());
    assert!(!items(&world, &dead).await.iter().any(|it| it.to_string().contains(&id)));
    let since = json!({"since": "2026-01-01T00:00:00Z"});
    let again = format!("/v1/webhooks/{}/replay", hook.body["id"].as_str().unwrap());
    let again = world.api("POST", &again, Some(since)).await;
    assert_eq!((again.status, &again.body["replayed"]), (202, &json!(0)), "{}", again.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn that_it_was_erased_is_listed_and_sent_again_if_nobody_took_it() {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    let wish = json!({"url": receiver.url(), "types": ["enrollment.erased"]});
    let hook = world.api("POST", "/v1/webhooks", Some(wish)).await;
    let hook = format!("/v1/webhooks/{}", hook.body["id"].as_str().unwrap());
    receiver.answer(503);
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    begin(&world, &id).await;
    sweep(&world, 10, 2).await;
    assert_eq!(world.status(&id).await, "erased");
    world.pass(SignedDuration::from_hours(84)).await;
    let given_up = items(&world, &format!("{hook}/deliveries")).await;
    assert_eq!(given_up.len(), 1, "{given_up:?}");
    assert_eq!(given_up[0]["type"], "enrollment.erased");

    receiver.answer(204);
    let ids = json!({"ids": [given_up[0]["id"]]});
    let again = world.api("POST", &format!("{hook}/replay"), Some(ids)).await;
    assert_eq!((again.status, &again.body["replayed"]), (202, &json!(1)), "{}", again.body);
    world.run("deliver").await;
    let taken = receiver.taken();
    assert_eq!(
        taken.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(),
        [given_up[0]["id"].as_str().unwrap()]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bus_has_not_taken_yet_it_is_not_offered_any_more() {
    let world = World::start().await;
    let down = Rule::once(Effect::Unavailable).of("deliver").at(Db::PutEvents);
    world.cloud.faults().next(down.times(10_000));
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    let waiting = world.text_of("Outbox").await;
    assert!(waiting.contains("BUS#") && world.cloud.bus().received().is_empty());

    refuse_to_revoke(&world);
    begin(&world, &id).await;
    world.cloud.faults().clear();
    world.clock.advance(SignedDuration::from_mins(10));
    world.run("deliver").await;

    assert_eq!(world.status(&id).await, "erasing");
    assert!(world.cloud.bus().received().is_empty());
    let left = world.text_of("Outbox").await;
    assert!(!left.contains("BUS#"), "{left}");
}

async fn items(world: &World, path: &str) -> Vec<Value> {
    world.read(path).await["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_with_a_restored_table_is_erased_again() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.pass(SignedDuration::from_hours(2)).await;
    let backup = world.cloud.items("Records").await.unwrap();
    begin(&world, &id).await;
    sweep(&world, 5, 3).await;
    let erased = world.read("/v1/enrollments?status=erased").await;
    assert_eq!(erased["items"][0]["id"], id.as_str());

    for item in backup {
        world.cloud.put_item("Records", item).await.unwrap();
    }
    assert_eq!(world.status(&id).await, "active");
    begin(&world, &id).await;
    sweep(&world, 5, 3).await;
    assert_eq!(world.status(&id).await, "erased");

    let left = format!("{:?}", world.cloud.items("Records").await.unwrap());
    assert!(!left.contains("user-1") && !left.contains(CAR), "{left}");
}
