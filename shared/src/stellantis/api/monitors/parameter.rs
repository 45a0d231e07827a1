//! A rule as the maker wants it: `MonitorParameter`.

use jiff::civil;
use serde_json::{Map, Value, json};

use crate::domain::rule::{
    Condition, Daily, Data, Extra, InvalidExpression, Once, Op, Rule, Scalar, Span, Times,
    Transition, Trigger, Weeks, Zone,
};

/// A rule, compiled. Its label is the rule's id, by which a monitor is known again.
///
/// # Errors
/// Unless it was checked.
pub(super) fn parameter(rule: &Rule) -> Result<Value, InvalidExpression> {
    let condition = rule.wish.condition();
    let mut parameter = json!({
        "label": rule.id.as_str(),
        "triggerParam": {"triggers": triggers(&condition), "boolExp": condition.expression()?},
    });
    let extras: Vec<_> = rule.wish.extras().into_iter().map(Extra::as_str).collect();
    if !extras.is_empty() {
        parameter["extendedEventParam"] = json!(extras);
    }
    if let Some(seconds) = rule.wish.refresh_s {
        parameter["subscribeParam"] = json!({"refreshEvent": seconds});
    }
    Ok(parameter)
}

fn triggers(condition: &Condition) -> Vec<Value> {
    let trigger = |(name, trigger): (&String, &Trigger)| match trigger {
        Trigger::Zone(zone) => json!({"name": name, "zone": self::zone(zone)}),
        Trigger::Time(times) => json!({"name": name, "time": self::times(times)}),
        Trigger::Data(data) => json!({"name": name, "data": self::data(data)}),
    };
    condition.triggers.iter().map(trigger).collect()
}

/// The description calls the circle `place`, the tutorial `circle`.
fn zone(zone: &Zone) -> Value {
    let circle = &zone.circle;
    json!({
        "transition": match zone.transition {
            Transition::In => "In",
            Transition::Out => "Out",
        },
        "place": {
            "radius": circle.radius_km,
            "center": {"longitude": circle.longitude, "latitude": circle.latitude},
        },
    })
}

fn times(times: &Times) -> Value {
    let span = |span: &Span| match span {
        Span::Daily(daily) => self::daily(daily),
        Span::Once(once) => self::once(once),
    };
    let spans: Vec<_> = times.times.iter().map(span).collect();
    json!({"times": spans, "timeZone": times.time_zone})
}

fn daily(daily: &Daily) -> Value {
    let mut entry = json!({
        "recurrence": "Daily",
        "start": since_midnight(daily.from),
        "duration": duration(daily.minutes),
    });
    let mut occurence = Map::new();
    if !daily.days.is_empty() {
        let days: Vec<_> = daily.days.iter().map(|day| format!("{day:?}")).collect();
        occurence.insert("day".into(), json!(days));
    }
    if !daily.weeks.is_empty() {
        let weeks: Vec<_> = daily.weeks.iter().copied().map(week).collect();
        occurence.insert("week".into(), json!(weeks));
    }
    if !occurence.is_empty() {
        entry["occurence"] = Value::Object(occurence);
    }
    entry
}

fn week(weeks: Weeks) -> String {
    if weeks.first == weeks.last {
        format!("w{}", weeks.first)
    } else {
        format!("w{}-w{}", weeks.first, weeks.last)
    }
}

fn once(once: &Once) -> Value {
    let mut entry = json!({"recurrence": "None", "start": once.from.to_string()});
    if let Some(minutes) = once.minutes {
        entry["duration"] = json!(duration(minutes));
    }
    entry
}

fn since_midnight(time: civil::Time) -> String {
    format!("PT{}H{}M", time.hour(), time.minute())
}

fn duration(minutes: u32) -> String {
    format!("PT{}H{}M", minutes / 60, minutes % 60)
}

fn data(data: &Data) -> Value {
    let mut trigger = json!({"data": data.data.as_str(), "op": op(data.op)});
    if !data.value.is_empty() {
        trigger["value"] = texts(&data.value);
    }
    if let Some(previous) = &data.previous {
        trigger["previous"] = json!({"op": op(previous.op), "value": texts(&previous.value)});
    }
    trigger
}

const fn op(op: Op) -> &'static str {
    match op {
        Op::OnChange => "onChange",
        Op::EqualsTo => "equalsTo",
        Op::IncludedIn => "includedIn",
        Op::GreaterThan => "greaterThan",
        Op::LowerThan => "lowerThan",
    }
}

fn texts(values: &[Scalar]) -> Value {
    values.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use crate::domain::ids::RuleId;

    use super::*;

    fn compiled(wish: Value) -> Value {
        let now = "2026-03-02T06:00:00Z".parse().unwrap();
        let rule = Rule {
            id: RuleId::random(),
            wish: serde_json::from_value(wish).unwrap(),
            created_at: now,
            updated_at: now,
        };
        let mut parameter = parameter(&rule).unwrap();
        assert_eq!(parameter["label"], rule.id.as_str());
        parameter["label"] = json!("mon");
        parameter
    }

    #[test]
    fn a_ready_made_rule_becomes_triggers() {
        let compiled = compiled(json!({
            "name": "low", "when": {"use": "battery_below", "level": 20}, "refresh_s": 600,
            "extend": ["vehicle.position", "vehicle.doorsState"],
        }));

        let expected = json!({
            "label": "mon",
            "triggerParam": {
                "triggers": [{"name": "battery", "data": {
                    "data": "vehicle.energy.electric.level", "op": "lowerThan", "value": ["20"],
                }}],
                "boolExp": "battery",
            },
            "extendedEventParam": ["vehicle.doorsState", "vehicle.position"],
            "subscribeParam": {"refreshEvent": 600},
        });
        assert_eq!(compiled, expected);
    }

    #[test]
    fn triggers_of_every_kind_are_written_as_the_description_says() {
        let compiled = compiled(
            json!({"name": "all", "when": {"bool_exp": "z&(t|d)", "triggers": {
                "z": {"zone": {"transition": "out", "circle": {"latitude": 48.5, "longitude": 2.5, "radius_km": 3}}},
                "t": {"time": {"time_zone": "Europe/Rome", "times": [
                    {"daily": {"from": "07:05", "minutes": 90, "days": ["mon", "sun"], "weeks": [{"first": 1, "last": 1}, {"first": 34, "last": 46}]}},
                    {"once": {"from": "2026-03-01T12:00:00+01:00", "minutes": 30}},
                ]}},
                "d": {"data": {"data": "vehicle.kinetic.moving", "op": "equals_to", "value": [true],
                    "previous": {"op": "equals_to", "value": ["false"]}}},
            }}}),
        );

        let expected = json!({
            "label": "mon",
            "triggerParam": {"boolExp": "z & (t | d)", "triggers": [
                {"name": "d", "data": {"data": "vehicle.kinetic.moving", "op": "equalsTo", "value": ["true"],
                    "previous": {"op": "equalsTo", "value": ["false"]}}},
                {"name": "t", "time": {"timeZone": "Europe/Rome", "times": [
                    {"recurrence": "Daily", "start": "PT7H5M", "duration": "PT1H30M",
                     "occurence": {"day": ["Mon", "Sun"], "week": ["w1", "w34-w46"]}},
                    {"recurrence": "None", "start": "2026-03-01T11:00:00Z", "duration": "PT0H30M"},
                ]}},
                {"name": "z", "zone": {"transition": "Out", "place": {
                    "radius": 3, "center": {"longitude": 2.5, "latitude": 48.5}}}},
            ]},
        });
        assert_eq!(compiled, expected);
    }
}
