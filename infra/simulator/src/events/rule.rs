//! `MonitorParameter`: a monitor's rule, read as strictly as the maker's description allows.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::{
    boolexp::{BadExp, BoolExp, is_name},
    operand::{Op, Operand},
    times::{BadTime, Times, TimesParameter},
};
use crate::{
    cars::Place as Point,
    world::callbacks::{Attribute, Place},
};

/// What `extendedEventParam` may name; telemetry also with a kind behind it.
const EXTENSIONS: [&str; 8] = [
    "vehicle.doorsState",
    "vehicle.status",
    "vehicle.maintenance",
    "vehicle.position",
    "vehicle.telemetry",
    "vehicle.alerts",
    "vehicle.alarm",
    "vehicle.trip",
];

/// A monitor's rule.
pub(crate) struct Rule {
    pub(crate) label: String,
    pub(crate) triggers: Vec<Trigger>,
    pub(crate) expression: BoolExp,
    /// In seconds.
    pub(crate) refresh: Option<i64>,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) extensions: Vec<String>,
}

pub(crate) enum Trigger {
    Zone { inside: bool, center: Point, km: f64 },
    Time(Times),
    Data(Data),
}

pub(crate) struct Data {
    pub(crate) operand: &'static Operand,
    pub(crate) test: Test,
    pub(crate) previous: Option<Test>,
}

pub(crate) struct Test {
    pub(crate) op: Op,
    pub(crate) values: Vec<String>,
}

/// What is wrong with a rule.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadRule {
    #[error("a member is missing, unknown or of another type")]
    Shape(#[from] serde_json::Error),
    #[error("there must be one to five triggers")]
    Count,
    #[error("a trigger's name is no name, or used twice")]
    Name,
    #[error("a trigger must be exactly one of zone, time and data")]
    Kind,
    #[error("a zone must be one circle on the map with a whole radius in km")]
    Zone,
    #[error("the operand is unknown")]
    Operand,
    #[error("the operator does not suit the operand")]
    Operator,
    #[error("the values do not suit the operator or the operand")]
    Values,
    #[error("the operand has no previous state, or this operator is not for it")]
    Previous,
    #[error("a time is wrong: {0}")]
    Time(#[from] BadTime),
    #[error("boolExp is wrong: {0}")]
    Expression(#[from] BadExp),
    #[error("subscribeParam is empty, or refreshEvent under 60")]
    Subscription,
    #[error("an attribute is wrong")]
    Attribute,
    #[error("extendedEventParam names something unknown")]
    Extension,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Parameter {
    label: String,
    subscribe_param: Option<Subscription>,
    attributes: Option<Vec<Attribute>>,
    extended_event_param: Option<Vec<String>>,
    trigger_param: TriggerParam,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Subscription {
    refresh_event: Option<i64>,
    callback_attributes: Option<CallbackAttributes>,
}

/// Those of a webhook; other callbacks are none of ours.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallbackAttributes {
    pub(crate) webhook: Vec<Attribute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TriggerParam {
    triggers: Vec<TriggerParameter>,
    bool_exp: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TriggerParameter {
    name: String,
    zone: Option<Zone>,
    time: Option<TimesParameter>,
    data: Option<DataParameter>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Zone {
    transition: Transition,
    place: Option<Circle>,
    circle: Option<Circle>,
}

#[derive(Deserialize)]
enum Transition {
    In,
    Out,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Circle {
    radius: u32,
    center: Center,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Center {
    longitude: f64,
    latitude: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DataParameter {
    data: String,
    op: Op,
    value: Option<Vec<String>>,
    previous: Option<PreviousParameter>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PreviousParameter {
    op: Op,
    value: Vec<String>,
}

impl Rule {
    /// Reads a rule.
    pub(crate) fn read(parameter: &Value) -> Result<Self, BadRule> {
        let parameter = Parameter::deserialize(parameter)?;
        let TriggerParam { triggers, bool_exp } = parameter.trigger_param;
        if triggers.is_empty() || triggers.len() > 5 {
            return Err(BadRule::Count);
        }
        let names: Vec<&str> = triggers.iter().map(|trigger| trigger.name.as_str()).collect();
        let distinct: BTreeSet<_> = names.iter().collect();
        if distinct.len() < names.len() || !names.iter().all(|name| is_name(name)) {
            return Err(BadRule::Name);
        }
        let expression = BoolExp::parse(&bool_exp, &names)?;
        let (refresh, mut attributes) = subscription(parameter.subscribe_param)?;
        let own = parameter.attributes.unwrap_or_default();
        if own.iter().any(|attribute| attribute.place == Place::Query) {
            return Err(BadRule::Attribute);
        }
        attributes.extend(own);
        if !attributes.iter().all(Attribute::is_sound) {
            return Err(BadRule::Attribute);
        }
        let extensions = parameter.extended_event_param.unwrap_or_default();
        if !extensions.iter().all(|extension| is_extension(extension)) {
            return Err(BadRule::Extension);
        }
        Ok(Self {
            label: parameter.label,
            triggers: triggers.into_iter().map(Trigger::read).collect::<Result<_, _>>()?,
            expression,
            refresh,
            attributes,
            extensions,
        })
    }
}

fn subscription(given: Option<Subscription>) -> Result<(Option<i64>, Vec<Attribute>), BadRule> {
    let Some(given) = given else { return Ok((None, Vec::new())) };
    if given.refresh_event.is_none() && given.callback_attributes.is_none()
        || given.refresh_event.is_some_and(|seconds| seconds < 60)
    {
        return Err(BadRule::Subscription);
    }
    let attributes = given.callback_attributes.map(|given| given.webhook).unwrap_or_default();
    Ok((given.refresh_event, attributes))
}

fn is_extension(name: &str) -> bool {
    let kind = name.strip_prefix("vehicle.telemetry.");
    EXTENSIONS.contains(&name) || kind.is_some_and(|kind| crate::api::TELEMETRY.contains(&kind))
}

impl Trigger {
    fn read(parameter: TriggerParameter) -> Result<Self, BadRule> {
        match (parameter.zone, parameter.time, parameter.data) {
            (Some(zone), None, None) => zone.read(),
            (None, Some(time), None) => Ok(Self::Time(Times::read(time)?)),
            (None, None, Some(data)) => Ok(Self::Data(Data::read(data)?)),
            _ => Err(BadRule::Kind),
        }
    }
}

impl Zone {
    fn read(self) -> Result<Trigger, BadRule> {
        let ((Some(circle), None) | (None, Some(circle))) = (self.place, self.circle) else {
            return Err(BadRule::Zone);
        };
        let Center { longitude, latitude } = circle.center;
        let on_the_map =
            (-180.0..=180.0).contains(&longitude) && (-90.0..=90.0).contains(&latitude);
        if !on_the_map || circle.radius == 0 {
            return Err(BadRule::Zone);
        }
        Ok(Trigger::Zone {
            inside: matches!(self.transition, Transition::In),
            center: Point { latitude, longitude },
            km: f64::from(circle.radius),
        })
    }
}

impl Data {
    fn read(parameter: DataParameter) -> Result<Self, BadRule> {
        let operand = Operand::find(&parameter.data).ok_or(BadRule::Operand)?;
        if !operand.ops.contains(&parameter.op) {
            return Err(BadRule::Operator);
        }
        let values = parameter.value.unwrap_or_default();
        let enough = match parameter.op {
            Op::OnChange => values.is_empty(),
            Op::IncludedIn => !values.is_empty(),
            Op::EqualsTo | Op::GreaterThan | Op::LowerThan => values.len() == 1,
        };
        if !enough || !values.iter().all(|value| operand.takes(value)) {
            return Err(BadRule::Values);
        }
        let previous = parameter.previous.map(|previous| {
            let fits = match previous.op {
                Op::EqualsTo => previous.value.len() == 1,
                Op::IncludedIn => !previous.value.is_empty(),
                Op::GreaterThan | Op::LowerThan | Op::OnChange => false,
            };
            let known = previous.value.iter().all(|value| operand.takes(value));
            if operand.previous && fits && known {
                Ok(Test { op: previous.op, values: previous.value })
            } else {
                Err(BadRule::Previous)
            }
        });
        let test = Test { op: parameter.op, values };
        Ok(Self { operand, test, previous: previous.transpose()? })
    }
}

impl Test {
    /// Whether a value passes. A list of warnings does if one of them does.
    pub(crate) fn passes(&self, value: &str) -> bool {
        let number = |text: &str| text.parse::<f64>().ok();
        let against = |wanted: &String, compare: fn(f64, f64) -> bool| {
            number(value).zip(number(wanted)).is_some_and(|(value, wanted)| compare(value, wanted))
        };
        let mut wanted = self.values.iter();
        match self.op {
            Op::OnChange => false,
            Op::GreaterThan => wanted.any(|wanted| against(wanted, |a, b| a > b)),
            Op::LowerThan => wanted.any(|wanted| against(wanted, |a, b| a < b)),
            Op::EqualsTo | Op::IncludedIn => wanted.any(|wanted| {
                value.split(',').any(|value| value == wanted)
                    || against(wanted, |a, b| (a - b).abs() < f64::EPSILON)
            }),
        }
    }
}
