//! `…/telemetry` and `…/trips/{tid}/telemetry`: what the car sent, minute by minute.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Answer,
    gate::{Call, Seen},
    maintenance,
    paging::collection,
    part::{is_day, link, lite_energies, of_vehicle, position},
    refusal::Refusal,
    status::{engines, ignition},
    timestamps::Ranges,
    trips::{drive, trip_id},
};
use crate::{
    cars::{Life, Scene},
    number::tenth,
    time::{at_second, rfc3339},
};

/// How many may be on a page.
const LARGEST: usize = 2000;

/// All that `type` may name.
pub(crate) const KINDS: [&str; 15] = [
    "environment",
    "privacy",
    "vehicle",
    "vehicle.adas",
    "vehicle.battery",
    "vehicle.doorsState",
    "vehicle.energies",
    "vehicle.engines",
    "vehicle.ignition",
    "vehicle.lightingSystem",
    "vehicle.safety",
    "vehicle.transmission",
    "vehicle.alarm.status",
    "vehicle.alarm.trigger",
    "vehicle.wipingBlades",
];

/// What was asked to be in each message.
struct Wanted<'a> {
    kinds: Vec<&'a str>,
    location: bool,
    maintenance: bool,
}

/// The list, the newest first.
pub(super) fn list(call: &Call<'_>) -> Answer {
    let trip_only = call.id("tid").is_some();
    if trip_only {
        call.require("data:trip")?;
    }
    if !call.scopes.allow_some_of("data:telemetry") && !call.scopes.allow("data:position") {
        return Err(Refusal::Scope);
    }
    let seen = call.seen()?;
    let wanted = wanted(call)?;
    let ranges = Ranges::read(call.params.get("timestamps"), call.as_of())?;
    let (from, to) = if trip_only {
        let trip = drive(call, &seen)?;
        (trip.start, trip.stop.min(call.as_of()))
    } else {
        (seen.since, call.as_of())
    };
    let mut moments = seen.list(|life| moments(life, from, to))?;
    moments.retain(|at| ranges.contain(*at));
    moments.reverse();
    collection(call, "telemetries", LARGEST, &moments, |at| message(call, &seen, &wanted, *at))
}

/// A message a minute on the road, and one at each stop.
fn moments(life: &Life<'_>, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    let mut moments = Vec::new();
    for drive in life.drives_between(from, to) {
        let stop = drive.stop.as_second();
        let mut second = drive.start.as_second();
        while second < stop {
            moments.push(at_second(second));
            second += 60;
        }
        moments.push(drive.stop);
    }
    moments.retain(|at| *at >= from && *at <= to);
    moments
}

fn wanted<'a>(call: &'a Call<'_>) -> Result<Wanted<'a>, Refusal> {
    let list = |name: &str| -> Vec<&'a str> {
        call.params.get(name).map(|list| list.split(',').collect()).unwrap_or_default()
    };
    let (kinds, extensions) = (list("type"), list("extension"));
    if !kinds.iter().all(|kind| KINDS.contains(kind)) {
        return Err(Refusal::InvalidParameter("type"));
    }
    if !extensions.iter().all(|extension| ["location", "maintenance"].contains(extension)) {
        return Err(Refusal::InvalidParameter("extension"));
    }
    let extended = |name| extensions.contains(&name);
    Ok(Wanted { kinds, location: extended("location"), maintenance: extended("maintenance") })
}

impl Wanted<'_> {
    /// By its own name, the name of what it is part of, or no names at all.
    fn has(&self, kind: &str) -> bool {
        let within = kind.split('.').next().unwrap_or_default();
        self.kinds.is_empty() || self.kinds.contains(&kind) || self.kinds.contains(&within)
    }
}

fn message(call: &Call<'_>, seen: &Seen, wanted: &Wanted<'_>, at: Timestamp) -> Value {
    let scene = seen.life().scene(at);
    let mut links = json!({
        "self": link(call, &of_vehicle(seen, "/telemetry")),
        "vehicle": link(call, &of_vehicle(seen, "")),
    });
    if let Some(drive) = &scene.driving {
        let trip = format!("/trips/{}", trip_id(seen, drive));
        links["trip"] = link(call, &of_vehicle(seen, &trip));
    }
    let mut message = json!({"_links": links, "createdAt": rfc3339(at)});
    let allowed = |scope: &str| call.scopes.allow(&format!("data:telemetry:{scope}"));
    if wanted.has("privacy") && allowed("privacy") {
        message["privacy"] =
            json!({"state": if seen.is_located() { "None" } else { "Geolocation" }});
    }
    if wanted.has("environment") && allowed("environment") {
        message["environment"] = json!({
            "luminosity": {"day": is_day(&scene)},
            "air": {"temp": tenth(scene.outside)},
        });
    }
    for (name, block) in vehicle_parts(seen, &scene, at) {
        if wanted.has(&format!("vehicle.{name}")) && allowed(&format!("vehicle:{name}")) {
            message["vehicle"][name] = block;
        }
    }
    let mut extension = json!({});
    if wanted.location && seen.is_located() && call.scopes.allow("data:position") {
        extension["location"] = position(seen, scene.place, scene.heading, at);
    }
    if wanted.maintenance
        && allowed("vehicle:maintenance")
        && let Some(due) = maintenance::embedded(seen, &scene)
    {
        extension["maintenance"] = due;
    }
    if wanted.location || wanted.maintenance {
        message["_embedded"] = json!({"extension": extension});
    }
    message
}

fn vehicle_parts(seen: &Seen, scene: &Scene, at: Timestamp) -> Vec<(&'static str, Value)> {
    let speed = scene.driving.as_ref().map_or(0.0, |drive| tenth(drive.kmh()));
    let ratio = if scene.driving.is_some() { "Ratio3" } else { "Neutral" };
    vec![
        ("energies", json!(lite_energies(&seen.life(), at))),
        ("engines", engines(seen, scene)),
        ("ignition", ignition(scene)),
        ("odometer", json!({"mileage": tenth(scene.odometer)})),
        ("kinetic", json!({"speed": speed, "moving": scene.driving.is_some()})),
        ("battery", json!({"voltage": 88.5})),
        ("transmission", json!({"gearbox": {"mode": {"automatic": true}, "ratio": ratio}})),
        ("wipingBlades", json!({"active": false})),
    ]
}
