//! The gateway's two windows: a sliding day and a one-second burst, for all calls of one client.

use std::collections::VecDeque;

use jiff::Timestamp;

const DAY: i64 = 86_400;

/// Where a call stands in both windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Calls left today.
    pub(crate) remaining_day: u32,
    /// Calls left in this second.
    pub(crate) remaining_burst: u32,
    /// Seconds until a refused call may come again; none if it was let through.
    pub(crate) wait: Option<u32>,
}

/// How many calls came when: one entry a second in which any came.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    seconds: VecDeque<(i64, u32)>,
    today: u32,
}

impl Windows {
    /// Judges a call and, if it may pass, counts it. A refused call costs nothing.
    pub(crate) fn admit(&mut self, now: Timestamp, day: u32, burst: u32) -> Standing {
        let second = now.as_second();
        self.forget(second);
        let this_second =
            self.seconds.back().filter(|(at, _)| *at == second).map_or(0, |(_, count)| *count);
        if self.today >= day {
            let oldest = self.seconds.front().map_or(second, |(at, _)| *at);
            let wait = u32::try_from(oldest + DAY - second).unwrap_or(1).max(1);
            let remaining_burst = burst.saturating_sub(this_second);
            return Standing { remaining_day: 0, remaining_burst, wait: Some(wait) };
        }
        if this_second >= burst {
            let remaining_day = day - self.today;
            return Standing { remaining_day, remaining_burst: 0, wait: Some(1) };
        }
        self.count(second);
        Standing {
            remaining_day: day - self.today,
            remaining_burst: burst - this_second - 1,
            wait: None,
        }
    }

    fn count(&mut self, second: i64) {
        self.today += 1;
        match self.seconds.back_mut() {
            Some((at, count)) if *at == second => *count += 1,
            _ => self.seconds.push_back((second, 1)),
        }
    }

    /// Drops what is a day old, and what lies ahead of a clock that was set back.
    fn forget(&mut self, second: i64) {
        let forgotten = |(at, _): &(i64, u32)| *at <= second - DAY || *at > second;
        while let Some((_, count)) = self.seconds.pop_front_if(|entry| forgotten(entry)) {
            self.today -= count;
        }
        while let Some((_, count)) = self.seconds.pop_back_if(|entry| forgotten(entry)) {
            self.today -= count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::at_second;

    #[test]
    fn a_burst_ends_with_its_second_and_a_day_slides() {
        let mut windows = Windows::default();
        let at = |second: i64| at_second(1_000_000 + second);

        assert_eq!(windows.admit(at(0), 3, 2).wait, None);
        assert_eq!(windows.admit(at(0), 3, 2).wait, None);
        assert_eq!(windows.admit(at(0), 3, 2).wait, Some(1));
        let third = windows.admit(at(1), 3, 2);
        assert_eq!((third.wait, third.remaining_day, third.remaining_burst), (None, 0, 1));
        assert_eq!(windows.admit(at(60), 3, 2).wait, Some(86_340));
        assert_eq!(windows.admit(at(86_400), 3, 2).wait, None);
    }

    #[test]
    fn a_clock_set_back_frees_the_windows() {
        let mut windows = Windows::default();
        windows.admit(at_second(500), 1, 1);

        assert_eq!(windows.admit(at_second(400), 1, 1).wait, None);
    }
}
