//! Figures of the way in and out: how many notifications a second `notify` takes, what a message
//! costs at DynamoDB, and how long it takes from the maker's POST to the operator's receipt. They
//! judge nothing, and are no part of `cargo test`:
//!
//! `cargo test --release -p tests --test figures -- --ignored --nocapture --test-threads=1`
//!
//! The database is one thread of this machine that does some hundred writes a second. It bounds
//! what is seen here; capacity units are what AWS would count, too.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "it prints, or fails")]

use std::time::{Duration, Instant};

use accessing_party::Drive;
use futures_util::{StreamExt, stream};
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use shared::{address::Address, seal::KeyRing};
use tests::{ACCOUNT, CAR, Receiver, World};

/// Requests at once: the maker has many senders.
const SENDERS: usize = 16;

/// A car that is monitored, an endpoint that is told, and all that a message of the maker's needs.
struct Scene {
    world: World,
    receiver: Receiver,
    http: reqwest::Client,
    url: url::Url,
    callback: String,
    monitor: String,
    secret: String,
}

impl Scene {
    async fn set(streams: Drive) -> Self {
        let world = World::with(|options| options.streams = streams).await;
        let receiver = Receiver::start().await.unwrap();
        let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
        let rule = json!({"name": "battery low", "when": {"use": "battery_below", "level": 20}});
        let made = world.api("POST", "/v1/monitors", Some(rule)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        world.pass(SignedDuration::from_mins(30)).await;
        let hook = json!({"url": receiver.url(), "types": ["vehicle.monitor.triggered"]});
        assert_eq!(world.api("POST", "/v1/webhooks", Some(hook)).await.status, 201);
        let monitor = world.maker().monitors().pop().unwrap();
        let ring: KeyRing =
            serde_json::from_value(world.cloud.secrets().get("edge").unwrap()).unwrap();
        let address = Address::issue(&ring, &id.parse().unwrap(), world.now());
        let path = address.path(&ring).unwrap();
        Self {
            url: world.url(&format!("/notifications/{}", path.expose_secret())),
            secret: address.secret(&ring).unwrap().expose_secret().to_owned(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            callback: monitor.callback,
            monitor: monitor.id,
            world,
            receiver,
        }
    }

    /// The `number`th message: like the others, but another one.
    fn message(&self, number: usize) -> Value {
        let level = json!({"type": "string", "body": {"literalValue": format!("{}", number % 20)}});
        let date = self.world.now() - SignedDuration::from_secs(i64::try_from(number).unwrap());
        json!({
            "callbackId": self.callback, "type": "Monitor", "date": date.to_string(),
            "attributes": [{"key": "vin", "value": CAR}, {"key": "secret", "value": self.secret}],
            "monitorEvent": {"monitorId": self.monitor, "refresh": false,
                "values": [{"data": "vehicle.energy.electric.level", "value": level}]},
        })
    }

    async fn send(&self, body: String) {
        let answer = self.http.post(self.url.clone()).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }

    async fn send_all(&self, bodies: Vec<String>) -> Duration {
        let watch = Watch::start();
        let sends = stream::iter(bodies).map(|body| self.send(body));
        sends.buffer_unordered(SENDERS).collect::<Vec<_>>().await;
        watch.passed()
    }
}

struct Watch(Instant);

impl Watch {
    #[expect(clippy::disallowed_methods, reason = "it measures")]
    fn start() -> Self {
        Self(Instant::now())
    }

    #[expect(clippy::disallowed_methods, reason = "it measures")]
    fn passed(&self) -> Duration {
        Instant::now().duration_since(self.0)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure to read")]
fn per(total: f64, count: usize) -> f64 {
    total / count as f64
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures"]
async fn figures_of_notifications_a_second_and_units_a_message() {
    const SINGLE: usize = 500;
    const BATCHES: usize = 5;
    let scene = Scene::set(Drive::Manual).await;
    let usage = scene.world.cloud.usage();
    usage.reset();

    let single = (0..SINGLE).map(|number| scene.message(number).to_string()).collect();
    let took = scene.send_all(single).await;
    println!("single: {:.0} notifications a second", 1.0 / per(took.as_secs_f64(), SINGLE));
    let batch = |number: usize| {
        let from = SINGLE + number * 100;
        Value::from((from..from + 100).map(|at| scene.message(at)).collect::<Vec<_>>()).to_string()
    };
    let took = scene.send_all((0..BATCHES).map(batch).collect()).await;
    println!("by 100: {:.0} notifications a second", 1.0 / per(took.as_secs_f64(), BATCHES * 100));

    let all = SINGLE + BATCHES * 100;
    let watch = Watch::start();
    scene.world.settle().await;
    // A backlog of one car takes more runs than the streams give it: the sweep does the rest.
    for _ in 0..60 {
        if scene.receiver.taken().len() >= all {
            break;
        }
        scene.world.clock.advance(SignedDuration::from_mins(1));
        for function in ["digest", "deliver"] {
            scene.world.run(function).await;
        }
        scene.world.settle().await;
    }
    let took = watch.passed();
    println!("digested and delivered: {:.0} a second", 1.0 / per(took.as_secs_f64(), all));
    for function in ["notify", "digest", "deliver"] {
        let used = usage.of(function);
        let (written, read) = (per(used.written, all), per(used.read, all));
        println!("{function}: {written:.2} units written and {read:.2} read a message");
    }
    println!("received: {} of {all}", scene.receiver.taken().len());
    assert_eq!(scene.receiver.taken().len(), all);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures"]
async fn figures_of_the_time_from_the_makers_post_to_the_operators_receipt() {
    const MESSAGES: usize = 200;
    let scene = Scene::set(Drive::Running).await;
    let mut times = Vec::new();
    for number in 0..MESSAGES {
        let before = scene.receiver.taken().len();
        let watch = Watch::start();
        scene.send(scene.message(number).to_string()).await;
        while scene.receiver.taken().len() == before {
            assert!(watch.passed() < Duration::from_secs(30), "message {number} never arrives");
            tokio::task::yield_now().await;
        }
        times.push(watch.passed());
    }
    times.sort();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    println!("from POST to receipt: p50 {:?}, p99 {:?}, one at a time", at(50), at(99));
}
