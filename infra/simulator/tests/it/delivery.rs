//! Delivery: again after a failure, in batches after a lag, and wrong in every way on demand.

use std::{fs, time::Duration};

use serde_json::{Value, json};
use simulator::{Change, DeliveryFault, DeliveryFaultKind as Kind, RunState};

use crate::{
    receiver::{Got, Receiver},
    support::{EVERYTHING, Maker, data, field},
};

const ALEX: &str = "peugeot-alex";
const E208: &str = "VR3UHZKXZPT000208";

/// A maker, a receiver, and a callback between them.
async fn connected() -> (Maker, Receiver, String) {
    let (maker, receiver) = (Maker::start().await, Receiver::start().await);
    let callback = maker.access(ALEX, EVERYTHING).await.subscribe(receiver.target()).await;
    (maker, receiver, callback)
}

fn push(maker: &Maker, callback: &str, numbers: std::ops::Range<u32>) {
    for number in numbers {
        maker.simulator.world().push_message(callback, json!({"number": number})).unwrap();
    }
}

async fn run_after(maker: &Maker, seconds: u64) {
    maker.advance(Duration::from_secs(seconds));
    maker.simulator.world().run_events().await;
}

fn numbers(got: &[Got]) -> Vec<u64> {
    got.iter()
        .flat_map(|got| match got.json() {
            Value::Array(several) => several,
            single => vec![single],
        })
        .map(|message| message["number"].as_u64().unwrap())
        .collect()
}

fn order(maker: &Maker, kind: Kind) {
    maker.simulator.world().delivery_fault(DeliveryFault::once(kind));
}

#[tokio::test]
async fn a_refused_message_comes_again_after_ten_seconds_and_not_before() {
    let (maker, receiver, callback) = connected().await;
    receiver.answer(&[500, 302]);
    push(&maker, &callback, 0..1);

    run_after(&maker, 0).await;
    assert_eq!(receiver.take().len(), 1);
    run_after(&maker, 9).await;
    assert!(receiver.take().is_empty());
    run_after(&maker, 1).await;
    assert_eq!(receiver.take().len(), 1);
    run_after(&maker, 10).await;
    let third = receiver.take();
    assert_eq!(third.len(), 1);
    assert!(third[0].headers.contains_key("x-callback"), "one message is no batch");
    run_after(&maker, 10).await;
    assert!(receiver.take().is_empty());
    let statuses: Vec<_> =
        maker.simulator.world().deliveries().iter().map(|delivery| delivery.status).collect();
    assert_eq!(statuses, [Some(500), Some(302), Some(200)]);
}

#[tokio::test]
async fn after_a_lag_messages_come_in_batches_without_headers_and_query() {
    let (maker, receiver, callback) = connected().await;
    receiver.answer(&[503]);
    push(&maker, &callback, 0..130);

    run_after(&maker, 0).await;
    assert_eq!(receiver.take().len(), 1);
    assert!(maker.simulator.world().callbacks()[0].behind);
    run_after(&maker, 10).await;

    let got = receiver.take();
    let sizes: Vec<usize> = got.iter().map(|got| got.json().as_array().unwrap().len()).collect();
    assert_eq!(sizes, [100, 30]);
    assert_eq!(numbers(&got), (0..130).collect::<Vec<_>>());
    for got in &got {
        assert!(!got.headers.contains_key("x-callback"));
        assert_eq!(got.query, "");
        let attributes = &got.json()[0]["attributes"];
        assert_eq!(attributes[1], json!({"key": "secret", "value": "s3cret"}));
    }
    push(&maker, &callback, 0..2);
    run_after(&maker, 0).await;
    let got = receiver.take();
    assert_eq!(got.len(), 2, "it has caught up");
    assert!(got.iter().all(|got| got.headers.contains_key("x-callback")));
}

#[tokio::test]
async fn a_receiver_that_is_not_there_or_too_slow_counts_as_a_refusal() {
    let maker = Maker::start().await;
    let world = maker.simulator.world();
    world.configure(|settings| settings.delivery_timeout = Duration::from_millis(200));
    let slow = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let session = maker.access(ALEX, EVERYTHING).await;
    let slow_callback = session.subscribe(&format!("http://{}/", slow.local_addr().unwrap())).await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}/", closed.local_addr().unwrap());
    drop(closed);
    let gone_callback = session.subscribe(&target).await;
    push(&maker, &slow_callback, 0..1);
    push(&maker, &gone_callback, 0..1);

    world.run_events().await;

    let tries: Vec<_> = world.pending_messages().iter().map(|message| message.attempts).collect();
    assert_eq!(tries, [1, 1]);
    assert!(world.deliveries().iter().all(|delivery| delivery.status.is_none()));
}

#[tokio::test]
async fn what_nobody_takes_for_72_hours_is_deleted_and_its_monitor_has_failed() {
    let (maker, receiver, callback) = connected().await;
    let world = maker.simulator.world();
    let session = maker.access(ALEX, EVERYTHING).await;
    let rule = data("vehicle.alert", "equalsTo", &["OilPressureFault"]);
    session.watch(&callback, &rule).await;
    receiver.answer(&[500; 3]);
    run_after(&maker, 1).await;
    world.touch_car(E208, Change::AlertRaised("OilPressureFault".to_owned())).unwrap();
    world.run_events().await;

    run_after(&maker, 71 * 3600).await;
    assert_eq!(world.pending_messages()[0].attempts, 2);
    world.set_run_state(&world.monitors()[0].id, RunState::Paused).unwrap();
    run_after(&maker, 3600).await;

    assert!(world.pending_messages().is_empty());
    assert_eq!(world.lost_messages(), 1);
    assert_eq!(world.monitors()[0].status, RunState::Failed);
    assert_eq!(receiver.take().len(), 2);
}

#[tokio::test]
async fn a_paused_callback_gets_nothing_and_hears_nothing_of_that_time() {
    let (maker, receiver, callback) = connected().await;
    let session = maker.access(ALEX, EVERYTHING).await;
    session.watch(&callback, &data("vehicle.trip.start", "onChange", &[])).await;
    let status = format!("/user/callbacks/{callback}/status");
    session.put(&status, &json!({"status": "Paused"})).await;

    run_after(&maker, 24 * 3600).await;
    session.put(&status, &json!({"status": "Running"})).await;
    maker.simulator.world().run_events().await;

    assert!(receiver.take().is_empty());
}

#[tokio::test]
async fn messages_can_be_doubled_held_back_reversed_batched_broken_or_bared() {
    let (maker, receiver, callback) = connected().await;

    order(&maker, Kind::Duplicate);
    push(&maker, &callback, 0..2);
    run_after(&maker, 0).await;
    assert_eq!(numbers(&receiver.take()), [0, 0, 1]);

    order(&maker, Kind::Late(3600));
    push(&maker, &callback, 0..2);
    run_after(&maker, 0).await;
    assert_eq!(numbers(&receiver.take()), [1]);
    run_after(&maker, 3599).await;
    assert!(receiver.take().is_empty());
    run_after(&maker, 1).await;
    assert_eq!(numbers(&receiver.take()), [0]);

    order(&maker, Kind::Reordered);
    push(&maker, &callback, 0..3);
    run_after(&maker, 0).await;
    assert_eq!(numbers(&receiver.take()), [2, 1, 0]);

    order(&maker, Kind::Batch);
    push(&maker, &callback, 0..1);
    run_after(&maker, 0).await;
    let batch = receiver.take();
    assert_eq!(batch[0].json().as_array().unwrap().len(), 1);
    assert!(!batch[0].headers.contains_key("x-callback"));

    order(&maker, Kind::Corrupted);
    receiver.answer(&[400]);
    push(&maker, &callback, 0..1);
    run_after(&maker, 0).await;
    assert!(serde_json::from_str::<Value>(&receiver.take()[0].text).is_err());
    run_after(&maker, 10).await;
    assert_eq!(numbers(&receiver.take()), [0], "whole, the second time");

    order(&maker, Kind::NoAttributes);
    push(&maker, &callback, 0..1);
    run_after(&maker, 0).await;
    let bare = receiver.take();
    assert_eq!(bare[0].json(), json!({"number": 0}));
    assert_eq!((bare[0].query.as_str(), bare[0].headers.get("x-callback")), ("", None));
}

#[tokio::test]
async fn what_was_not_delivered_and_what_is_under_way_survive_a_restart() {
    let folder = std::env::temp_dir().join(format!("simulator-events-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("state.json");
    let receiver = Receiver::start().await;
    receiver.answer(&[500]);
    let start = async || {
        let file = file.clone();
        Maker::start_with(move |options| options.state = Some(file)).await
    };
    let maker = start().await;
    let session = maker.access(ALEX, EVERYTHING).await;
    let callback = session.subscribe(receiver.target()).await;
    let address = session.watch(&callback, &data("vehicle.trip.start", "onChange", &[])).await;
    push(&maker, &callback, 0..2);
    maker.simulator.world().run_events().await;
    assert_eq!(numbers(&receiver.take()), [0]);
    maker.simulator.shutdown().await;

    let maker = start().await;
    run_after(&maker, 24 * 3600).await;

    let got = receiver.take();
    let first: Vec<_> = got[0].json().as_array().unwrap()[..2]
        .iter()
        .map(|message| message["number"].clone())
        .collect();
    assert_eq!(first, [json!(0), json!(1)]);
    assert!(got[0].json()[2]["monitorEvent"]["monitorId"] == address.rsplit('/').next().unwrap());
    assert!(maker.simulator.world().pending_messages().is_empty());
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn with_a_clock_of_its_own_the_engine_moves_by_itself() {
    let receiver = Receiver::start().await;
    let maker =
        Maker::start_with(|options| options.events_every = Some(Duration::from_millis(20))).await;
    let callback = maker.access(ALEX, EVERYTHING).await.subscribe(receiver.target()).await;

    push(&maker, &callback, 0..1);
    let got = receiver.first().await;

    assert_eq!(numbers(&got), [0]);
    assert_eq!(field(&got[0].json()["attributes"][1], "value"), "s3cret");
}
