//! Metrics in CloudWatch's embedded format: a JSON line on standard output, no call to anything.
//! What happens often is added up and written once a run.

use std::{
    collections::BTreeMap,
    fmt,
    io::Write,
    sync::{Mutex, OnceLock, PoisonError},
};

use serde_json::{Value, json};

use crate::{clock::Clock, config::MetricsOutput};

/// The namespace of all metrics.
const NAMESPACE: &str = "AccessingParty";

/// What is counted. The names are those that the template's alarms key on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Metric {
    /// Seconds since the oldest due item of any worker became due.
    OldestDueAge(&'static str, i64),
    /// A renewal of tokens at the maker, by what came of it.
    Renewal(Outcome),
    /// Seconds since the last renewal of a grant whose renewal did not succeed now.
    RenewalAge(i64),
    /// A poll of one vehicle, by what came of it.
    Poll(Outcome),
    /// A login that came back from the maker, by what came of it. One that the driver declined is
    /// not counted.
    Login(Outcome),
    /// A subscription at the maker that was created or checked, by what came of it.
    Subscription(Outcome),
    /// A request to a webhook endpoint, by what came of it.
    Delivery(Outcome),
    /// An event put on the event bus, by what came of it.
    BusDelivery(Outcome),
    /// A grant that the maker ended, by reason.
    GrantLost(&'static str),
    /// A sealed value of ours that would not open.
    SealFailure,
    /// Tokens that neither the table nor the rescue queue took.
    RescueFailure,
    /// The maker limited our calls.
    MakerLimited,
    /// How many of the maker's hosts are not called now, because they limited our calls.
    MakerPaused(usize),
    /// A login that came back and could not be settled, by a fault of ours.
    LoginUnsettled,
    /// How many events are listed that an endpoint did not take in three days.
    DeadDeliveries(usize),
    /// How many endpoints have failed for half an hour or longer, and taken nothing since.
    WebhooksFailing(usize),
    /// How many endpoints nothing is sent to any more, until the operator enables them.
    WebhooksPaused(usize),
    /// Days until our client certificate ends.
    CertificateDaysLeft(i64),
    /// A notification, by what became of it.
    Notification(&'static str),
    /// Something from the maker that can't be understood.
    Quarantined,
}

/// What came of a call to somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it was for.
    Succeeded,
    /// It failed, and is tried again.
    Failed,
    /// It was refused for good: soon trying again would not change that.
    Refused,
}

impl Outcome {
    const ALL: [Self; 3] = [Self::Succeeded, Self::Failed, Self::Refused];

    /// Of a result: any error is a failure.
    #[must_use]
    pub const fn of<T, E>(result: &Result<T, E>) -> Self {
        if result.is_ok() { Self::Succeeded } else { Self::Failed }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// A metric as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Series {
    name: &'static str,
    unit: &'static str,
    dimension: Option<(&'static str, &'static str)>,
}

impl Series {
    const fn count(name: &'static str) -> Self {
        Self { name, unit: "Count", dimension: None }
    }

    const fn of(name: &'static str, outcome: Outcome) -> Self {
        Self { dimension: Some(("Outcome", outcome.as_str())), ..Self::count(name) }
    }
}

impl Metric {
    fn series(self) -> (Series, i64) {
        let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let seconds = |name| Series { unit: "Seconds", ..Series::count(name) };
        match self {
            Self::OldestDueAge(function, age) => {
                let dimension = Some(("Function", function));
                (Series { dimension, ..seconds("OldestDueAge") }, age)
            }
            Self::Renewal(outcome) => (Series::of("Renewal", outcome), 1),
            Self::RenewalAge(age) => (seconds("RenewalAge"), age),
            Self::Poll(outcome) => (Series::of("Poll", outcome), 1),
            Self::Login(outcome) => (Series::of("Login", outcome), 1),
            Self::Subscription(outcome) => (Series::of("Subscription", outcome), 1),
            Self::Delivery(outcome) => (Series::of("Delivery", outcome), 1),
            Self::BusDelivery(outcome) => (Series::of("BusDelivery", outcome), 1),
            Self::GrantLost(reason) => {
                (Series { dimension: Some(("Reason", reason)), ..Series::count("GrantLost") }, 1)
            }
            Self::SealFailure => (Series::count("SealFailure"), 1),
            Self::RescueFailure => (Series::count("RescueFailure"), 1),
            Self::MakerLimited => (Series::count("MakerLimited"), 1),
            Self::MakerPaused(hosts) => (Series::count("MakerPaused"), gauge(hosts)),
            Self::LoginUnsettled => (Series::count("LoginUnsettled"), 1),
            Self::DeadDeliveries(dead) => (Series::count("DeadDeliveries"), gauge(dead)),
            Self::WebhooksFailing(failing) => (Series::count("WebhooksFailing"), gauge(failing)),
            Self::WebhooksPaused(paused) => (Series::count("WebhooksPaused"), gauge(paused)),
            Self::CertificateDaysLeft(days) => (Series::count("CertificateDaysLeft"), days),
            Self::Notification(outcome) => {
                let dimension = Some(("Outcome", outcome));
                (Series { dimension, ..Series::count("Notification") }, 1)
            }
            Self::Quarantined => (Series::count("Quarantined"), 1),
        }
    }

    /// The same of every outcome, if it has one.
    fn siblings(self) -> Option<[Series; 3]> {
        let name = match self {
            Self::Renewal(_) => "Renewal",
            Self::Poll(_) => "Poll",
            Self::Login(_) => "Login",
            Self::Subscription(_) => "Subscription",
            Self::Delivery(_) => "Delivery",
            Self::BusDelivery(_) => "BusDelivery",
            _ => return None,
        };
        Some(Outcome::ALL.map(|outcome| Series::of(name, outcome)))
    }
}

type Observer = Box<dyn Fn(&Value) + Send + Sync>;

/// Writes metrics.
pub struct Metrics {
    output: MetricsOutput,
    /// Tells two deployments in one account apart.
    stack: String,
    clock: Clock,
    added: Mutex<BTreeMap<Series, i64>>,
    observer: OnceLock<Observer>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("stack", &self.stack).finish_non_exhaustive()
    }
}

impl Metrics {
    /// To this output, for the deployment `stack`.
    #[must_use]
    pub fn new(output: MetricsOutput, stack: String, clock: Clock) -> Self {
        Self { output, stack, clock, added: Mutex::default(), observer: OnceLock::new() }
    }

    /// Gives every line to `observer` too, whatever the output. The first observer stays.
    pub fn observe(&self, observer: impl Fn(&Value) + Send + Sync + 'static) {
        let _ = self.observer.set(Box::new(observer));
    }

    /// Writes one at once.
    pub fn record(&self, metric: Metric) {
        let (series, value) = metric.series();
        for sibling in metric.siblings().iter().flatten().filter(|it| **it != series) {
            self.write(*sibling, 0);
        }
        self.write(series, value);
    }

    /// Adds one up until [`Self::flush`]: counts by their sum, seconds by the largest. A line each
    /// would make the log of a large fleet cost more than its functions.
    pub fn add(&self, metric: Metric) {
        let (series, value) = metric.series();
        let mut added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        // Zeros too: an alarm compares outcomes, and none of them must be without data.
        for sibling in metric.siblings().iter().flatten() {
            added.entry(*sibling).or_default();
        }
        let sum = added.entry(series).or_default();
        *sum = if series.unit == "Seconds" { (*sum).max(value) } else { *sum + value };
    }

    /// Writes what was added up: at the end of every run.
    pub fn flush(&self) {
        let added = std::mem::take(&mut *self.added.lock().unwrap_or_else(PoisonError::into_inner));
        for (series, value) in added {
            self.write(series, value);
        }
    }

    fn write(&self, series: Series, value: i64) {
        let line = self.line(series, value);
        // Where they are off too: whoever looks at every line sees what would be written.
        tracing::trace!(%line, "a metric");
        if let Some(observer) = self.observer.get() {
            observer(&line);
        }
        if self.output == MetricsOutput::Emf {
            // A metric that can't be written is no reason to fail the work it counts.
            let _ = writeln!(std::io::stdout(), "{line}");
        }
    }

    fn line(&self, series: Series, value: i64) -> Value {
        let Series { name, unit, dimension } = series;
        let dimensions: Vec<_> =
            std::iter::once("Stack").chain(dimension.map(|(name, _)| name)).collect();
        let mut line = json!({
            "_aws": {
                "Timestamp": self.clock.now().as_millisecond(),
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [dimensions],
                    "Metrics": [{ "Name": name, "Unit": unit }],
                }],
            },
            "Stack": self.stack,
            (name): value,
        });
        if let Some((name, value)) = dimension {
            line[name] = value.into();
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn observed(act: impl FnOnce(&Metrics)) -> Vec<(String, i64)> {
        let metrics = Metrics::new(MetricsOutput::Off, "party".into(), Clock::system());
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        metrics.observe(move |line| {
            let definition = &line["_aws"]["CloudWatchMetrics"][0];
            let name = definition["Metrics"][0]["Name"].as_str().unwrap();
            let dimensions = definition["Dimensions"][0].as_array().unwrap().iter();
            let values: Vec<_> =
                dimensions.map(|it| line[it.as_str().unwrap()].as_str().unwrap()).collect();
            let value = line[name].as_i64().unwrap();
            kept.lock().unwrap().push((format!("{name}:{}", values.join("/")), value));
        });
        act(&metrics);
        let lines = lines.lock().unwrap();
        lines.clone()
    }

    fn line(name: &str, value: i64) -> (String, i64) {
        (name.to_owned(), value)
    }

    #[test]
    fn metrics_of_two_stacks_are_told_apart() {
        let lines = observed(|metrics| metrics.record(Metric::SealFailure));

        assert_eq!(lines, [line("SealFailure:party", 1)]);
    }

    #[test]
    fn outcomes_are_added_up_and_none_of_them_is_missing() {
        let lines = observed(|metrics| {
            for _ in 0..3 {
                metrics.add(Metric::Renewal(Outcome::Failed));
            }
            for age in [40, 90, 10] {
                metrics.add(Metric::RenewalAge(age));
            }
            metrics.flush();
            metrics.flush();
        });

        let expected = [
            line("Renewal:party/failed", 3),
            line("Renewal:party/refused", 0),
            line("Renewal:party/succeeded", 0),
            line("RenewalAge:party", 90),
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn an_outcome_recorded_at_once_has_the_others_beside_it() {
        let lines = observed(|metrics| metrics.record(Metric::Login(Outcome::Succeeded)));

        assert!(lines.contains(&line("Login:party/succeeded", 1)));
        assert!(lines.contains(&line("Login:party/failed", 0)));
    }
}
