//! What the template's alarms would say of the metrics that the functions wrote: CloudWatch's rules
//! for periods, missing data and metric math, as far as the template uses them. What is not
//! understood is an error, never a guess.

mod math;

use std::collections::{BTreeMap, BTreeSet};

use accessing_party::{
    MetricLog,
    template::{Scope, Template},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use self::math::Expression;

/// A metric with its dimensions.
type Key = (String, String, BTreeMap<String, String>);

/// Data points as they were written: second and value.
#[derive(Debug, Default)]
pub struct Data(BTreeMap<Key, Vec<(i64, f64)>>);

/// An alarm of the template.
#[derive(Debug)]
pub struct Alarm {
    /// Its logical id.
    pub name: String,
    period: i64,
    periods: usize,
    datapoints: usize,
    above: bool,
    threshold: f64,
    missing: Missing,
    parts: BTreeMap<String, (Key, Statistic)>,
    expression: Expression,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Statistic {
    Sum,
    Maximum,
    Minimum,
}

/// What a period without data is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Breaching,
    NotBreaching,
    /// The alarm stays as it was.
    Ignore,
}

/// The properties of an alarm that are understood, or say nothing of when it fires.
const KNOWN: [&str; 14] = [
    "AlarmActions",
    "AlarmDescription",
    "ComparisonOperator",
    "DatapointsToAlarm",
    "Dimensions",
    "EvaluationPeriods",
    "MetricName",
    "Metrics",
    "Namespace",
    "OKActions",
    "Period",
    "Statistic",
    "Threshold",
    "TreatMissingData",
];

impl Data {
    /// What was written so far.
    pub fn of(log: &MetricLog) -> Self {
        let mut data = Self::default();
        for line in log.lines() {
            let second = line["_aws"]["Timestamp"].as_i64().unwrap() / 1000;
            for definition in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
                let namespace = definition["Namespace"].as_str().unwrap();
                let name = definition["Metrics"][0]["Name"].as_str().unwrap();
                for set in definition["Dimensions"].as_array().unwrap() {
                    let names = set.as_array().unwrap().iter().map(|it| it.as_str().unwrap());
                    let dimensions =
                        names.map(|it| (it.to_owned(), line[it].as_str().unwrap().to_owned()));
                    let key = (namespace.to_owned(), name.to_owned(), dimensions.collect());
                    let value = line[name].as_f64().unwrap();
                    data.0.entry(key).or_default().push((second, value));
                }
            }
        }
        data
    }

    /// One period's value, if there are data in it. It ends with `end`, and begins after its start.
    fn value(&self, key: &Key, statistic: Statistic, end: i64, period: i64) -> Option<f64> {
        let points = self.0.get(key).map_or(&[][..], Vec::as_slice);
        let within = points.iter().filter(|(at, _)| (end - period + 1..=end).contains(at));
        within.map(|(_, value)| *value).reduce(|one, other| match statistic {
            Statistic::Sum => one + other,
            Statistic::Maximum => one.max(other),
            Statistic::Minimum => one.min(other),
        })
    }
}

/// Every alarm of the template.
pub fn alarms() -> Vec<Alarm> {
    let parameters = [("PublicUrl", "https://party.example"), ("OperatorName", "Example")];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let template = Template::bundled(&Scope::new(parameters.into())).unwrap();
    assert!(template.alarms.len() > 20, "{:?}", template.alarms.keys());
    let alarms = template.alarms.iter();
    alarms.map(|(name, properties)| Alarm::read(name, properties).unwrap()).collect()
}

/// The alarms that fire between two times, wherever their periods begin; and those that fire for some
/// beginnings only.
pub fn firing(
    log: &MetricLog,
    from: Timestamp,
    to: Timestamp,
) -> (BTreeSet<String>, BTreeSet<String>) {
    let data = Data::of(log);
    let (mut surely, mut perhaps) = (BTreeSet::new(), BTreeSet::new());
    for alarm in alarms() {
        let minutes = alarm.period / 60;
        let fired = |offset: &i64| !alarm.states(&data, from, to, *offset).is_empty();
        match (0..minutes).filter(fired).count() {
            0 => false,
            all if i64::try_from(all) == Ok(minutes) => surely.insert(alarm.name),
            _ => perhaps.insert(alarm.name),
        };
    }
    (surely, perhaps)
}

/// The minutes in which an alarm fires, however its periods begin.
pub fn minutes_of(name: &str, log: &MetricLog, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    let data = Data::of(log);
    let alarm = alarms().into_iter().find(|alarm| alarm.name == name).unwrap();
    let mut all: Vec<_> =
        (0..alarm.period / 60).flat_map(|offset| alarm.states(&data, from, to, offset)).collect();
    all.sort();
    all
}

impl Alarm {
    /// From its properties.
    ///
    /// # Errors
    /// Says which property can't be understood.
    pub fn read(name: &str, properties: &Value) -> Result<Self, String> {
        let unknown = |what: &str| format!("{name}: {what} can't be understood");
        let all = properties.as_object().ok_or_else(|| unknown("it"))?;
        if let Some(strange) = all.keys().find(|key| !KNOWN.contains(&key.as_str())) {
            return Err(unknown(strange));
        }
        let number = |key: &str| number(&properties[key]);
        let periods = number("EvaluationPeriods").ok_or_else(|| unknown("EvaluationPeriods"))?;
        let datapoints = number("DatapointsToAlarm").unwrap_or(periods);
        let above = match properties["ComparisonOperator"].as_str() {
            Some("GreaterThanThreshold") => true,
            Some("LessThanThreshold") => false,
            _ => return Err(unknown("ComparisonOperator")),
        };
        let missing = match properties["TreatMissingData"].as_str() {
            Some("breaching") => Missing::Breaching,
            Some("notBreaching") => Missing::NotBreaching,
            // Of more than one period CloudWatch's own rules are needed.
            Some("ignore") if periods <= 1.0 => Missing::Ignore,
            _ => return Err(unknown("TreatMissingData")),
        };
        let (parts, expression, period) = query(properties).ok_or_else(|| unknown("Metrics"))?;
        if period % 60 != 0 {
            return Err(unknown("Period"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small counts")]
        Ok(Self {
            name: name.to_owned(),
            period,
            periods: periods as usize,
            datapoints: datapoints as usize,
            above,
            threshold: number("Threshold").ok_or_else(|| unknown("Threshold"))?,
            missing,
            parts,
            expression,
        })
    }

    /// The ends of the periods in which it fires, if a period ends `offset` minutes past `from`. Before
    /// `from` there are no data; where that is a fault, it is judged once all its periods lie after it.
    fn states(&self, data: &Data, from: Timestamp, to: Timestamp, offset: i64) -> Vec<Timestamp> {
        let spanned = if self.missing == Missing::Breaching { self.periods } else { 1 };
        let span = self.period * i64::try_from(spanned).unwrap();
        let first = from.as_second() + span + offset * 60;
        let (mut fires, mut ends_fired) = (false, Vec::new());
        let mut end = first;
        while end <= to.as_second() {
            fires = self.judge(data, from, end).unwrap_or(fires);
            if fires {
                ends_fired.push(Timestamp::from_second(end).unwrap());
            }
            end += self.period;
        }
        ends_fired
    }

    /// Whether it fires after the period that ends then; `None`: it stays as it was.
    fn judge(&self, data: &Data, from: Timestamp, end: i64) -> Option<bool> {
        let ends = (0..self.periods).map(|back| end - self.period * i64::try_from(back).unwrap());
        let values: Vec<Option<f64>> = ends
            .map(|end| {
                if end - self.period < from.as_second() {
                    return None;
                }
                self.expression.value(&|id: &str| {
                    let (key, statistic) = &self.parts[id];
                    data.value(key, *statistic, end, self.period)
                })
            })
            .collect();
        if self.missing == Missing::Ignore && values.iter().all(Option::is_none) {
            return None;
        }
        let breaches = |value: &Option<f64>| match value {
            Some(value) if self.above => *value > self.threshold,
            Some(value) => *value < self.threshold,
            None => self.missing == Missing::Breaching,
        };
        Some(values.iter().filter(|value| breaches(value)).count() >= self.datapoints)
    }
}

type Query = (BTreeMap<String, (Key, Statistic)>, Expression, i64);

/// One metric, or several and what is computed of them.
fn query(properties: &Value) -> Option<Query> {
    let Some(metrics) = properties.get("Metrics") else {
        let key = key(properties)?;
        let statistic = statistic(&properties["Statistic"])?;
        let parts = BTreeMap::from([("it".to_owned(), (key, statistic))]);
        return Some((parts, Expression::read("it")?, whole(&properties["Period"])?));
    };
    let (mut parts, mut expression, mut period) = (BTreeMap::new(), None, None);
    for metric in metrics.as_array()? {
        let id = metric["Id"].as_str()?.to_owned();
        match (metric.get("Expression"), metric.get("MetricStat")) {
            (Some(text), None) if metric["ReturnData"] == true && expression.is_none() => {
                expression = Some(Expression::read(text.as_str()?)?);
            }
            (None, Some(stat)) if metric["ReturnData"] == false => {
                let its = whole(&stat["Period"])?;
                if *period.get_or_insert(its) != its {
                    return None;
                }
                parts.insert(id, (key(&stat["Metric"])?, statistic(&stat["Stat"])?));
            }
            _ => return None,
        }
    }
    let expression = expression?;
    let known = expression.ids().into_iter().all(|id| parts.contains_key(id));
    known.then_some((parts, expression, period?))
}

fn key(metric: &Value) -> Option<Key> {
    let text = |name: &str| metric[name].as_str().map(str::to_owned);
    let mut dimensions = BTreeMap::new();
    for one in metric["Dimensions"].as_array()? {
        let value = one["Value"].as_str()?.to_owned();
        dimensions.insert(one["Name"].as_str()?.to_owned(), value);
    }
    Some((text("Namespace")?, text("MetricName")?, dimensions))
}

fn statistic(value: &Value) -> Option<Statistic> {
    match value.as_str()? {
        "Sum" => Some(Statistic::Sum),
        "Maximum" => Some(Statistic::Maximum),
        "Minimum" => Some(Statistic::Minimum),
        _ => None,
    }
}

/// A number, or a parameter's, which is a text.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn whole(value: &Value) -> Option<i64> {
    value.as_i64().filter(|number| *number > 0)
}

/// Half an hour and what a period may add to it.
pub const SOON: SignedDuration = SignedDuration::from_mins(50);
