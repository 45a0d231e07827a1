//! The only place that reads the time, so that a test can run a month in seconds.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use jiff::{SignedDuration, Timestamp};

/// A source of the current time, cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub fn system() -> Self {
        Self::new(Timestamp::now)
    }

    /// Any other clock: a manual one, or one that runs faster.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time, to the second: everything stored has that grain.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let now = (self.0)();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// How long this invocation may still run. In real time, whatever the clock says: AWS does not
/// wait for a test's clock.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    ends: Instant,
}

impl Budget {
    /// Until a moment in milliseconds since the epoch, as the Lambda runtime tells it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub fn until(deadline: u64) -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self::lasting(Duration::from_millis(deadline).saturating_sub(now))
    }

    /// For this long from now on.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub fn lasting(duration: Duration) -> Self {
        Self { ends: Instant::now() + duration }
    }

    /// The same, but at most so long from now on.
    #[must_use]
    pub fn at_most(self, duration: Duration) -> Self {
        Self { ends: self.ends.min(Self::lasting(duration).ends) }
    }

    /// Whether so much time is left.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
    pub fn allows(&self, duration: Duration) -> bool {
        self.ends.saturating_duration_since(Instant::now()) >= duration
    }
}

impl Budget {
    /// Whether none is left.
    #[must_use]
    pub fn is_over(&self) -> bool {
        !self.allows(Duration::from_nanos(1))
    }
}

/// A number that grows from call to call: microseconds of the machine's clock, whatever clock a
/// deployment lives by, and never one twice in a process. It tells what came first within a second.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
pub fn order() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
    let next = |last: u64| Some(now.max(last + 1));
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    now.max(last.unwrap_or_default() + 1)
}

/// A moment so much later; the same one if there is no such moment.
#[must_use]
pub fn later(moment: Timestamp, wait: Duration) -> Timestamp {
    let wait = SignedDuration::try_from(wait).ok();
    wait.and_then(|wait| moment.checked_add(wait).ok()).unwrap_or(moment)
}
