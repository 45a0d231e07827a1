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
    #[arg(long, conflicts_with = "no_open")]
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
    /// A parameter of the template, such as `ReturnTo=https://app.example.com/cars/`
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
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
        if let Some((_, option)) = OPTIONS.iter().find(|(known, _)| *known == name) {
            return Err(format!("{name} is the option {option} here"));
        }
        if ONLY_ON_AWS.contains(&name) {
            return Err(format!("{name} has no effect here, only on AWS"));
        }
        Ok(Self(name.to_owned(), value.to_owned()))
    }
}

/// Parameters that follow from an option: set beside it, one of the two would be ignored.
const OPTIONS: [(&str, &str); 6] = [
    ("PublicUrl", "--public-url"),
    ("OpenMode", "--open or --no-open"),
    ("IdpUrl", "--idp-url"),
    ("MakerApiUrl", "--api-url"),
    ("MakerB2bApiUrl", "--b2b-api-url"),
    ("LogFilter", "--log"),
];

/// Parameters about what is not on this machine.
const ONLY_ON_AWS: [&str; 19] = [
    "DomainName",
    "CertificateArn",
    "ExecuteApi",
    "RecoveryDays",
    "DeletionProtection",
    "GrantsTableName",
    "RecordsTableName",
    "RecordsStreamArn",
    "OutboxTableName",
    "OutboxStreamArn",
    "OldKeyArn",
    "LogDays",
    "RefreshConcurrency",
    "NotifyConcurrency",
    "SubnetIds",
    "SecurityGroupIds",
    "PermissionsBoundaryArn",
    "AlarmTopicArn",
    "MaxWithdrawnPerHour",
];

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
            metrics: None,
            throttled: true,
            schedules: Drive::Running,
            streams: Drive::Running,
            programs: programs(),
        }
    }
}

/// Nothing runs.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("--set {0} is given twice")]
    Twice(String),
}

/// Runs until Ctrl-C.
pub(super) async fn run(args: RunArgs) -> Result<(), RunError> {
    log(&args.log);
    for (index, Assignment(name, _)) in args.set.iter().enumerate() {
        if args.set[..index].iter().any(|Assignment(earlier, _)| earlier == name) {
            return Err(RunError::Twice(name.clone()));
        }
    }
    let reached = args.data.join("clock");
    let clock = clock::running(start(&reached, args.live), args.speed);
    let cloud = Cloud::start(args.options(clock.clone())).await?;
    for line in banner(&args, &cloud, clock.now()) {
        say(line);
    }
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

/// What somebody at the terminal should know, and what to do next.
fn banner(args: &RunArgs, cloud: &Cloud, now: Timestamp) -> Vec<String> {
    let (url, data) = (cloud.public_url(), args.data.display());
    let own = cloud.gateway_url();
    let mut lines = vec![format!("\n  accessing-party is running at {url}\n")];
    if own != url {
        lines.push(format!("  Listens     at {own}: your proxy for {url} sends everything there"));
    }
    if let Some(simulator) = cloud.simulator() {
        lines.push(format!("  Car maker   simulated, at http://{}", simulator.addr()));
        lines.push(format!("  Its control token is in {data}/simulator-token"));
    }
    if args.live {
        let identity = cloud.identity().map(ToString::to_string);
        let identity = identity.unwrap_or_else(|| "none: the maker refuses calls".to_owned());
        lines.push(format!("  Certificate {identity}"));
    }
    if cloud.api_key().is_some() {
        lines.push(format!("  API key     {data}/api-key (for everything; yours alone)"));
    }
    lines.push(format!("  Data        {data}/"));
    lines.extend(time(args.speed, now, Clock::system().now()));
    lines.push("\n  Try:".to_owned());
    lines.extend(tries(args, cloud, &own));
    lines.push("\n  Ctrl-C stops it. Everything else: --help\n".to_owned());
    lines
}

/// The cars' time, where it is not ours: events show it, and the log shows ours.
fn time(speed: u32, cars: Timestamp, ours: Timestamp) -> Option<String> {
    let ahead = cars.duration_since(ours) > jiff::SignedDuration::from_mins(1);
    let runs =
        if speed > 1 { format!(", runs {speed} times faster than yours") } else { String::new() };
    let cars = cars.strftime("%Y-%m-%dT%H:%M");
    (ahead || speed > 1).then(|| {
        format!("  Time        of the cars and their events is {cars}Z{runs}; the log has yours")
    })
}

fn tries(args: &RunArgs, cloud: &Cloud, own: &str) -> Vec<String> {
    let (url, data) = (cloud.public_url(), args.data.display());
    let keys = cloud
        .secrets()
        .get("edge")
        .is_some_and(|edge| edge["api_keys"].as_array().is_some_and(|keys| !keys.is_empty()));
    if cloud.api_key().is_none() {
        let file = args.secrets.clone().unwrap_or_else(|| args.data.join("secrets.json"));
        let (command, why) = if keys { ("api-keys", "lists") } else { ("api-key", "makes") };
        let more = if keys { "" } else { " --name backend --scopes enroll,read,erase" };
        return vec![format!(
            "    accessing-party secret {command} --file {}{more}    {why} keys for the API",
            file.display()
        )];
    }
    let ask = format!("curl -sH \"Authorization: Bearer $(cat {data}/api-key)\"");
    let open = args.open || !args.no_open && cloud.simulator().is_some();
    let begin = if open {
        format!("    open {url}/login?brand=peugeot    in a browser, and accept")
    } else {
        format!(
            "    {ask} -H 'Content-Type: application/json' \
             -d '{{\"user_ref\":\"me\",\"brand\":\"peugeot\",\"confirm\":\"page\",\"account_label\":\"my own\"}}' {own}/v1/enrollments"
        )
    };
    vec![
        begin,
        format!("    {ask} '{own}/v1/enrollments?status=active'"),
        format!("    {ask} '{own}/v1/vehicles?vin=VR3UHZKXZPT000208'"),
    ]
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::template::{Scope, Template, TemplateError};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        run: RunArgs,
    }

    fn parse(args: &[&str]) -> Result<RunArgs, String> {
        let line = Line::try_parse_from([&["accessing-party"], args].concat());
        line.map(|line| line.run).map_err(|error| error.to_string())
    }

    #[test]
    fn an_option_that_would_be_ignored_is_refused_with_the_one_that_is_meant() {
        for (args, wanted) in [
            (&["--set", "PublicUrl=https://x.example"][..], "is the option --public-url here"),
            (&["--set", "LogFilter=debug"], "is the option --log here"),
            (&["--set", "DomainName=cars.example.com"], "has no effect here, only on AWS"),
            (&["--set", "HistoryDays"], "expected NAME=VALUE"),
            (&["--open", "--no-open"], "cannot be used with"),
            (&["--live", "--speed", "2"], "cannot be used with"),
        ] {
            let complaint = parse(args).unwrap_err();
            assert!(complaint.contains(wanted), "{args:?}: {complaint}");
        }
    }

    #[tokio::test]
    async fn a_parameter_given_twice_is_refused() {
        let args = parse(&["--set", "Workers=1", "--set", "Workers=2"]).unwrap();

        assert!(matches!(run(args).await, Err(RunError::Twice(name)) if name == "Workers"));
    }

    /// Every parameter is either one that can be set here, an option, or only for AWS: of the last, none
    /// reaches a function.
    #[test]
    fn what_is_said_of_parameters_is_so() {
        let given = |name: &str, value: &str| {
            let required = [("PublicUrl", "http://127.0.0.1:1"), ("OperatorName", "Test")];
            let all = required.into_iter().chain([(name, value)]);
            let all = all.map(|(name, value)| (name.to_owned(), value.to_owned()));
            Template::bundled(&Scope::new(all.collect()))
        };
        let Err(TemplateError::NoParameter { known, .. }) = given("Nothing", "x") else { panic!() };
        let known: Vec<&str> = known.split(", ").collect();

        let plain = given("OperatorName", "Test").unwrap();
        let reached: Vec<_> = plain.parameter_of.values().map(String::as_str).collect();
        for name in ONLY_ON_AWS {
            assert!(known.contains(&name), "{name} is no parameter");
            assert!(!reached.contains(&name), "{name} reaches the functions");
        }
        for (name, _) in OPTIONS {
            assert!(known.contains(&name), "{name} is no parameter");
        }
    }

    #[test]
    fn the_cars_time_is_said_where_it_is_another() {
        let ours: Timestamp = "2026-12-01T10:00:00Z".parse().unwrap();
        let later: Timestamp = "2026-12-30T06:51:00Z".parse().unwrap();

        assert_eq!(time(1, ours, ours), None);
        assert!(time(1, later, ours).unwrap().contains("is 2026-12-30T06:51Z; the log"));
        assert!(time(60, ours, ours).unwrap().contains("runs 60 times faster"));
    }
}
