//! What the maker pushes: taken once, told under one id, and nothing from anybody else.

mod carried;
mod held;
mod maker;
mod order;
mod quarantine;
mod resilience;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use shared::{
    address::Address,
    domain::ids::{EnrollmentId, EventId},
    seal::KeyRing,
    stellantis::notification::{Incoming, split},
};
use tests::{ACCOUNT, Answer, CAR, World};

const OTHER_CAR: &str = "VR3UHZKXZPT000209";
const CALLBACK: &str = "callback-1";
const MONITOR: &str = "monitor-1";

/// An enrollment with a subscription and one rule on its car.
struct Inbox {
    world: World,
    id: String,
    path: String,
    secret: String,
    /// The events that had been told when it was opened.
    before: BTreeSet<String>,
}

impl Inbox {
    async fn open() -> Self {
        Self::of(World::start().await).await
    }

    async fn of(world: World) -> Self {
        let scopes = json!(["openid", "data:telemetry", "data:position", "remote:horn:write"]);
        let id = world.enroll_with("user-1", "peugeot", ACCOUNT, &scopes).await;
        let ring: KeyRing =
            serde_json::from_value(world.cloud.secrets().get("edge").unwrap()).unwrap();
        let address = Address::issue(&ring, &id.parse().unwrap(), world.now());
        let exposed =
            |secret: Option<secrecy::SecretString>| secret.unwrap().expose_secret().to_owned();
        let path = exposed(address.path(&ring));
        let secret = exposed(address.secret(&ring));
        let mut inbox = Self { world, id, path, secret, before: BTreeSet::new() };
        inbox.put_subscription(CALLBACK).await;
        inbox.put_watch().await;
        let events = inbox.world.events(&inbox.id).await;
        inbox.before = events.iter().map(|event| event["id"].to_string()).collect();
        inbox
    }

    async fn put_subscription(&self, callback: &str) {
        let subscription = json!({"state": "active", "day": 1, "callback": callback, "former": []});
        self.put("SUB", &subscription).await;
    }

    async fn put_watch(&self) {
        let rule = "mon_00000000000000000000000000";
        let watch = json!({"vin": CAR, "rule": rule, "name": "battery-low", "state": "active",
            "why": null, "monitor": MONITOR, "told": null});
        self.put(&format!("WATCH#{CAR}#{rule}"), &watch).await;
    }

    /// What `act` would have written.
    async fn put(&self, sk: &str, body: &Value) {
        let item = json!({"pk": {"S": format!("ENR#{}", self.id)}, "sk": {"S": sk},
            "schema": {"N": "1"}, "version": {"N": "1"}, "body": {"S": body.to_string()}});
        self.world.cloud.put_item("Records", item).await.unwrap();
    }

    fn attributes(&self) -> Value {
        json!([{"key": "vin", "value": CAR}, {"key": "secret", "value": self.secret}])
    }

    /// A message of the monitor, so many seconds ago.
    fn message(&self, ago: i64, level: i64) -> Value {
        self.message_at(self.world.now() - SignedDuration::from_secs(ago), level)
    }

    fn message_at(&self, date: Timestamp, level: i64) -> Value {
        let value = json!({"type": "string", "body": {"literalValue": level.to_string()}});
        json!({"callbackId": CALLBACK, "type": "Monitor", "date": date.to_string(),
            "attributes": self.attributes(),
            "monitorEvent": {"monitorId": MONITOR, "refresh": false,
                "values": [{"data": "vehicle.energy.electric.level", "value": value}]}})
    }

    async fn send(&self, body: &Value) -> u16 {
        self.send_to(&self.path, &body.to_string()).await
    }

    async fn send_to(&self, path: &str, body: &str) -> u16 {
        let url = self.world.url(&format!("/notifications/{path}"));
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = http.post(url).body(body.to_owned()).send().await.unwrap();
        answer.status().as_u16()
    }

    /// Sends as the maker does: again until it is taken.
    async fn deliver(&self, body: &Value) {
        for _ in 0..20 {
            if self.send(body).await == 200 {
                return;
            }
        }
        panic!("it is never taken");
    }

    async fn taken(&self, body: &Value) {
        assert_eq!(self.send(body).await, 200);
        self.world.settle().await;
    }

    async fn sweep(&self, minutes: i64) -> Result<Value, String> {
        self.world.clock.advance(SignedDuration::from_mins(minutes));
        let swept = self.world.try_run("digest").await;
        swept.map_err(|error| error.to_string())
    }

    /// What the inbox holds under a kind of key.
    async fn items(&self, kind: &str) -> Vec<Value> {
        let items = self.world.items("Records").await;
        let of_kind = |item: &Value| {
            item["pk"]["S"] == format!("IN#{}", self.id)
                && item["sk"]["S"].as_str().unwrap().starts_with(kind)
        };
        items.into_iter().filter(of_kind).collect()
    }

    async fn undone(&self) -> usize {
        self.items("MSG#").await.iter().filter(|item| !item["due_at"].is_null()).count()
    }

    /// Since it was opened.
    async fn told(&self, kind: &str) -> Vec<Value> {
        let events = self.world.events(&self.id).await.into_iter();
        let events = events.filter(|event| !self.before.contains(&event["id"].to_string()));
        events.filter(|event| event["what"]["type"] == kind).collect()
    }

    async fn triggered(&self) -> BTreeSet<String> {
        let events = self.told("vehicle.monitor.triggered").await;
        events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The ids under which these messages must be told.
    fn ids_of<'a>(&self, messages: impl IntoIterator<Item = &'a Value>) -> BTreeSet<String> {
        let enrollment: EnrollmentId = self.id.parse().unwrap();
        let id = |message: &Value| {
            let text = message.to_string();
            let raw = split(text.as_bytes()).unwrap();
            let content = Incoming::read(raw[0], &enrollment, |_| true).unwrap().content;
            EventId::derived(&[&self.id, "monitor.triggered", &content]).as_str().to_owned()
        };
        messages.into_iter().map(id).collect()
    }

    async fn car(&self) -> Value {
        self.world.read(&format!("/v1/enrollments/{}/vehicles/{CAR}", self.id)).await
    }

    async fn level(&self) -> Value {
        self.car().await["state"]["electric"]["values"]["level"]["value"].clone()
    }

    /// When the car is looked at next.
    async fn due(&self) -> i64 {
        let items = self.world.items("Records").await;
        let car = items.iter().find(|item| item["sk"]["S"] == format!("CAR#{CAR}")).unwrap();
        car["due_at"]["N"].as_str().unwrap().parse().unwrap()
    }

    async fn api(&self, method: &str, path: &str) -> Answer {
        self.world.api(method, path, None).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_secret_a_message_is_believed_only_where_the_operator_says_so() {
    for (trusted, told) in [("opel", 0), ("opel peugeot", 1)] {
        let world = World::with(|options| {
            options.parameters.insert("TrustedByAddress".into(), trusted.into());
        });
        let inbox = Inbox::of(world.await).await;
        let mut message = inbox.message(5, 19);
        message.as_object_mut().unwrap().remove("attributes");

        inbox.taken(&message).await;

        assert_eq!(inbox.triggered().await.len(), told, "{trusted}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proven_message_moves_the_state_and_is_told_once_however_often_it_comes() {
    let inbox = Inbox::open().await;
    let message = inbox.message(5, 19);

    inbox.taken(&message).await;
    inbox.taken(&message).await;
    inbox.taken(&json!([message, message])).await;

    assert_eq!(inbox.level().await, json!(19.0));
    assert_eq!(inbox.triggered().await, inbox.ids_of([&message]));
    let told = inbox.told("vehicle.monitor.triggered").await.remove(0);
    let what = &told["what"];
    assert_eq!((&what["name"], &what["vin"]), (&json!("battery-low"), &json!(CAR)));
    assert_eq!(what["maker_values"]["vehicle.energy.electric.level"], "19");
    let reading = &what["readings"][0];
    assert_eq!((&reading["field"], &reading["unit"]), (&json!("electric.level"), &json!("%")));
    assert_eq!(reading["value"], 19.0, "a number, under our own name");
    assert_eq!(told["time"], message["date"]);
    assert_eq!(inbox.told("vehicle.state.changed").await.len(), 1);
    inbox.world.assert_nowhere(&[&inbox.secret]).await;
    let marks = inbox.items("MSG#").await;
    assert!(marks.len() == 1 && marks[0]["body"].is_null() && marks[0]["due_at"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_message_is_told_and_moves_nothing_that_is_newer() {
    let inbox = Inbox::open().await;
    inbox.taken(&inbox.message(60, 40)).await;

    let late = inbox.message(3600, 55);
    inbox.taken(&late).await;

    assert_eq!(inbox.level().await, json!(40.0));
    assert!(inbox.triggered().await.is_superset(&inbox.ids_of([&late])));
    assert_eq!(inbox.told("vehicle.state.changed").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_address_is_not_found_and_nothing_is_written() {
    let inbox = Inbox::open().await;
    let body = inbox.message(5, 19).to_string();

    for index in 0..inbox.path.len() {
        let mut bytes = inbox.path.clone().into_bytes();
        bytes[index] = if bytes[index] == b'0' { b'1' } else { b'0' };
        let forged = String::from_utf8(bytes).unwrap();
        assert_eq!(inbox.send_to(&forged, &body).await, 404, "byte {index}");
    }
    assert_eq!(inbox.send_to("", &body).await, 404);
    inbox.world.clock.advance(SignedDuration::from_hours(24 * 36));
    assert_eq!(inbox.send(&inbox.message(5, 19)).await, 404, "an address too old");

    assert!(inbox.items("").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_proven_is_a_hint_that_makes_its_car_due_and_nothing_else() {
    let inbox = Inbox::open().await;
    inbox.world.run_all().await;
    let before = inbox.car().await["state"].clone();
    let good = inbox.message(5, 19);
    let with = |path: &str, value: Value| {
        let mut message = good.clone();
        *message.pointer_mut(path).unwrap() = value;
        message
    };
    let mut flipped = inbox.secret.clone().into_bytes();
    flipped[7] ^= 1;
    let flipped = String::from_utf8_lossy(&flipped).into_owned();
    let old = inbox.world.now() - SignedDuration::from_hours(97);
    let ahead = inbox.world.now() + SignedDuration::from_mins(11);
    let hints = [
        with("/attributes/1/value", json!("wrong")),
        with("/attributes/1/value", json!(flipped)),
        with("/attributes", json!([{"key": "vin", "value": CAR}])),
        with("/date", json!(old.to_string())),
        with("/date", json!(ahead.to_string())),
        with("/monitorEvent/monitorId", json!("a-stranger")),
        with("/callbackId", json!("a-stranger")),
        with("/attributes/0/value", json!(OTHER_CAR)),
    ];

    for hint in &hints {
        inbox.taken(hint).await;
    }
    assert!(inbox.due().await <= inbox.world.now().as_second(), "it is due at once");
    for _ in 0..4 {
        inbox.sweep(6).await.unwrap();
    }

    assert!(inbox.triggered().await.is_empty());
    assert_eq!(inbox.undone().await, 0);
    assert_eq!(inbox.car().await["state"]["electric"], before["electric"]);
    let kept = inbox.items("MSG#").await;
    let texts = kept.iter().filter(|item| !item["body"].is_null()).count();
    assert_eq!(texts, kept.len() - 1, "that of a car of nobody's is dropped: {kept:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_make_a_car_due_at_most_every_five_minutes() {
    let inbox = Inbox::open().await;
    let fetched = async || {
        inbox.world.run("fetch").await;
    };
    let hint = async |level| {
        let mut message = inbox.message(5, level);
        message["attributes"][1]["value"] = json!("wrong");
        inbox.taken(&message).await;
        inbox.due().await <= inbox.world.now().as_second()
    };
    fetched().await;

    assert!(hint(1).await);
    fetched().await;
    assert!(!hint(2).await);
    inbox.world.clock.advance(SignedDuration::from_mins(4));
    assert!(!hint(3).await);
    inbox.world.clock.advance(SignedDuration::from_mins(1));
    assert!(hint(4).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_hint_does_not_keep_the_true_message_out() {
    let inbox = Inbox::open().await;
    let message = inbox.message(5, 19);
    let mut forged = message.clone();
    forged["attributes"][1]["value"] = json!("wrong");
    inbox.taken(&forged).await;

    inbox.taken(&message).await;
    inbox.taken(&forged).await;
    inbox.sweep(2).await.unwrap();

    assert_eq!(inbox.triggered().await, inbox.ids_of([&message]));
    assert_eq!(inbox.undone().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_whose_creation_is_not_stored_yet_is_waited_for() {
    let inbox = Inbox::open().await;
    let mut message = inbox.message(5, 19);
    inbox.put("SUB", &json!({"state": "pending", "day": 1, "callback": null, "former": []})).await;
    inbox.taken(&message).await;
    inbox.sweep(2).await.unwrap();
    assert_eq!((inbox.undone().await, inbox.triggered().await.len()), (1, 0));

    inbox.put_subscription(CALLBACK).await;
    inbox.sweep(2).await.unwrap();
    assert_eq!(inbox.triggered().await, inbox.ids_of([&message]));

    message["monitorEvent"]["monitorId"] = json!("a-stranger");
    inbox.taken(&message).await;
    for _ in 0..10 {
        inbox.sweep(2).await.unwrap();
    }
    assert_eq!(inbox.undone().await, 0, "after a quarter of an hour it is a hint");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_erased_enrollment_stays_or_comes_back() {
    let inbox = Inbox::open().await;
    inbox.taken(&inbox.message(5, 19)).await;
    assert_eq!(inbox.send(&inbox.message(4, 18)).await, 200);
    assert_eq!(inbox.send(&json!("no message")).await, 200);
    let item = inbox.items("MSG#").await.into_iter().find(|item| !item["due_at"].is_null());

    inbox.api("DELETE", &format!("/v1/enrollments/{}", inbox.id)).await;
    for _ in 0..3 {
        inbox.world.clock.advance(SignedDuration::from_mins(6));
        inbox.world.run_all().await;
    }
    assert_eq!(inbox.world.status(&inbox.id).await, "erased");
    assert!(inbox.items("").await.is_empty());

    assert_eq!(inbox.send(&inbox.message(1, 17)).await, 200, "or the maker would repeat it");
    assert!(inbox.items("").await.is_empty());
    // One that was on its way into the table meanwhile.
    inbox.world.cloud.put_item("Records", item.unwrap()).await.unwrap();
    inbox.sweep(2).await.unwrap();
    inbox.world.settle().await;
    assert!(inbox.items("").await.is_empty());
}
