//! Callbacks: whose they are, what they may be, and what goes with them.

use serde_json::{Value, json};
use simulator::{Fault, FaultKind, Operation};

use crate::{
    receiver::Receiver,
    support::{EVERYTHING, Maker, callback, data, field},
};

const ALEX: &str = "peugeot-alex";
const TARGET: &str = "https://hooks.example/secret";

fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut body = callback(TARGET);
    change(&mut body);
    body
}

#[tokio::test]
async fn a_callback_is_made_read_changed_paused_and_deleted() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, EVERYTHING).await;

    let made = session.post("/user/callbacks", &callback(TARGET)).await;
    let id = field(&made.json(), "callbackId");
    let path = format!("/user/callbacks/{id}");
    let href = format!("{}{path}", maker.simulator.api_url());
    assert_eq!(made.status, 200);
    assert_eq!(made.header("content-type"), "application/hal+json");
    let reference = |status: &str| json!({"_links": {"callback": {"href": href}}, "callbackId": id, "status": status});
    assert_eq!(made.json(), reference("Running"));

    let read = session.get(&path).await.json();
    assert_eq!(
        read,
        json!({
            "_links": {"self": {"href": href}},
            "id": id,
            "label": "everything",
            "subscribe": callback(TARGET),
            "status": "Running",
        })
    );
    let status = format!("{path}/status");
    let paused = session.put(&status, &json!({"status": "Paused"})).await;
    assert_eq!((paused.status, paused.json()), (202, reference("Paused")));
    let other = with(|body| body["label"] = json!("other"));
    let changed = session.put(&path, &other).await;
    assert_eq!((changed.status, changed.json()), (202, reference("Running")));
    assert_eq!(session.get(&path).await.json()["subscribe"], other);

    let deleted = session.delete(&path).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    for gone in [
        session.get(&path).await,
        session.delete(&path).await,
        session.put(&path, &other).await,
        session.put(&status, &json!({"status": "Paused"})).await,
    ] {
        assert_eq!((gone.status, &gone.json()["code"]), (404, &json!(40400)));
    }
}

#[tokio::test]
async fn a_body_that_the_description_does_not_allow_is_refused_as_the_backend_does() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, EVERYTHING).await;
    let hook = |change: fn(&mut Value)| with(|body| change(&mut body["callback"]["webhook"]));
    let attribute = |attribute: Value| {
        with(|body| body["callback"]["webhook"]["attributes"] = json!([attribute]))
    };
    let wrong = [
        json!([]),
        json!({"label": "x"}),
        with(|body| body["callback"] = json!({})),
        with(|body| body["extra"] = json!(1)),
        with(|body| body["label"] = json!(7)),
        with(|body| body["type"] = json!([])),
        with(|body| body["type"] = json!("Monitor")),
        with(|body| body["type"] = json!(["monitor"])),
        with(|body| body["type"] = json!(["Remote", "Remote"])),
        with(|body| body["callback"]["websocket"] = json!({"target": "wss://x.example"})),
        hook(|hook| hook["name"] = Value::Null),
        hook(|hook| hook["method"] = json!("POST")),
        hook(|hook| hook["target"] = Value::Null),
        hook(|hook| hook["target"] = json!("/relative")),
        hook(|hook| hook["target"] = json!("http://hooks.example/")),
        hook(|hook| hook["target"] = json!("ftp://127.0.0.1/")),
        hook(|hook| hook["target"] = json!("https://user:word@hooks.example/")),
        hook(|hook| hook["attributes"] = json!([])),
        hook(|hook| hook["attributes"] = Value::Null),
        attribute(json!({"type": "Header", "key": "two words", "value": "x"})),
        attribute(json!({"type": "Header", "key": "Host", "value": "x"})),
        attribute(json!({"type": "Header", "key": "X-Line", "value": "a\nb"})),
        attribute(json!({"type": "Cookie", "key": "a", "value": "x"})),
        attribute(json!({"type": "Body", "key": "a"})),
        attribute(json!({"type": "Body", "key": "a", "value": 1})),
        attribute(json!({"type": "Body", "key": "a", "value": "$colour"})),
        attribute(json!({"type": "Body", "key": "", "value": "x"})),
    ];

    for body in wrong {
        let refused = session.post("/user/callbacks", &body).await;
        assert_eq!((refused.status, &refused.json()["code"]), (400, &json!(40000)), "{body}");
        assert!(refused.json()["uuid"].is_string());
    }
    let id = session.subscribe(TARGET).await;
    let status = format!("/user/callbacks/{id}/status");
    for body in [json!({}), json!({"status": "Failed"}), json!({"status": "Paused", "more": 1})] {
        assert_eq!(session.put(&status, &body).await.status, 400, "{body}");
    }
    let text = callback(TARGET).to_string();
    let post = reqwest::Method::POST;
    let plain = session.send_text(post.clone(), "/user/callbacks", "text/plain", text).await;
    assert_eq!(plain.status, 415);
    let broken = session.send_text(post, "/user/callbacks", "application/json", "{".into()).await;
    assert_eq!(broken.status, 400);
    assert_eq!(maker.simulator.world().callbacks().len(), 1);
}

#[tokio::test]
async fn callbacks_are_the_users_own_listed_by_page_and_type() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, EVERYTHING).await;
    let other = maker.access("peugeot-camille", "openid remote:horn:write").await;
    for kinds in [json!(["Monitor"]), json!(["Remote"]), json!(["Monitor", "Remote"])] {
        let body = with(|body| body["type"] = kinds);
        assert_eq!(session.post("/user/callbacks", &body).await.status, 200);
    }
    let untyped = with(|body| drop(body.as_object_mut().unwrap().remove("type")));
    session.post("/user/callbacks", &untyped).await;

    let total = async |query: &str| {
        session.get(&format!("/user/callbacks{query}")).await.json()["total"].clone()
    };
    assert_eq!(total("").await, 4);
    assert_eq!(total("?types=Monitor").await, 3);
    assert_eq!(total("?types=Remote&types=Monitor").await, 4);
    assert_eq!(session.get("/user/callbacks?types=Push").await.status, 400);
    let page = session.get("/user/callbacks?pageSize=3").await.json();
    assert_eq!(page["_embedded"]["callbacks"].as_array().unwrap().len(), 3);
    let next = field(&page["_links"]["next"], "href");
    let next = session.call(&next, "application/hal+json").await.json();
    assert_eq!(next["_embedded"]["callbacks"].as_array().unwrap().len(), 1);

    assert_eq!(other.get("/user/callbacks").await.json()["total"], 0);
    let id = maker.simulator.world().callbacks()[0].id.clone();
    assert_eq!(other.get(&format!("/user/callbacks/{id}")).await.status, 404);
    assert_eq!(other.delete(&format!("/user/callbacks/{id}")).await.status, 404);
    let nothing = maker.access(ALEX, "openid").await;
    assert_eq!(nothing.get("/user/callbacks").await.status, 403);
    assert_eq!(nothing.post("/user/callbacks", &callback(TARGET)).await.status, 403);
}

#[tokio::test]
async fn a_deleted_callback_takes_its_monitors_and_all_that_waited_for_it_along() {
    let (maker, receiver) = (Maker::start().await, Receiver::start().await);
    let world = maker.simulator.world();
    let session = maker.access(ALEX, EVERYTHING).await;
    let first = session.subscribe(receiver.target()).await;
    let second = session.subscribe(receiver.target()).await;
    let rule = data("vehicle.trip.start", "onChange", &[]);
    session.watch(&first, &rule).await;
    session.watch(&second, &rule).await;
    world.push_message(&first, json!({"waiting": true})).unwrap();

    session.delete(&format!("/user/callbacks/{first}")).await;

    assert_eq!(world.monitors().len(), 1);
    assert_eq!(world.monitors()[0].callback, second);
    assert!(world.pending_messages().is_empty());
    world.run_events().await;
    assert!(receiver.take().is_empty());
}

#[tokio::test]
async fn faults_befall_writing_too_and_a_lost_answer_leaves_the_work_done() {
    let maker = Maker::start().await;
    let world = maker.simulator.world();
    let session = maker.access(ALEX, EVERYTHING).await;
    let create = |kind| world.fault(Fault::once(Operation::CallbackCreate, kind));
    let call = async || session.post("/user/callbacks", &callback(TARGET)).await;

    create(FaultKind::Status(503));
    assert_eq!(call().await.status, 503);
    create(FaultKind::Html);
    assert!(call().await.text.starts_with("<!doctype html>"));
    create(FaultKind::BrokenJson);
    assert!(serde_json::from_str::<Value>(&call().await.text).is_err());
    assert!(world.callbacks().is_empty());

    create(FaultKind::LostAnswer);
    let text = callback(TARGET).to_string();
    let request =
        session.request(reqwest::Method::POST, "/user/callbacks", "application/json", text);
    let lost = request.send().await;
    assert!(lost.is_err() || lost.unwrap().text().await.is_err());
    assert_eq!(world.callbacks().len(), 1);
    assert_eq!(world.calls(Operation::CallbackCreate), 4);
}
