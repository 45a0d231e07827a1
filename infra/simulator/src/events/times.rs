//! Time triggers: on some days of the week from a time of day on, or once from a moment on.

use jiff::{
    Span, Timestamp, ToSpan,
    civil::{Date, Weekday},
    tz::TimeZone,
};
use serde::Deserialize;

use crate::time::at_second;

/// Zones by their rules (POSIX), so that nothing depends on the machine's own table.
const ZONES: [(&str, &[&str]); 4] = [
    (
        "CET-1CEST,M3.5.0,M10.5.0/3",
        &[
            "Europe/Paris",
            "Europe/Berlin",
            "Europe/Madrid",
            "Europe/Rome",
            "Europe/Brussels",
            "Europe/Amsterdam",
            "Europe/Vienna",
            "Europe/Warsaw",
            "Europe/Zurich",
            "Europe/Prague",
            "Europe/Copenhagen",
            "Europe/Stockholm",
            "Europe/Oslo",
            "Europe/Luxembourg",
            "Europe/Budapest",
        ],
    ),
    ("GMT0BST,M3.5.0/1,M10.5.0", &["Europe/London", "Europe/Dublin", "Europe/Lisbon"]),
    ("EET-2EEST,M3.5.0/3,M10.5.0/4", &["Europe/Athens", "Europe/Helsinki", "Europe/Bucharest"]),
    ("UTC0", &["Etc/UTC", "Etc/GMT"]),
];

/// What the maker takes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TimesParameter {
    times: Vec<EntryParameter>,
    time_zone: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryParameter {
    start: String,
    duration: Option<String>,
    #[serde(default)]
    recurrence: Recurrence,
    occurence: Option<Occurence>,
}

#[derive(Default, Deserialize)]
enum Recurrence {
    None,
    #[default]
    Daily,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Occurence {
    day: Option<Vec<Day>>,
    week: Option<Vec<String>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// What is wrong with a time.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadTime {
    #[error("there is none")]
    Empty,
    #[error("the zone is unknown here")]
    Zone,
    #[error("the start is none")]
    Start,
    #[error("the duration is missing or none")]
    Duration,
    #[error("occurence belongs to daily entries, and names days and weeks")]
    Occurence,
}

/// When a time trigger holds.
pub(crate) struct Times {
    entries: Vec<Entry>,
    zone: TimeZone,
}

/// First and last week of the year.
type Weeks = (i8, i8);

enum Entry {
    /// From here on, for so many seconds or for ever.
    Once { from: i64, seconds: Option<i64> },
    /// From a second of the day on, for so many seconds, on these days of these weeks.
    Daily { from: i64, seconds: i64, days: Vec<Weekday>, weeks: Vec<Weeks> },
}

impl Times {
    pub(crate) fn read(parameter: TimesParameter) -> Result<Self, BadTime> {
        if parameter.times.is_empty() {
            return Err(BadTime::Empty);
        }
        let name = parameter.time_zone.as_deref().unwrap_or("Europe/Paris");
        let (rules, _) =
            ZONES.iter().find(|(_, names)| names.contains(&name)).ok_or(BadTime::Zone)?;
        let zone = TimeZone::posix(rules).map_err(|_| BadTime::Zone)?;
        let entries = parameter.times.into_iter().map(Entry::read).collect::<Result<_, _>>()?;
        Ok(Self { entries, zone })
    }

    /// Whether it holds at `t`.
    pub(crate) fn hold(&self, t: Timestamp) -> bool {
        let second = t.as_second();
        self.intervals(second, second)
            .iter()
            .any(|(from, to)| *from <= second && to.is_none_or(|to| second < to))
    }

    /// When it begins or ceases to hold within `from..=to`.
    pub(crate) fn edges(&self, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
        self.intervals(from.as_second(), to.as_second())
            .into_iter()
            .flat_map(|(from, to)| [Some(from), to])
            .flatten()
            .map(at_second)
            .filter(|at| *at > from && *at <= to)
            .collect()
    }

    /// Intervals that may touch `from..=to`, in seconds.
    fn intervals(&self, from: i64, to: i64) -> Vec<(i64, Option<i64>)> {
        let mut intervals = Vec::new();
        for entry in &self.entries {
            match entry {
                Entry::Once { from, seconds } => {
                    intervals.push((*from, seconds.map(|seconds| from + seconds)));
                }
                Entry::Daily { from: start, seconds, days, weeks } => {
                    let long = (seconds / 86_400 + 2).min(30);
                    let date = |second| self.zone.to_datetime(at_second(second)).date();
                    let (mut day, last) = (date(from - long * 86_400), date(to));
                    while day <= last {
                        if on(day, days, weeks)
                            && let Some(begins) = self.begins(day, *start)
                        {
                            intervals.push((begins, Some(begins + seconds)));
                        }
                        let Ok(next) = day.tomorrow() else { break };
                        day = next;
                    }
                }
            }
        }
        intervals
    }

    /// A second of a local day.
    fn begins(&self, day: Date, second: i64) -> Option<i64> {
        let midnight = day.at(0, 0, 0, 0).checked_add(second.seconds()).ok()?;
        Some(self.zone.to_timestamp(midnight).ok()?.as_second())
    }
}

fn on(day: Date, days: &[Weekday], weeks: &[Weeks]) -> bool {
    let week = day.iso_week_date().week();
    (days.is_empty() || days.contains(&day.weekday()))
        && (weeks.is_empty() || weeks.iter().any(|(first, last)| (*first..=*last).contains(&week)))
}

impl Entry {
    fn read(parameter: EntryParameter) -> Result<Self, BadTime> {
        let seconds = parameter.duration.as_deref().map(seconds).transpose()?;
        match parameter.recurrence {
            Recurrence::None => {
                if parameter.occurence.is_some() {
                    return Err(BadTime::Occurence);
                }
                let from: Timestamp = parameter.start.parse().map_err(|_| BadTime::Start)?;
                Ok(Self::Once { from: from.as_second(), seconds })
            }
            Recurrence::Daily => {
                let from = self::seconds(&parameter.start).map_err(|_| BadTime::Start)?;
                if !(0..86_400).contains(&from) {
                    return Err(BadTime::Start);
                }
                let seconds = seconds.filter(|seconds| *seconds > 0).ok_or(BadTime::Duration)?;
                let (days, weeks) = occurence(parameter.occurence)?;
                Ok(Self::Daily { from, seconds, days, weeks })
            }
        }
    }
}

fn occurence(given: Option<Occurence>) -> Result<(Vec<Weekday>, Vec<Weeks>), BadTime> {
    let Some(given) = given else { return Ok((Vec::new(), Vec::new())) };
    if given.day.as_ref().is_some_and(|days| days.is_empty() || days.len() > 7)
        || given.week.as_ref().is_some_and(|weeks| weeks.is_empty() || weeks.len() > 52)
    {
        return Err(BadTime::Occurence);
    }
    let days = given.day.unwrap_or_default().into_iter().map(|day| match day {
        Day::Mon => Weekday::Monday,
        Day::Tue => Weekday::Tuesday,
        Day::Wed => Weekday::Wednesday,
        Day::Thu => Weekday::Thursday,
        Day::Fri => Weekday::Friday,
        Day::Sat => Weekday::Saturday,
        Day::Sun => Weekday::Sunday,
    });
    let weeks = given.week.unwrap_or_default();
    let weeks = weeks.iter().flat_map(|weeks| weeks.split(',')).map(week);
    Ok((days.collect(), weeks.collect::<Result<_, _>>()?))
}

/// `w1`, `w34-w46`.
fn week(text: &str) -> Result<Weeks, BadTime> {
    let number = |text: &str| {
        let digits = text.trim().strip_prefix(['w', 'W'])?;
        digits.parse::<i8>().ok().filter(|week| (1..=53).contains(week))
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    number(first).zip(number(last)).ok_or(BadTime::Occurence)
}

/// An ISO 8601 duration of days and less, in seconds.
fn seconds(text: &str) -> Result<i64, BadTime> {
    let span: Span = text.parse().map_err(|_| BadTime::Duration)?;
    if span.get_years() != 0 || span.get_months() != 0 || span.get_weeks() != 0 {
        return Err(BadTime::Duration);
    }
    let hours = i64::from(span.get_days()) * 24 + i64::from(span.get_hours());
    Ok(hours * 3600 + span.get_minutes() * 60 + span.get_seconds())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(parameter: Value) -> Result<Times, BadTime> {
        Times::read(serde_json::from_value(parameter).unwrap())
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_daily_time_follows_its_zone_through_the_change_of_the_clocks() {
        let times = read(json!({"times": [{
            "start": "PT8H30M", "duration": "PT1H", "recurrence": "Daily",
            "occurence": {"day": ["Sat", "Sun", "Mon"]},
        }]}))
        .unwrap();

        // 2026-03-28 is a Saturday in winter time, 2026-03-29 a Sunday in summer time.
        assert!(times.hold(at("2026-03-28T07:30:00Z")));
        assert!(!times.hold(at("2026-03-28T08:30:00Z")));
        assert!(times.hold(at("2026-03-29T06:30:00Z")));
        assert!(!times.hold(at("2026-03-31T06:30:00Z")));
        let edges = times.edges(at("2026-03-28T00:00:00Z"), at("2026-03-29T06:30:00Z"));
        let expected = ["2026-03-28T07:30:00Z", "2026-03-28T08:30:00Z", "2026-03-29T06:30:00Z"];
        assert_eq!(edges, expected.map(at));
    }

    #[test]
    fn a_single_time_holds_from_its_start_for_its_duration_or_for_ever() {
        let open =
            read(json!({"times": [{"start": "2026-03-01T12:00:00+01:00", "recurrence": "None"}]}));
        let closed = read(json!({"times": [
            {"start": "2026-03-01T12:00:00+01:00", "recurrence": "None", "duration": "PT4H30M"},
        ]}));

        let (open, closed) = (open.unwrap(), closed.unwrap());
        assert!(!open.hold(at("2026-03-01T10:59:59Z")));
        assert!(open.hold(at("2027-03-01T11:00:00Z")));
        assert!(closed.hold(at("2026-03-01T15:29:59Z")));
        assert!(!closed.hold(at("2026-03-01T15:30:00Z")));
    }

    #[test]
    fn times_that_the_description_forbids_are_refused() {
        for wrong in [
            json!({"times": []}),
            json!({"times": [{"start": "PT8H"}]}),
            json!({"times": [{"start": "PT24H", "duration": "PT1H"}]}),
            json!({"times": [{"start": "08:00", "duration": "PT1H"}]}),
            json!({"times": [{"start": "PT8H", "recurrence": "None"}]}),
            json!({"times": [{"start": "PT8H", "duration": "PT1H"}], "timeZone": "Mars/Olympus"}),
            json!({"times": [{"start": "PT8H", "duration": "PT1H", "occurence": {"day": []}}]}),
            json!({"times": [{"start": "PT8H", "duration": "PT1H", "occurence": {"week": ["w0"]}}]}),
        ] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
