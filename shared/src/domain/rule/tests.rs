use serde_json::{Value, json};

use super::*;

fn wish(when: &Value) -> Result<Wish, String> {
    let wish = json!({"name": "a rule", "when": when});
    let wish: Wish = serde_json::from_value(wish).map_err(|error| error.to_string())?;
    wish.check().map(|()| wish).map_err(|error| error.to_string())
}

fn with(field: &str, value: Value) -> Result<(), Invalid> {
    let mut wish = json!({"name": "a rule", "when": {"use": "charging_started"}});
    wish[field] = value;
    serde_json::from_value::<Wish>(wish).unwrap().check()
}

fn triggers(triggers: &Value, bool_exp: &str) -> Result<Wish, String> {
    wish(&json!({"triggers": triggers, "bool_exp": bool_exp}))
}

#[test]
fn every_ready_made_rule_is_one_that_could_be_written_by_hand() {
    for ready in [
        json!({"use": "battery_below", "level": 20}),
        json!({"use": "charging_started"}),
        json!({"use": "charging_ended"}),
        json!({"use": "entered_place", "circle": {"latitude": 48.1, "longitude": 2.3, "radius_km": 1}}),
        json!({"use": "left_place", "circle": {"latitude": 48.1, "longitude": 2.3, "radius_km": 1}}),
        json!({"use": "moved_at_night"}),
        json!({"use": "moved_at_night", "night": {"from": "23:30", "until": "05:15", "time_zone": "Europe/Rome"}}),
        json!({"use": "door_open_while_parked"}),
        json!({"use": "alert_raised"}),
        json!({"use": "alert_raised", "kinds": ["RiskOfIce"]}),
        json!({"use": "privacy_changed"}),
    ] {
        let ready = wish(&ready).unwrap();
        let written = serde_json::to_value(ready.condition()).unwrap();

        let by_hand = wish(&written).unwrap();

        assert_eq!(by_hand.condition(), ready.condition());
        let stored: Wish = serde_json::from_value(serde_json::to_value(&ready).unwrap()).unwrap();
        assert_eq!(stored, ready);
    }
}

#[test]
fn a_night_lasts_to_its_end_on_the_next_day() {
    let minutes = |night: Value| {
        let when = json!({"use": "moved_at_night", "night": night});
        let condition = wish(&when).unwrap().condition();
        let night = serde_json::to_value(&condition.triggers["night"]).unwrap();
        night["time"]["times"][0]["daily"]["minutes"].clone()
    };

    assert_eq!(minutes(json!({})), 480);
    assert_eq!(minutes(json!({"from": "00:00", "until": "06:30"})), 390);
    assert_eq!(minutes(json!({"from": "07:00", "until": "07:00"})), 1440);
}

#[test]
fn what_the_maker_would_refuse_is_refused_by_field() {
    let data = |data: Value| triggers(&json!({"t": {"data": data}}), "t").unwrap_err();
    let level = "vehicle.energy.electric.level";

    let wrong = data(json!({"data": level, "op": "on_change"}));
    assert_eq!(
        wrong,
        "when.triggers.t.data.op: expected an operator that vehicle.energy.electric.level takes: \
         equals_to, greater_than, lower_than"
    );
    for (value, field) in [
        (json!({"data": level, "op": "lower_than"}), "when.triggers.t.data.value"),
        (json!({"data": level, "op": "lower_than", "value": [1, 2]}), "when.triggers.t.data.value"),
        (json!({"data": level, "op": "lower_than", "value": ["x"]}), "when.triggers.t.data.value"),
        (
            json!({"data": level, "op": "lower_than", "value": [1], "previous": {"op": "equals_to", "value": [2]}}),
            "when.triggers.t.data.previous",
        ),
        (
            json!({"data": "privacy.state", "op": "on_change", "previous": {"op": "lower_than", "value": ["None"]}}),
            "when.triggers.t.data.previous.op",
        ),
        (
            json!({"data": "privacy.state", "op": "equals_to", "value": ["Some"]}),
            "when.triggers.t.data.value",
        ),
    ] {
        assert!(data(value.clone()).starts_with(&format!("{field}: ")), "{value}: {field}");
    }
}

#[test]
fn zones_and_times_are_checked() {
    let time = |time: Value| triggers(&json!({"t": {"time": time}}), "t").map(|_| ());
    let daily = |daily: Value| time(json!({"times": [{"daily": daily}]}));
    let circle = |latitude: f64, longitude: f64, radius: u32| {
        let circle = json!({"latitude": latitude, "longitude": longitude, "radius_km": radius});
        triggers(&json!({"z": {"zone": {"transition": "in", "circle": circle}}}), "z").map(|_| ())
    };

    assert!(circle(48.0, 2.0, 1).is_ok());
    for (latitude, longitude, radius) in [(91.0, 0.0, 1), (0.0, -180.5, 1), (0.0, 0.0, 0)] {
        assert!(circle(latitude, longitude, radius).is_err());
    }
    assert!(daily(json!({"from": "22:00", "minutes": 480, "days": ["mon", "sun"]})).is_ok());
    assert!(time(json!({"times": [{"once": {"from": "2026-03-01T00:00:00Z"}}]})).is_ok());
    for wrong in [
        json!({"from": "22:00", "minutes": 0}),
        json!({"from": "22:00", "minutes": 1441}),
        json!({"from": "22:00:30", "minutes": 10}),
        json!({"from": "22:00", "minutes": 10, "days": ["mon", "mon"]}),
        json!({"from": "22:00", "minutes": 10, "weeks": [{"first": 0, "last": 4}]}),
        json!({"from": "22:00", "minutes": 10, "weeks": [{"first": 9, "last": 4}]}),
    ] {
        assert!(daily(wrong.clone()).unwrap_err().starts_with("when.triggers.t.time"), "{wrong}");
    }
    assert!(time(json!({"times": []})).is_err());
    let mars =
        json!({"times": [{"once": {"from": "2026-03-01T00:00:00Z"}}], "time_zone": "Mars/Olympus"});
    assert!(time(mars).unwrap_err().contains("time_zone"));
}

#[test]
fn a_rule_has_one_to_five_named_triggers_all_of_them_used() {
    let moving = json!({"data": {"data": "vehicle.kinetic.moving", "op": "on_change"}});
    let many = |count: usize| {
        let names: Vec<_> = (0..count).map(|n| format!("t{n}")).collect();
        let all = names.iter().map(|name| (name.clone(), moving.clone()));
        triggers(&Value::Object(all.collect()), &names.join("|")).map(|_| ())
    };

    assert!(many(5).is_ok());
    assert!(many(0).unwrap_err().starts_with("when.triggers:"));
    assert!(many(6).unwrap_err().starts_with("when.triggers:"));
    let odd = triggers(&json!({"t 1": moving}), "t 1").unwrap_err();
    assert!(odd.starts_with("when.triggers:"), "{odd}");
    let unused = triggers(&json!({"a": moving, "b": moving}), "a").unwrap_err();
    assert!(unused.starts_with("when.bool_exp: expected every"), "{unused}");
}

#[test]
fn names_and_repetition_are_checked_and_unknown_fields_refused() {
    assert!(with("name", json!("")).is_err());
    assert!(with("name", json!("x".repeat(101))).is_err());
    assert!(with("refresh_s", json!(60)).is_ok());
    assert_eq!(with("refresh_s", json!(59)).unwrap_err().field, "refresh_s");
    assert!(wish(&json!({"use": "charging_started", "level": 3})).is_err());
    assert!(wish(&json!({"use": "battery_below"})).unwrap_err().contains("level"));
    assert!(wish(&json!({"use": "battery_below", "level": 101})).unwrap_err().contains("level"));
    assert!(wish(&json!({"use": "moved_at_night", "night": {"form": "22:00"}})).is_err());
}

#[test]
fn a_car_that_lacks_what_is_watched_or_a_user_not_asked_is_told_so() {
    let battery = wish(&json!({"use": "battery_below", "level": 20})).unwrap();
    let place =
        wish(&json!({"use": "left_place", "circle": {"latitude": 48.1, "longitude": 2.3, "radius_km": 1}}))
            .unwrap();
    let car = |motorization: &str| -> Vehicle {
        let car =
            json!({"vin": "VR3UHZKXZPT000208", "address": "a1", "motorization": motorization});
        serde_json::from_value(car).unwrap()
    };
    let scopes = ["openid".to_owned(), "data:telemetry".to_owned()];

    assert_eq!(battery.unsupported(&scopes, &car("electric")), None);
    assert_eq!(battery.unsupported(&scopes, &car("thermic")), Some(Unsupported::Capability));
    assert_eq!(place.unsupported(&scopes, &car("thermic")), Some(Unsupported::Scope));
    let mut blind = car("electric");
    blind.capabilities =
        Some(serde_json::from_value(json!({"data": ["data:trip"], "remotes": []})).unwrap());
    assert_eq!(battery.unsupported(&scopes, &blind), Some(Unsupported::Capability));
}
