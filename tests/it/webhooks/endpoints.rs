//! The operator's side: made, changed, rotated, tried and deleted.

use jiff::SignedDuration;
use serde_json::json;
use tests::{Posted, Receiver, World};

use super::{begin, hook, ids, sweep};

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_once_and_lies_nowhere() {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    let hook = hook(&world, &receiver, json!({"description": "mine"})).await;

    let one = world.read(&format!("/v1/webhooks/{}", hook.id)).await;
    let all = world.read("/v1/webhooks").await;
    assert_eq!((&one["description"], &one["state"]), (&json!("mine"), &json!("enabled")));
    assert_eq!(all["items"][0], one);
    for text in [one.to_string(), all.to_string()] {
        assert!(!text.contains("whsec_"), "{text}");
    }
    let stored = world.text_of("Outbox").await;
    assert!(!stored.contains(hook.secret.trim_start_matches("whsec_")));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_rotation_both_secrets_are_valid_for_a_day_and_then_the_new_one_alone() {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    let old = hook(&world, &receiver, json!({})).await;

    let path = format!("/v1/webhooks/{}/rotate", old.id);
    let rotated = world.api("POST", &path, None).await;
    assert_eq!(rotated.status, 200, "{}", rotated.body);
    assert_eq!(rotated.body["valid_secrets"], 2);
    let new = rotated.body["secret"].as_str().unwrap().to_owned();
    begin(&world, "user-1").await;
    world.settle().await;
    world.clock.advance(SignedDuration::from_hours(24));
    begin(&world, "user-2").await;
    world.settle().await;

    let taken = receiver.taken();
    assert_eq!(taken.len(), 2);
    assert!(taken[0].is_signed_with(&old.secret) && taken[0].is_signed_with(&new));
    assert!(!taken[1].is_signed_with(&old.secret) && taken[1].is_signed_with(&new));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_ring_leaves_the_secrets_of_endpoints_as_they_are() {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    let hook = hook(&world, &receiver, json!({})).await;
    let mut ring = world.cloud.secrets().get("webhooks").unwrap();
    ring["keys"]["k2"] = data_encoding::BASE64.encode(&[7; 32]).into();
    ring["primary"] = "k2".into();
    world.cloud.secrets().put("webhooks", ring);
    world.clock.advance(SignedDuration::from_mins(6));

    begin(&world, "user-1").await;
    world.settle().await;
    let path = format!("/v1/webhooks/{}/rotate", hook.id);
    let rotated = world.api("POST", &path, None).await;
    world.clock.advance(SignedDuration::from_hours(24));
    begin(&world, "user-2").await;
    world.settle().await;

    let taken = receiver.taken();
    assert!(taken[0].is_signed_with(&hook.secret));
    assert!(taken[1].is_signed_with(rotated.body["secret"].as_str().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_goes_to_the_endpoint_that_is_tried_and_to_nobody_else() {
    let world = World::start().await;
    let (tried, other) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
    let mine = hook(&world, &tried, json!({"types": ["vehicle.*"]})).await;
    hook(&world, &other, json!({})).await;

    let answer = world.api("POST", &format!("/v1/webhooks/{}/test", mine.id), None).await;
    world.settle().await;

    assert_eq!(answer.status, 202, "{}", answer.body);
    let taken = tried.taken();
    assert_eq!(taken.iter().map(Posted::kind).collect::<Vec<_>>(), ["webhook.test"]);
    assert_eq!(answer.body["event"], taken[0].id.as_str());
    assert_eq!(taken[0].event["data"], json!({"webhook": mine.id}));
    assert!(taken[0].is_signed_with(&mine.secret));
    assert!(other.posted().is_empty() && world.cloud.bus().received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_makes_one_endpoint_and_shows_its_secret_again() {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    let post = async |url: &str| {
        let answer = world.post_once("once", "/v1/webhooks", json!({"url": url})).await;
        (answer.status, answer.body["secret"].clone())
    };

    let (one, again) = (post(receiver.url()).await, post(receiver.url()).await);
    assert_eq!(one.0, 201);
    assert_eq!(one, again);
    assert_eq!(post("http://127.0.0.1:9/").await.0, 409);
    assert_eq!(world.read("/v1/webhooks").await["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_endpoint_may_be_is_refused() {
    let world = World::with(|options| {
        options.parameters.insert("WebhookAddresses".into(), "public".into());
    })
    .await;
    let refused = [
        ("url", json!({"url": "http://example.com/"})),
        ("url", json!({"url": "https://127.0.0.1/"})),
        ("url", json!({"url": "https://[::ffff:10.0.0.1]/"})),
        ("url", json!({"url": "https://example.com:8443/"})),
        ("url", json!({"url": "https://me:pw@example.com/"})),
        ("url", json!({"url": "https://localhost/"})),
        ("types.0", json!({"url": "https://example.com/", "types": ["vehicle.moved"]})),
        ("secret", json!({"url": "https://example.com/", "secret": "mine"})),
        ("description", json!({"url": "https://example.com/", "description": "a".repeat(257)})),
    ];
    for (field, wish) in refused {
        let answer = world.api("POST", "/v1/webhooks", Some(wish.clone())).await;
        let status = if field == "url" { 422 } else { 400 };
        assert_eq!((answer.status, &answer.body["field"]), (status, &json!(field)), "{wish}");
    }

    for number in 0..20 {
        let wish = json!({"url": format!("https://example.com/{number}")});
        assert_eq!(world.api("POST", "/v1/webhooks", Some(wish)).await.status, 201);
    }
    let wish = json!({"url": "https://example.com/"});
    let answer = world.api("POST", "/v1/webhooks", Some(wish)).await;
    assert_eq!((answer.status, &answer.body["type"]), (409, &json!("too_many_webhooks")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_came_to_lead_inside_is_not_connected_to() {
    // Made while private addresses were allowed; then they are not any more.
    let folder = std::env::temp_dir().join(format!("accessing-party-{}", shared::random::id()));
    let receiver = Receiver::start().await.unwrap();
    let world = World::with(|options| options.data = Some(folder.clone())).await;
    let made = hook(&world, &receiver, json!({})).await;
    let now = world.now();
    world.cloud.shutdown().await;
    let world = World::with(|options| {
        options.data = Some(folder.clone());
        options.parameters.insert("WebhookAddresses".into(), "public".into());
    })
    .await;
    world.clock.advance_to(now + SignedDuration::from_mins(1));

    begin(&world, "user-1").await;
    world.settle().await;
    sweep(&world).await;

    assert!(receiver.posted().is_empty());
    let seen = world.read(&format!("/v1/webhooks/{}", made.id)).await;
    assert_eq!(seen["failures"], 1, "{seen}");
    world.cloud.shutdown().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_holds_from_the_next_event_on_and_a_deleted_endpoint_leaves_nothing() {
    let world = World::start().await;
    let (first, second) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
    let made = hook(&world, &first, json!({"types": ["vehicle.*"]})).await;
    let path = format!("/v1/webhooks/{}", made.id);
    let change = json!({"url": second.url(), "types": [], "description": null});
    let changed = world.api("PATCH", &path, Some(change)).await;
    assert_eq!(changed.status, 200, "{}", changed.body);

    begin(&world, "user-1").await;
    world.settle().await;
    assert_eq!((first.posted().len(), second.taken().len()), (0, 1));
    assert!(second.taken()[0].is_signed_with(&made.secret));

    second.answer(503);
    begin(&world, "user-2").await;
    world.settle().await;
    assert_eq!(world.api("DELETE", &path, None).await.status, 204);
    for request in [("GET", path.as_str()), ("DELETE", path.as_str())] {
        assert_eq!(world.api(request.0, request.1, None).await.status, 404);
    }
    second.answer(200);
    world.clock.advance(SignedDuration::from_mins(10));
    sweep(&world).await;
    assert_eq!(ids(&second.taken()).len(), 1);
    let left = world.text_of("Outbox").await;
    assert!(!left.contains("SEND#") && !left.contains("LANE#"), "{left}");
    assert_eq!(world.read("/v1/webhooks").await["items"], json!([]));
}
