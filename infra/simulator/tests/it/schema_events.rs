//! Documents of callbacks, monitors and remotes, and the messages, against the maker's description.

use std::time::Duration;

use serde_json::{Value, json};
use simulator::{Change, Door, FailureCause, Fate};

use crate::{
    receiver::Receiver,
    schema::Reference,
    support::{Maker, REMOTES, callback, data, field, monitor},
};

const ALEX: &str = "peugeot-alex";
const E208: &str = "VR3UHZKXZPT000208";

/// What must be there even where no description is at hand.
fn required(schema: &str) -> &'static [&'static str] {
    match schema {
        "UserCallbacks" | "Monitors" | "RemoteActions" => {
            &["total", "totalPage", "currentPage", "_embedded", "_links"]
        }
        "UserCallback" => &["status", "id", "subscribe", "_links"],
        "CallbackRef" => &["callbackId", "status", "_links"],
        "Monitor" => &["status", "monitorId", "monitor", "createdAt", "updatedAt", "_links"],
        "MonitorRef" => &["monitorId", "status", "createdAt", "updatedAt"],
        "RemotePostResponse" => &["remoteActionId", "type", "_links"],
        "RemoteAction" => &["remoteActionId", "type", "status", "remote", "_links"],
        "Message" => &["callbackId", "type", "date", "attributes"],
        other => panic!("unknown schema {other}"),
    }
}

/// The description's pattern for names of triggers has quotation marks in it, by mistake.
fn with_quoted_names(document: &Value) -> Value {
    let text = document.to_string().replace(r#""name":"t""#, r#""name":"\"t\"""#);
    serde_json::from_str(&text).unwrap()
}

fn judge(reference: &mut Option<Reference>, schema: &'static str, document: &Value) {
    for member in required(schema) {
        assert!(document.get(member).is_some(), "{schema} lacks {member}: {document}");
    }
    if let Some(reference) = reference {
        let complaints = reference.complaints(schema, &with_quoted_names(document));
        assert!(complaints.is_empty(), "{complaints:#?}\n{document}");
    }
}

#[tokio::test]
async fn documents_of_notifications_are_as_the_maker_describes_them() {
    let mut reference = Reference::read("api-b2c.yaml");
    let maker = Maker::start().await;
    let session = maker.access(ALEX, REMOTES).await;
    let target = "https://hooks.example/";

    let made = session.post("/user/callbacks", &callback(target)).await.json();
    judge(&mut reference, "CallbackRef", &made);
    let id = field(&made, "callbackId");
    let path = format!("/user/callbacks/{id}");
    judge(&mut reference, "UserCallback", &session.get(&path).await.json());
    judge(&mut reference, "UserCallbacks", &session.get("/user/callbacks").await.json());
    judge(&mut reference, "CallbackRef", &session.put(&path, &callback(target)).await.json());
    let base = format!("/user/vehicles/{}/callbacks/{id}", session.car().await);

    let monitors = format!("{base}/monitors");
    let mut rule = data("vehicle.energy.electric.level", "lowerThan", &["20"]);
    rule["subscribeParam"] = json!({"refreshEvent": 60});
    let made = session.post(&monitors, &rule).await.json();
    judge(&mut reference, "MonitorRef", &made);
    let one = format!("{monitors}/{}", field(&made, "monitorId"));
    judge(&mut reference, "Monitor", &session.get(&one).await.json());
    judge(&mut reference, "Monitors", &session.get(&monitors).await.json());
    let paused = session.put(&format!("{one}/status"), &json!({"status": "Paused"})).await;
    judge(&mut reference, "MonitorRef", &paused.json());

    let remotes = format!("{base}/remotes");
    let door = json!({"door": {"state": "Unlocked"}});
    maker.simulator.world().next_remote(Fate::Failed(FailureCause::CidInside));
    let made = session.post(&remotes, &door).await.json();
    judge(&mut reference, "RemotePostResponse", &made);
    let one = format!("{remotes}/{}", field(&made, "remoteActionId"));
    judge(&mut reference, "RemoteAction", &session.get(&one).await.json());
    maker.advance(Duration::from_secs(90));
    let failed = session.get(&one).await.json();
    assert_eq!(failed["failureCause"], "CidInside");
    judge(&mut reference, "RemoteAction", &failed);
    judge(&mut reference, "RemoteActions", &session.get(&remotes).await.json());
}

#[tokio::test]
async fn messages_are_as_the_maker_describes_them() {
    let mut reference = Reference::read("api-b2c-webhook-template.yaml");
    let (maker, receiver) = (Maker::start().await, Receiver::start().await);
    let world = maker.simulator.world();
    let session = maker.access(ALEX, REMOTES).await;
    let callback = session.subscribe(receiver.target()).await;
    let mut rule = data("vehicle.alert", "onChange", &[]);
    rule["extendedEventParam"] = json!(["vehicle.status", "vehicle.position", "vehicle.alerts"]);
    session.watch(&callback, &rule).await;
    session.watch(&callback, &data("vehicle.doorsState.opening", "onChange", &[])).await;
    let circle = json!({"radius": 1, "center": {"longitude": 0.0, "latitude": 0.0}});
    session
        .watch(&callback, &monitor(json!({"zone": {"transition": "In", "place": circle}})))
        .await;

    maker.advance(Duration::from_secs(1));
    world.touch_car(E208, Change::AlertRaised("RiskOfIce".to_owned())).unwrap();
    world.touch_car(E208, Change::Door { door: Door::Trunk, open: true }).unwrap();
    world.touch_car(E208, Change::Moved { latitude: 0.0, longitude: 0.0 }).unwrap();
    for body in [json!({"horn": {"state": "Activated"}}), json!({"door": {"state": "Locked"}})] {
        session.remote(&callback, &body).await;
    }
    maker.advance(Duration::from_secs(90));
    world.run_events().await;

    let messages = receiver.messages();
    let of = |kind: &str| messages.iter().filter(|message| message["type"] == kind).count();
    assert_eq!((of("Monitor"), of("Remote")), (3, 6));
    for message in &messages {
        judge(&mut reference, "Message", message);
    }
}
