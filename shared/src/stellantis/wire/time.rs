//! Dates and durations in every form that the maker sends.

use jiff::{Timestamp, civil::DateTime, fmt::strtime, tz::Offset};
use serde_json::Value;

use super::read::Read;

/// RFC 3339; offsets without a colon; no offset at all (then UTC); and
/// `Mon Jun 03 08:35:36 GMT 2019`. Between 2000 and 2100: anything else is no time of a car.
impl Read for Timestamp {
    fn read(value: &Value) -> Option<Self> {
        let text = value.as_str()?.trim();
        let time = text.parse().ok().or_else(|| unzoned(text)).or_else(|| verbose(text))?;
        let plausible = 946_684_800..4_102_444_800;
        plausible.contains(&time.as_second()).then_some(time)
    }
}

/// When a part of a document was told. It stands under several names, of which now one and now
/// another stays as it was while the values move: the latest counts, unless that is in the future.
#[derive(Clone, Copy)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(crate) struct Stamp {
    latest: Timestamp,
    earlier: Option<Timestamp>,
}

impl Stamp {
    /// The latest of its times that is not after `limit`.
    pub(crate) fn until(self, limit: Timestamp) -> Option<Timestamp> {
        [Some(self.latest), self.earlier].into_iter().flatten().find(|time| *time <= limit)
    }
}

impl From<Timestamp> for Stamp {
    fn from(latest: Timestamp) -> Self {
        Self { latest, earlier: None }
    }
}

impl Read for Stamp {
    fn read(value: &Value) -> Option<Self> {
        Timestamp::read(value).map(Self::from)
    }

    fn choose(found: impl Iterator<Item = Self>) -> Option<Self> {
        let mut times: Vec<_> = found.map(|stamp| stamp.latest).collect();
        times.sort_unstable();
        Some(Self { latest: times.pop()?, earlier: times.pop() })
    }
}

fn unzoned(text: &str) -> Option<Timestamp> {
    let time: DateTime = text.parse().ok()?;
    Offset::UTC.to_timestamp(time).ok()
}

/// What Java's `Date.toString` writes.
fn verbose(text: &str) -> Option<Timestamp> {
    let parts: Vec<&str> = text.split_ascii_whitespace().collect();
    let [_, month, day, clock, "GMT" | "UTC" | "Z", year] = parts[..] else { return None };
    let text = format!("{month} {day} {clock} {year}");
    let time = strtime::parse("%b %d %H:%M:%S %Y", text).ok()?.to_datetime().ok()?;
    Offset::UTC.to_timestamp(time).ok()
}

/// An ISO 8601 duration, in seconds: `PT1H30M`, `PT0S`, `P1DT2H`, `P0Y0M0DT4H30M0.0S`.
#[derive(Clone, Copy, PartialEq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Iso(pub(crate) f64);

impl Read for Iso {
    fn read(value: &Value) -> Option<Self> {
        seconds(value.as_str()?.trim()).map(Self)
    }
}

/// By hand: years and months occur in the long form (as zeros), and single designators may come
/// in any order and case.
fn seconds(text: &str) -> Option<f64> {
    let text = text.to_ascii_uppercase();
    let text = text.strip_prefix('P')?;
    let (date, time) = text.split_once('T').unwrap_or((text, ""));
    let days = [('Y', 365.0), ('M', 30.0), ('W', 7.0), ('D', 1.0)];
    let clock = [('H', 3600.0), ('M', 60.0), ('S', 1.0)];
    let total = sum(date, &days)? * 86_400.0 + sum(time, &clock)?;
    let known = !date.is_empty() || !time.is_empty();
    (known && total.is_finite()).then_some(total)
}

fn sum(mut text: &str, units: &[(char, f64)]) -> Option<f64> {
    let mut total = 0.0;
    while !text.is_empty() {
        let end = text.find(|c: char| c.is_ascii_alphabetic())?;
        let (amount, rest) = text.split_at(end);
        let amount: f64 = amount.replacen(',', ".", 1).parse().ok()?;
        let (_, weight) = units.iter().find(|(unit, _)| rest.starts_with(*unit))?;
        total += amount * weight;
        text = rest.get(1..)?;
    }
    Some(total)
}

/// A time of day, written as a duration from midnight (`PT22H30M`) or as `22:30`.
#[derive(Clone, PartialEq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct TimeOfDay(pub(crate) String);

impl Read for TimeOfDay {
    fn read(value: &Value) -> Option<Self> {
        let text = value.as_str()?.trim();
        let (hour, minute) = match text.split_once(':') {
            Some((hour, rest)) => (hour.parse().ok()?, rest.get(..2)?.parse().ok()?),
            None => hour_and_minute(seconds(text)?)?,
        };
        (hour < 24 && minute < 60).then(|| Self(format!("{hour:02}:{minute:02}")))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "in range: checked just before"
)]
fn hour_and_minute(seconds: f64) -> Option<(u32, u32)> {
    let minutes = (0.0..86_400.0).contains(&seconds).then(|| (seconds / 60.0) as u32)?;
    Some((minutes / 60, minutes % 60))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_of_a_date_is_read() {
        let expected = "2019-06-03T08:35:36Z".parse().ok();
        for text in [
            "2019-06-03T08:35:36Z",
            "2019-06-03T10:35:36+02:00",
            "2019-06-03T08:35:36+0000",
            "2019-06-03T10:35:36+0200",
            "2019-06-03T08:35:36",
            "2019-06-03 08:35:36Z",
            "Mon Jun 03 08:35:36 GMT 2019",
            "Mon Jun 3 08:35:36 UTC 2019",
        ] {
            assert_eq!(Timestamp::read(&json!(text)), expected, "{text}");
        }
        let precise = Timestamp::read(&json!("2019-06-03T08:35:36.125Z")).unwrap();
        assert_eq!(precise.as_millisecond() % 1000, 125);
    }

    #[test]
    fn what_is_no_time_of_a_car_is_refused() {
        for value in [
            json!(null),
            json!(0),
            json!(""),
            json!("soon"),
            json!("1970-01-01T00:00:00Z"),
            json!("9999-12-31T23:59:59Z"),
            json!("2019-02-30T00:00:00Z"),
            json!("Mon Jun 03 08:35:36 EST 2019"),
        ] {
            assert_eq!(Timestamp::read(&value), None, "{value}");
        }
    }

    #[test]
    fn every_form_of_a_duration_is_read() {
        for (text, expected) in [
            ("PT0S", 0.0),
            ("PT8H", 28_800.0),
            ("PT1M", 60.0),
            ("PT21H40M", 78_000.0),
            ("PT1H30M15.5S", 5415.5),
            ("P1DT2H", 93_600.0),
            ("P1W", 604_800.0),
            ("P0Y0M0DT4H30M0.000S", 16_200.0),
            ("pt04h30m", 16_200.0),
        ] {
            assert_eq!(Iso::read(&json!(text)), Some(Iso(expected)), "{text}");
        }
        for text in ["", "P", "PT", "8H", "PT8", "PT8X", "PTH", "PT1H€", "P1H"] {
            assert_eq!(Iso::read(&json!(text)), None, "{text}");
        }
    }

    #[test]
    fn a_time_of_day_is_read_in_both_forms() {
        for (text, expected) in
            [("PT22H30M", "22:30"), ("PT6H", "06:00"), ("7:05", "07:05"), ("23:59:30", "23:59")]
        {
            assert_eq!(TimeOfDay::read(&json!(text)), Some(TimeOfDay(expected.to_owned())));
        }
        for text in ["PT24H", "25:00", "12:6", "12:é", "-PT1H", "noon"] {
            assert_eq!(TimeOfDay::read(&json!(text)), None, "{text}");
        }
    }
}
