//! One trigger: a circle, times, or a value of the car.

use std::fmt;

use jiff::{Timestamp, civil};
use serde::{Deserialize, Serialize};
use serde_json::Number;
use utoipa::ToSchema;

use super::{
    Invalid, Wrong,
    operand::{Op, Operand},
};
use crate::domain::weekday::Weekday;

/// Every zone of the tz database that has a region.
const ZONES: &str = include_str!("zones.txt");
/// A day has so many minutes.
const DAY: u32 = 24 * 60;
/// Half the earth's circumference, in kilometres: a wider circle is none.
const WIDEST: u32 = 20_000;
/// Values that a comparison may name.
const MOST_VALUES: usize = 150;

/// What may come true. Exactly one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The car is within, or without, a circle.
    Zone(Zone),
    /// It is one of these times.
    Time(Times),
    /// A value of the car.
    Data(Data),
}

/// A circle, and on which side the car has to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// Which side.
    pub transition: Transition,
    /// The circle.
    pub circle: Circle,
}

/// Which side of a circle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transition {
    /// Within.
    In,
    /// Without.
    Out,
}

/// A circle on the map.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Circle {
    /// Of its centre, degrees.
    #[schema(minimum = -90, maximum = 90)]
    pub latitude: f64,
    /// Of its centre, degrees.
    #[schema(minimum = -180, maximum = 180)]
    pub longitude: f64,
    /// In kilometres.
    #[schema(minimum = 1, maximum = 20_000)]
    pub radius_km: u32,
}

/// A place is nobody's business, in logs least of all.
impl fmt::Debug for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Circle(…)")
    }
}

/// Times of the week, or of the calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// One of them is enough.
    #[schema(min_items = 1, max_items = 20)]
    pub times: Vec<Span>,
    /// Whose clock the daily ones follow, such as `Europe/Paris`.
    #[serde(default = "paris")]
    #[schema(pattern = "^[A-Z][A-Za-z]+/[A-Za-z0-9_+/-]+$", example = "Europe/Paris")]
    pub time_zone: String,
}

/// The maker's own default.
pub(super) fn paris() -> String {
    "Europe/Paris".to_owned()
}

/// A time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// On some days, or on all.
    Daily(Daily),
    /// Once.
    Once(Once),
}

/// A time of day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Daily {
    /// When it begins, to the minute, such as `22:00`.
    #[schema(value_type = String, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9](:00)?$", example = "22:00")]
    pub from: civil::Time,
    /// How long it lasts, at most a day; it may end on the next.
    #[schema(minimum = 1, maximum = 1_440)]
    pub minutes: u32,
    /// On which days it begins; empty: on all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 7)]
    pub days: Vec<Weekday>,
    /// In which weeks of the year; empty: in all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 52)]
    pub weeks: Vec<Weeks>,
}

/// The first and the last of some weeks of the year, 1 to 52.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Weeks {
    /// The first.
    #[schema(minimum = 1, maximum = 52)]
    pub first: u8,
    /// The last.
    #[schema(minimum = 1, maximum = 52)]
    pub last: u8,
}

/// A time of the calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Once {
    /// When it begins.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// How long it lasts, minutes, at most a year; absent: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 527_040)]
    pub minutes: Option<u32>,
}

/// A value of the car, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Which value.
    pub data: Operand,
    /// How.
    pub op: Op,
    /// With what: nothing for `on_change`, one, or for `included_in` several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 150)]
    pub value: Vec<Scalar>,
    /// What it has to have been before, where the maker knows that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
}

/// What a value has to have been before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Previous {
    /// `equals_to` or `included_in`.
    pub op: Op,
    /// With what.
    #[schema(max_items = 150)]
    pub value: Vec<Scalar>,
}

/// The right side of a comparison: text, a number or a truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Scalar {
    /// A truth.
    Flag(bool),
    /// A number.
    #[schema(value_type = f64)]
    Number(Number),
    /// Text.
    Text(String),
}

/// As the maker wants it.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => flag.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl Circle {
    /// Whether it lies on the map.
    pub(super) fn check(&self, at: &str) -> Result<(), Invalid> {
        let within = |value: f64, most: f64| (-most..=most).contains(&value);
        Invalid::unless(within(self.latitude, 90.0), at, ".latitude", Wrong::Latitude)?;
        Invalid::unless(within(self.longitude, 180.0), at, ".longitude", Wrong::Longitude)?;
        let wide = (1..=WIDEST).contains(&self.radius_km);
        Invalid::unless(wide, at, ".radius_km", Wrong::Radius)
    }
}

impl Trigger {
    /// Whether the maker would take it; `at` names it in errors.
    pub(super) fn check(&self, at: &str) -> Result<(), Invalid> {
        match self {
            Self::Zone(zone) => zone.circle.check(&format!("{at}.zone.circle")),
            Self::Time(times) => times.check(&format!("{at}.time")),
            Self::Data(data) => data.check(&format!("{at}.data")),
        }
    }

    /// The scope that covers it; time needs none.
    #[must_use]
    pub const fn scope(&self) -> Option<&'static str> {
        match self {
            Self::Zone(_) => Some("data:position"),
            Self::Time(_) => None,
            Self::Data(data) => Some(data.data.scope()),
        }
    }
}

impl Times {
    pub(super) fn check(&self, at: &str) -> Result<(), Invalid> {
        let count = (1..=20).contains(&self.times.len());
        Invalid::unless(count, at, ".times", Wrong::TimesCount)?;
        for (index, span) in self.times.iter().enumerate() {
            span.check(&format!("{at}.times.{index}"))?;
        }
        let known = ZONES.lines().any(|zone| zone == self.time_zone);
        Invalid::unless(known, at, ".time_zone", Wrong::TimeZone)
    }
}

impl Span {
    fn check(&self, at: &str) -> Result<(), Invalid> {
        let lasting = |minutes: u32, most| (1..=most).contains(&minutes);
        match self {
            Self::Daily(daily) => {
                let exact = daily.from.second() == 0 && daily.from.subsec_nanosecond() == 0;
                Invalid::unless(exact, at, ".daily.from", Wrong::TimeOfDay)?;
                let fits = lasting(daily.minutes, DAY);
                Invalid::unless(fits, at, ".daily.minutes", Wrong::Minutes)?;
                let unique = |(index, day)| {
                    !daily.days.iter().take(index).any(|other: &Weekday| other == day)
                };
                let days = daily.days.iter().enumerate().all(unique);
                Invalid::unless(days, at, ".daily.days", Wrong::Days)?;
                let weeks = daily.weeks.len() <= 52
                    && daily
                        .weeks
                        .iter()
                        .all(|w| 1 <= w.first && w.first <= w.last && w.last <= 52);
                Invalid::unless(weeks, at, ".daily.weeks", Wrong::Weeks)
            }
            Self::Once(once) => {
                let fits = once.minutes.is_none_or(|minutes| lasting(minutes, 366 * DAY));
                Invalid::unless(fits, at, ".once.minutes", Wrong::Minutes)
            }
        }
    }
}

impl Data {
    fn check(&self, at: &str) -> Result<(), Invalid> {
        let operand = self.data;
        Invalid::unless(operand.ops().contains(&self.op), at, ".op", Wrong::Operator(operand))?;
        check_values(operand, self.op, &self.value, at)?;
        let Some(previous) = &self.previous else { return Ok(()) };
        let at = &format!("{at}.previous");
        Invalid::unless(operand.has_previous(), at, "", Wrong::Previous)?;
        let op = matches!(previous.op, Op::EqualsTo | Op::IncludedIn);
        Invalid::unless(op, at, ".op", Wrong::PreviousOperator)?;
        check_values(operand, previous.op, &previous.value, at)
    }
}

fn check_values(operand: Operand, op: Op, values: &[Scalar], at: &str) -> Result<(), Invalid> {
    let count = match op {
        Op::OnChange => values.is_empty(),
        Op::IncludedIn => (1..=MOST_VALUES).contains(&values.len()),
        Op::EqualsTo | Op::GreaterThan | Op::LowerThan => values.len() == 1,
    };
    Invalid::unless(count, at, ".value", Wrong::ValueCount(op))?;
    let taken = values.iter().all(|value| operand.values().take(&value.to_string()));
    Invalid::unless(taken, at, ".value", Wrong::Value(operand.values()))
}
