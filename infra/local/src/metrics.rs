//! What the functions count, kept in memory for whoever asked for it.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use shared::metrics::Metrics;

/// Metrics as CloudWatch would read them from the functions' output, in the order of writing.
#[derive(Debug, Clone, Default)]
pub struct MetricLog(Arc<Mutex<Vec<Value>>>);

impl MetricLog {
    /// Every line so far.
    #[must_use]
    pub fn lines(&self) -> Vec<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps what is written from now on.
    pub(crate) fn attach(&self, metrics: &Metrics) {
        let lines = Arc::clone(&self.0);
        metrics.observe(move |line| {
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(line.clone());
        });
    }
}
