//! How long a renewal waits: for a maker that fails, and for one that asks to be left alone.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::{clock::later, stellantis::Urgency, store::grants::Grant};

/// The first wait after a renewal that failed; each one after it is twice as long,
const FIRST_WAIT: Duration = Duration::from_mins(5);
/// up to this, which is also the longest that a failing provider may ask for. Only one that counts our
/// calls may ask for more,
pub(super) const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// up to a day,
const LONGEST_ASKED: Duration = Duration::from_hours(24);
/// and not beyond this time after the last use: reports of an unused token's life begin at a day, and
/// 22 hours shall not pass.
const PATIENCE: SignedDuration = SignedDuration::from_hours(21);
/// The wait from then on.
const LAST_WAIT: Duration = Duration::from_mins(30);

/// Whether a renewal can wait for a host that asked to be left alone.
pub(super) fn urgency(grant: &Grant, now: Timestamp) -> Urgency {
    if now >= patience_ends(grant) { Urgency::TokenEnds } else { Urgency::Normal }
}

/// From then on nobody's wish to be left alone holds a renewal back.
fn patience_ends(grant: &Grant) -> Timestamp {
    let used = Timestamp::from_second(grant.renewed_at).unwrap_or(Timestamp::UNIX_EPOCH);
    used + PATIENCE
}

/// When a renewal that failed is tried again; `wait` is what the maker asks for.
pub(super) fn try_again(failed: &Grant, wait: Option<Duration>, now: Timestamp) -> Timestamp {
    let doubled =
        FIRST_WAIT.saturating_mul(2_u32.saturating_pow(failed.failures.saturating_sub(1)));
    let asked = wait.unwrap_or_default().min(LONGEST_ASKED);
    let wait = doubled.min(LONGEST_WAIT).max(asked);
    later(now, wait).min(patience_ends(failed).max(later(now, LAST_WAIT)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        brand::Brand,
        ids::{EnrollmentId, GrantId},
    };

    fn used(hours: i64, failures: u32, now: Timestamp) -> Grant {
        let at = now - SignedDuration::from_hours(hours);
        let (id, enrollment) = (GrantId::random(), EnrollmentId::random());
        let grant = Grant::new(id, enrollment, Brand::Peugeot, Vec::new(), at, at);
        Grant { failures, ..grant }
    }

    #[test]
    fn a_renewal_that_fails_is_tried_ever_later_up_to_an_hour() {
        let now = Timestamp::UNIX_EPOCH;
        let waits = (1..=9).map(|failures| {
            let again = try_again(&used(1, failures, now), None, now);
            again.duration_since(now).as_secs() / 60
        });

        assert_eq!(waits.collect::<Vec<_>>(), [5, 10, 20, 40, 60, 60, 60, 60, 60]);
    }

    #[test]
    fn whatever_the_maker_asks_for_22_hours_without_use_never_pass() {
        let now = Timestamp::UNIX_EPOCH;
        for hours in 0..=21 {
            for wait in [1, 3_600, 86_400, u64::MAX] {
                let grant = used(hours, 40, now);
                let again = try_again(&grant, Some(Duration::from_secs(wait)), now);
                assert!(again > now, "{hours} {wait}");
                let unused = again.as_second() + 2 * 60 - grant.renewed_at;
                assert!(unused < 22 * 3_600, "{hours} {wait}: {unused}");
            }
        }
    }

    #[test]
    fn a_maker_that_asks_for_two_hours_is_given_them_while_there_is_time() {
        let now = Timestamp::UNIX_EPOCH;
        let again = try_again(&used(3, 1, now), Some(Duration::from_hours(2)), now);

        assert_eq!(again, now + SignedDuration::from_hours(2));
    }
}
