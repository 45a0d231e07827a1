//! Rules: what the operator wants to be told of, declared once for many cars. A rule on one car is a
//! monitor at the maker; here is what a rule may say, checked before anything is stored or sent.

mod expression;
mod operand;
mod ready;
mod trigger;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use utoipa::ToSchema;

pub use self::{
    expression::{InvalidExpression, MOST_TRIGGERS},
    operand::{Op, Operand, Values},
    ready::{Night, Ready},
    trigger::{
        Circle, Daily, Data, Once, Previous, Scalar, Span, Times, Transition, Trigger, Weeks, Zone,
    },
};
use super::{
    enrollment::{Enrollment, UserRef},
    ids::{EnrollmentId, RuleId},
    vehicle::{Motorization, Vehicle, covers},
    vin::Vin,
};

/// A rule repeats itself at most once a minute.
const LEAST_REFRESH: u32 = 60;
/// Nor less than once a week.
const MOST_REFRESH: u32 = 7 * 24 * 3600;

/// A rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Its id; the label of its monitors at the maker.
    pub id: RuleId,
    /// What it says.
    pub wish: Wish,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// What a rule says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// Your name for it, shown in its events.
    #[schema(pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]{1,100}$", example = "low battery")]
    pub name: String,
    /// Whose cars.
    #[serde(default)]
    pub target: Target,
    /// What has to come true.
    pub when: When,
    /// What else an event shall tell.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schema(value_type = Vec<Extra>)]
    pub extend: BTreeSet<Extra>,
    /// How often the event is repeated while it stays true, seconds, 60 or more; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 60, maximum = 604_800)]
    pub refresh_s: Option<u32>,
}

/// Whose cars a rule is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// All cars.
    #[default]
    All,
    /// Those of one user, whatever their brand.
    UserRef(UserRef),
    /// One car of one enrollment.
    Car(Car),
}

/// One car of one enrollment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Car {
    /// Whose.
    pub enrollment: EnrollmentId,
    /// Which.
    pub vin: Vin,
}

/// What has to come true.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum When {
    /// A ready-made rule.
    Ready(Ready),
    /// Triggers of one's own.
    Own(Condition),
}

/// Triggers, and how they are joined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// One to five, by name: letters, then perhaps one of `.-_`, then perhaps digits.
    #[schema(schema_with = triggers)]
    pub triggers: BTreeMap<String, Trigger>,
    /// Their names, joined by `&`, `|`, `!` and parentheses; every name has to be used.
    #[schema(min_length = 1, max_length = 2_000, example = "low & parked")]
    pub bool_exp: String,
}

/// Describes the triggers of a condition.
fn triggers() -> utoipa::openapi::Object {
    let name = utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .pattern(Some("^[A-Za-z]{1,30}[._-]?[0-9]{0,9}$"));
    utoipa::openapi::ObjectBuilder::new()
        .description(Some(
            "One to five, by name: letters, then perhaps one of `.-_`, then perhaps digits.",
        ))
        .property_names(Some(name))
        .additional_properties(Some(utoipa::openapi::Ref::from_schema_name("Trigger")))
        .min_properties(Some(1))
        .max_properties(Some(MOST_TRIGGERS))
        .build()
}

/// The name `use` tells which of the two it is, so that an error speaks of that one.
impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        // A struct could be read from an array, too, which nobody means.
        let arrays = [value.get("circle"), value.get("night")].into_iter().flatten();
        if !value.is_object() || arrays.into_iter().any(|part| !part.is_object()) {
            return Err(D::Error::custom("expected a JSON object"));
        }
        if value.get("use").is_some() {
            Ready::deserialize(value).map(Self::Ready).map_err(D::Error::custom)
        } else {
            Condition::deserialize(value).map(Self::Own).map_err(D::Error::custom)
        }
    }
}

/// What an event can tell beside what made it true (`extendedEventParam`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "each is named as the maker names it")]
pub enum Extra {
    #[serde(rename = "vehicle.doorsState")]
    DoorsState,
    #[serde(rename = "vehicle.status")]
    Status,
    #[serde(rename = "vehicle.maintenance")]
    Maintenance,
    #[serde(rename = "vehicle.position")]
    Position,
    #[serde(rename = "vehicle.telemetry")]
    Telemetry,
    #[serde(rename = "vehicle.alerts")]
    Alerts,
    #[serde(rename = "vehicle.alarm")]
    Alarm,
    #[serde(rename = "vehicle.trip")]
    Trip,
}

impl Extra {
    /// As the maker names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DoorsState => "vehicle.doorsState",
            Self::Status => "vehicle.status",
            Self::Maintenance => "vehicle.maintenance",
            Self::Position => "vehicle.position",
            Self::Telemetry => "vehicle.telemetry",
            Self::Alerts => "vehicle.alerts",
            Self::Alarm => "vehicle.alarm",
            Self::Trip => "vehicle.trip",
        }
    }
}

/// A field of a rule that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {wrong}")]
pub struct Invalid {
    /// Which, such as `when.triggers.low.data.op`.
    pub field: String,
    /// What would be right.
    pub wrong: Wrong,
}

/// What is wrong with a field, told as what would be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each says it")]
pub enum Wrong {
    #[error("expected 1 to 100 characters")]
    Name,
    #[error("expected 60 to 604800 seconds")]
    Refresh,
    #[error("expected 1 to 5 triggers")]
    TriggerCount,
    #[error("expected letters, then perhaps one of . - _, then perhaps digits")]
    TriggerName,
    #[error("expected -90 to 90 degrees")]
    Latitude,
    #[error("expected -180 to 180 degrees")]
    Longitude,
    #[error("expected 1 to 20000 kilometres")]
    Radius,
    #[error("expected 1 to 20 times")]
    TimesCount,
    #[error("expected the name of a zone of the tz database, such as Europe/Paris")]
    TimeZone,
    #[error("expected a time of day to the minute, such as 22:00")]
    TimeOfDay,
    #[error("expected a number of minutes from 1 to a day, or to a year for a single time")]
    Minutes,
    #[error("expected each day once")]
    Days,
    #[error("expected weeks from 1 to 52, the first before the last")]
    Weeks,
    #[error("expected 1 to 100 percent")]
    Level,
    #[error("expected an operator that {} takes: {}", .0.as_str(), ops(*.0))]
    Operator(Operand),
    #[error("expected {}", count(*.0))]
    ValueCount(Op),
    #[error("expected {0}")]
    Value(Values),
    #[error("the maker knows no earlier state of this value")]
    Previous,
    #[error("expected equals_to or included_in")]
    PreviousOperator,
    #[error(transparent)]
    Expression(InvalidExpression),
}

fn ops(operand: Operand) -> String {
    let names = operand.ops().iter().filter_map(|op| serde_json::to_value(op).ok());
    let names: Vec<_> = names.filter_map(|name| name.as_str().map(str::to_owned)).collect();
    names.join(", ")
}

const fn count(op: Op) -> &'static str {
    match op {
        Op::OnChange => "no value",
        Op::IncludedIn => "1 to 150 values",
        Op::EqualsTo | Op::GreaterThan | Op::LowerThan => "one value",
    }
}

impl Invalid {
    fn unless(right: bool, at: &str, field: &str, wrong: Wrong) -> Result<(), Self> {
        if right { Ok(()) } else { Err(Self { field: format!("{at}{field}"), wrong }) }
    }
}

/// Why a car can't have a monitor for a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsupported {
    /// The user was not asked for a scope that it needs.
    Scope,
    /// The car does not produce what it watches.
    Capability,
}

impl Wish {
    /// Whether the maker would take it.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn check(&self) -> Result<(), Invalid> {
        let name = (1..=100).contains(&self.name.chars().count());
        let printable = !self.name.chars().any(char::is_control);
        Invalid::unless(name && printable, "name", "", Wrong::Name)?;
        let refresh = self.refresh_s.is_none_or(|s| (LEAST_REFRESH..=MOST_REFRESH).contains(&s));
        Invalid::unless(refresh, "refresh_s", "", Wrong::Refresh)?;
        match &self.when {
            When::Ready(ready) => ready.check("when"),
            When::Own(condition) => condition.check(),
        }
    }

    /// What has to come true, ready-made or not.
    #[must_use]
    pub fn condition(&self) -> Condition {
        match &self.when {
            When::Ready(ready) => ready.condition(),
            When::Own(condition) => condition.clone(),
        }
    }

    /// What an event shall tell beside that.
    #[must_use]
    pub fn extras(&self) -> BTreeSet<Extra> {
        let needs = match &self.when {
            When::Ready(ready) => ready.needs(),
            When::Own(_) => None,
        };
        self.extend.iter().copied().chain(needs).collect()
    }

    /// Whether it says where a car is, or asks: it names a place, or wants the position told.
    #[must_use]
    pub fn is_about_places(&self) -> bool {
        let condition = self.condition();
        let mut triggers = condition.triggers.values();
        triggers.any(|trigger| matches!(trigger, Trigger::Zone(_)))
            || self.extras().contains(&Extra::Position)
    }

    /// Whether a car of an enrollment is among those it is for.
    #[must_use]
    pub fn is_for(&self, enrollment: &Enrollment, vin: &Vin) -> bool {
        match &self.target {
            Target::All => true,
            Target::UserRef(user) => enrollment.user_ref.as_ref() == Some(user),
            Target::Car(car) => car.enrollment == enrollment.id && car.vin == *vin,
        }
    }

    /// Why a car can't be watched so; what is not known to be missing is tried.
    #[must_use]
    pub fn unsupported(&self, scopes: &[String], vehicle: &Vehicle) -> Option<Unsupported> {
        let condition = self.condition();
        let needed: BTreeSet<_> = condition.triggers.values().filter_map(Trigger::scope).collect();
        let asked = |needed: &&str| scopes.iter().any(|scope| covers(scope, needed));
        if !needed.iter().all(asked) {
            return Some(Unsupported::Scope);
        }
        let capabilities = vehicle.capabilities.as_ref().filter(|known| !known.data.is_empty());
        let produces = |needed: &&str| capabilities.is_none_or(|known| known.produces(needed));
        let motorization = vehicle.motorization.unwrap_or(Motorization::Other);
        let has = |trigger: &Trigger| match trigger {
            Trigger::Data(data) => data.data.is_of(motorization),
            Trigger::Zone(_) | Trigger::Time(_) => true,
        };
        let able = needed.iter().all(produces) && condition.triggers.values().all(has);
        (!able).then_some(Unsupported::Capability)
    }
}

impl Condition {
    fn check(&self) -> Result<(), Invalid> {
        let count = (1..=MOST_TRIGGERS).contains(&self.triggers.len());
        Invalid::unless(count, "when.triggers", "", Wrong::TriggerCount)?;
        for (name, trigger) in &self.triggers {
            // Quoted in no error: it is whatever somebody sent.
            let named = expression::is_name(name);
            Invalid::unless(named, "when.triggers", "", Wrong::TriggerName)?;
            trigger.check(&format!("when.triggers.{name}"))?;
        }
        self.expression().map(|_| ()).map_err(|error| Invalid {
            field: "when.bool_exp".to_owned(),
            wrong: Wrong::Expression(error),
        })
    }

    /// How the triggers are joined, with the parentheses that make its order plain.
    ///
    /// # Errors
    /// See [`InvalidExpression`].
    pub fn expression(&self) -> Result<String, InvalidExpression> {
        let names: Vec<_> = self.triggers.keys().map(String::as_str).collect();
        expression::canonical(&self.bool_exp, &names)
    }
}

#[cfg(test)]
mod tests;
