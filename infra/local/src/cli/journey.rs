//! `journey`: the whole story on real HTTP, step by step, with what each step proved.

mod news;
mod steps;

use std::{io, path::PathBuf, time::Duration};

use clap::Args;
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use serde_json::Value;
use shared::stellantis::{TlsError, tls};
use tracing_subscriber::filter::Targets;
use url::Url;

use super::{log, say};
use crate::{
    browser::Browser,
    clock::ManualClock,
    cloud::{Cloud, CloudOptions, StartError},
    database::DatabaseError,
    faults::Faults,
    receiver::Receiver,
};

/// When the story begins: a Monday morning.
const BEGIN: &str = "2026-03-02T06:00:00Z";
/// Where the operator's application would be. Nobody opens it.
const RETURN_TO: &str = "http://127.0.0.1:3000/connected";

/// How to play.
#[derive(Debug, Args)]
pub(super) struct JourneyArgs {
    /// Let the database have bad days by this seed
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// What is logged, such as info or warn,shared=debug
    #[arg(long, value_name = "FILTER", default_value = "error,aws_smithy_runtime=off")]
    log: Targets,
}

/// A step did not prove what it should.
#[derive(Debug, thiserror::Error)]
pub(super) enum JourneyError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("TLS can't be set up: {0}")]
    Tls(#[from] TlsError),
    #[error("no port for the operator's endpoint: {0}")]
    Port(#[from] io::Error),
    #[error("no answer: {0}")]
    Http(#[from] reqwest::Error),
    #[error("the story can't go on: {0}")]
    Unexpected(&'static str),
    #[error("expected status {wanted}, got {got} ({kind})")]
    Status { wanted: u16, got: u16, kind: String },
}

/// Fails with `text` unless it holds.
fn expect(holds: bool, text: &'static str) -> Result<(), JourneyError> {
    if holds { Ok(()) } else { Err(JourneyError::Unexpected(text)) }
}

/// What the steps share.
struct Story {
    cloud: Cloud,
    clock: ManualClock,
    operator: reqwest::Client,
    driver: Browser,
    endpoint: Receiver,
    folder: PathBuf,
    enrollment: String,
    login_url: String,
    confirmation: String,
    vin: String,
}

/// Plays it.
pub(super) async fn journey(args: JourneyArgs) -> Result<(), JourneyError> {
    log(&args.log);
    let watch = Watch::start();
    let mut story = begin(&args).await?;
    say("");
    let told = tell(&mut story).await;
    let Story { cloud, folder, .. } = story;
    cloud.shutdown().await;
    // Nothing in it is needed any more; what is left is in the system's temporary folder.
    let _ = std::fs::remove_dir_all(folder);
    let time = watch.passed().as_secs_f64();
    match told {
        Ok(()) => say(format_args!("\n  The journey is complete: {time:.1} s\n")),
        Err(_) => say(format_args!("\n  The journey failed after {time:.1} s\n")),
    }
    told
}

/// Names a step, runs it, and says how long it took and what it proved.
macro_rules! step {
    ($title:literal, $run:expr) => {{
        let watch = Watch::start();
        let result: Result<String, JourneyError> = $run.await;
        let millis = watch.passed().as_millis();
        match result {
            Ok(proved) => say(format_args!("  ok {millis:>6} ms  {:<10}{proved}", $title)),
            Err(error) => {
                say(format_args!("  FAILED {millis:>2} ms  {:<10}{error}", $title));
                return Err(error);
            }
        }
    }};
}

async fn tell(story: &mut Story) -> Result<(), JourneyError> {
    step!("enroll", steps::enroll(story));
    step!("consent", steps::consent(story));
    step!("confirm", steps::confirm(story));
    step!("fetch", steps::fetch(story));
    step!("drive", steps::drive(story));
    step!("webhook", news::webhook(story));
    step!("monitor", news::monitor(story));
    step!("remote", news::remote(story));
    step!("renew", steps::renew(story));
    step!("withdraw", steps::withdraw(story));
    step!("erase", steps::erase(story));
    Ok(())
}

async fn begin(args: &JourneyArgs) -> Result<Story, JourneyError> {
    let begin = BEGIN.parse().map_err(|_| JourneyError::Unexpected("the beginning is a time"))?;
    let clock = ManualClock::at(begin);
    let folder = std::env::temp_dir().join(format!("accessing-party-{}", shared::random::id()));
    let mut options = CloudOptions::manual(clock.clock());
    options.data = Some(folder.clone());
    options.faults = args.seed.map_or_else(Faults::none, Faults::seeded);
    options.parameters.insert("ReturnTo".to_owned(), RETURN_TO.to_owned());
    let cloud = Cloud::start(options).await?;
    let timeouts = tls::Timeouts { connect: Duration::from_secs(3), total: Duration::from_mins(1) };
    Ok(Story {
        cloud,
        clock,
        operator: tls::plain_client("the operator's backend", timeouts)?,
        driver: Browser::new()?,
        endpoint: Receiver::start().await?,
        folder,
        enrollment: String::new(),
        login_url: String::new(),
        confirmation: String::new(),
        vin: String::new(),
    })
}

impl Story {
    /// Asks the operator's API, and expects this status.
    async fn api(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        wanted: u16,
    ) -> Result<Value, JourneyError> {
        let key = self.cloud.api_key().ok_or(JourneyError::Unexpected("there is an API key"))?;
        let method = method.parse().map_err(|_| JourneyError::Unexpected("a method"))?;
        let request = self.operator.request(method, format!("{}{path}", self.cloud.gateway_url()));
        let request = request.header("authorization", format!("Bearer {}", key.expose_secret()));
        let request = match body {
            Some(body) => request
                .header("content-type", "application/json")
                // Every body of the story is posted once.
                .header("idempotency-key", shared::random::id())
                .body(body.to_string()),
            None => request,
        };
        let answer = request.send().await?;
        let (got, text) = (answer.status().as_u16(), answer.text().await?);
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        if got == wanted {
            return Ok(value);
        }
        let kind = value["type"].as_str().unwrap_or("no problem is named").to_owned();
        Err(JourneyError::Status { wanted, got, kind })
    }

    /// The enrollment as the operator sees it.
    async fn enrollment(&self) -> Result<Value, JourneyError> {
        self.api("GET", &format!("/v1/enrollments/{}", self.enrollment), None, 200).await
    }

    /// Lets time pass in steps, each with all that falls due.
    async fn pass(
        &self,
        duration: SignedDuration,
        step: SignedDuration,
    ) -> Result<(), JourneyError> {
        let end = self.clock.now() + duration;
        while self.clock.now() < end {
            self.clock.advance(step);
            self.cloud.tick().await?;
        }
        Ok(())
    }
}

/// Parses an address.
fn url(text: &str) -> Result<Url, JourneyError> {
    Url::parse(text).map_err(|_| JourneyError::Unexpected("an address is well-formed"))
}

/// Real time, for the person who waits.
struct Watch(std::time::Instant);

impl Watch {
    #[expect(clippy::disallowed_methods, reason = "says how long a step took")]
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    #[expect(clippy::disallowed_methods, reason = "says how long a step took")]
    fn passed(&self) -> Duration {
        std::time::Instant::now().duration_since(self.0)
    }
}
