//! Remotes: the body that asks for one, and what is said of one.

use serde_json::{Map, Value, json};

use super::read::{Id, Word, document};
use crate::domain::{
    remote::{
        Action, AirProgram, Charging, ChargingProgram, Extent, Lock, Navigation, Preconditioning,
        Switch, TimeOfDay,
    },
    weekday::Weekday,
};

document! {
    /// `POST …/remotes` answered, `GET …/remotes/{rid}`, and an item of `…/remotes`.
    RemoteAction {
        id: Id = "remoteActionId" | "id",
        status: Word = "status",
        cause: Word = "failureCause",
        remote: RemoteRequest = "remote",
    }

    /// What was asked for.
    RemoteRequest {
        label: String = "label",
    }
}

/// `Remote`: one action, and a label by which it is found again.
pub(crate) fn remote_body(action: &Action, label: &str) -> Value {
    let (member, value) = match action {
        Action::Door(door) => {
            let locked = door.state == Lock::Locked;
            ("door", json!({"state": if locked { "Locked" } else { "Unlocked" }}))
        }
        Action::Horn(Switch { on }) => {
            ("horn", json!({"state": if *on { "Activated" } else { "Unactivated" }}))
        }
        Action::Lights(Switch { on }) => ("lights", json!({ "on": on })),
        Action::Charging(charging) => ("charging", charging_body(charging)),
        Action::Preconditioning(preconditioning) => {
            ("preconditioning", json!({"airConditioning": air_body(preconditioning)}))
        }
        Action::WakeUp(_) => ("wakeUp", json!({"action": "WakeUp"})),
        Action::Navigation(navigation) => ("navigation", navigation_body(navigation)),
    };
    json!({"label": label, member: value})
}

fn charging_body(charging: &Charging) -> Value {
    let mut body = Map::new();
    if let Some(preferences) = &charging.preferences {
        let mut chosen = Map::new();
        if let Some(level) = preferences.level {
            chosen.insert("level".into(), format!("Level{level}").into());
        }
        if let Some(extent) = preferences.extent {
            let partial = extent == Extent::Partial;
            chosen.insert("type".into(), if partial { "Partial" } else { "Full" }.into());
        }
        body.insert("preferences".into(), chosen.into());
    }
    if let Some(time) = charging.next_delayed_time {
        body.insert("schedule".into(), json!({"nextDelayedTime": time.to_string()}));
    }
    if !charging.programs.is_empty() {
        let programs: Vec<_> = charging.programs.iter().map(charging_program).collect();
        body.insert("schedule".into(), json!({ "programs": programs }));
    }
    if let Some(immediate) = charging.immediate {
        body.insert("immediate".into(), immediate.into());
    }
    body.into()
}

fn charging_program(program: &ChargingProgram) -> Value {
    let mut body = Map::new();
    body.insert("start".into(), time(program.start).into());
    if let Some(end) = program.end {
        body.insert("end".into(), time(end).into());
    }
    recurrence(&mut body, &mut program.days.iter().copied(), program.recurring);
    if let Some(enabled) = program.enabled {
        body.insert("enabled".into(), enabled.into());
    }
    body.into()
}

fn air_body(preconditioning: &Preconditioning) -> Value {
    let mut body = Map::new();
    if let Some(immediate) = preconditioning.immediate {
        body.insert("immediate".into(), immediate.into());
    }
    if !preconditioning.programs.is_empty() {
        let programs: Vec<_> = preconditioning.programs.iter().map(air_program).collect();
        body.insert("programs".into(), programs.into());
    }
    body.into()
}

fn air_program(program: &AirProgram) -> Value {
    let mut body = Map::new();
    body.insert("slot".into(), program.slot.into());
    // Described as `start` being always there; a deletion, they say, needs the slot only.
    let start = program.start.map_or_else(|| "PT0H0M".to_owned(), time);
    body.insert("start".into(), start.into());
    if program.delete {
        body.insert("actionsType".into(), "Delete".into());
        return body.into();
    }
    body.insert("actionsType".into(), "Set".into());
    if let Some(enabled) = program.enabled {
        body.insert("enabled".into(), enabled.into());
    }
    recurrence(&mut body, &mut program.days.iter().copied(), program.recurring);
    body.into()
}

/// Their spelling of an occurrence.
fn recurrence(
    body: &mut Map<String, Value>,
    days: &mut dyn Iterator<Item = Weekday>,
    recurring: Option<bool>,
) {
    let days: Vec<_> = days.map(day).collect();
    if !days.is_empty() {
        body.insert("occurence".into(), json!({ "day": days }));
    }
    if let Some(recurring) = recurring {
        body.insert("recurrence".into(), if recurring { "Daily" } else { "None" }.into());
    }
}

fn navigation_body(navigation: &Navigation) -> Value {
    let point = |place: &crate::domain::remote::Place| json!({"type": "Point", "coordinates": [place.longitude, place.latitude]});
    json!({"positions": navigation.positions.iter().map(point).collect::<Vec<_>>()})
}

/// A duration since midnight.
fn time(time: TimeOfDay) -> String {
    format!("PT{}H{}M", time.hour(), time.minute())
}

const fn day(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "Mon",
        Weekday::Tue => "Tue",
        Weekday::Wed => "Wed",
        Weekday::Thu => "Thu",
        Weekday::Fri => "Fri",
        Weekday::Sat => "Sat",
        Weekday::Sun => "Sun",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(action: Value) -> Value {
        let action: Action = serde_json::from_value(action).unwrap();
        let mut body = remote_body(&action, "rem_1");
        assert_eq!(body.as_object_mut().unwrap().remove("label"), Some(json!("rem_1")));
        assert_eq!(body.as_object().unwrap().len(), 1, "one action");
        body
    }

    #[test]
    fn each_action_is_written_as_the_description_has_it() {
        for (action, expected) in [
            (json!({"door": {"state": "unlocked"}}), json!({"door": {"state": "Unlocked"}})),
            (json!({"horn": {"on": false}}), json!({"horn": {"state": "Unactivated"}})),
            (json!({"lights": {"on": true}}), json!({"lights": {"on": true}})),
            (json!({"wake_up": {}}), json!({"wakeUp": {"action": "WakeUp"}})),
            (
                json!({"charging": {"immediate": false, "next_delayed_time": "2026-03-03T01:00:00Z"}}),
                json!({"charging": {"immediate": false, "schedule": {"nextDelayedTime": "2026-03-03T01:00:00Z"}}}),
            ),
            (
                json!({"charging": {"preferences": {"level": 3, "type": "full"}}}),
                json!({"charging": {"preferences": {"level": "Level3", "type": "Full"}}}),
            ),
            (
                json!({"charging": {"programs": [{"start": "23:05", "end": "06:30", "days": ["sun", "mon"], "enabled": true}]}}),
                json!({"charging": {"schedule": {"programs": [{"start": "PT23H5M", "end": "PT6H30M", "occurence": {"day": ["Mon", "Sun"]}, "enabled": true}]}}}),
            ),
            (
                json!({"preconditioning": {"immediate": true, "programs": [{"slot": 1, "enabled": true, "start": "07:00", "days": ["fri"], "recurring": false}, {"slot": 2, "delete": true}]}}),
                json!({"preconditioning": {"airConditioning": {"immediate": true, "programs": [
                    {"slot": 1, "actionsType": "Set", "enabled": true, "start": "PT7H0M", "occurence": {"day": ["Fri"]}, "recurrence": "None"},
                    {"slot": 2, "actionsType": "Delete", "start": "PT0H0M"},
                ]}}}),
            ),
            (
                json!({"navigation": {"positions": [{"latitude": 48.1, "longitude": -1.7}]}}),
                json!({"navigation": {"positions": [{"type": "Point", "coordinates": [-1.7, 48.1]}]}}),
            ),
        ] {
            assert_eq!(body(action), expected);
        }
    }
}
