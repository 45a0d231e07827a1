//! A whole story with every line of ours and every answer written down: nothing secret stands in any
//! of them. A process of its own, for what is written down is global.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{
    cell::RefCell,
    io,
    sync::{Arc, Mutex},
};

use accessing_party::browser::Page;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use shared::{
    address::Address,
    seal::{KeyRing, Purpose},
};
use simulator::{Fault, FaultKind, Flaw, Operation};
use tests::{ACCOUNT, Answer, CAR, RETURN_TO, Receiver, World, browser, hours, minutes, query};
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

/// Who is connected, and whatever is said and written on the way.
struct Story {
    world: World,
    /// Nobody may ever read these.
    secret: RefCell<Vec<String>>,
    /// These stand where the operator asked for them, and nowhere else.
    known: RefCell<Vec<String>>,
    /// What was answered where all went well, and where it did not: headers and body.
    answers: RefCell<Vec<String>>,
    errors: RefCell<Vec<String>>,
}

impl Story {
    async fn begin() -> Self {
        let world = World::start().await;
        let mut secret = vec![world.key().to_owned()];
        for name in ["maker", "seal", "edge", "webhooks"] {
            let value = world.cloud.secrets().get(name).expect("a secret");
            for part in ["keys", "client_secret", "private_key"] {
                texts(&value[part], &mut secret);
            }
        }
        let accounts = world.maker().accounts();
        let account = accounts.iter().find(|account| account.id == ACCOUNT).unwrap();
        secret.extend([account.email.clone(), account.subject.clone()]);
        // How every id token of the maker's begins.
        secret.push(BASE64URL_NOPAD.encode(br#"{"alg":"HS256","#));
        let known = vec![CAR.to_owned(), "user-1".to_owned()];
        let (secret, known) = (RefCell::new(secret), RefCell::new(known));
        Self { world, secret, known, answers: RefCell::default(), errors: RefCell::default() }
    }

    async fn api(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.heard(self.world.api(method, path, body).await)
    }

    fn heard(&self, answer: Answer) -> Answer {
        let told = format!("{} {:?} {}", answer.status, answer.headers, answer.body);
        let kept = if answer.status < 400 { &self.answers } else { &self.errors };
        kept.borrow_mut().push(told);
        answer
    }

    fn seen(&self, page: Page) -> Page {
        self.answers.borrow_mut().push(format!("{:?} {}", page.headers, page.body));
        page
    }

    /// The tokens that are stored now, opened as the functions open them.
    async fn learn_tokens(&self) -> usize {
        let ring = self.world.cloud.secrets().get("seal").unwrap();
        let ring: KeyRing = serde_json::from_value(ring).unwrap();
        let mut tokens = Vec::new();
        for grant in self.world.items("Grants").await {
            let id = grant["pk"]["S"].as_str().unwrap();
            let version = grant["version"]["N"].as_str().unwrap().parse().unwrap();
            let sealed = BASE64.decode(grant["sealed"]["B"].as_str().unwrap().as_bytes()).unwrap();
            let plain = ring.open(Purpose::Token { grant: id, version }, &sealed).unwrap();
            texts(&serde_json::from_slice(&plain).unwrap(), &mut tokens);
        }
        let mut secret = self.secret.borrow_mut();
        tokens.retain(|token| !secret.contains(token));
        secret.extend(tokens.iter().cloned());
        tokens.len()
    }

    /// A login up to its end, which the maker may spoil. Returns its id.
    async fn connect(&self, flaw: Option<Flaw>) -> String {
        let wish = json!({"user_ref": "user-1", "brand": "peugeot", "return_to": RETURN_TO});
        let begun = self.api("POST", "/v1/enrollments", Some(wish)).await.body;
        let (id, link) = (begun["id"].as_str().unwrap(), begun["login_url"].as_str().unwrap());
        let link = link.parse().unwrap();
        let mut browser = browser();
        if let Some(flaw) = flaw {
            self.world.maker().fault(Fault::once(Operation::Token, FaultKind::IdToken(flaw)));
        }
        let back = self.world.consent(&mut browser, &link, ACCOUNT).await;
        self.known.borrow_mut().push(query(&link, "ticket").unwrap());
        self.secret.borrow_mut().extend(["state", "code"].map(|name| query(&back, name).unwrap()));
        let ended = self.seen(browser.get(&back).await.unwrap()).location.unwrap();
        if let Some(confirmation) = query(&ended, "confirmation") {
            let path = format!("/v1/enrollments/{id}/confirm");
            for given in ["wrong", &confirmation] {
                self.api("POST", &path, Some(json!({"user_ref": "user-1", "confirmation": given})))
                    .await;
            }
            self.known.borrow_mut().push(confirmation);
        }
        self.world.settle().await;
        id.to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_and_no_answer_of_a_whole_story_holds_anything_secret() {
    let lines = Lines::default();
    let writer = lines.clone();
    let written = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .with_filter(FILTER.parse::<Targets>().unwrap());
    tracing_subscriber::registry().with(written).init();
    let story = Story::begin().await;

    let receiver = Receiver::start().await.unwrap();
    let hook = story.api("POST", "/v1/webhooks", Some(json!({"url": receiver.url()}))).await;
    story.known.borrow_mut().push(hook.body["secret"].as_str().unwrap().to_owned());
    let rule = json!({"name": "low", "when": {"use": "battery_below", "level": 99}});
    assert_eq!(story.api("POST", "/v1/monitors", Some(rule)).await.status, 201);

    // One login that succeeds, one that the maker spoils, one that succeeds again; renewals that
    // fail, and some that do not.
    let mut tokens = 0;
    for (flaw, renewal) in [
        (None, FaultKind::Status(503)),
        (Some(Flaw::WrongNonce), FaultKind::Html),
        (None, FaultKind::Status(503)),
    ] {
        let id = story.connect(flaw).await;
        tokens += story.learn_tokens().await;
        push(&story, &id).await;
        tokens += tell_all(&story, &id, renewal).await;
    }

    // An endpoint that begins to fail is one line for who watches, at the level that is shown locally.
    receiver.answer(500);
    let path = format!("/v1/webhooks/{}", hook.body["id"].as_str().unwrap());
    for _ in 0..3 {
        story.api("POST", &format!("{path}/test"), None).await;
        story.world.settle().await;
    }
    story.api("GET", &path, None).await;
    story.api("GET", &format!("{path}/attempts"), None).await;

    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let began: Vec<_> = text.lines().filter(|line| line.contains("began to fail")).collect();
    assert!(began.len() == 1 && began[0].contains("WARN"), "{began:?}");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() > 50 && text.contains("CloudWatchMetrics"), "{text}");
    assert!(tokens >= 8, "{tokens}: two consents, each renewed: {text}");
    let (answers, errors) = (story.answers.borrow(), story.errors.borrow());
    assert!(answers.len() > 10 && errors.len() > 10, "{} {}", answers.len(), errors.len());
    let (secret, known) = (story.secret.borrow(), story.known.borrow());
    assert!(secret.len() > 20, "{}", secret.len());
    for secret in secret.iter().chain(&*known) {
        assert_eq!(lines.iter().find(|line| line.contains(secret)), None, "{secret}");
        assert_eq!(errors.iter().find(|error| error.contains(secret)), None, "{secret}");
    }
    for secret in &*secret {
        assert_eq!(answers.iter().find(|answer| answer.contains(secret)), None, "{secret}");
    }
    for word in ["Bearer ey", "\"longitude\"", "\"latitude\"", "coordinates"] {
        assert!(!text.contains(word), "{word}");
        assert!(!errors.iter().any(|error| error.contains(word)), "{word}");
    }
}

/// What the maker pushes, rightly and wrongly, and a command. The address's own secrets are learnt.
async fn push(story: &Story, id: &str) {
    let world = &story.world;
    for _ in 0..3 {
        world.clock.advance(minutes(5));
        world.run("act").await;
        world.settle().await;
        world.maker().run_events().await;
    }
    let horn = json!({"horn": {"on": true}, "on_behalf_of": "user-1"});
    let remotes = format!("/v1/enrollments/{id}/vehicles/{CAR}/remotes");
    story.heard(world.post_once(id, &remotes, horn).await);
    let ring: KeyRing = serde_json::from_value(world.cloud.secrets().get("edge").unwrap()).unwrap();
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
            let answer = http.post(url).body(body).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let told = format!("{:?}", answer.headers()) + &answer.text().await.unwrap();
            story.answers.borrow_mut().push(told);
        }
        story.secret.borrow_mut().extend([path, secret]);
    }
    world.settle().await;
}

/// Data, faults, a renewal, all that can be read, and what goes wrong with it. Returns how many
/// tokens there were that nobody knew.
async fn tell_all(story: &Story, id: &str, renewal: FaultKind) -> usize {
    let (world, mut tokens) = (&story.world, 0);
    for (operation, kind) in [
        (Operation::Status, FaultKind::Status(500)),
        (Operation::Refresh, renewal),
        (Operation::Trips, FaultKind::BrokenJson),
        (Operation::Alerts, FaultKind::Status(404)),
    ] {
        world.maker().fault(Fault::once(operation, kind));
    }
    // Never a whole day at once: the maker ends what is not used for so long.
    for passed in [0, 7, 8, 22] {
        world.clock.advance(hours(passed));
        for function in ["refresh", "fetch", "act", "digest", "deliver"] {
            world.run(function).await;
            tokens += story.learn_tokens().await;
        }
        world.settle().await;
    }
    let car = format!("/v1/enrollments/{id}/vehicles/{CAR}");
    for path in [
        format!("/v1/enrollments/{id}"),
        format!("/v1/enrollments/{id}/export"),
        format!("/v1/vehicles?vin={CAR}"),
        format!("/v1/vehicles?vin={CAR}&vin={CAR}"),
        format!("/v1/vehicles?{CAR}={CAR}"),
        format!("/v1/vehicles?user_ref={CAR}%20"),
        format!("/v1/enrollments?status={CAR}"),
        format!("/v1/enrollments/{CAR}"),
        format!("/v1/eligibility/{CAR}X"),
        format!("{car}X"),
        format!("{car}/history?from={CAR}"),
        format!("{car}/trips?cursor={CAR}"),
        format!("{car}/trips"),
        format!("{car}/remotes/{CAR}"),
        "/v1/webhooks".into(),
        "/v1/control".into(),
        car,
    ] {
        story.api("GET", &path, None).await;
    }
    story.heard(world.api_as(&format!("{}0", world.key()), "GET", "/v1/control", None).await);
    let wrong = json!({"user_ref": "user-1", "brand": "tesla", "vin": CAR});
    story.api("POST", "/v1/enrollments", Some(wrong)).await;
    tokens
}
