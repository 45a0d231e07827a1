//! What an operator sees of an endpoint that fails, and what can be done about it at once.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::{Posted, Receiver, World, minutes};

use super::{begin, hook, sweep};

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap_or_else(|| panic!("no time: {value}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_says_why_it_fails_and_when_it_is_tried_next() {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    let path = format!("/v1/webhooks/{}", hook(&world, &receiver, json!({})).await.id);
    let new = world.read(&path).await;
    assert_eq!((&new["last_attempt"], &new["next_try"]), (&Value::Null, &Value::Null));

    receiver.answer(401);
    begin(&world, "user-1").await;
    world.settle().await;

    let failing = world.read(&path).await;
    let last = &failing["last_attempt"];
    assert_eq!((&last["status"], &last["error"]), (&json!(401), &json!("status")), "{failing}");
    assert_eq!(last["type"], "enrollment.begun");
    assert_eq!(last["event"], receiver.posted()[0].id.as_str());
    assert_eq!(time(&last["at"]), world.now());
    let next = time(&failing["next_try"]);
    assert!(next > world.now() && next <= world.now() + minutes(1), "{failing}");
    assert_eq!(world.read("/v1/webhooks").await["items"][0], failing);

    receiver.answer(204);
    world.clock.advance(minutes(1));
    sweep(&world).await;
    let well = world.read(&path).await;
    assert_eq!((&well["failures"], &well["next_try"]), (&json!(0), &Value::Null));
    let attempts = world.read(&format!("{path}/attempts")).await;
    let outcomes: Vec<_> = attempts["items"].as_array().unwrap().iter().collect();
    assert_eq!(outcomes.len(), 2, "{attempts}");
    assert_eq!((&outcomes[0]["status"], outcomes[0].get("error")), (&json!(204), None));
    assert_eq!(outcomes[1], last);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_is_told_in_a_word_without_its_address() {
    let world = World::start().await;
    let wish = json!({"url": "http://127.0.0.1:1/secret-path"});
    let made = world.api("POST", "/v1/webhooks", Some(wish)).await;
    begin(&world, "user-1").await;
    world.settle().await;

    let path = format!("/v1/webhooks/{}/attempts", made.body["id"].as_str().unwrap());
    let attempts = world.read(&path).await;

    assert_eq!(attempts["items"][0]["error"], "refused", "{attempts}");
    assert_eq!(attempts["items"][0].get("status"), None);
    assert!(!attempts.to_string().contains("secret-path"));
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_are_bounded_and_gone_with_their_endpoint() {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    let path = format!("/v1/webhooks/{}", hook(&world, &receiver, json!({})).await.id);
    for _ in 0..25 {
        world.api("POST", &format!("{path}/test"), None).await;
        world.settle().await;
        world.clock.advance(minutes(1));
    }

    let attempts = world.read(&format!("{path}/attempts")).await;
    let all = attempts["items"].as_array().unwrap();
    assert_eq!(all.len(), 20);
    assert!(all.is_sorted_by_key(|it| std::cmp::Reverse(time(&it["at"]))), "{attempts}");

    assert_eq!(world.api("DELETE", &path, None).await.status, 204);
    assert_eq!(world.api("GET", &format!("{path}/attempts"), None).await.status, 404);
    // The events themselves are kept as all others are.
    let left = world.items("Outbox").await;
    let is_event = |item: &Value| item["sk"]["S"].as_str().unwrap().starts_with("TOLD#");
    let left: Vec<_> = left.iter().filter(|item| !is_event(item)).map(Value::to_string).collect();
    assert!(!left.iter().any(|item| item.contains("webhook.test")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_deliveries_within_a_minute_write_their_attempts_once() {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    let path = format!("/v1/webhooks/{}", hook(&world, &receiver, json!({})).await.id);
    let written = |items: Vec<Value>| {
        let mut logs = items.into_iter().filter(|it| it["sk"]["S"].to_string().contains("LOG#"));
        logs.next().map(|it| it["attempt"].clone())
    };

    begin(&world, "user-1").await;
    world.settle().await;
    let first = written(world.items("Outbox").await);
    for user in ["user-2", "user-3", "user-4"] {
        begin(&world, user).await;
        world.settle().await;
    }

    assert!(first.is_some());
    assert_eq!(written(world.items("Outbox").await), first);
    world.clock.advance(minutes(1));
    sweep(&world).await;
    let attempts = world.read(&format!("{path}/attempts")).await;
    assert_eq!(attempts["items"].as_array().unwrap().len(), 4, "{attempts}");
}

/// An endpoint that has failed for hours, and is mended.
async fn mended() -> (World, Receiver, String) {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    let path = format!("/v1/webhooks/{}", hook(&world, &receiver, json!({})).await.id);
    receiver.answer(503);
    begin(&world, "user-1").await;
    begin(&world, "user-2").await;
    world.settle().await;
    world.pass(SignedDuration::from_hours(6)).await;
    receiver.answer(200);
    // Its next try is not near, whatever the jitter.
    let mut next = time(&world.read(&path).await["next_try"]);
    while next <= world.now() + minutes(10) {
        receiver.answer(503);
        world.pass(minutes(10)).await;
        receiver.answer(200);
        next = time(&world.read(&path).await["next_try"]);
    }
    (world, receiver, path)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_sent_at_once_when_it_is_asked_for() {
    let (world, receiver, path) = mended().await;

    let retried = world.api("POST", &format!("{path}/retry"), None).await;
    assert_eq!(retried.status, 202, "{}", retried.body);
    assert_eq!(retried.body, json!({"lanes": 2, "more": false}));
    sweep(&world).await;

    assert_eq!(receiver.taken().len(), 2);
    assert_eq!(world.read(&path).await["failures"], 0);
    let again = world.api("POST", &format!("{path}/retry"), None).await;
    assert_eq!(again.body, json!({"lanes": 0, "more": false}));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_enabled_again_is_sent_what_waits() {
    let (world, receiver, path) = mended().await;

    let answer = world.api("PATCH", &path, Some(json!({"enabled": true}))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    sweep(&world).await;

    assert_eq!(receiver.taken().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_waits_behind_nothing_and_nothing_waits_behind_it() {
    let (world, receiver, path) = mended().await;

    let test = world.api("POST", &format!("{path}/test"), None).await;
    assert_eq!(test.status, 202);
    world.settle().await;
    let taken = receiver.taken();
    assert_eq!(taken.iter().map(Posted::kind).collect::<Vec<_>>(), ["webhook.test"]);

    // One that is not taken holds up neither the next one nor any other event.
    receiver.answer(500);
    world.api("POST", &format!("{path}/test"), None).await;
    world.settle().await;
    receiver.answer(200);
    let second = world.api("POST", &format!("{path}/test"), None).await;
    begin(&world, "user-3").await;
    world.settle().await;
    sweep(&world).await;
    let taken = receiver.taken();
    assert!(taken.iter().any(|it| second.body["event"] == it.id.as_str()), "{taken:?}");
    assert!(taken.iter().any(|it| it.kind() == "enrollment.begun"), "{taken:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "what hangs, hangs in real time")]
async fn what_is_being_sent_is_not_sent_twice_by_asking_for_it() {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    let path = format!("/v1/webhooks/{}", hook(&world, &receiver, json!({})).await.id);
    receiver.hang(true);
    begin(&world, "user-1").await;

    let ((), retried) = tokio::join!(world.settle(), async {
        while receiver.posted().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let retried = world.api("POST", &format!("{path}/retry"), None).await;
        sweep(&world).await;
        retried
    });

    assert_eq!(retried.body, json!({"lanes": 0, "more": false}));
    assert_eq!(receiver.posted().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_endpoint_is_not_tried() {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    let path = format!("/v1/webhooks/{}", hook(&world, &receiver, json!({})).await.id);
    world.api("PATCH", &path, Some(json!({"enabled": false}))).await;

    let retried = world.api("POST", &format!("{path}/retry"), None).await;

    assert_eq!((retried.status, &retried.body["type"]), (409, &json!("webhook_not_enabled")));
}
