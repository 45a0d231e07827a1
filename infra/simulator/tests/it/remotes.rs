//! Remotes: what is told on the way, what the car makes of them, and what goes wrong on demand.

use std::time::Duration;

use serde_json::{Value, json};
use simulator::{Action, Change, Door, FailureCause, Fate, Privacy, RemoteFate, RemoteStatus};

use crate::{
    receiver::Receiver,
    support::{Maker, REMOTES, Session, field},
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

fn awake(maker: &Maker) {
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
    awake(&maker);
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
    awake(&maker);

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
        awake(&maker);
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
    awake(&maker);
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

    awake(&maker);
    fate(Action::Lights, Fate::Delayed(600));
    session.remote(&callback, &json!({"lights": {"on": true}})).await;
    pass(&maker).await;
    assert_eq!(last(&receiver).0, "Accepted");
    maker.advance(Duration::from_mins(10));
    pass(&maker).await;
    assert_eq!(last(&receiver).0, "Success");
}

#[tokio::test]
async fn a_deleted_callback_hears_no_more_of_its_remotes() {
    let (maker, receiver) = (patient().await, Receiver::start().await);
    let session = maker.access(ALEX, REMOTES).await;
    let callback = session.subscribe(receiver.target()).await;
    awake(&maker);
    session.remote(&callback, &door("Unlocked")).await;

    session.delete(&format!("/user/callbacks/{callback}")).await;
    pass(&maker).await;

    assert!(receiver.take().is_empty());
    assert_eq!(maker.simulator.world().remotes()[0].status, RemoteStatus::Success);
}

#[tokio::test]
async fn what_a_remote_did_shows_without_anybody_moving_the_engine() {
    let maker = patient().await;
    let session = maker.access(ALEX, REMOTES).await;
    let callback = session.subscribe("https://hooks.example/").await;
    awake(&maker);
    session.remote(&callback, &door("Unlocked")).await;

    maker.advance(Duration::from_secs(70));

    let path = format!("/user/vehicles/{}/status", session.car().await);
    let status = session.get(&path).await.json();
    assert_eq!(status["doorsState"]["lockedStates"], json!(["Unlocked"]));
}
