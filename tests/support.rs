//! The whole cloud on free ports with a clock that is set by hand, a simulated maker, and a driver
//! with a browser: what every integration test begins with.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a test fails by panicking"
)]

pub mod cloudwatch;
mod described;
mod luck;
mod moments;
mod operations;
mod rights;
mod stored;
mod weather;

use std::str::FromStr;

use accessing_party::{
    Cloud, CloudOptions, Faults, MetricLog, browser::Browser, clock::ManualClock, credentials,
    functions::InvokeError,
};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};
use url::Url;

pub use self::{
    luck::{Luck, undone},
    moments::{Moment, WRITES, each_death, each_lost_answer},
    operations::Ask,
    weather::{LIVES, each_seed},
};
pub use accessing_party::{Posted, Receiver};

/// When every test begins.
pub const START: &str = "2026-03-02T06:00:00Z";
/// The driver of most tests.
pub const ACCOUNT: &str = "peugeot-alex";
/// The car of that account.
pub const CAR: &str = "VR3UHZKXZPT000208";
/// Where the operator's own site would be.
pub const RETURN_TO: &str = "http://127.0.0.1/connected";

/// A cloud, its clock, and the operator's key.
pub struct World {
    /// The cloud.
    pub cloud: Cloud,
    /// Its clock.
    pub clock: ManualClock,
    http: reqwest::Client,
    key: String,
    _rights: rights::Noted,
}

/// What the operator's API answered.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body, or null.
    pub body: Value,
}

/// An enrollment begun through the API.
#[derive(Debug, Clone)]
pub struct Begun {
    /// Its id.
    pub id: String,
    /// The link for the user.
    pub login_url: Url,
}

impl World {
    /// Starts everything, without faults.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// Starts everything with a database that is unkind by seed.
    pub async fn unkind(seed: u64) -> Self {
        Self::with(|options| options.faults = Faults::seeded(seed)).await
    }

    /// Starts everything, and keeps what the functions count.
    pub async fn counted() -> (Self, MetricLog) {
        let log = MetricLog::default();
        let kept = log.clone();
        (Self::with(|options| options.metrics = Some(kept)).await, log)
    }

    /// Starts everything, set up otherwise.
    pub async fn with(change: impl FnOnce(&mut CloudOptions)) -> Self {
        // `RUST_LOG=info cargo test …` tells what happens within.
        let filter = setting("RUST_LOG").unwrap_or(Targets::new().with_default(LevelFilter::ERROR));
        let lines = tracing_subscriber::fmt::layer().with_test_writer().with_filter(filter);
        let _ = tracing_subscriber::registry().with(lines).try_init();
        let clock = ManualClock::at(START.parse().unwrap());
        let mut options = CloudOptions::manual(clock.clock());
        options.throttled = false;
        options.parameters.insert("ReturnTo".into(), "http://127.0.0.1/".into());
        change(&mut options);
        Self::begin(options, clock).await
    }

    /// Starts everything where a car has a short history: where a story is told anew for each write, the
    /// sixty trips of two months would be sixty times the same step.
    pub async fn with_short_history() -> Self {
        Self::with(|options| {
            options.parameters.insert("HistoryDays".into(), "1".into());
        })
        .await
    }

    /// Starts everything where the tokens that a newer consent replaced are revoked at the maker, too.
    pub async fn revoking() -> Self {
        Self::with(|options| {
            options.parameters.insert("RevokeReplaced".into(), "on".into());
        })
        .await
    }

    async fn begin(options: CloudOptions, clock: ManualClock) -> Self {
        let cloud = Cloud::start(options).await.unwrap();
        let key = cloud.api_key().unwrap().expose_secret().to_owned();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let rights = rights::Noted(cloud.usage().clone());
        Self { cloud, clock, http, key, _rights: rights }
    }

    /// The simulated maker.
    pub fn maker(&self) -> &simulator::World {
        self.cloud.simulator().unwrap().world()
    }

    /// An address of the gateway.
    pub fn url(&self, path: &str) -> Url {
        format!("{}{path}", self.cloud.gateway_url()).parse().unwrap()
    }

    /// The operator's key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Calls the operator's API with the operator's key.
    pub async fn api(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.api_as(&self.key, method, path, body).await
    }

    /// Calls it with another key.
    pub async fn api_as(&self, key: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.send(self.request(key, method, path), body).await
    }

    /// Posts with the operator's key and an `Idempotency-Key`.
    pub async fn post_once(&self, once: &str, path: &str, body: Value) -> Answer {
        let request = self.request(&self.key, "POST", path).header("idempotency-key", once);
        self.send(request, Some(body)).await
    }

    fn request(&self, key: &str, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method.parse().unwrap(), self.url(path))
            .header("authorization", format!("Bearer {key}"))
    }

    async fn send(&self, request: reqwest::RequestBuilder, body: Option<Value>) -> Answer {
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        };
        let request = request.build().unwrap();
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let answer = self.http.execute(request).await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default();
        described::check(method.as_str(), &path, status, &body);
        Answer { status, headers, body }
    }

    /// Reads from the API; anything but 200 fails the test.
    pub async fn read(&self, path: &str) -> Value {
        let answer = self.api("GET", path, None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    /// All that is exported of an enrollment, by pages of this size.
    pub async fn export(&self, id: &str, limit: usize) -> Vec<Value> {
        let (mut all, mut next) = (Vec::new(), String::new());
        for _ in 0..2000 {
            let path = format!("/v1/enrollments/{id}/export?limit={limit}{next}");
            let page = self.read(&path).await;
            all.extend(page["items"].as_array().unwrap().clone());
            let Some(cursor) = page["next"].as_str() else { return all };
            next = format!("&cursor={cursor}");
        }
        panic!("an export without an end");
    }

    /// Begins an enrollment for a user.
    pub async fn begin_enrollment(&self, user: &str, brand: &str) -> Begun {
        let scopes =
            json!(["openid", "data:telemetry", "data:position", "data:trip", "data:alert"]);
        self.begin_enrollment_with(user, brand, &scopes).await
    }

    async fn begin_enrollment_with(&self, user: &str, brand: &str, scopes: &Value) -> Begun {
        let wish =
            json!({"user_ref": user, "brand": brand, "return_to": RETURN_TO, "scopes": scopes});
        let answer = self.api("POST", "/v1/enrollments", Some(wish)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        Begun {
            id: answer.body["id"].as_str().unwrap().to_owned(),
            login_url: answer.body["login_url"].as_str().unwrap().parse().unwrap(),
        }
    }

    /// Opens a login link and stops where the maker sends the browser back to.
    pub async fn consent(&self, browser: &mut Browser, link: &Url, account: &str) -> Url {
        self.decide(browser, link, account, "accept").await
    }

    /// The same, refusing.
    pub async fn refuse(&self, browser: &mut Browser, link: &Url, account: &str) -> Url {
        self.decide(browser, link, account, "refuse").await
    }

    async fn decide(
        &self,
        browser: &mut Browser,
        link: &Url,
        account: &str,
        decision: &str,
    ) -> Url {
        let departed = browser.get(link).await.unwrap();
        assert_eq!(departed.status, 302, "{}", departed.body);
        let authorize = departed.location.expect("a redirect to the maker");
        let page = browser.get(&authorize).await.unwrap();
        assert_eq!(page.status, 200, "{}", page.body);
        let request = simulator::consent_request(&page.body).unwrap().to_owned();
        let consent = authorize.join("consent").unwrap();
        let fields = [("request", request.as_str()), ("account", account), ("decision", decision)];
        let decided = browser.post(&consent, &fields).await.unwrap();
        assert!(decided.location.is_some(), "{} {}", decided.status, decided.body);
        decided.location.expect("a redirect back to us")
    }

    /// A whole enrollment, confirmed, and its cars discovered. Returns its id.
    pub async fn enroll(&self, user: &str, brand: &str, account: &str) -> String {
        let (id, ended) = self.enroll_unconfirmed(user, brand, account).await;
        let confirmation = query(&ended, "confirmation").expect("a confirmation");
        let answer = self.confirm(&id, &confirmation).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.settle().await;
        id
    }

    /// The same, asking for these scopes.
    pub async fn enroll_with(
        &self,
        user: &str,
        brand: &str,
        account: &str,
        scopes: &Value,
    ) -> String {
        let begun = self.begin_enrollment_with(user, brand, scopes).await;
        let mut browser = Browser::new().unwrap();
        let back = self.consent(&mut browser, &begun.login_url, account).await;
        let ended = browser.get(&back).await.unwrap().location.unwrap();
        let confirmation = query(&ended, "confirmation").expect("a confirmation");
        assert_eq!(self.confirm(&begun.id, &confirmation).await.status, 200);
        self.settle().await;
        begun.id
    }

    /// An enrollment up to where the browser is sent to the operator's own site.
    pub async fn enroll_unconfirmed(
        &self,
        user: &str,
        brand: &str,
        account: &str,
    ) -> (String, Url) {
        let begun = self.begin_enrollment(user, brand).await;
        let mut browser = Browser::new().unwrap();
        let back = self.consent(&mut browser, &begun.login_url, account).await;
        let page = browser.get(&back).await.unwrap();
        assert_eq!(page.status, 303, "{}", page.body);
        (begun.id, page.location.unwrap())
    }

    /// Posts a confirmation, in the session of whom the link was made for.
    pub async fn confirm(&self, id: &str, confirmation: &str) -> Answer {
        let begun = self.api("GET", &format!("/v1/enrollments/{id}"), None).await;
        let user = begun.body["user_ref"].as_str().unwrap_or("nobody");
        let body = json!({"user_ref": user, "confirmation": confirmation});
        self.api("POST", &format!("/v1/enrollments/{id}/confirm"), Some(body)).await
    }

    /// Where an enrollment stands.
    pub async fn status(&self, id: &str) -> String {
        let enrollment = self.read(&format!("/v1/enrollments/{id}")).await;
        enrollment["status"].as_str().unwrap().to_owned()
    }

    /// Runs the streams until nothing waits.
    pub async fn settle(&self) {
        self.cloud.settle().await.unwrap();
    }

    /// One run of a schedule, for everything that is due.
    pub async fn run(&self, function: &str) -> Value {
        self.try_run(function).await.unwrap()
    }

    /// The same where it may fail or die: then it stays due.
    ///
    /// # Errors
    /// When it failed or died.
    pub async fn try_run(&self, function: &str) -> Result<Value, InvokeError> {
        self.cloud.invoke(function, json!({"worker": 0, "workers": 1})).await
    }

    /// One run of each schedule side by side, for everything that is due. A run that fails leaves
    /// it due.
    pub async fn run_all(&self) {
        self.run_workers(1).await;
    }

    /// The same with so many workers of each function, as the template's
    /// parameter says.
    pub async fn run_workers(&self, workers: u16) {
        let share = |worker| json!({"worker": worker, "workers": workers});
        let one = |worker| async move {
            let functions = ["refresh", "fetch", "act", "digest", "deliver"];
            join_all(functions.map(|name| self.cloud.invoke(name, share(worker)))).await
        };
        join_all((0..workers).map(one)).await;
        self.settle().await;
    }

    /// Another key of the operator's. As every secret it is read within five minutes.
    pub fn add_key(&self, scopes: &[String]) -> String {
        let (key, record) = credentials::new_api_key("local", "another", scopes, None);
        let mut edge = self.cloud.secrets().get("edge").unwrap();
        edge["api_keys"].as_array_mut().unwrap().push(record);
        self.cloud.secrets().put("edge", edge);
        key.expose_secret().to_owned()
    }

    /// Leaves the operator's key no other scopes than these.
    pub fn narrow_key(&self, scopes: &[&str]) {
        let mut edge = self.cloud.secrets().get("edge").unwrap();
        edge["api_keys"][0]["scopes"] = json!(scopes);
        self.cloud.secrets().put("edge", edge);
        // Secrets are cached for five minutes.
        self.clock.advance(SignedDuration::from_mins(6));
    }

    /// Calls the operator's API as a patient client does: again on a failure of ours.
    pub async fn patiently(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        for _ in 0..5 {
            let answer = self.api(method, path, body.clone()).await;
            if answer.status < 500 {
                return answer;
            }
        }
        panic!("{method} {path} fails whenever it is asked");
    }

    /// Goes to the beginning of a long rest of the car, so that a touch of it holds.
    pub fn park(&self) {
        let drives = self.maker().drives(CAR, self.now(), 40);
        let long =
            |pair: &&[(Timestamp, Timestamp)]| pair[1].0.duration_since(pair[0].1) > hours(8);
        let (_, stop) = drives.windows(2).find(long).unwrap()[0];
        self.clock.advance_to(stop + minutes(10));
    }

    /// Lets time pass. What is scheduled runs every ten minutes of a short while and every hour of
    /// a long one: each run asks every shard of each index, so every minute would cost minutes.
    pub async fn pass(&self, duration: SignedDuration) {
        let end = self.now() + duration;
        let step = if duration > SignedDuration::from_hours(6) { 60 } else { 10 };
        while self.now() < end {
            let next = self.now() + SignedDuration::from_mins(step);
            self.clock.advance_to(next.min(end));
            self.cloud.tick().await.unwrap();
        }
    }
}

/// So many hours.
pub const fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

/// So many minutes.
pub const fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// So many seconds.
pub const fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// A parameter of an address.
pub fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// What whoever runs the tests may set, such as how long they play.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of a function")]
pub fn setting<T: FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// A new browser.
pub fn browser() -> Browser {
    Browser::new().unwrap()
}
