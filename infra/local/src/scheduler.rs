//! `EventBridge` Scheduler's stand-in: says what is due by the clock, each schedule by itself.

use std::{
    fmt::Display,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::template::Schedule;

/// All schedules, and when each is due next.
#[derive(Debug)]
pub(crate) struct Scheduler {
    entries: Mutex<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    function: String,
    schedule: Schedule,
    next: Timestamp,
}

impl Scheduler {
    /// Schedules by the function they wake. Each is due for the first time one period after `now`,
    /// as a new `rate(…)` is.
    pub(crate) fn new(
        schedules: impl IntoIterator<Item = (String, Schedule)>,
        now: Timestamp,
    ) -> Self {
        let entry = |(function, schedule): (String, Schedule)| {
            let next = after(now, &schedule);
            Entry { function, schedule, next }
        };
        Self { entries: Mutex::new(schedules.into_iter().map(entry).collect()) }
    }

    /// When the next one is due: as far as a manual clock can jump without passing one.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.entries().iter().map(|entry| entry.next).min()
    }

    /// Takes what is due, as function and event. However long ago it was due, it comes once, and
    /// then one period after `now`.
    pub(crate) fn due(&self, now: Timestamp) -> Vec<(String, Value)> {
        let mut due = Vec::new();
        for entry in self.entries().iter_mut().filter(|entry| entry.next <= now) {
            entry.next = after(now, &entry.schedule);
            due.push((entry.function.clone(), entry.schedule.input.clone()));
        }
        due
    }

    /// Runs what is due, side by side, and waits for it. Says how many were run. There is no second
    /// try: what a run left is still due at the next.
    pub(crate) async fn tick<F, E>(
        &self,
        now: Timestamp,
        invoke: impl Fn(String, Value) -> F,
    ) -> usize
    where
        F: Future<Output = Result<Value, E>> + Send + 'static,
        E: Display,
    {
        let mut runs = JoinSet::new();
        for (function, input) in self.due(now) {
            let run = invoke(function.clone(), input);
            runs.spawn(async move {
                if let Err(error) = run.await {
                    tracing::error!(function, error = %error, "a scheduled run failed");
                }
            });
        }
        runs.join_all().await.len()
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn after(now: Timestamp, schedule: &Schedule) -> Timestamp {
    let every = SignedDuration::try_from(schedule.every).unwrap_or(SignedDuration::MAX);
    now.checked_add(every).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::{sync::Arc, time::Duration};

    fn at(time: &str) -> Timestamp {
        format!("2026-01-01T{time}Z").parse().unwrap()
    }

    fn scheduler() -> Scheduler {
        let every = |minutes: u64, worker: u64| Schedule {
            every: Duration::from_secs(60 * minutes),
            input: json!({"worker": worker}),
        };
        let schedules =
            [("refresh", every(5, 0)), ("refresh", every(5, 1)), ("fetch", every(1, 0))];
        Scheduler::new(
            schedules.map(|(name, schedule)| (name.to_owned(), schedule)),
            at("12:00:00"),
        )
    }

    #[test]
    fn each_schedule_is_due_a_period_after_its_last_run_and_once_however_late() {
        let scheduler = scheduler();
        let due = |time| {
            let due = scheduler.due(at(time)).into_iter();
            due.map(|(name, input)| format!("{name} {}", input["worker"])).collect::<Vec<_>>()
        };

        assert_eq!(due("12:00:59"), Vec::<String>::new());
        assert_eq!(due("12:01:00"), ["fetch 0"]);
        assert_eq!(due("12:01:30"), Vec::<String>::new());
        assert_eq!(due("14:00:00"), ["refresh 0", "refresh 1", "fetch 0"]);
        assert_eq!(scheduler.next(), Some(at("14:01:00")));
    }

    #[tokio::test]
    async fn a_failed_run_disturbs_neither_its_neighbours_nor_its_next_run() {
        let scheduler = scheduler();
        let ran = Arc::new(Mutex::new(Vec::new()));
        let invoke = |name: String, input: Value| {
            let ran = Arc::clone(&ran);
            async move {
                ran.lock().unwrap().push(name.clone());
                if name == "fetch" { Err("Fetch.Failed") } else { Ok(input) }
            }
        };

        assert_eq!(scheduler.tick(at("12:05:00"), invoke).await, 3);
        assert_eq!(scheduler.tick(at("12:06:00"), invoke).await, 1);

        let mut ran = ran.lock().unwrap().clone();
        ran.sort();
        assert_eq!(ran, ["fetch", "fetch", "refresh", "refresh"]);
    }
}
