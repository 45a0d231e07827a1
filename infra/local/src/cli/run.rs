//! `cargo run`: everything at once, and a few lines on what to do with it.

use std::{collections::BTreeMap, fs, path::PathBuf, str::FromStr};

use clap::Args;
use jiff::Timestamp;
use shared::{Clock, store::Shards};
use tracing_subscriber::filter::Targets;
use url::Url;

use super::{log, say};
use crate::{
    clock,
    cloud::{Cloud, CloudOptions, Drive, Maker, StartError},
    faults::Faults,
    functions::programs,
};

/// How to run.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Port of the gateway on 127.0.0.1; the simulated maker takes the next one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Folder for database, secrets and the API key; with --live data-live by default
    #[arg(long, default_value = "data", default_value_if("live", "true", "data-live"))]
    data: PathBuf,
    /// Secrets file, instead of the one made in the data folder (see `secret new`)
    #[arg(long, value_name = "FILE")]
    secrets: Option<PathBuf>,
    /// Another identity provider instead of the simulated one: a URL with {brand} in it
    #[arg(long, value_name = "URL", requires = "api_url")]
    idp_url: Option<String>,
    /// Another End-User API instead of the simulated one
    #[arg(long, value_name = "URL", requires = "idp_url")]
    api_url: Option<String>,
    /// Another business API instead of the simulated one; by default at --api-url
    #[arg(long, value_name = "URL", requires = "api_url")]
    b2b_api_url: Option<String>,
    /// Anybody may begin at /login?brand=… and is confirmed at once (the default with a simulated maker)
    #[arg(long, overrides_with = "no_open")]
    open: bool,
    /// Only links made by POST /v1/enrollments begin anything
    #[arg(long)]
    no_open: bool,
    /// Where browsers reach this service through a proxy of yours
    #[arg(long, value_name = "https://HOST")]
    public_url: Option<Url>,
    /// The real car maker and real drivers
    #[arg(long, conflicts_with_all = ["open", "speed"])]
    live: bool,
    /// Let simulated life run so many times faster
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    speed: u32,
    /// Any parameter of the template, such as `ReturnTo=https://app.example.com/cars/`
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<Assignment>,
    /// What is logged, such as info or warn,shared=debug
    #[arg(long, value_name = "FILTER", default_value = "warn,access=info")]
    log: Targets,
}

/// `Name=Value`.
#[derive(Debug, Clone)]
struct Assignment(String, String);

impl FromStr for Assignment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
        Ok(Self(name.to_owned(), value.to_owned()))
    }
}

impl RunArgs {
    fn options(&self, clock: Clock) -> CloudOptions {
        let elsewhere = self.live || self.api_url.is_some();
        let maker = if elsewhere {
            Maker::At {
                idp: self.idp_url.clone(),
                api: self.api_url.clone(),
                b2b: self.b2b_api_url.clone().or_else(|| self.api_url.clone()),
            }
        } else {
            Maker::Simulated { seed: 1 }
        };
        let mut parameters: BTreeMap<String, String> =
            self.set.iter().map(|Assignment(name, value)| (name.clone(), value.clone())).collect();
        if !self.live {
            // An application under development, on this machine.
            let there = "http://localhost:3000/ http://127.0.0.1:3000/";
            parameters.entry("ReturnTo".to_owned()).or_insert_with(|| there.to_owned());
        }
        CloudOptions {
            clock,
            data: Some(self.data.clone()),
            port: self.port,
            secrets: self.secrets.clone(),
            maker,
            open: self.open || (!elsewhere && !self.no_open),
            public_url: self.public_url.clone(),
            live: self.live,
            parameters,
            shards: Shards::ONE,
            faults: Faults::none(),
            throttled: true,
            schedules: Drive::Running,
            streams: Drive::Running,
            programs: programs(),
        }
    }
}

/// Runs until Ctrl-C.
pub(super) async fn run(args: RunArgs) -> Result<(), StartError> {
    log(&args.log);
    let reached = args.data.join("clock");
    let clock = clock::running(start(&reached, args.live), args.speed);
    let cloud = Cloud::start(args.options(clock.clone())).await?;
    banner(&args, &cloud);
    let mut news = cloud.bus().listen();
    let mut every = tokio::time::interval(std::time::Duration::from_secs(5));
    loop {
        tokio::select! {
            _ = every.tick() => keep(&reached, &clock),
            event = news.recv() => if let Ok(event) = event { say(line(&event)) },
            () = stopped() => break,
        }
    }
    say("\nStopping.");
    keep(&reached, &clock);
    cloud.shutdown().await;
    Ok(())
}

/// An event in a line: when, what, whose, and the car by the end of its VIN.
fn line(event: &serde_json::Value) -> String {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let kind = text(&event["type"]);
    let vin = text(&event["data"]["vin"]);
    let car = vin.get(vin.len().saturating_sub(4)..).filter(|end| !end.is_empty());
    let car = car.map(|end| format!("  …{end}")).unwrap_or_default();
    format!("  {}  {kind:<36} {}{car}", text(&event["time"]), text(&event["data"]["enrollment"]))
}

/// Ctrl-C, or the polite signal of a service manager.
async fn stopped() {
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    let terminate = async {
        match terminate {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => (),
        () = terminate => (),
    }
}

/// A life that ran faster has reached a later time than ours, and can't go back.
fn start(reached: &std::path::Path, live: bool) -> Timestamp {
    let now = Clock::system().now();
    let then = fs::read_to_string(reached).ok().and_then(|text| text.trim().parse().ok());
    then.filter(|_| !live).map_or(now, |then: Timestamp| then.max(now))
}

fn keep(reached: &std::path::Path, clock: &Clock) {
    if let Err(error) = fs::write(reached, clock.now().to_string()) {
        tracing::warn!(error = %error, "the simulated time could not be kept");
    }
}

fn banner(args: &RunArgs, cloud: &Cloud) {
    let (url, data) = (cloud.public_url(), args.data.display());
    say(format_args!("\n  accessing-party is running at {url}\n"));
    if let Some(simulator) = cloud.simulator() {
        say(format_args!("  Car maker   simulated, at http://{}", simulator.addr()));
        say(format_args!("  Its control token is in {data}/simulator-token"));
    }
    if cloud.api_key().is_some() {
        say(format_args!("  API key     {data}/api-key (for everything; yours alone)"));
    }
    say(format_args!("  Data        {data}/"));
    if args.speed > 1 {
        say(format_args!("  Time        runs {} times faster than yours", args.speed));
    }
    say("\n  Try:");
    if cloud.api_key().is_some() {
        let own = cloud.gateway_url();
        let open = args.open || !args.no_open && cloud.simulator().is_some();
        if open {
            say(format_args!("    open {url}/login?brand=peugeot    in a browser, and accept"));
        } else {
            say(format_args!(
                "    curl -sH \"Authorization: Bearer $(cat {data}/api-key)\" -H 'Content-Type: application/json' \
                 -d '{{\"user_ref\":\"me\",\"brand\":\"peugeot\",\"confirm\":\"page\",\"account_label\":\"my own\"}}' {own}/v1/enrollments"
            ));
        }
        say(format_args!(
            "    curl -sH \"Authorization: Bearer $(cat {data}/api-key)\" '{own}/v1/enrollments?status=active'"
        ));
        say(format_args!(
            "    curl -sH \"Authorization: Bearer $(cat {data}/api-key)\" '{own}/v1/vehicles?vin=VR3UHZKXZPT000208'"
        ));
    } else {
        say("    accessing-party secret api-key --help    to make a key for the API");
    }
    say("\n  Ctrl-C stops it. Everything else: --help\n");
}
