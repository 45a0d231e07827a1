//! What the maker's notifications make of a command, whenever and however often they come.

use std::sync::Arc;

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use shared::{
    App, Clock, Config,
    domain::ids::EnrollmentId,
    remotes::{Concerns, Notified, notified},
    store::{self, Transaction},
};
use simulator::Fate;

use super::{CAR, Garage, horn};

/// The parts that a function would have, with the rights of `act`.
fn app(garage: &Garage) -> Arc<App> {
    let key = garage.world.cloud.access_key("act");
    let front = garage.world.cloud.front_url();
    let variable = |name: &str| {
        let value = match name {
            "PUBLIC_URL" => "http://127.0.0.1/",
            "GRANTS_TABLE" => "Grants",
            "RECORDS_TABLE" => "Records",
            "OUTBOX_TABLE" => "Outbox",
            "AWS_REGION" => "eu-west-1",
            "AWS_ACCESS_KEY_ID" => &key.id,
            "AWS_SECRET_ACCESS_KEY" => key.secret.expose_secret(),
            "AWS_ENDPOINT_URL_DYNAMODB" => &front,
            "OPERATOR_NAME" => "Test",
            "METRICS" => "off",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let clock = garage.world.clock.clone();
    let config = Config::from_lookup(&variable, &[]).unwrap();
    App::new(config, Clock::new(move || clock.now())).unwrap()
}

/// Takes a message of the maker's as `digest` would.
async fn take(app: &App, garage: &Garage, message: &Value) -> Concerns {
    let event = &message["remoteEvent"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let told = Notified {
        vin: Some(CAR.parse().unwrap()),
        action: text(&event["remoteActionId"]).unwrap(),
        kind: text(&event["remoteType"]),
        phase: text(&event["eventStatus"]["type"]),
        status: text(&event["eventStatus"]["status"]),
        failure_cause: text(&event["eventStatus"]["failureCause"]),
        at: message["date"].as_str().unwrap().parse().unwrap(),
    };
    give(app, garage, &told).await
}

async fn give(app: &App, garage: &Garage, told: &Notified) -> Concerns {
    let id: EnrollmentId = garage.id.parse().unwrap();
    let mut transaction = Transaction::new();
    app.store.demand_open_in(&mut transaction, &id).unwrap();
    let concerns = notified(app, &id, told, &mut transaction).await.unwrap();
    match app.store.commit(transaction).await {
        Ok(()) | Err(store::Error::Conflict) => concerns,
        Err(error) => panic!("{error}"),
    }
}

/// The messages that wait at the maker.
fn messages(garage: &Garage) -> Vec<Value> {
    garage.world.maker().pending_messages().into_iter().map(|message| message.body).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_of_a_sleeping_car_is_told_once_in_whatever_order_and_number_they_come() {
    let garage = Garage::open().await;
    let app = app(&garage);
    // Asleep: nothing was sent for a while.
    garage.world.clock.advance(jiff::SignedDuration::from_hours(20));
    garage.world.maker().next_remote(Fate::Delayed(0));
    let remote = garage.command("one", &horn()).await;
    garage.world.settle().await;
    garage.world.clock.advance(jiff::SignedDuration::from_secs(80));
    garage.world.maker().run_events().await;
    let messages = messages(&garage);
    assert_eq!(messages.len(), 5, "{messages:?}");

    for message in [0, 1, 1, 3, 2, 4, 4, 0].map(|index: usize| &messages[index]) {
        assert_eq!(take(&app, &garage, message).await, Concerns::Known);
    }

    let done = garage.read(&remote).await;
    assert_eq!((&done["outcome"], &done["settled"]), (&json!("success"), &json!(true)), "{done}");
    // One was told late: the order is that of the telling.
    let mut told = garage.told(&remote).await;
    told.sort();
    let expected =
        ["accepted", "done", "requested", "sending", "sent_to_vehicle", "waking_up_vehicle"];
    assert_eq!(told, expected);
    let steps = done["steps"].as_array().unwrap();
    let states: Vec<_> = steps.iter().map(|step| step["state"].as_str().unwrap()).collect();
    assert_eq!(states[2..], ["accepted", "waking_up_vehicle", "sent_to_vehicle", "done"]);
    assert_eq!(steps[5]["at"], messages[4]["date"], "by the maker's own time");
    let items = garage.world.items("Records").await;
    let ledger = items.iter().find(|item| {
        item["sk"]["S"].as_str().is_some_and(|key| key.starts_with(&format!("WAKE#{CAR}")))
    });
    assert_eq!(ledger.unwrap()["count"]["N"], "1", "a wake-up that nobody asked for counts too");
    assert_eq!(garage.posted(&remote), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_about_another_car_or_an_unknown_command_concerns_nobody() {
    let garage = Garage::open().await;
    let app = app(&garage);
    let remote = garage.command("one", &horn()).await;
    garage.world.settle().await;
    let action = garage.world.maker().remotes()[0].id.clone();
    let told = Notified {
        vin: None,
        action,
        kind: None,
        phase: None,
        status: Some("Success".into()),
        failure_cause: None,
        at: garage.world.now(),
    };

    let foreign = Notified { vin: Some("VR3UHZKXZPT000999".parse().unwrap()), ..told.clone() };
    let unknown = Notified { action: "0".into(), ..told.clone() };
    let newer = Notified { status: Some("Levitating".into()), ..told.clone() };
    assert_eq!(give(&app, &garage, &foreign).await, Concerns::Unknown);
    assert_eq!(give(&app, &garage, &unknown).await, Concerns::Unknown);
    assert_eq!(give(&app, &garage, &newer).await, Concerns::Known);
    assert_eq!(garage.read(&remote).await["state"], "accepted");
    assert_eq!(give(&app, &garage, &told).await, Concerns::Known);
    assert_eq!(garage.read(&remote).await["outcome"], "success");
}
