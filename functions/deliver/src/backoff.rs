//! When a failed event is tried again, and when it is given up.

use jiff::{SignedDuration, Timestamp};
use shared::{random, store::lanes::Tries};

/// Between two tries, in seconds; the last one again and again.
const WAITS: [i64; 9] = [5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 21_600];
/// How long an event is tried.
const PATIENCE: SignedDuration = SignedDuration::from_hours(3 * 24);
/// One that stood behind others for so long is given up at its next failure: it must not expire in
/// its lane, where nobody would see it.
const QUEUED_AT_MOST: SignedDuration = SignedDuration::from_hours(20 * 24);

/// What follows a failed try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Try { at: Timestamp },
    GiveUp,
}

/// What follows, after `tries` (this one included) of an event that waits since `queued_at`.
pub(crate) fn next(tries: Tries, queued_at: Timestamp, now: Timestamp) -> Next {
    let over = now.duration_since(tries.since) >= PATIENCE
        || now.duration_since(queued_at) >= QUEUED_AT_MOST;
    if over {
        return Next::GiveUp;
    }
    let nth = usize::try_from(tries.count.saturating_sub(1)).unwrap_or(usize::MAX);
    let wait = WAITS.get(nth).or(WAITS.last()).copied().unwrap_or(5);
    // A fifth more or less, so that lanes which failed together do not come back together.
    let most = u32::try_from(wait * 2 / 5).unwrap_or(u32::MAX);
    let wait = wait - wait / 5 + i64::from(random::below(most + 1));
    Next::Try { at: now + SignedDuration::from_secs(wait) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_come_ever_later_for_three_days_and_then_end() {
        let begin = Timestamp::UNIX_EPOCH;
        let (mut now, mut count) = (begin, 0);
        loop {
            count += 1;
            match next(Tries { count, since: begin }, begin, now) {
                Next::Try { at } => {
                    assert!(at > now && at <= now + SignedDuration::from_hours(8));
                    now = at;
                }
                Next::GiveUp => break,
            }
        }

        assert!(now >= begin + PATIENCE && now < begin + PATIENCE + SignedDuration::from_hours(8));
        assert!((15..=25).contains(&count), "{count}");
    }

    #[test]
    fn one_that_waited_long_behind_others_has_one_try() {
        let now = Timestamp::UNIX_EPOCH + QUEUED_AT_MOST;

        assert_eq!(next(Tries { count: 1, since: now }, Timestamp::UNIX_EPOCH, now), Next::GiveUp);
    }
}
