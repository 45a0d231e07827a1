//! Receivers that fail: for hours, for days, for ever.

use std::{collections::BTreeSet, time::Duration};

use jiff::SignedDuration;
use serde_json::json;
use shared::clock::Budget;
use tests::{Posted, Receiver, World};

use super::{ACCOUNT, begin, hook, ids, in_order, sweep, told};

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_was_down_for_hours_gets_everything_in_order() {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    hook(&world, &receiver, json!({})).await;
    receiver.answer(503);
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.pass(SignedDuration::from_hours(8)).await;
    assert!(receiver.taken().is_empty());
    let before = told(&world, &[&id]).await.len();
    assert!(before > 6, "{before}");
    // Each lane asked with its first event alone.
    let asked: BTreeSet<(String, String)> =
        receiver.posted().iter().map(|it| (it.subject().to_owned(), it.id.clone())).collect();
    let lanes: BTreeSet<&String> = asked.iter().map(|(lane, _)| lane).collect();
    assert_eq!(asked.len(), lanes.len(), "{asked:?}");

    receiver.answer(200);
    world.pass(SignedDuration::from_hours(12)).await;

    let taken = receiver.taken();
    assert_eq!(ids(&taken), told(&world, &[&id]).await);
    assert!(in_order(&taken));
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "what hangs, hangs in real time")]
async fn a_dead_endpoint_holds_up_no_other_lane() {
    let world = World::start().await;
    let (dead, well) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
    hook(&world, &dead, json!({})).await;
    hook(&world, &well, json!({})).await;
    dead.hang(true);

    begin(&world, "user-1").await;
    let waiting = std::time::Instant::now();
    let (delivered, ()) = tokio::join!(
        async {
            while well.taken().is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            waiting.elapsed()
        },
        world.settle()
    );
    assert!(delivered.as_secs() < 5, "{delivered:?}");
    assert_eq!(dead.posted().len(), 1);

    // Once it is known to be slow, no wake-up waits for it.
    for user in ["user-2", "user-3"] {
        begin(&world, user).await;
        world.settle().await;
    }
    let waiting = std::time::Instant::now();
    begin(&world, "user-4").await;
    world.settle().await;
    assert!(waiting.elapsed().as_secs() < 5, "{:?}", waiting.elapsed());
    assert_eq!((dead.posted().len(), well.taken().len()), (1, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_nobody_took_for_three_days_is_listed_and_sent_again_under_its_id() {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    let made = hook(&world, &receiver, json!({})).await;
    receiver.answer(500);
    begin(&world, "user-1").await;
    world.settle().await;
    world.pass(SignedDuration::from_hours(71)).await;
    let path = format!("/v1/webhooks/{}", made.id);
    let list = format!("{path}/deliveries?state=dead");
    assert_eq!(world.read(&list).await["items"], json!([]));

    world.pass(SignedDuration::from_hours(12)).await;
    let listed = world.read(&list).await;
    let dead = &listed["items"][0];
    let id = receiver.posted()[0].id.clone();
    assert_eq!(
        (&dead["id"], &dead["why"], &dead["state"]),
        (&json!(id), &json!("status_500"), &json!("dead"))
    );
    assert!(dead["tries"].as_u64().unwrap() >= 12, "{dead}");
    let tries = receiver.posted().len();
    world.pass(SignedDuration::from_hours(12)).await;
    assert_eq!(receiver.posted().len(), tries, "given up is given up");

    receiver.answer(200);
    let replay = format!("{path}/replay");
    assert_eq!(world.api("POST", &replay, Some(json!({}))).await.status, 422);
    let again = world.api("POST", &replay, Some(json!({"ids": [id]}))).await;
    assert_eq!((again.status, &again.body["replayed"]), (202, &json!(1)), "{}", again.body);
    sweep(&world).await;
    let taken = receiver.taken();
    assert_eq!(ids(&taken), [id]);
    assert!(taken[0].replayed && taken[0].event["replayed"] == true);
    assert!(taken[0].is_signed_with(&made.secret));
    assert_eq!(world.read(&list).await["items"], json!([]));
    let since = json!({"since": tests::START});
    assert_eq!(world.api("POST", &replay, Some(since)).await.body["replayed"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_fails_for_a_day_is_paused_and_told_of_and_gets_all_when_it_is_back() {
    let world = World::start().await;
    let (failing, other) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
    let made = hook(&world, &failing, json!({"types": ["enrollment.*"]})).await;
    hook(&world, &other, json!({"types": ["webhook.*"]})).await;
    failing.answer(502);
    let mut begun = Vec::new();
    for user in ["user-1", "user-2", "user-3"] {
        begun.push(begin(&world, user).await);
    }
    world.settle().await;
    world.pass(SignedDuration::from_hours(23)).await;
    let path = format!("/v1/webhooks/{}", made.id);
    assert_eq!(world.read(&path).await["state"], "enabled");

    world.pass(SignedDuration::from_hours(10)).await;
    let paused = world.read(&path).await;
    assert_eq!(
        (&paused["state"], &paused["paused"]["reason"]),
        (&json!("paused"), &json!("failing"))
    );
    let tries = failing.posted().len();
    begun.push(begin(&world, "user-4").await);
    world.pass(SignedDuration::from_hours(24)).await;
    assert_eq!(failing.posted().len(), tries);
    let told_other = other.taken();
    assert_eq!(told_other.iter().map(Posted::kind).collect::<Vec<_>>(), ["webhook.paused"]);
    let what = json!({"webhook": made.id, "reason": "failing"});
    assert_eq!(told_other[0].event["data"], what);
    assert!(world.cloud.bus().received().iter().any(|event| event["data"] == what));

    failing.answer(200);
    assert_eq!(world.api("PATCH", &path, Some(json!({"enabled": true}))).await.status, 200);
    sweep(&world).await;
    let begun: Vec<&str> = begun.iter().map(String::as_str).collect();
    assert_eq!(ids(&failing.taken()), told(&world, &begun).await);
    assert_eq!(world.read(&path).await["failures"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_gone_is_paused_at_once() {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    let made = hook(&world, &receiver, json!({})).await;
    receiver.answer(410);
    begin(&world, "user-1").await;
    begin(&world, "user-2").await;
    world.settle().await;
    world.pass(SignedDuration::from_hours(2)).await;

    let path = format!("/v1/webhooks/{}", made.id);
    let paused = world.read(&path).await;
    assert_eq!((&paused["state"], &paused["paused"]["reason"]), (&json!("paused"), &json!("gone")));
    assert!(receiver.posted().len() <= 2);
    let test = world.api("POST", &format!("{path}/test"), None).await;
    assert_eq!((test.status, &test.body["type"]), (409, &json!("webhook_not_enabled")));

    receiver.answer(204);
    world.api("PATCH", &path, Some(json!({"enabled": true}))).await;
    sweep(&world).await;
    assert!(receiver.taken().len() >= 2, "both events, and that it was paused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_a_failure_and_leads_nowhere() {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    hook(&world, &receiver, json!({})).await;
    receiver.answer(308);
    begin(&world, "user-1").await;
    world.settle().await;
    assert_eq!((receiver.posted().len(), receiver.taken().len()), (1, 0));

    receiver.answer(200);
    world.clock.advance(SignedDuration::from_mins(1));
    sweep(&world).await;
    assert_eq!(receiver.taken().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_slow_slows_nobody_but_itself() {
    let world = World::start().await;
    let (slow, well) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
    hook(&world, &slow, json!({})).await;
    hook(&world, &well, json!({})).await;
    slow.delay(std::time::Duration::from_millis(2_500));
    begin(&world, "user-1").await;
    world.settle().await;

    // Once that is known, no wake-up waits for it; it takes everything all the same.
    let quick = Budget::lasting(Duration::from_secs(5));
    for user in ["user-2", "user-3", "user-4", "user-5"] {
        begin(&world, user).await;
        world.settle().await;
    }
    assert!(!quick.is_over());
    assert_eq!((slow.taken().len(), well.taken().len()), (1, 5));
    sweep(&world).await;
    assert_eq!(ids(&slow.taken()), ids(&well.taken()));
    assert_eq!(slow.posted().len(), 5, "nothing twice");
}
