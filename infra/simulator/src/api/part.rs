//! Small parts that several documents share.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::gate::{Call, Seen};
use crate::{
    cars::{Life, Place, Scene},
    number::{coordinate, tenth},
    time::{old_form, rfc3339},
};

/// A HAL link below the API's base.
pub(super) fn link(call: &Call<'_>, path: &str) -> Value {
    json!({"href": format!("{}{path}", call.base)})
}

/// The address of a car's resource.
pub(super) fn of_vehicle(seen: &Seen, rest: &str) -> String {
    format!("/user/vehicles/{}{rest}", seen.id)
}

/// A time in the form that this car sends: some still send the old one.
pub(super) fn quirky_time(seen: &Seen, t: Timestamp) -> String {
    if seen.car.quirks.old_dates { old_form(t) } else { rfc3339(t) }
}

/// A `GeoJSON` feature (RFC 7946 §3.2): longitude first.
pub(super) fn position(seen: &Seen, place: Place, heading: i64, at: Timestamp) -> Value {
    let kind = if seen.car.quirks.old_names { "Aquire" } else { "Acquire" };
    json!({
        "type": "Feature",
        "geometry": {
            "type": "Point",
            "coordinates": [coordinate(place.longitude), coordinate(place.latitude), 47.0],
        },
        "properties": {
            "createdAt": rfc3339(at),
            "heading": heading,
            "signalQuality": 9,
            "type": kind,
            "fixStatus": "3D",
        },
    })
}

/// Level and range by kind of energy, as trips tell them.
pub(super) fn lite_energies(life: &Life<'_>, t: Timestamp) -> Vec<Value> {
    let mut energies = Vec::new();
    if let Some(charge) = life.charge(t) {
        energies.push(json!({
            "type": "Electric",
            "subType": "ElectricEnergy",
            "level": tenth(charge.level),
            "autonomy": charge.autonomy,
        }));
    }
    if let Some((level, autonomy)) = life.tank(life.odometer(t)) {
        energies.push(json!({
            "type": "Fuel",
            "subType": "FossilEnergy",
            "level": tenth(level),
            "autonomy": autonomy,
        }));
    }
    energies
}

/// Whether the moment of a picture is by day, by a rough sun.
pub(super) fn is_day(scene: &Scene) -> bool {
    let hour = scene.moved_at.as_second().rem_euclid(86_400) / 3600;
    (7..19).contains(&hour)
}
