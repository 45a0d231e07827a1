//! Whole documents, as the live service sends them.

use super::*;

#[test]
fn a_battery_cars_status_comes_out_whole() {
    let document = json!({
        "_links": {"self": {"href": "x"}, "vehicles": {"href": "y"}},
        "lastPosition": {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [9.65457, 49.96119, 21]},
            "properties": {"updatedAt": "2021-03-29T06:44:28Z", "heading": 180,
                "type": "Estimated"}},
        "preconditionning": {"airConditioning": {"updatedAt": "2022-02-26T10:53:54Z",
            "status": "Disabled", "programs": [{"enabled": true, "slot": 1,
                "recurrence": "Daily", "start": "PT7H40M", "occurence": {"day": ["Sat"]}}]}},
        "energy": [
            {"createdAt": "2022-02-26T10:53:54Z", "type": "Electric", "level": 63,
                "autonomy": 207, "charging": {"plugged": false, "status": "Disconnected",
                    "remainingTime": "PT0S", "chargingRate": 0, "chargingMode": "No",
                    "nextDelayedTime": "PT22H31M"}},
            {"createdAt": "2019-01-01T00:00:00Z", "type": "Fuel", "level": 0}],
        "createdAt": "2022-02-26T10:53:54Z",
        "battery": {"voltage": 83.5, "current": 0, "createdAt": "2022-02-26T10:52:11Z"},
        "kinetic": {"createdAt": "2021-03-29T06:45:23Z", "moving": false},
        "privacy": {"createdAt": "2022-02-26T10:53:53Z", "state": "None"},
        "service": {"type": "Electric", "updatedAt": "2022-02-26T10:54:00Z"},
        "doorsState": {"createdAt": "2022-02-26T10:54:00Z", "lockedStates": ["Locked"],
            "opening": [{"identifier": "Driver", "state": "Closed"},
                {"identifier": "Trunk", "state": "Open"}]},
        "alarm": {"status": {"activation": "Active", "createdAt": "2022-02-26T10:54:00Z"}},
        "timed.odometer": {"createdAt": null, "mileage": 12_345.6},
        "updatedAt": "2022-02-26T10:53:54Z",
    });

    let snapshot = of(&document);

    let lines: Vec<_> = snapshot.readings().map(|reading| line(&reading)).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    position.place = {"latitude":49.96119,"longitude":9.65457,"altitude":21.0,"heading":180.0,"source":"estimated"}  @ 2021-03-29T06:44:28Z
    privacy.state = "none"  @ 2022-02-26T10:53:53Z
    odometer.mileage = 12345.6 km @ 2022-02-26T10:53:54Z
    kinetic.moving = false  @ 2021-03-29T06:45:23Z
    electric.level = 63.0 % @ 2022-02-26T10:53:54Z
    electric.range = 207.0 km @ 2022-02-26T10:53:54Z
    charging.plugged = false  @ 2022-02-26T10:53:54Z
    charging.status = "disconnected"  @ 2022-02-26T10:53:54Z
    charging.rate = 0.0 km/h @ 2022-02-26T10:53:54Z
    charging.mode = "no"  @ 2022-02-26T10:53:54Z
    charging.delayed_start = "22:31"  @ 2022-02-26T10:53:54Z
    doors.locks = ["locked"]  @ 2022-02-26T10:54:00Z
    doors.open = ["trunk"]  @ 2022-02-26T10:54:00Z
    doors.closed = ["driver"]  @ 2022-02-26T10:54:00Z
    battery.level = 83.5 % @ 2022-02-26T10:52:11Z
    service.kind = "electric"  @ 2022-02-26T10:54:00Z
    alarm.activation = "active"  @ 2022-02-26T10:54:00Z
    preconditioning.status = "disabled"  @ 2022-02-26T10:53:54Z
    preconditioning.programs = [{"slot":1,"enabled":true,"start":"07:40","days":["sat"],"recurrence":"daily"}]  @ 2022-02-26T10:53:54Z
    "#);
}

#[test]
fn a_combustion_cars_status_comes_out_whole() {
    let thermic = json!({"coolant": {"temp": 86, "level": 80}, "oil": {"temp": 215, "level": 60},
        "air": {"temp": 21.5}});
    let document = json!({
        "createdAt": "2026-02-26T10:00:00Z",
        "energies": [{"type": "Fuel", "subType": "FossilEnergy", "level": 42.5, "autonomy": 380,
            "extension": {"fuel": {"consumptions": {"total": 123_456, "instant": 5.6}}}}],
        "engines": [{"type": "Thermic", "speed": 1500, "extension": {"thermic": thermic}}],
        "powertrain": {"status": "Running"},
        "ignition": {"type": "Start"},
        "kinetic": {"moving": true, "speed": 48.2, "acceleration": -0.3},
        "environment": {"air": {"temp": "7,5"}, "luminosity": {"day": true}},
        "safety": {"beltStatus": [{"id": "Driver", "belt": "Normal"}],
            "autoECallTriggering": "NotDetected"},
        "drivingBehavior": {"mode": "HybridEco"},
        "lightingSystem": {"turn": [{"direction": "Left", "position": "Front", "status": "On"},
            {"direction": "Right", "position": "Front", "status": "Off"}], "fog": []},
        "alarm": {"trigger": {"type": "VehicleLifting", "startAt": "2026-02-01T00:00:00Z"}},
    });

    let snapshot = of(&document);

    let lines: Vec<_> = snapshot.readings().map(|reading| line(&reading)).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    ignition.state = "start"  @ 2026-02-26T10:00:00Z
    kinetic.moving = true  @ 2026-02-26T10:00:00Z
    kinetic.speed = 48.2 km/h @ 2026-02-26T10:00:00Z
    kinetic.acceleration = -0.3 m/s2 @ 2026-02-26T10:00:00Z
    fuel.level = 42.5 % @ 2026-02-26T10:00:00Z
    fuel.range = 380.0 km @ 2026-02-26T10:00:00Z
    fuel.consumed = 1234.56 L @ 2026-02-26T10:00:00Z
    fuel.consumption = 5.6 L/100km @ 2026-02-26T10:00:00Z
    thermic_engine.speed = 1500.0 rpm @ 2026-02-26T10:00:00Z
    thermic_engine.coolant_temperature = 86.0 °C @ 2026-02-26T10:00:00Z
    thermic_engine.coolant_level = 80.0 % @ 2026-02-26T10:00:00Z
    thermic_engine.oil_level = 60.0 % @ 2026-02-26T10:00:00Z
    thermic_engine.air_temperature = 21.5 °C @ 2026-02-26T10:00:00Z
    powertrain.status = "running"  @ 2026-02-26T10:00:00Z
    safety.driver_belt = "normal"  @ 2026-02-26T10:00:00Z
    safety.emergency_call = "not_detected"  @ 2026-02-26T10:00:00Z
    air.temperature = 7.5 °C @ 2026-02-26T10:00:00Z
    luminosity.day = true  @ 2026-02-26T10:00:00Z
    driving.mode = "hybrid_eco"  @ 2026-02-26T10:00:00Z
    lighting.turn = ["front_left"]  @ 2026-02-26T10:00:00Z
    lighting.fog = []  @ 2026-02-26T10:00:00Z
    alarm_trigger.kind = "vehicle_lifting"  @ 2026-02-01T00:00:00Z
    alarm_trigger.started_at = "2026-02-01T00:00:00Z"  @ 2026-02-01T00:00:00Z
    "#);
}

#[test]
fn telemetry_is_a_state_with_one_time() {
    let document = json!({
        "createdAt": "2026-02-26T10:00:00Z",
        "vehicle": {
            "ignition": {"type": "Start"},
            "transmission": {"gearbox": {"ratio": "Ratio3", "mode": {"sport": true}}},
            "wipingBlades": {"active": true, "speed": "High"},
            "adas": {"esp": true, "sli": 110, "parkAssist": {"front": ["Active"]}}},
        "environment": {"air": {"temp": 3}},
        "_embedded": {"extension": {
            "location": {"geometry": {"coordinates": [2.5, 48.5]}},
            "maintenance": {"daysBeforeMaintenance": 45}}},
    });

    let snapshot = of(&document);

    let lines: Vec<_> = snapshot.readings().map(|reading| line(&reading)).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    ignition.state = "start"  @ 2026-02-26T10:00:00Z
    position.place = {"latitude":48.5,"longitude":2.5}  @ 2026-02-26T10:00:00Z
    air.temperature = 3.0 °C @ 2026-02-26T10:00:00Z
    maintenance.days = 45.0 d @ 2026-02-26T10:00:00Z
    gearbox.ratio = "ratio3"  @ 2026-02-26T10:00:00Z
    gearbox.modes = ["sport"]  @ 2026-02-26T10:00:00Z
    wipers.active = true  @ 2026-02-26T10:00:00Z
    wipers.speed = "high"  @ 2026-02-26T10:00:00Z
    assistants.park_front = ["active"]  @ 2026-02-26T10:00:00Z
    assistants.stability = true  @ 2026-02-26T10:00:00Z
    assistants.speed_limit = 110.0 km/h @ 2026-02-26T10:00:00Z
    "#);
}

fn line(reading: &crate::domain::snapshot::Reading) -> String {
    let value = serde_json::to_string(&reading.value).unwrap();
    let unit = reading.unit.map(|unit| serde_json::to_value(unit).unwrap());
    let unit = unit.as_ref().and_then(|unit| unit.as_str()).unwrap_or_default();
    let time = reading.observed_at.map(|time| time.to_string()).unwrap_or_default();
    format!("{} = {value} {unit} @ {time}", reading.field)
}
