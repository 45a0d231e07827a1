//! A whole story with every line of ours written down: nothing secret stands in any of them. A
//! process of its own, for what is written down is global.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{
    io,
    sync::{Arc, Mutex},
};

use jiff::SignedDuration;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use shared::{address::Address, seal::KeyRing};
use simulator::{Fault, FaultKind, Flaw, Operation};
use tests::{Receiver, World, browser, query};
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

/// Ours as loud as it gets; libraries as loud as anybody runs them.
const FILTER: &str = "info,shared=trace,login=trace,callback=trace,api=trace,refresh=trace,\
                      fetch=trace,act=trace,notify=trace,digest=trace,deliver=trace,accessing_party=trace";

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Every text of a value that is long enough to be looked for.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.len() >= 12 => found.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| texts(value, found)),
        _ => (),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_of_a_whole_story_holds_anything_secret() {
    let lines = Lines::default();
    let writer = lines.clone();
    let written = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .with_filter(FILTER.parse::<Targets>().unwrap());
    tracing_subscriber::registry().with(written).init();
    let world = World::start().await;
    let mut secrets = vec![world.key().to_owned(), "VR3UHZKXZPT000208".into(), "user-1".into()];
    for name in ["maker", "seal", "edge", "webhooks"] {
        let value = world.cloud.secrets().get(name).expect("a secret");
        texts(&value["keys"], &mut secrets);
        texts(&value["client_secret"], &mut secrets);
        texts(&value["private_key"], &mut secrets);
    }
    let account = world.maker().accounts().into_iter().find(|account| account.id == "peugeot-alex");
    secrets.push(account.unwrap().email);

    let receiver = Receiver::start().await.unwrap();
    let hook = world.api("POST", "/v1/webhooks", Some(json!({"url": receiver.url()}))).await;
    secrets.push(hook.body["secret"].as_str().unwrap().to_owned());
    let rule = json!({"name": "low", "when": {"use": "battery_below", "level": 99}});
    assert_eq!(world.api("POST", "/v1/monitors", Some(rule)).await.status, 201);

    // One login that is refused, one that the maker spoils, one that succeeds.
    for flaw in [None, Some(Flaw::WrongNonce), None] {
        let begun = world.begin_enrollment("user-1", "peugeot").await;
        let mut browser = browser();
        if let Some(flaw) = flaw {
            world.maker().fault(Fault::once(Operation::Token, FaultKind::IdToken(flaw)));
        }
        let back = world.consent(&mut browser, &begun.login_url, "peugeot-alex").await;
        secrets.push(query(&begun.login_url, "ticket").unwrap());
        secrets.extend(["state", "code"].map(|name| query(&back, name).unwrap()));
        let ended = browser.get(&back).await.unwrap().location.unwrap();
        if let Some(confirmation) = query(&ended, "confirmation") {
            world.confirm(&begun.id, "wrong").await;
            world.confirm(&begun.id, &confirmation).await;
            secrets.push(confirmation);
        }
        world.settle().await;
        secrets.extend(push(&world, &begun.id).await);
        tell_all(&world, &begun.id).await;
    }

    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(text.lines().count() > 50, "{text}");
    secrets.retain(|secret| !secret.is_empty());
    assert!(secrets.len() > 12, "{}", secrets.len());
    for secret in secrets {
        let line = text.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret}");
    }
    for word in ["Bearer ey", "\"longitude\"", "\"latitude\"", "coordinates"] {
        assert!(!text.contains(word), "{word}");
    }
}

/// What the maker pushes, rightly and wrongly, and a command. Returns the address's own secrets.
async fn push(world: &World, id: &str) -> Vec<String> {
    for _ in 0..3 {
        world.clock.advance(SignedDuration::from_mins(5));
        world.cloud.invoke("act", json!({"worker": 0, "workers": 1})).await.unwrap();
        world.settle().await;
        world.maker().run_events().await;
    }
    let horn = json!({"horn": {"on": true}, "on_behalf_of": "user-1"});
    let remotes = format!("/v1/enrollments/{id}/vehicles/VR3UHZKXZPT000208/remotes");
    world.post_once(id, &remotes, horn).await;
    let ring: KeyRing = serde_json::from_value(world.cloud.secrets().get("edge").unwrap()).unwrap();
    let mut secrets = Vec::new();
    for callback in world.maker().callbacks() {
        let path = callback.target.rsplit('/').next().unwrap().to_owned();
        let address = Address::read(&ring, &path, world.now()).unwrap();
        let secret = address.secret(&ring).unwrap().expose_secret().to_owned();
        let right = json!([{"key": "secret", "value": secret}]);
        for body in [
            json!({"callbackId": callback.id, "type": "Monitor", "attributes": right}).to_string(),
            json!({"type": "Remote", "attributes": [{"key": "vin", "value": 7}]}).to_string(),
            format!("[{{\"secret\": \"{secret}\""),
        ] {
            let url = world.url(&format!("/notifications/{path}"));
            let http = reqwest::Client::builder().no_proxy().build().unwrap();
            assert_eq!(http.post(url).body(body).send().await.unwrap().status(), 200);
        }
        secrets.extend([path, secret]);
    }
    world.settle().await;
    secrets
}

/// Data, faults, a renewal, all that can be read, and what goes wrong with it.
async fn tell_all(world: &World, id: &str) {
    for (operation, kind) in [
        (Operation::Status, FaultKind::Status(500)),
        (Operation::Refresh, FaultKind::Html),
        (Operation::Trips, FaultKind::BrokenJson),
        (Operation::Alerts, FaultKind::Status(404)),
    ] {
        world.maker().fault(Fault::once(operation, kind));
    }
    for hours in [0, 7, 24] {
        world.clock.advance(SignedDuration::from_hours(hours));
        for function in ["refresh", "fetch", "act", "digest", "deliver"] {
            world.cloud.invoke(function, json!({"worker": 0, "workers": 1})).await.unwrap();
        }
        world.settle().await;
    }
    let car = format!("/v1/enrollments/{id}/vehicles/VR3UHZKXZPT000208");
    world.export(id, 100).await;
    for path in [
        "/v1/vehicles?vin=VR3UHZKXZPT000208".into(),
        "/v1/vehicles?vin=VR3UHZKXZPT000208&vin=VR3UHZKXZPT000208".into(),
        format!("{car}/history?from=VR3UHZKXZPT000208"),
        format!("{car}/trips"),
        car,
    ] {
        world.api("GET", &path, None).await;
    }
}
