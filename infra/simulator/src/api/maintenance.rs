//! `GET …/maintenance`: days and km until the next one.

use serde_json::{Value, json};

use super::{
    Answer,
    gate::{Call, Seen},
    part::{link, of_vehicle},
    refusal::Refusal,
    vehicles::links,
};
use crate::{cars::Scene, number::tenth, time::rfc3339};

/// Between two maintenances, in km and in days.
const KM: f64 = 25_000.0;
const DAYS: i64 = 730;

pub(super) fn maintenance(call: &Call<'_>) -> Answer {
    let allowed = call.scopes.allow("data:telemetry:vehicle:maintenance");
    if !allowed {
        return Err(Refusal::Scope);
    }
    let seen = call.seen()?.reporting()?;
    if seen.car.quirks.no_maintenance {
        return Err(Refusal::NoData);
    }
    let scene = seen.life().scene(call.as_of());
    let mut body = due(&scene);
    body["updatedAt"] = json!(rfc3339(scene.moved_at));
    body["_links"] = links(call, &seen, "/maintenance");
    body["_links"]["alerts"] = link(call, &of_vehicle(&seen, "/alerts"));
    Ok(body)
}

/// The bare values, as telemetry embeds them too.
pub(super) fn due(scene: &Scene) -> Value {
    json!({
        "daysBeforeMaintenance": DAYS - scene.moved_at.as_second().div_euclid(86_400).rem_euclid(DAYS),
        "mileageBeforeMaintenance": tenth(KM - scene.odometer.rem_euclid(KM)),
        "createdAt": rfc3339(scene.moved_at),
    })
}

/// The same for telemetry, if the car tells.
pub(super) fn embedded(seen: &Seen, scene: &Scene) -> Option<Value> {
    (!seen.car.quirks.no_maintenance).then(|| due(scene))
}
