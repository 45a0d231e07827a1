//! Monitors on cars that move: when they speak, how often, and what they say.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use simulator::{Change, Door, Privacy, RunState, Touch};

use crate::{
    receiver::Receiver,
    support::{EVERYTHING, Maker, data, field, monitor},
};

const ALEX: &str = "peugeot-alex";
const E208: &str = "VR3UHZKXZPT000208";

/// Lets a second pass, does something to the car, and lets the maker tell of it.
async fn after(maker: &Maker, change: Change) {
    maker.advance(Duration::from_secs(1));
    let world = maker.simulator.world();
    world.touch_car(E208, change).unwrap();
    world.run_events().await;
}

#[tokio::test]
async fn a_monitor_speaks_when_its_condition_becomes_true_and_not_while_it_stays_so() {
    let (maker, receiver) = (Maker::start().await, Receiver::start().await);
    let session = maker.access(ALEX, EVERYTHING).await;
    after(&maker, Change::BatteryLevel(20.0)).await;
    let callback = session.subscribe(receiver.target()).await;
    let address = session
        .watch(&callback, &data("vehicle.energy.electric.level", "lowerThan", &["20"]))
        .await;
    maker.simulator.world().run_events().await;
    assert!(receiver.take().is_empty());

    after(&maker, Change::BatteryLevel(19.0)).await;
    after(&maker, Change::BatteryLevel(18.0)).await;

    let got = receiver.take();
    assert_eq!(got.len(), 1, "{got:?}");
    assert_eq!(got[0].headers["x-callback"], "everything");
    let id = address.rsplit('/').next().unwrap();
    assert_eq!(got[0].query, format!("monitor={id}"));
    assert_eq!(
        got[0].json(),
        json!({
            "callbackId": callback,
            "type": "Monitor",
            "date": "2026-03-04T12:00:02Z",
            "attributes": [{"key": "vin", "value": E208}, {"key": "secret", "value": "s3cret"}],
            "monitorEvent": {
                "monitorId": id,
                "refresh": false,
                "values": [{
                    "data": "vehicle.energy.electric.level",
                    "value": {"type": "string", "body": {"literalValue": "19"}},
                    "previous": "20",
                }],
            },
        })
    );

    after(&maker, Change::BatteryLevel(30.0)).await;
    after(&maker, Change::BatteryLevel(10.0)).await;
    assert_eq!(receiver.take().len(), 1);
    assert_eq!(maker.simulator.world().monitors()[0].fired, 2);
}

#[tokio::test]
async fn a_monitor_that_is_to_remind_does_so_at_its_pace_while_its_condition_holds() {
    let (maker, receiver) = (Maker::start().await, Receiver::start().await);
    let session = maker.access(ALEX, EVERYTHING).await;
    after(&maker, Change::Door { door: Door::Trunk, open: false }).await;
    let callback = session.subscribe(receiver.target()).await;
    let mut rule = data("vehicle.energy.charging.plugged", "equalsTo", &["true"]);
    rule["subscribeParam"] = json!({"refreshEvent": 90});
    after(&maker, Change::Plugged(false)).await;
    session.watch(&callback, &rule).await;

    after(&maker, Change::Plugged(true)).await;
    maker.advance(Duration::from_secs(275));
    maker.simulator.world().run_events().await;
    after(&maker, Change::Plugged(false)).await;
    maker.advance(Duration::from_mins(10));
    maker.simulator.world().run_events().await;

    let told: Vec<_> = receiver
        .messages()
        .iter()
        .map(|message| (field(message, "date"), message["monitorEvent"]["refresh"].clone()))
        .collect();
    let expected = [
        ("2026-03-04T12:00:03Z", false),
        ("2026-03-04T12:01:33Z", true),
        ("2026-03-04T12:03:03Z", true),
        ("2026-03-04T12:04:33Z", true),
    ];
    assert_eq!(told, expected.map(|(date, refresh)| (date.to_owned(), json!(refresh))));
}

#[tokio::test]
async fn every_change_of_a_watched_value_is_told() {
    let (maker, receiver) = (Maker::start().await, Receiver::start().await);
    let session = maker.access(ALEX, EVERYTHING).await;
    let callback = session.subscribe(receiver.target()).await;
    session.watch(&callback, &data("vehicle.doorsState.opening", "onChange", &[])).await;

    let driver = |open| Change::Door { door: Door::Driver, open };
    for change in [driver(true), driver(false), driver(true)] {
        after(&maker, change).await;
    }
    // The same again is no change.
    after(&maker, driver(true)).await;

    let told: Vec<Value> = receiver
        .messages()
        .iter()
        .map(|message| message["monitorEvent"]["values"][0].clone())
        .collect();
    let literal = |value: &Value| field(&value["value"]["body"], "literalValue");
    assert_eq!(told.iter().map(literal).collect::<Vec<_>>(), ["Driver", "", "Driver"]);
}

#[tokio::test]
async fn changes_that_follow_one_another_without_a_pause_are_each_told() {
    let (maker, receiver) = (Maker::start().await, Receiver::start().await);
    let world = maker.simulator.world();
    let session = maker.access(ALEX, EVERYTHING).await;
    let callback = session.subscribe(receiver.target()).await;
    session.watch(&callback, &data("vehicle.doorsState.opening", "onChange", &[])).await;
    let touch = |seconds: i64, open| Touch {
        at: world.now() + SignedDuration::from_secs(seconds),
        change: Change::Door { door: Door::Driver, open },
    };
    let touches = [touch(10, true), touch(20, false), touch(30, true)];
    world.edit_car(E208, |car| car.touches.extend(touches)).unwrap();

    maker.advance(Duration::from_mins(1));
    world.run_events().await;

    let dates: Vec<String> = receiver.messages().iter().map(|m| field(m, "date")).collect();
    assert_eq!(dates, ["2026-03-04T12:00:10Z", "2026-03-04T12:00:20Z", "2026-03-04T12:00:30Z"]);
}

#[tokio::test]
async fn a_jump_of_days_misses_no_drive_of_a_planned_life() {
    let (maker, receiver) = (Maker::start().await, Receiver::start().await);
    let session = maker.access(ALEX, EVERYTHING).await;
    let callback = session.subscribe(receiver.target()).await;
    session.watch(&callback, &data("vehicle.trip.start", "onChange", &[])).await;
    session.watch(&callback, &data("vehicle.kinetic.moving", "equalsTo", &["true"])).await;
    let world = maker.simulator.world();
    let from = world.now();

    maker.advance(Duration::from_hours(7 * 24));
    world.run_events().await;

    let drives: Vec<String> = world
        .drives(E208, from, 40)
        .into_iter()
        .filter(|(start, _)| *start > from && *start <= world.now())
        .map(|(start, _)| start.to_string())
        .collect();
    assert!(drives.len() >= 8, "{drives:?}");
    let told = receiver.messages();
    for operand in ["vehicle.trip.start", "vehicle.kinetic.moving"] {
        let dates: Vec<String> = told
            .iter()
            .filter(|message| message["monitorEvent"]["values"][0]["data"] == operand)
            .map(|message| field(message, "date"))
            .collect();
        assert_eq!(dates, drives, "{operand}");
    }
}

#[tokio::test]
async fn zones_are_entered_and_left_and_a_hidden_car_does_neither() {
    let (maker, receiver) = (Maker::start().await, Receiver::start().await);
    let session = maker.access(ALEX, EVERYTHING).await;
    let at = |latitude, longitude| Change::Moved { latitude, longitude };
    after(&maker, at(48.0, 2.0)).await;
    let callback = session.subscribe(receiver.target()).await;
    let circle = json!({"radius": 20, "center": {"longitude": 2.333_333, "latitude": 48.866_667}});
    let zone =
        |transition, name: &str| monitor(json!({"zone": {"transition": transition, name: circle}}));
    session.watch(&callback, &zone("In", "place")).await;
    session.watch(&callback, &zone("Out", "circle")).await;
    let monitors = maker.simulator.world().monitors();

    after(&maker, at(48.9, 2.3)).await;
    after(&maker, at(48.0, 2.0)).await;

    let told = receiver.messages();
    let ids: Vec<_> = told.iter().map(|m| field(&m["monitorEvent"], "monitorId")).collect();
    assert_eq!(ids, [monitors[0].id.clone(), monitors[1].id.clone()]);
    assert_eq!(told[0]["monitorEvent"]["values"], json!([]));
    let world = maker.simulator.world();
    world.edit_car(E208, |car| car.privacy = Privacy::Geolocation).unwrap();
    after(&maker, at(48.9, 2.3)).await;
    assert!(receiver.take().is_empty());
}

#[tokio::test]
async fn triggers_are_joined_by_the_expression_and_times_follow_the_clock() {
    let (maker, receiver) = (Maker::start().await, Receiver::start().await);
    let session = maker.access(ALEX, EVERYTHING).await;
    after(&maker, Change::Locked(true)).await;
    let callback = session.subscribe(receiver.target()).await;
    let times = json!({"times": [{"start": "PT14H", "duration": "PT2H", "recurrence": "Daily"}]});
    let mut rule = monitor(json!({"time": times}));
    rule["triggerParam"]["triggers"] = json!([
        {"name": "t", "time": times},
        {"name": "low", "data": {
            "data": "vehicle.energy.electric.level", "op": "lowerThan", "value": ["20"],
        }},
    ]);
    rule["triggerParam"]["boolExp"] = json!("low & !t");
    session.watch(&callback, &rule).await;

    // 13:00 in Paris; the trigger forbids 14:00 to 16:00 there.
    maker.advance(Duration::from_mins(90));
    after(&maker, Change::BatteryLevel(10.0)).await;
    assert!(receiver.take().is_empty());
    maker.advance(Duration::from_hours(2));
    maker.simulator.world().run_events().await;

    let told = receiver.messages();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["date"], "2026-03-04T15:00:00Z");
    assert_eq!(told[0]["monitorEvent"]["values"][0]["data"], "vehicle.energy.electric.level");
}

#[tokio::test]
async fn a_previous_state_is_a_condition_of_the_first_moment() {
    let (maker, receiver) = (Maker::start().await, Receiver::start().await);
    let session = maker.access(ALEX, EVERYTHING).await;
    after(&maker, Change::Plugged(false)).await;
    let callback = session.subscribe(receiver.target()).await;
    let mut rule = data("vehicle.energy.charging.status", "equalsTo", &["Stopped"]);
    rule["triggerParam"]["triggers"][0]["data"]["previous"] =
        json!({"op": "equalsTo", "value": ["InProgress"]});
    session.watch(&callback, &rule).await;

    after(&maker, Change::BatteryLevel(50.0)).await;
    after(&maker, Change::Plugged(true)).await;
    assert!(receiver.take().is_empty());
    after(&maker, Change::Charging(true)).await;
    after(&maker, Change::Charging(false)).await;

    let told = receiver.messages();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["monitorEvent"]["values"][0]["previous"], "InProgress");
}

#[tokio::test]
async fn warnings_come_as_objects_and_extensions_with_what_the_user_allowed() {
    let (maker, receiver) = (Maker::start().await, Receiver::start().await);
    let all = "openid data:telemetry data:alert data:trip";
    let session = maker.access(ALEX, all).await;
    let callback = session.subscribe(receiver.target()).await;
    let mut rule = data("vehicle.alert", "includedIn", &["TireUnderInflation", "RiskOfIce"]);
    rule["extendedEventParam"] = json!([
        "vehicle.status",
        "vehicle.position",
        "vehicle.alerts",
        "vehicle.doorsState",
        "vehicle.maintenance",
        "vehicle.alarm",
        "vehicle.trip",
        "vehicle.telemetry",
        "vehicle.telemetry.vehicle.energies",
    ]);
    session.watch(&callback, &rule).await;

    after(&maker, Change::AlertRaised("RiskOfIce".to_owned())).await;

    let told = receiver.messages();
    let event = &told[0]["monitorEvent"];
    assert_eq!(event["values"][0]["value"]["type"], "obj.alert");
    let alert = &event["values"][0]["value"]["body"]["objectValues"][0];
    assert_eq!((&alert["type"], &alert["active"]), (&json!("RiskOfIce"), &json!(true)));
    let extensions: Vec<(String, String)> = event["extensions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|extension| {
            let body = extension["body"][0].as_object().unwrap();
            (field(extension, "type"), body.keys().next().unwrap().clone())
        })
        .collect();
    // No position: the user did not grant it.
    let expected = [
        ("vehicle.status", "status"),
        ("vehicle.alerts", "alerts"),
        ("vehicle.doorsState", "doorState"),
        ("vehicle.maintenance", "maintenance"),
        ("vehicle.alarm", "alarm"),
        ("vehicle.trip", "trip"),
        ("vehicle.telemetry", "telemetry"),
        ("vehicle.telemetry", "telemetry"),
    ];
    assert_eq!(extensions, expected.map(|(kind, name)| (kind.to_owned(), name.to_owned())));
    let status = &event["extensions"][0]["body"][0]["status"];
    assert_eq!(status["createdAt"], told[0]["date"]);
    assert!(status["lastPosition"].is_null());
}

#[tokio::test]
async fn paused_and_failed_monitors_are_silent_and_do_not_make_up_for_it() {
    let (maker, receiver) = (Maker::start().await, Receiver::start().await);
    let session = maker.access(ALEX, EVERYTHING).await;
    after(&maker, Change::Locked(true)).await;
    let callback = session.subscribe(receiver.target()).await;
    let rule = data("vehicle.doorsState.lockedState", "onChange", &[]);
    let address = session.watch(&callback, &rule).await;
    let status = format!("{address}/status");

    let paused = session.put(&status, &json!({"status": "Paused"})).await;
    assert_eq!((paused.status, &paused.json()["status"]), (202, &json!("Paused")));
    after(&maker, Change::Locked(false)).await;
    session.put(&status, &json!({"status": "Running"})).await;
    maker.simulator.world().run_events().await;
    assert!(receiver.take().is_empty());
    after(&maker, Change::Locked(true)).await;
    assert_eq!(receiver.take().len(), 1);

    let world = maker.simulator.world();
    world.set_run_state(&world.monitors()[0].id, RunState::Failed).unwrap();
    after(&maker, Change::Locked(false)).await;
    assert!(receiver.take().is_empty());
    assert_eq!(session.get(&address).await.json()["status"], "Failed");
}

#[tokio::test]
async fn a_sold_car_is_told_of_to_its_old_owner_no_more() {
    let (maker, receiver) = (Maker::start().await, Receiver::start().await);
    let world = maker.simulator.world();
    let session = maker.access("opel-kim", EVERYTHING).await;
    let callback = session.subscribe(receiver.target()).await;
    session.watch(&callback, &data("vehicle.trip.start", "onChange", &[])).await;

    world.sell("VXKUHZKXZP4000011", "opel-alex").unwrap();
    maker.advance(Duration::from_hours(72));
    world.run_events().await;

    assert!(receiver.take().is_empty());
}
