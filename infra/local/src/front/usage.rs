//! What each function used: our own cost is judged in capacity units and requests, not in seconds.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Operation;

/// Counters; clones share them.
#[derive(Clone, Default)]
pub struct Usage {
    counts: Arc<Mutex<BTreeMap<String, UsageOf>>>,
    rights: Arc<Mutex<BTreeSet<[String; 3]>>>,
}

/// What one function used.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UsageOf {
    /// Capacity units read.
    pub read: f64,
    /// Capacity units written. A write refused by its condition counts as one unit, which is what
    /// DynamoDB takes for an item of up to 1 KB.
    pub written: f64,
    /// Calls by operation, those refused by a condition included.
    pub calls: BTreeMap<Operation, u64>,
    /// What the role did not allow.
    pub denied: Vec<String>,
}

impl UsageOf {
    /// All calls.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.calls.values().sum()
    }
}

impl Usage {
    /// What a function used so far.
    #[must_use]
    pub fn of(&self, function: &str) -> UsageOf {
        self.lock().get(function).cloned().unwrap_or_default()
    }

    /// What every function used so far.
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, UsageOf> {
        self.lock().clone()
    }

    /// The rights that were exercised: function, action and resource.
    #[must_use]
    pub fn rights(&self) -> BTreeSet<[String; 3]> {
        self.rights.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Everything from zero, but for the rights.
    pub fn reset(&self) {
        self.lock().clear();
    }

    /// A call that was done, with its units, or was refused in the doing.
    pub(super) fn count(&self, function: &str, operation: Operation, units: Option<f64>) {
        let mut all = self.lock();
        let usage = all.entry(function.to_owned()).or_default();
        *usage.calls.entry(operation).or_default() += 1;
        match (operation.writes(), units) {
            (true, units) => usage.written += units.unwrap_or(1.0),
            (false, units) => usage.read += units.unwrap_or_default(),
        }
    }

    pub(super) fn denied(&self, function: &str, what: &str) {
        self.lock().entry(function.to_owned()).or_default().denied.push(what.to_owned());
    }

    pub(super) fn exercised(&self, function: &str, action: &str, resource: &str) {
        let right = [function, action, resource].map(str::to_owned);
        self.rights.lock().unwrap_or_else(PoisonError::into_inner).insert(right);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, UsageOf>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
