//! The `timestamps` filter: RFC 3339 ranges, as the `OpenAPI` parameter of that name lists them.

use jiff::{Span, Timestamp, tz::TimeZone};

use super::refusal::Refusal;

/// More ranges than that are refused.
const MOST: usize = 10;
/// A repeated range is unrolled so far.
const REPEATS: usize = 1000;

/// Time ranges, of which any may match; without any, all match.
#[derive(Debug)]
pub(super) struct Ranges(Vec<(Timestamp, Timestamp)>);

impl Ranges {
    /// Reads the parameter; what it cannot read is refused.
    pub(super) fn read(text: Option<&str>, now: Timestamp) -> Result<Self, Refusal> {
        let Some(text) = text else {
            return Ok(Self(Vec::new()));
        };
        let items: Vec<&str> = text.split(',').collect();
        if items.len() > MOST {
            return Err(Refusal::InvalidParameter("timestamps"));
        }
        let mut ranges = Vec::new();
        for item in items {
            let parts: Vec<&str> = item.split('/').collect();
            ranges.extend(range(&parts, now).ok_or(Refusal::InvalidParameter("timestamps"))?);
        }
        Ok(Self(ranges))
    }

    /// Whether a moment is wanted.
    pub(super) fn contain(&self, t: Timestamp) -> bool {
        self.0.is_empty() || self.0.iter().any(|(from, to)| *from <= t && t <= *to)
    }
}

fn range(parts: &[&str], now: Timestamp) -> Option<Vec<(Timestamp, Timestamp)>> {
    let time = |text: &str| text.parse::<Timestamp>().ok();
    match parts {
        [from, ""] => Some(vec![(time(from)?, now)]),
        ["", to] => Some(vec![(Timestamp::MIN, time(to)?)]),
        [from, to] if to.starts_with('P') => {
            let from = time(from)?;
            Some(vec![(from, plus(from, to)?)])
        }
        [from, to] => {
            let (from, to) = (time(from)?, time(to)?);
            (from <= to).then(|| vec![(from, to)])
        }
        [repeat, start, every, rest @ ..] if rest.len() <= 1 => {
            let count = repeat.strip_prefix('R')?;
            let count = if count.is_empty() { REPEATS } else { count.parse().ok()? };
            let long = rest.first().copied().unwrap_or("PT24H");
            let mut from = time(start)?;
            let mut ranges = Vec::new();
            for _ in 0..count.min(REPEATS) {
                if from > now {
                    break;
                }
                ranges.push((from, plus(from, long)?));
                from = plus(from, every)?;
            }
            Some(ranges)
        }
        _ => None,
    }
}

/// Adds an ISO 8601 duration, years and months by the calendar.
fn plus(t: Timestamp, duration: &str) -> Option<Timestamp> {
    let span: Span = duration.parse().ok()?;
    Some(t.to_zoned_datetime(TimeZone::UTC).checked_add(span).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(text: &str, t: &str) -> bool {
        let now = "2018-02-01T00:00:00Z".parse().unwrap();
        Ranges::read(Some(text), now).unwrap().contain(t.parse().unwrap())
    }

    #[test]
    fn every_documented_form_of_range_is_read() {
        let inside = "2018-01-03T12:30:00Z";

        assert!(wanted("2018-01-03T13:00:00+01:00/2018-01-03T13:00:00Z", inside));
        assert!(wanted("2018-01-03T12:00:00Z/P1M", inside));
        assert!(wanted("2018-01-03T12:00:00Z/", inside));
        assert!(wanted("/2018-01-03T13:00:00Z", inside));
        assert!(wanted("R5/2018-01-02T12:00:00Z/PT24H/PT2H", inside));
        assert!(!wanted("R5/2018-01-02T12:00:00Z/PT24H/PT20M", inside));
        assert!(!wanted("2018-01-04T00:00:00Z/", inside));
        assert!(wanted("2017-01-01T00:00:00Z/P1D,2018-01-03T00:00:00Z/P1D", inside));
    }

    #[test]
    fn a_plus_that_became_a_space_is_refused() {
        let now = "2018-02-01T00:00:00Z".parse().unwrap();

        assert!(Ranges::read(Some("2018-01-03T13:00:00 01:00/"), now).is_err());
        assert!(Ranges::read(Some("yesterday/"), now).is_err());
        assert!(Ranges::read(Some("2018-01-03T13:00:00Z"), now).is_err());
    }
}
