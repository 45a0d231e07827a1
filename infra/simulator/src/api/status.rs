//! `GET …/status`: the last picture of everything, each part as old as it is.

use serde_json::{Map, Value, json};

use super::{
    Answer,
    gate::{Call, Seen},
    part::{is_day, position, quirky_time},
    refusal::Refusal,
    vehicles::links,
};
use crate::{
    cars::{CHARGE_AT, CarKind, Charge, ChargeStatus, Door, Privacy, Reporting, Scene},
    number::{tenth, whole},
    time::{iso_duration, rfc3339},
};

pub(super) fn status(call: &Call<'_>) -> Answer {
    let telemetry = call.scopes.allow_some_of("data:telemetry");
    if !telemetry && !call.scopes.allow("data:position") {
        return Err(Refusal::Scope);
    }
    let seen = call.seen()?;
    match seen.car.reporting {
        Reporting::Live => (),
        Reporting::NeverEmpty => return Ok(json!({})),
        Reporting::NeverMissing => return Err(Refusal::NoData),
    }
    let scene = seen.life().scene(call.as_of());
    let mut body = Map::new();
    body.insert("_links".to_owned(), links(call, &seen, "/status"));
    body.insert("createdAt".to_owned(), json!(rfc3339(scene.at)));
    body.insert("updatedAt".to_owned(), json!(rfc3339(scene.at)));
    if seen.is_located() && call.scopes.allow("data:position") {
        let here = position(&seen, scene.place, scene.heading, scene.moved_at);
        body.insert("lastPosition".to_owned(), here);
    }
    for (name, scope, block) in blocks(&seen, &scene) {
        if call.scopes.allow(&format!("data:telemetry:{scope}")) {
            body.insert(name.to_owned(), block);
        }
    }
    Ok(Value::Object(body))
}

/// Every block with the scope that opens it.
fn blocks(seen: &Seen, scene: &Scene) -> Vec<(&'static str, &'static str, Value)> {
    let energies = energies(seen, scene);
    let preconditioning = preconditioning(seen, scene);
    let moved = rfc3339(scene.moved_at);
    let odometer = json!({"mileage": tenth(scene.odometer), "createdAt": moved});
    let mut blocks = vec![
        ("privacy", "privacy", privacy(seen)),
        ("environment", "environment", environment(seen, scene)),
        ("service", "vehicle", json!({"type": service(seen), "createdAt": rfc3339(scene.at)})),
        ("odometer", "vehicle:odometer", odometer.clone()),
        ("energies", "vehicle:energies", Value::Array(energies.clone())),
        ("preconditioning", "vehicle:preconditioning", preconditioning.clone()),
        ("ignition", "vehicle:ignition", ignition(scene)),
        ("kinetic", "vehicle:kinetic", kinetic(scene)),
        ("doorsState", "vehicle:doorsState", doors(scene)),
        ("battery", "vehicle:battery", json!({"voltage": 88.5, "createdAt": moved})),
        ("engines", "vehicle:engines", engines(seen, scene)),
        ("powertrain", "vehicle:powertrain", json!({"status": running(scene), "createdAt": moved})),
        ("safety", "vehicle:safety", safety(scene)),
        ("drivingBehavior", "vehicle:drivingBehavior", json!({"mode": "Eco", "createdAt": moved})),
        ("alarm", "vehicle:alarm", alarm(scene)),
    ];
    if seen.car.quirks.old_names {
        if let Some(first) = energies.into_iter().next() {
            blocks.push(("energy", "vehicle:energies", first));
        }
        blocks.push(("preconditionning", "vehicle:preconditioning", preconditioning));
        blocks.push(("timed", "vehicle:odometer", json!({"odometer": odometer})));
    }
    blocks
}

fn service(seen: &Seen) -> &'static str {
    match seen.car.kind {
        CarKind::Electric => "Electric",
        CarKind::Hybrid => "Hybrid",
        CarKind::Thermic => "Unknown",
    }
}

fn privacy(seen: &Seen) -> Value {
    let state = match seen.car.privacy {
        Privacy::None => "None",
        Privacy::Geolocation => "Geolocation",
        Privacy::Full => "Full",
    };
    let since = seen.car.privacy_since.map_or_else(|| "2025-01-01T00:00:00Z".to_owned(), rfc3339);
    json!({"state": state, "createdAt": since})
}

fn environment(seen: &Seen, scene: &Scene) -> Value {
    let at = quirky_time(seen, scene.moved_at);
    json!({
        "luminosity": {"day": is_day(scene), "createdAt": at},
        "air": {"temp": tenth(scene.outside), "createdAt": at},
    })
}

/// Energies in no certain order, a ghost first where there is one.
pub(super) fn energies(seen: &Seen, scene: &Scene) -> Vec<Value> {
    let mut energies = Vec::new();
    if seen.car.quirks.ghost_fuel {
        energies.push(json!({
            "type": "Fuel",
            "level": 0,
            "autonomy": 0,
            "createdAt": "2021-04-12T06:13:20Z",
            "updatedAt": "2021-04-12T06:13:20Z",
        }));
    }
    if let Some((level, autonomy)) = scene.tank {
        let litres = seen.life().litres();
        energies.push(json!({
            "type": "Fuel",
            "subType": "FossilEnergy",
            "level": tenth(level),
            "autonomy": autonomy,
            "createdAt": rfc3339(scene.moved_at),
            "extension": {"fuel": {"consumptions": {
                "total": whole(scene.odometer * litres),
                "instant": if scene.driving.is_some() { tenth(litres) } else { 0.0 },
            }}},
        }));
    }
    if let Some(charge) = &scene.charge {
        energies.push(json!({
            "type": "Electric",
            "subType": "ElectricEnergy",
            "level": tenth(charge.level),
            "autonomy": charge.autonomy,
            "createdAt": rfc3339(scene.at),
            "extension": {"electric": electric(charge, scene)},
        }));
    }
    energies
}

fn electric(charge: &Charge, scene: &Scene) -> Value {
    let (status, mode) = match charge.status {
        ChargeStatus::Disconnected => ("Disconnected", "No"),
        ChargeStatus::InProgress => ("InProgress", "Slow"),
        ChargeStatus::Stopped => ("Stopped", "No"),
        ChargeStatus::Finished => ("Finished", "No"),
    };
    let at = rfc3339(scene.at);
    json!({
        "battery": {
            "load": {"capacity": charge.capacity, "residual": charge.residual, "createdAt": at},
            "health": {"capacity": 97, "resistance": 98, "createdAt": at},
        },
        "charging": {
            "plugged": charge.plugged,
            "status": status,
            "remainingTime": iso_duration(charge.remaining),
            "chargingRate": charge.rate,
            "chargingMode": mode,
            "nextDelayedTime": iso_duration(CHARGE_AT),
        },
    })
}

/// Not used for years, so as old as the car: blocks of one document differ that much.
fn preconditioning(seen: &Seen, scene: &Scene) -> Value {
    let old = seen.car.quirks.old_names;
    let (status, at) = match scene.preconditioning {
        Some((status, since)) => (status, rfc3339(since)),
        None if old => ("Disabled", "2023-11-04T07:12:09Z".to_owned()),
        None => ("Disabled", rfc3339(scene.ignition_at)),
    };
    json!({"airConditioning": {
        "status": status,
        "createdAt": at,
        "programs": [{
            "enabled": false,
            "slot": 1,
            "start": "PT7H30M",
            "recurrence": "Daily",
            "occurence": {"day": ["Mon", "Tue", "Wed", "Thu", "Fri"]},
        }],
    }})
}

pub(super) fn ignition(scene: &Scene) -> Value {
    let kind = if scene.driving.is_some() { "Start" } else { "Stop" };
    json!({"type": kind, "createdAt": rfc3339(scene.ignition_at)})
}

fn kinetic(scene: &Scene) -> Value {
    let speed = scene.driving.as_ref().map_or(0.0, |drive| tenth(drive.kmh()));
    json!({
        "moving": scene.driving.is_some(),
        "speed": speed,
        "acceleration": 0.0,
        "createdAt": rfc3339(scene.moved_at),
    })
}

fn doors(scene: &Scene) -> Value {
    let opening: Vec<Value> = Door::ALL
        .iter()
        .map(|door| {
            let state = if scene.open.contains(door) { "Open" } else { "Closed" };
            json!({"identifier": door.name(), "state": state})
        })
        .collect();
    let locked = if scene.locked { "Locked" } else { "Unlocked" };
    json!({"lockedStates": [locked], "opening": opening, "createdAt": rfc3339(scene.doors_at)})
}

fn running(scene: &Scene) -> &'static str {
    if scene.driving.is_some() { "Running" } else { "NotRunning" }
}

/// 215 °C means that the sensor has nothing to say.
pub(super) fn engines(seen: &Seen, scene: &Scene) -> Value {
    let at = rfc3339(scene.moved_at);
    let mut engines = Vec::new();
    if seen.car.kind != CarKind::Electric {
        let coolant = if scene.driving.is_some() { 88.0 } else { 215.0 };
        engines.push(json!({
            "type": "Thermic",
            "speed": if scene.driving.is_some() { 1850.0 } else { 0.0 },
            "extension": {"thermic": {
                "coolant": {"temp": coolant, "level": 70},
                "oil": {"temp": coolant},
                "air": {"temp": tenth(scene.outside)},
            }},
            "createdAt": at,
        }));
    }
    if seen.car.kind != CarKind::Thermic {
        let speed = if scene.driving.is_some() { 5200.0 } else { 0.0 };
        engines.push(json!({"type": "Electric", "speed": speed, "createdAt": at}));
    }
    Value::Array(engines)
}

fn safety(scene: &Scene) -> Value {
    let driver = if scene.driving.is_some() { "Normal" } else { "Omission" };
    json!({
        "beltStatus": [{"belt": driver, "id": "Driver"}],
        "autoECallTriggering": "NotDetected",
        "createdAt": rfc3339(scene.moved_at),
    })
}

fn alarm(scene: &Scene) -> Value {
    let activation = if scene.locked { "Active" } else { "Inactive" };
    json!({"status": {"activation": activation, "createdAt": rfc3339(scene.at)}})
}
