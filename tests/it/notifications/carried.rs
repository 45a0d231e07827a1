//! What a monitor's message carries along, names, or no longer may say.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::CAR;

use super::{Inbox, OTHER_CAR};

/// A message with these extensions.
fn carrying(inbox: &Inbox, bodies: &Value) -> Value {
    let mut message = inbox.message(60, 40);
    message["monitorEvent"]["extensions"] = json!([{"type": "vehicle.status", "body": bodies}]);
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn every_extension_of_an_event_becomes_state_or_history() {
    let inbox = Inbox::open().await;
    // What happened before the car was found is no news.
    inbox.world.clock.advance(SignedDuration::from_mins(10));
    let at = (inbox.world.now() - SignedDuration::from_mins(2)).to_string();
    let message = carrying(
        &inbox,
        &json!([
            {"doorState": {"createdAt": at, "lockedStates": ["Unlocked"],
                "opening": [{"identifier": "Trunk", "state": "Open"}]}},
            {"maintenance": {"createdAt": at, "daysBeforeMaintenance": 45}},
            {"alarm": {"status": {"createdAt": at, "activation": "Active"}}},
            {"telemetry": {"createdAt": at, "vehicle": {"odometer": {"createdAt": at, "mileage": 4.5e5}}}},
            {"trip": {"id": 4711, "startedAt": at, "stoppedAt": at, "done": true, "distance": 3.0}},
            {"alerts": [{"id": "al1", "type": "OilLevelLow", "active": true, "startedAt": at}]},
        ]),
    );

    inbox.taken(&message).await;

    let state = inbox.car().await["state"].clone();
    assert_eq!(state["doors"]["values"]["open"]["value"], json!(["trunk"]));
    assert_eq!(state["maintenance"]["values"]["days"]["value"], 45.0);
    assert_eq!(state["alarm"]["values"]["activation"]["value"], "active");
    assert_eq!(state["odometer"]["values"]["mileage"]["value"], 450_000.0);
    let car = format!("/v1/enrollments/{}/vehicles/{CAR}", inbox.id);
    for (kind, id) in [("trips", "4711"), ("alerts", "al1")] {
        let page = inbox.world.read(&format!("{car}/{kind}")).await;
        let items = page["items"].as_array().unwrap();
        assert!(items.iter().any(|item| item["id"] == id), "{kind}: {items:?}");
    }
    for kind in ["vehicle.trip.completed", "vehicle.alert.raised"] {
        assert_eq!(inbox.told(kind).await.len(), 1, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vin_that_was_not_filled_in_leaves_a_message_proven() {
    for value in [json!("$vin"), json!(""), Value::Null] {
        let inbox = Inbox::open().await;
        let mut message = inbox.message(60, 12);
        message["attributes"][0]["value"] = value.clone();

        inbox.taken(&message).await;

        assert_eq!(inbox.triggered().await, inbox.ids_of([&message]), "{value}");
        assert_eq!(inbox.level().await, 12.0, "{value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_car_that_left_the_account_is_told_of_no_more_though_its_rule_stands() {
    let inbox = Inbox::open().await;
    let rule = "mon_00000000000000000000000001";
    let watch = json!({"vin": OTHER_CAR, "rule": rule, "name": "left", "state": "active",
        "why": null, "monitor": "monitor-2", "told": null});
    inbox.put(&format!("WATCH#{OTHER_CAR}#{rule}"), &watch).await;
    let mut message = inbox.message(60, 12);
    message["monitorEvent"]["monitorId"] = json!("monitor-2");
    message["attributes"][0]["value"] = json!(OTHER_CAR);

    inbox.taken(&message).await;

    assert!(inbox.triggered().await.is_empty());
    assert_eq!(inbox.undone().await, 0);
}
