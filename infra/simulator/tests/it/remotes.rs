//! Remotes: what is told on the way, what the car makes of them, and what goes wrong on demand.

use std::time::Duration;

use serde_json::{Value, json};
use simulator::{
    Action, Change, Door, FailureCause, Fate, Fault, FaultKind, Operation, Privacy, RemoteFate,
    RemoteStatus,
};

use crate::{
    receiver::Receiver,
    support::{EVERYTHING, Maker, REMOTES, Session, callback, field},
};

const ALEX: &str = "peugeot-alex";
const E208: &str = "VR3UHZKXZPT000208";

fn door(state: &str) -> Value {
    json!({"door": {"state": state}})
}

/// Lets a minute and more pass second by second, as long as anything takes.
async fn pass(maker: &Maker) {
    maker.advance(Duration::from_secs(70));
    maker.simulator.world().run_events().await;
}

/// Type, status, cause and date of every event told.
fn told(receiver: &Receiver) -> Vec<(String, String, Value, String)> {
    let events = receiver.messages();
    let event = |message: &Value| {
        let status = &message["remoteEvent"]["eventStatus"];
        let cause = status["failureCause"].clone();
        (field(status, "type"), field(status, "status"), cause, field(message, "date"))
    };
    events.iter().map(event).collect()
}

/// The last event, short.
fn last(receiver: &Receiver) -> (String, Value) {
    let (_, status, cause, _) = told(receiver).pop().expect("an event");
    (status, cause)
}

/// A maker whose access tokens last as long as the longest test.
async fn patient() -> Maker {
    let maker = Maker::start().await;
    maker.simulator.world().configure(|settings| settings.access_seconds = 40 * 86_400);
    maker
}

async fn awake(maker: &Maker) {
    maker.simulator.world().touch_car(E208, Change::Woken).unwrap();
}

async fn outcome(
    maker: &Maker,
    session: &Session<'_>,
    receiver: &Receiver,
    body: &Value,
) -> (String, Value) {
    let callback = session.subscribe(receiver.target()).await;
    session.remote(&callback, body).await;
    pass(maker).await;
    last(receiver)
}

#[tokio::test]
async fn a_waking_car_takes_a_remote_at_once_and_shows_what_it_did() {
    let (maker, receiver) = (patient().await, Receiver::start().await);
    let session = maker.access(ALEX, REMOTES).await;
    let callback = session.subscribe(receiver.target()).await;
    awake(&maker).await;
    let car = session.car().await;

    let path = format!("/user/vehicles/{car}/callbacks/{callback}/remotes");
    let mut body = door("Unlocked");
    body["attributes"] = json!([{"type": "Body", "key": "kind", "value": "$RemoteType"}]);
    let sent = session.post(&path, &body).await;
    let id = field(&sent.json(), "remoteActionId");
    let base = maker.simulator.api_url();
    assert_eq!(sent.status, 202);
    assert_eq!(
        sent.json(),
        json!({
            "_links": {
                "callback": {"href": format!("{base}/user/callbacks/{callback}")},
                "remote": {"href": format!("{base}{path}/{id}")},
            },
            "remoteActionId": id,
            "type": "Doors",
        })
    );
    pass(&maker).await;

    let messages = receiver.messages();
    assert_eq!(
        messages[0],
        json!({
            "callbackId": callback,
            "type": "Remote",
            "date": "2026-03-04T12:00:01Z",
            "attributes": [
                {"key": "vin", "value": E208},
                {"key": "secret", "value": "s3cret"},
                {"key": "kind", "value": "Doors"},
            ],
            "remoteEvent": {
                "remoteActionId": id,
                "remoteType": "Doors",
                "eventStatus": {"type": "Pending", "status": "Accepted"},
            },
        })
    );
    let status = |message: &Value| field(&message["remoteEvent"]["eventStatus"], "status");
    let statuses: Vec<String> = messages.iter().map(status).collect();
    assert_eq!(statuses, ["Accepted", "SentToVehicle", "Success"]);
    let picture = session.get(&format!("/user/vehicles/{car}/status")).await.json();
    assert_eq!(picture["doorsState"]["lockedStates"], json!(["Unlocked"]));
    assert_eq!(picture["doorsState"]["createdAt"], "2026-03-04T12:00:10Z");
    let read = session.get(&format!("{path}/{id}")).await.json();
    assert_eq!((&read["status"], &read["remote"]), (&json!("Success"), &body));
    assert_eq!(session.get(&path).await.json()["_embedded"]["remoteActions"], json!([read]));
}

#[tokio::test]
async fn a_sleeping_car_is_woken_first_which_takes_longer_and_is_counted() {
    let (maker, receiver) = (patient().await, Receiver::start().await);
    let world = maker.simulator.world();
    let session = maker.access(ALEX, REMOTES).await;
    let callback = session.subscribe(receiver.target()).await;
    let car = session.car().await;

    session.remote(&callback, &json!({"wakeUp": {"action": "WakeUp"}})).await;
    pass(&maker).await;

    let expected = [
        ("Pending", "Accepted", "2026-03-04T12:00:01Z"),
        ("Pending", "WakingUpVehicle", "2026-03-04T12:00:03Z"),
        ("Pending", "CheckingVehicle", "2026-03-04T12:00:35Z"),
        ("Pending", "SentToVehicle", "2026-03-04T12:00:40Z"),
        ("Done", "Success", "2026-03-04T12:00:55Z"),
    ];
    let expected =
        expected.map(|(kind, status, date)| (kind.into(), status.into(), Value::Null, date.into()));
    assert_eq!(told(&receiver), expected);
    assert_eq!(world.wake_ups(E208), 1);
    let picture = session.get(&format!("/user/vehicles/{car}/status")).await.json();
    assert_eq!(picture["createdAt"], "2026-03-04T12:00:55Z");

    session.remote(&callback, &json!({"wakeUp": {}})).await;
    assert_eq!(world.wake_ups(E208), 1, "it is awake still");
    pass(&maker).await;
    receiver.take();
    world.configure(|settings| settings.wake_ups_per_month = 1);
    maker.advance(Duration::from_hours(3));
    session.remote(&callback, &json!({"wakeUp": {}})).await;
    pass(&maker).await;
    let statuses: Vec<_> = told(&receiver).into_iter().map(|event| (event.0, event.1)).collect();
    let expected =
        [("Pending", "Accepted"), ("Pending", "TooManyWakeUpsOverMonth"), ("Done", "Failed")];
    assert_eq!(statuses, expected.map(|(kind, status)| (kind.to_owned(), status.to_owned())));
    maker.set_time("2026-04-01T12:00:00Z".parse().unwrap());
    session.remote(&callback, &json!({"wakeUp": {}})).await;
    pass(&maker).await;
    assert_eq!(last(&receiver).0, "Success", "a new month has new wake-ups");
}

#[tokio::test]
async fn charging_and_preconditioning_show_in_the_next_status() {
    let (maker, receiver) = (patient().await, Receiver::start().await);
    let world = maker.simulator.world();
    let session = maker.access(ALEX, REMOTES).await;
    let car = session.car().await;
    world.touch_car(E208, Change::BatteryLevel(40.0)).unwrap();
    world.touch_car(E208, Change::Plugged(false)).unwrap();
    let status = async || session.get(&format!("/user/vehicles/{car}/status")).await.json();
    let charge = json!({"charging": {"immediate": true}});

    let unplugged = outcome(&maker, &session, &receiver, &charge).await;
    assert_eq!(unplugged, ("Failed".into(), json!("ExternalChargingSystemError")));
    world.touch_car(E208, Change::Plugged(true)).unwrap();
    assert_eq!(outcome(&maker, &session, &receiver, &charge).await.0, "Success");
    let charging = status().await["energies"][0].clone();
    assert_eq!(charging["extension"]["electric"]["charging"]["status"], "InProgress");
    maker.advance(Duration::from_mins(61));
    let later = status().await["energies"][0].clone();
    let level = later["level"].as_f64().unwrap();
    assert!((52.0..58.0).contains(&level), "{level} after an hour");
    assert_eq!(outcome(&maker, &session, &receiver, &charge).await.0, "AlreadyDone");
    let stop = json!({"charging": {"immediate": false}});
    assert_eq!(outcome(&maker, &session, &receiver, &stop).await.0, "Success");
    assert_eq!(
        status().await["energies"][0]["extension"]["electric"]["charging"]["status"],
        "Stopped"
    );

    let heat = json!({"preconditioning": {"airConditioning": {"immediate": true}}});
    assert_eq!(outcome(&maker, &session, &receiver, &heat).await.0, "Success");
    assert_eq!(status().await["preconditioning"]["airConditioning"]["status"], "Enabled");
    assert_eq!(outcome(&maker, &session, &receiver, &heat).await.0, "AlreadyDone");
    maker.advance(Duration::from_mins(11));
    assert_eq!(status().await["preconditioning"]["airConditioning"]["status"], "Finished");
    world.touch_car(E208, Change::BatteryLevel(12.0)).unwrap();
    let low = outcome(&maker, &session, &receiver, &heat).await;
    assert_eq!(low, ("Failed".into(), json!("NotPossibleDueToVehicleBatteryLevel")));
}

#[tokio::test]
async fn the_cars_own_state_decides_where_nothing_else_does() {
    let (maker, receiver) = (patient().await, Receiver::start().await);
    let world = maker.simulator.world();
    let session = maker.access(ALEX, REMOTES).await;
    let fails = |cause: &str| ("Failed".to_owned(), json!(cause));

    world.touch_car(E208, Change::Locked(true)).unwrap();
    assert_eq!(outcome(&maker, &session, &receiver, &door("Locked")).await.0, "AlreadyDone");
    world.touch_car(E208, Change::Locked(false)).unwrap();
    world.touch_car(E208, Change::Door { door: Door::Trunk, open: true }).unwrap();
    let locked = outcome(&maker, &session, &receiver, &door("Locked")).await;
    assert_eq!(locked, fails("DoorsOpen"));
    let point = json!({"type": "Point", "coordinates": [2.3, 48.8]});
    let navigation = json!({"navigation": {"positions": [point]}});
    assert_eq!(outcome(&maker, &session, &receiver, &navigation).await, fails("WrongCommand"));
    let (start, _) = world.drives(E208, world.now(), 1)[0];
    maker.set_time(start);
    let horn = json!({"horn": {"state": "Activated"}});
    assert_eq!(outcome(&maker, &session, &receiver, &horn).await, fails("VehicleInUse"));
    world.edit_car(E208, |car| car.privacy = Privacy::Full).unwrap();
    let private = outcome(&maker, &session, &receiver, &horn).await;
    assert_eq!(private, fails("NotPossibleDueToVehiclePrivacyLevel"));
}

#[tokio::test]
async fn a_second_remote_of_a_kind_fails_while_the_first_is_on_its_way() {
    let (maker, receiver) = (patient().await, Receiver::start().await);
    let session = maker.access(ALEX, REMOTES).await;
    let callback = session.subscribe(receiver.target()).await;
    awake(&maker).await;

    session.remote(&callback, &door("Unlocked")).await;
    session.remote(&callback, &door("Unlocked")).await;
    pass(&maker).await;

    let remotes = maker.simulator.world().remotes();
    assert_eq!((remotes[0].status, remotes[0].cause), (RemoteStatus::Success, None));
    assert_eq!(remotes[1].cause, Some(FailureCause::SameActionInProgress));
}

#[tokio::test]
async fn every_failure_can_be_ordered_and_is_told_by_event_and_by_get() {
    let (maker, receiver) = (patient().await, Receiver::start().await);
    let world = maker.simulator.world();
    let session = maker.access(ALEX, REMOTES).await;
    let callback = session.subscribe(receiver.target()).await;
    assert_eq!(FailureCause::ALL.len(), 20);

    for cause in FailureCause::ALL {
        awake(&maker).await;
        world.next_remote(Fate::Failed(cause));
        let address = session.remote(&callback, &door("Unlocked")).await;
        pass(&maker).await;
        assert_eq!(last(&receiver), ("Failed".to_owned(), json!(cause)));
        let read = session.get(&address).await.json();
        assert_eq!((&read["status"], &read["failureCause"]), (&json!("Failed"), &json!(cause)));
    }
}

#[tokio::test]
async fn other_fates_delay_lie_or_keep_silent() {
    let (maker, receiver) = (patient().await, Receiver::start().await);
    let world = maker.simulator.world();
    let session = maker.access(ALEX, REMOTES).await;
    let callback = session.subscribe(receiver.target()).await;
    let fate = |action, fate| {
        world.remote_fate(RemoteFate {
            vin: Some(E208.to_owned()),
            action: Some(action),
            times: 1,
            fate,
        });
    };
    awake(&maker).await;
    world.touch_car(E208, Change::Locked(true)).unwrap();

    // For another action: this one is left alone.
    fate(Action::Horn, Fate::AlreadyDone);
    fate(Action::Door, Fate::Silent);
    let silent = session.remote(&callback, &door("Unlocked")).await;
    pass(&maker).await;
    assert!(receiver.take().is_empty());
    assert_eq!(session.get(&silent).await.json()["status"], "Success");

    fate(Action::Door, Fate::Stuck);
    let stuck = session.remote(&callback, &door("Locked")).await;
    pass(&maker).await;
    maker.advance(Duration::from_hours(1));
    pass(&maker).await;
    let events = told(&receiver);
    assert_eq!((events.len(), events[0].1.as_str()), (1, "Accepted"));
    assert_eq!(session.get(&stuck).await.json()["status"], "Accepted");

    session.remote(&callback, &json!({"horn": {"state": "Activated"}})).await;
    pass(&maker).await;
    assert_eq!(last(&receiver).0, "AlreadyDone");

    awake(&maker).await;
    fate(Action::Lights, Fate::Delayed(600));
    session.remote(&callback, &json!({"lights": {"on": true}})).await;
    pass(&maker).await;
    assert_eq!(last(&receiver).0, "Accepted");
    maker.advance(Duration::from_secs(600));
    pass(&maker).await;
    assert_eq!(last(&receiver).0, "Success");
}

#[tokio::test]
async fn remotes_with_other_than_one_sound_action_are_refused() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, REMOTES).await;
    let callback = session.subscribe("https://hooks.example/").await;
    let path = format!("/user/vehicles/{}/callbacks/{callback}/remotes", session.car().await);
    let air = |air: Value| json!({"preconditioning": {"airConditioning": air}});
    let charging = |charging: Value| json!({"charging": charging});
    let program =
        json!({"slot": 1, "enabled": true, "start": "PT7H", "occurence": {"day": ["Mon"]}});
    let wrong = [
        json!({}),
        json!({"label": "x"}),
        json!({"door": null}),
        json!({"door": {"state": "Locked"}, "horn": {"state": "Activated"}}),
        json!({"door": {"state": "locked"}}),
        json!({"door": {}}),
        json!({"door": {"state": "Locked"}, "boot": {}}),
        json!({"horn": {"state": "Loud"}}),
        json!({"lights": {"on": "true"}}),
        json!({"lights": {}}),
        json!({"wakeUp": {"action": "Sleep"}}),
        json!({"navigation": {"positions": []}}),
        json!({"navigation": {"positions": [{"type": "Point", "coordinates": [2.3]}]}}),
        json!({"navigation": {"positions": [{"type": "Point", "coordinates": [2.3, 148.8]}]}}),
        charging(json!({})),
        charging(json!({"immediate": true, "preferences": {"type": "Full"}})),
        charging(json!({"preferences": {"level": "Level9"}})),
        charging(json!({"schedule": {"nextDelayedTime": "soon"}})),
        charging(json!({"schedule": {}})),
        air(json!({})),
        air(json!({"immediate": "yes"})),
        air(json!({"programs": [{"slot": 5, "actionsType": "Delete"}]})),
        air(json!({"programs": [{"slot": 1, "start": "PT7H"}]})),
        air(json!({"programs": [program, program]})),
        json!({"door": {"state": "Locked"}, "attributes": [{"type": "Query", "key": "a", "value": "b"}]}),
    ];

    for body in wrong {
        let refused = session.post(&path, &body).await;
        assert_eq!((refused.status, &refused.json()["code"]), (400, &json!(40000)), "{body}");
    }
    for right in [
        air(json!({"programs": [program]})),
        air(json!({"programs": [{"slot": 2, "actionsType": "Delete"}], "immediate": false})),
        charging(json!({"schedule": {"nextDelayedTime": "2026-03-05T01:00:00+01:00"}})),
        charging(json!({"preferences": {"type": "Partial"}})),
        json!({"wakeUp": {}, "label": "hello"}),
    ] {
        assert_eq!(session.post(&path, &right).await.status, 202, "{right}");
    }
}

#[tokio::test]
async fn each_remote_wants_its_own_scope_and_a_callback_for_remotes() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, REMOTES).await;
    let callback_id = session.subscribe("https://hooks.example/").await;
    let car = session.car().await;
    let path = format!("/user/vehicles/{car}/callbacks/{callback_id}/remotes");
    let horn = maker.access(ALEX, "openid remote:horn:write").await;

    assert_eq!(horn.post(&path, &json!({"horn": {"state": "Activated"}})).await.status, 202);
    let refused = horn.post(&path, &door("Unlocked")).await;
    assert_eq!((refused.status, &refused.json()["code"]), (403, &json!(40300)));
    assert_eq!(horn.get(&path).await.status, 200);
    assert_eq!(maker.access(ALEX, EVERYTHING).await.get(&path).await.status, 403);
    let mut for_monitors = callback("https://hooks.example/");
    for_monitors["type"] = json!(["Monitor"]);
    let made = session.post("/user/callbacks", &for_monitors).await.json();
    let other = format!("/user/vehicles/{car}/callbacks/{}/remotes", field(&made, "callbackId"));
    assert_eq!(session.post(&other, &door("Unlocked")).await.status, 400);
    assert_eq!(session.get(&format!("{path}/00")).await.status, 404);
}

#[tokio::test]
async fn a_test_can_tell_how_often_an_action_was_posted_whatever_became_of_it() {
    let maker = Maker::start().await;
    let world = maker.simulator.world();
    let session = maker.access(ALEX, REMOTES).await;
    let callback = session.subscribe("https://hooks.example/").await;
    let path = format!("/user/vehicles/{}/callbacks/{callback}/remotes", session.car().await);
    let labelled = |label: &str| json!({"label": label, "door": {"state": "Unlocked"}});

    world.fault(Fault::once(Operation::RemoteSend, FaultKind::Status(500)));
    assert_eq!(session.post(&path, &labelled("one")).await.status, 500);
    assert!(world.remotes().is_empty());
    assert_eq!(world.remote_posts().len(), 1);
    session.post(&path, &labelled("one")).await;
    session.post(&path, &labelled("two")).await;

    let posts: Vec<usize> = world.remotes().iter().map(|remote| remote.posts).collect();
    assert_eq!(posts, [2, 1]);
    assert_eq!(world.calls(Operation::RemoteSend), 3);
}

#[tokio::test]
async fn a_deleted_callback_hears_no_more_of_its_remotes() {
    let (maker, receiver) = (patient().await, Receiver::start().await);
    let session = maker.access(ALEX, REMOTES).await;
    let callback = session.subscribe(receiver.target()).await;
    awake(&maker).await;
    session.remote(&callback, &door("Unlocked")).await;

    session.delete(&format!("/user/callbacks/{callback}")).await;
    pass(&maker).await;

    assert!(receiver.take().is_empty());
    assert_eq!(maker.simulator.world().remotes()[0].status, RemoteStatus::Success);
}
