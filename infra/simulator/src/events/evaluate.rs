//! Follows a monitor along a car's life: when its condition becomes true, and while it stays so.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    operand::{Moment, Op},
    rule::{Data, Rule, Trigger},
};
use crate::{
    cars::{Alert, Life, Place, Privacy, Reporting},
    time::{at_second, rfc3339},
    world::monitors::Memory,
};

/// Radius of the earth in km.
const EARTH: f64 = 6371.0;

/// An event of a monitor.
pub(crate) struct Fired {
    pub(crate) at: Timestamp,
    /// A reminder: the condition still holds.
    pub(crate) refresh: bool,
    pub(crate) values: Vec<Value>,
}

/// How things stand at a moment.
struct Standing {
    readings: BTreeMap<String, String>,
    /// The condition of each trigger, and whether it is one that lasts no longer than a moment.
    triggers: Vec<(bool, bool)>,
}

/// Follows the monitor from where it was left to `now`, which is always looked at again: at one
/// and the same time things may have been changed by hand.
pub(crate) fn follow(
    rule: &Rule,
    memory: &mut Memory,
    life: Life<'_>,
    now: Timestamp,
) -> Vec<Fired> {
    let mut fired = Vec::new();
    if life.car.reporting != Reporting::Live {
        memory.at = now;
        return fired;
    }
    if memory.readings.is_none() {
        let standing = Standing::of(rule, memory, &Moment::new(life, memory.at));
        standing.remember(rule, memory);
    }
    for at in moments(rule, life, memory.at.min(now), now) {
        remind(rule, memory, life, at, &mut fired);
        let moment = Moment::new(life, at);
        let standing = Standing::of(rule, memory, &moment);
        let triggers: Vec<bool> = standing.triggers.iter().map(|(holds, _)| *holds).collect();
        if rule.expression.holds(&triggers) && !memory.holds {
            let values = values(rule, memory, &moment, Some(&standing));
            fired.push(Fired { at, refresh: false, values });
            memory.spoke_at = Some(at);
        }
        standing.remember(rule, memory);
    }
    remind(rule, memory, life, at_second(now.as_second() + 1), &mut fired);
    memory.at = now;
    fired
}

/// Reminders due before `until`, while the condition holds.
fn remind(
    rule: &Rule,
    memory: &mut Memory,
    life: Life<'_>,
    until: Timestamp,
    fired: &mut Vec<Fired>,
) {
    let Some(every) = rule.refresh.filter(|_| memory.holds) else { return };
    while let Some(spoke_at) = memory.spoke_at {
        let due = at_second(spoke_at.as_second() + every);
        if due >= until {
            break;
        }
        let values = values(rule, memory, &Moment::new(life, due), None);
        fired.push(Fired { at: due, refresh: true, values });
        memory.spoke_at = Some(due);
    }
}

/// When something may be different: at each of the car's messages, and at the edges of times.
fn moments(rule: &Rule, life: Life<'_>, from: Timestamp, now: Timestamp) -> Vec<Timestamp> {
    let mut moments = life.pushes(from, now);
    for trigger in &rule.triggers {
        match trigger {
            Trigger::Time(times) => moments.extend(times.edges(from, now)),
            Trigger::Data(data) if data.operand.name == "vehicle.alert" => {
                let told = life.told(now);
                let alerts = life.alerts(at_second(from.as_second() - 6 * 86_400), told);
                moments.extend(alerts.iter().flat_map(|a| [Some(a.start), a.end]).flatten());
            }
            Trigger::Data(data) if data.operand.name.starts_with("vehicle.alarm") => {
                moments.extend(life.alarms(from, now).iter().map(|alarm| alarm.at));
            }
            Trigger::Data(_) | Trigger::Zone { .. } => (),
        }
    }
    moments.retain(|at| *at > from && *at < now);
    moments.push(now);
    moments.sort_unstable();
    moments.dedup();
    moments
}

impl Standing {
    fn of(rule: &Rule, memory: &Memory, moment: &Moment<'_>) -> Self {
        let mut readings = BTreeMap::new();
        let triggers = rule.triggers.iter().enumerate().map(|(index, trigger)| match trigger {
            Trigger::Zone { inside, center, km } => {
                (is_in(moment, *center, *km) == Some(*inside), false)
            }
            Trigger::Time(times) => (times.hold(moment.at), false),
            Trigger::Data(data) => {
                let value = moment.read(data.operand.name);
                let held = memory.held.get(index).copied().unwrap_or_default();
                let holds = value.as_deref().is_some_and(|value| data.holds(memory, held, value));
                readings.extend(value.map(|value| (data.operand.name.to_owned(), value)));
                (holds, data.test.op == Op::OnChange)
            }
        });
        let triggers = triggers.collect();
        Self { readings, triggers }
    }

    /// What is left of the moment once it is over: changes are, states stay.
    fn remember(self, rule: &Rule, memory: &mut Memory) {
        memory.held = self.triggers.iter().map(|(holds, passing)| *holds && !passing).collect();
        memory.holds = rule.expression.holds(&memory.held);
        if !memory.holds {
            // A change by itself lasts no longer than its moment, so there is nothing to repeat.
            memory.spoke_at = None;
        }
        let readings = memory.readings.get_or_insert_default();
        for (operand, value) in self.readings {
            match readings.insert(operand.clone(), value.clone()) {
                Some(before) if before != value => {
                    memory.previous.insert(operand, before);
                }
                _ => (),
            }
        }
    }
}

impl Data {
    /// Whether its condition holds for a value, given the one before.
    fn holds(&self, memory: &Memory, held: bool, value: &str) -> bool {
        let before = memory.readings.as_ref().and_then(|known| known.get(self.operand.name));
        let now = match self.test.op {
            Op::OnChange => before.is_some_and(|before| before != value),
            _ => self.test.passes(value),
        };
        let came = |earlier: &super::rule::Test| {
            held || before.is_some_and(|before| earlier.passes(before))
        };
        now && self.previous.as_ref().is_none_or(came)
    }
}

/// The values that made it true: those of the triggers that hold, or else all there are.
fn values(
    rule: &Rule,
    memory: &Memory,
    moment: &Moment<'_>,
    standing: Option<&Standing>,
) -> Vec<Value> {
    let holds = |index: usize| match standing {
        Some(standing) => standing.triggers.get(index).is_some_and(|(holds, _)| *holds),
        None => memory.held.get(index).copied().unwrap_or_default(),
    };
    let value = |only_holding: bool| -> Vec<Value> {
        let data = rule.triggers.iter().enumerate().filter_map(|(index, trigger)| match trigger {
            Trigger::Data(data) if holds(index) || !only_holding => Some(data),
            _ => None,
        });
        data.filter_map(|data| value_of(data, memory, moment)).collect()
    };
    let holding = value(true);
    if holding.is_empty() { value(false) } else { holding }
}

fn value_of(data: &Data, memory: &Memory, moment: &Moment<'_>) -> Option<Value> {
    let name = data.operand.name;
    let now = moment.read(name)?;
    let body = if name == "vehicle.alert" {
        let alerts: Vec<Value> = moment.alerts().iter().map(alert).collect();
        json!({"type": "obj.alert", "body": {"objectValues": alerts}})
    } else {
        json!({"type": "string", "body": {"literalValue": now}})
    };
    let mut value = json!({"data": name, "value": body});
    let before = memory.readings.as_ref().and_then(|known| known.get(name));
    let before = before.filter(|before| **before != now).or_else(|| memory.previous.get(name));
    if let Some(before) = before {
        value["previous"] = json!(before);
    }
    Some(value)
}

fn alert(alert: &Alert) -> Value {
    json!({
        "id": alert.id,
        "type": alert.kind,
        "severity": alert.severity,
        "active": alert.end.is_none(),
        "startedAt": rfc3339(alert.start),
        "createdAt": rfc3339(alert.start),
        "updatedAt": rfc3339(alert.end.unwrap_or(alert.start)),
    })
}

/// Whether the car is within a circle; none where it hides.
fn is_in(moment: &Moment<'_>, center: Place, km: f64) -> Option<bool> {
    (moment.life.car.privacy == Privacy::None).then(|| distance(moment.scene.place, center) <= km)
}

/// In km, on a sphere.
fn distance(one: Place, other: Place) -> f64 {
    let half = |a: f64, b: f64| ((a - b).to_radians() / 2.0).sin().powi(2);
    let (from, to) = (one.latitude.to_radians(), other.latitude.to_radians());
    let along = half(one.latitude, other.latitude)
        + from.cos() * to.cos() * half(one.longitude, other.longitude);
    2.0 * EARTH * along.sqrt().min(1.0).asin()
}
