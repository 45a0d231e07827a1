use serde_json::{Value, json};

use super::*;

fn now() -> Timestamp {
    "2026-03-02T06:00:00Z".parse().unwrap()
}

fn field_of(value: Value) -> Option<&'static str> {
    let action: Action = serde_json::from_value(value).unwrap();
    action.check(now()).err().map(|error| error.field)
}

#[test]
fn sound_actions_pass() {
    for value in [
        json!({"door": {"state": "locked"}}),
        json!({"horn": {"on": true}}),
        json!({"lights": {"on": false}}),
        json!({"wake_up": {}}),
        json!({"charging": {"immediate": true, "next_delayed_time": "2026-03-03T01:00:00Z"}}),
        json!({"charging": {"programs": [{"start": "23:00", "end": "06:30", "days": ["mon"]}]}}),
        json!({"charging": {"preferences": {"type": "partial"}}}),
        json!({"preconditioning": {"programs": [{"slot": 1, "enabled": true, "start": "07:00", "days": ["mon", "tue"]}, {"slot": 2, "delete": true}]}}),
        json!({"navigation": {"positions": [{"latitude": 48.1, "longitude": -1.7}]}}),
    ] {
        assert_eq!(field_of(value.clone()), None, "{value}");
    }
}

#[test]
fn what_does_not_go_together_is_named() {
    let charging = |charging: Value| json!({ "charging": charging });
    let air = |programs: Value| json!({"preconditioning": {"programs": programs}});
    let to = |positions: Value| json!({"navigation": {"positions": positions}});
    for (value, field) in [
        (charging(json!({})), "charging"),
        (charging(json!({"immediate": true, "preferences": {"level": 1}})), "charging.preferences"),
        (charging(json!({"preferences": {}})), "charging.preferences"),
        (charging(json!({"preferences": {"level": 6}})), "charging.preferences.level"),
        (
            charging(json!({"next_delayed_time": "2026-03-02T05:00:00Z"})),
            "charging.next_delayed_time",
        ),
        (
            charging(json!({"next_delayed_time": "2026-03-12T05:00:00Z"})),
            "charging.next_delayed_time",
        ),
        (
            charging(
                json!({"next_delayed_time": "2026-03-03T05:00:00Z", "programs": [{"start": "01:00"}]}),
            ),
            "charging.programs",
        ),
        (json!({"preconditioning": {}}), "preconditioning"),
        (air(json!([{"slot": 5, "delete": true}])), "preconditioning.programs.slot"),
        (
            air(json!([{"slot": 1, "delete": true}, {"slot": 1, "delete": true}])),
            "preconditioning.programs.slot",
        ),
        (air(json!([{"slot": 1, "delete": true, "enabled": true}])), "preconditioning.programs"),
        (air(json!([{"slot": 1, "start": "07:00"}])), "preconditioning.programs"),
        (to(json!([])), "navigation.positions"),
        (to(json!([{"latitude": 91.0, "longitude": 0.0}])), "navigation.positions"),
    ] {
        assert_eq!(field_of(value.clone()), Some(field), "{value}");
    }
}

#[test]
fn nothing_unknown_is_taken_and_no_place_is_shown_in_a_log() {
    for value in [
        json!({"door": {"state": "ajar"}}),
        json!({"door": {"state": "locked", "forced": true}}),
        json!({"wake_up": {"now": true}}),
        json!({"boot": {}}),
        json!({"charging": {"programs": [{"start": "24:00"}]}}),
    ] {
        assert!(serde_json::from_value::<Action>(value.clone()).is_err(), "{value}");
    }
    let place = Place { latitude: 48.117, longitude: -1.678 };
    let action = Action::Navigation(Navigation { positions: vec![place] });
    assert!(!format!("{action:?}").contains("48.1"));
    assert_eq!(action.kept(), None);
}
