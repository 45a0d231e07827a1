//! Clocks other than the machine's: one that is set by hand, and one that runs faster.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::{SignedDuration, Timestamp};
use shared::Clock;

/// A clock that stands until it is moved; clones are one clock.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// Stands at this time.
    #[must_use]
    pub fn at(time: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(time.as_second())))
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        second(self.0.load(Ordering::Acquire))
    }

    /// Moves on.
    pub fn advance(&self, duration: SignedDuration) {
        self.0.fetch_add(duration.as_secs(), Ordering::AcqRel);
    }

    /// Moves on to this time, never back.
    pub fn advance_to(&self, time: Timestamp) {
        self.0.fetch_max(time.as_second(), Ordering::AcqRel);
    }

    /// As functions read it.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let this = self.clone();
        Clock::new(move || this.now())
    }
}

/// From `start` on, `speed` seconds pass in each second of the machine's clock.
#[must_use]
pub fn running(start: Timestamp, speed: u32) -> Clock {
    let system = Clock::system();
    let began = system.now();
    Clock::new(move || {
        let passed = system.now().duration_since(began).as_secs();
        second(start.as_second().saturating_add(passed.saturating_mul(i64::from(speed))))
    })
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_stands_until_it_is_moved_and_never_goes_back() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let manual = ManualClock::at(start);
        let clock = manual.clock();

        assert_eq!(clock.now(), start);
        manual.advance(SignedDuration::from_hours(1));
        manual.advance_to(start);
        assert_eq!(clock.now().to_string(), "2026-01-01T01:00:00Z");
    }
}
