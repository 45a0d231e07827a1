//! The operator's switch: what is stopped stays as it was, and goes on afterwards.

use jiff::SignedDuration;
use serde_json::{Value, json};
use simulator::{Fault, FaultKind, Operation};
use tests::{ACCOUNT, World, browser, query};

async fn switch(world: &World, stopped: Value) -> Value {
    let answer = world.api("PUT", "/v1/control", Some(json!({ "stopped": stopped }))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

fn calls(world: &World) -> u64 {
    world.maker().all_calls().values().sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_brand_is_neither_renewed_nor_fetched_until_it_is_resumed() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    let told = switch(&world, json!(["vauxhall", "peugeot", "peugeot"])).await;
    assert_eq!(told["stopped"], json!(["peugeot", "vauxhall"]));

    let before = calls(&world);
    world.pass(SignedDuration::from_hours(26)).await;
    assert_eq!(calls(&world), before, "{:?}", world.maker().all_calls());

    assert_eq!(switch(&world, json!([])).await["stopped"], json!([]));
    world.pass(SignedDuration::from_hours(1)).await;

    assert_eq!(world.maker().calls(Operation::Refresh), 1);
    assert!(world.maker().calls(Operation::Status) > 0);
    assert_eq!(world.status(&id).await, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_brand_goes_on_while_one_is_stopped() {
    let world = World::start().await;
    world.enroll("user-1", "peugeot", ACCOUNT).await;
    switch(&world, json!(["opel"])).await;

    world.pass(SignedDuration::from_hours(26)).await;

    assert!(world.maker().calls(Operation::Refresh) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_a_stopped_brand_is_not_exchanged_and_its_link_works_once_resumed() {
    let world = World::start().await;
    let begun = world.begin_enrollment("user-1", "peugeot").await;
    switch(&world, json!(["peugeot"])).await;

    let mut browser = browser();
    let back = world.consent(&mut browser, &begun.login_url, ACCOUNT).await;
    let ended = browser.get(&back).await.unwrap().location.unwrap();

    assert_eq!(query(&ended, "outcome").as_deref(), Some("unavailable"));
    assert_eq!(query(&ended, "confirmation"), None);
    assert_eq!(world.maker().calls(Operation::Token), 0);
    assert_eq!(world.status(&begun.id).await, "begun");

    switch(&world, json!([])).await;
    let back = world.consent(&mut browser, &begun.login_url, ACCOUNT).await;
    let ended = browser.get(&back).await.unwrap().location.unwrap();

    assert_eq!(query(&ended, "outcome").as_deref(), Some("connected"));
    assert_eq!(world.maker().calls(Operation::Token), 1);
    assert_eq!(world.status(&begun.id).await, "awaiting_confirmation");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_the_maker_asked_for_is_shown_until_it_is_over() {
    let world = World::start().await;
    world.enroll("user-1", "peugeot", ACCOUNT).await;
    assert_eq!(
        world.read("/v1/control").await,
        json!({"stopped": [], "remotes_stopped": false, "paused": []})
    );
    world.clock.advance(SignedDuration::from_hours(25));
    world.maker().fault(Fault::once(Operation::Refresh, FaultKind::RetryAfter(7200)));
    world.run("refresh").await;

    let paused = world.read("/v1/control").await["paused"].clone();
    let until = world.now() + SignedDuration::from_hours(2);
    assert_eq!(paused.as_array().unwrap().len(), 1, "{paused}");
    assert_eq!(paused[0]["until"], json!(until), "{paused}");
    assert!(paused[0]["host"].is_string(), "{paused}");

    switch(&world, json!(["opel"])).await;
    world.clock.advance(SignedDuration::from_hours(2));
    assert_eq!(
        world.read("/v1/control").await,
        json!({"stopped": ["opel"], "remotes_stopped": false, "paused": []})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_key_for_it_may_use_the_switch_and_only_brands_are_taken() {
    let world = World::start().await;
    for wrong in [
        json!({"stopped": ["fiat"]}),
        json!({"stopped": "peugeot"}),
        json!({"stopped": [], "until": 1}),
    ] {
        let answer = world.api("PUT", "/v1/control", Some(wrong)).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
    }
    assert_eq!(world.api("PUT", "/v1/control", Some(json!({}))).await.status, 422);
    assert_eq!(world.api("GET", "/v1/control", None).await.body["stopped"], json!([]));

    world.narrow_key(&["read", "read:position", "enroll", "erase"]);

    let stop = json!({"stopped": ["peugeot"]});
    for (method, body) in [("GET", None), ("PUT", Some(stop))] {
        let answer = world.api(method, "/v1/control", body).await;
        let problem = answer.body["type"].as_str();
        assert_eq!((answer.status, problem), (403, Some("insufficient_scope")), "{method}");
    }
}
