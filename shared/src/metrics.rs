//! Metrics in CloudWatch's embedded format: a JSON line on standard output, no call to anything.

use std::io::Write;

use serde_json::{Value, json};

use crate::{clock::Clock, config::MetricsOutput};

/// What is counted. The names are those that the template's alarms key on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Metric {
    /// Seconds since the oldest due item of any worker became due.
    OldestDueAge(&'static str, i64),
    /// A grant that the maker ended, by reason.
    GrantLost(&'static str),
    /// A sealed value of ours that would not open.
    SealFailure,
    /// Tokens that neither the table nor the rescue queue took.
    RescueFailure,
    /// The maker limited our calls.
    MakerLimited,
    /// A login that came back and could not be settled, by a fault of ours.
    LoginUnsettled,
    /// An event that an endpoint did not take in three days.
    WebhookDead,
    /// An endpoint that nothing is sent to any more, until the operator enables it.
    WebhookPaused,
    /// Days until our client certificate ends.
    CertificateDaysLeft(i64),
    /// A notification, by what became of it.
    Notification(&'static str),
    /// Something from the maker that can't be understood.
    Quarantined,
}

/// Writes metrics.
#[derive(Debug, Clone)]
pub struct Metrics {
    output: MetricsOutput,
    clock: Clock,
}

impl Metrics {
    /// To this output.
    #[must_use]
    pub fn new(output: MetricsOutput, clock: Clock) -> Self {
        Self { output, clock }
    }

    /// Counts one.
    pub fn record(&self, metric: Metric) {
        let line = self.line(metric);
        // Where they are off too: whoever looks at every line sees what would be written.
        tracing::trace!(%line, "a metric");
        if self.output == MetricsOutput::Emf {
            // A metric that can't be written is no reason to fail the work it counts.
            let _ = writeln!(std::io::stdout(), "{line}");
        }
    }

    fn line(&self, metric: Metric) -> Value {
        let (name, unit, value, dimension) = match metric {
            Metric::OldestDueAge(function, age) => {
                ("OldestDueAge", "Seconds", age, Some(("Function", function)))
            }
            Metric::GrantLost(reason) => ("GrantLost", "Count", 1, Some(("Reason", reason))),
            Metric::SealFailure => ("SealFailure", "Count", 1, None),
            Metric::RescueFailure => ("RescueFailure", "Count", 1, None),
            Metric::WebhookDead => ("WebhookDead", "Count", 1, None),
            Metric::WebhookPaused => ("WebhookPaused", "Count", 1, None),
            Metric::MakerLimited => ("MakerLimited", "Count", 1, None),
            Metric::LoginUnsettled => ("LoginUnsettled", "Count", 1, None),
            Metric::Notification(outcome) => {
                ("Notification", "Count", 1, Some(("Outcome", outcome)))
            }
            Metric::Quarantined => ("Quarantined", "Count", 1, None),
            Metric::CertificateDaysLeft(days) => ("CertificateDaysLeft", "Count", days, None),
        };
        let dimensions: Vec<_> = dimension.iter().map(|(name, _)| *name).collect();
        let mut line = json!({
            "_aws": {
                "Timestamp": self.clock.now().as_millisecond(),
                "CloudWatchMetrics": [{
                    "Namespace": "AccessingParty",
                    "Dimensions": [dimensions],
                    "Metrics": [{ "Name": name, "Unit": unit }],
                }],
            },
            (name): value,
        });
        if let Some((name, value)) = dimension {
            line[name] = value.into();
        }
        line
    }
}
