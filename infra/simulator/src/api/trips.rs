//! `…/trips`, `…/trips/{tid}` and `…/trips/{tid}/wayPoints`.

use serde_json::{Value, json};

use super::{
    Answer,
    gate::{Call, Seen},
    paging::collection,
    part::{link, lite_energies, of_vehicle, position},
    refusal::Refusal,
    timestamps::Ranges,
    vehicles::links,
};
use crate::{
    cars::{CarKind, Drive, Privacy},
    number::{real, tenth, whole},
    time::{at_second, rfc3339},
};

/// `GET …/trips`, the newest first.
pub(super) fn list(call: &Call<'_>) -> Answer {
    call.require("data:trip")?;
    let seen = call.seen()?;
    let ranges = Ranges::read(call.params.get("timestamps"), call.as_of())?;
    let distance = bounds(call, "distance")?;
    let duration = bounds(call, "duration")?;
    let states: Vec<&str> =
        call.params.get("states").map(|list| list.split(',').collect()).unwrap_or_default();
    if !states.iter().all(|state| STATES.contains(state)) {
        return Err(Refusal::InvalidParameter("states"));
    }
    let mut trips = sent(call, &seen)?;
    trips.retain(|drive| {
        let seconds = real(drive.stop.as_second() - drive.start.as_second());
        ranges.contain(drive.start)
            && (distance.0..=distance.1).contains(&drive.km)
            && (duration.0..=duration.1).contains(&seconds)
            && (states.is_empty() || states.contains(&state(&seen)))
    });
    trips.reverse();
    collection(call, "trips", 60, &trips, |drive| trip(call, &seen, drive))
}

/// `GET …/trips/{tid}`.
pub(super) fn one(call: &Call<'_>) -> Answer {
    call.require("data:trip")?;
    let seen = call.seen()?;
    let drive = drive(call, &seen)?;
    Ok(trip(call, &seen, &drive))
}

/// `GET …/trips/{tid}/wayPoints`, a point a minute.
pub(super) fn way_points(call: &Call<'_>) -> Answer {
    call.require("data:trip")?;
    call.require("data:position")?;
    let seen = call.seen()?;
    let drive = drive(call, &seen)?;
    if call.params.get("tolerance").is_some_and(|km| km.parse::<f64>().is_err()) {
        return Err(Refusal::InvalidParameter("tolerance"));
    }
    let ranges = Ranges::read(call.params.get("timestamps"), call.as_of())?;
    let end = drive.stop.min(call.as_of()).as_second();
    let mut points = Vec::new();
    let mut second = drive.start.as_second();
    while second <= end && seen.is_located() {
        if ranges.contain(at_second(second)) {
            points.push(at_second(second));
        }
        second += 60;
    }
    collection(call, "positions", 60, &points, |at| {
        position(&seen, drive.place(*at), drive.heading(), *at)
    })
}

/// The drive that the address names.
pub(super) fn drive(call: &Call<'_>, seen: &Seen) -> Result<Drive, Refusal> {
    let id = call.id("tid").unwrap_or_default();
    sent(call, seen)?.into_iter().find(|drive| trip_id(seen, drive) == id).ok_or(Refusal::Unknown)
}

/// The drives of which the car has sent at least the beginning.
fn sent(call: &Call<'_>, seen: &Seen) -> Result<Vec<Drive>, Refusal> {
    let now = call.as_of();
    let mut drives = seen.list(|life| life.drives_between(seen.since, now))?;
    drives.retain(|drive| seen.life().is_sent(drive.start, now));
    Ok(drives)
}

pub(super) fn trip_id(seen: &Seen, drive: &Drive) -> String {
    seen.life().name("trip", drive.start.as_second())
}

const STATES: [&str; 4] = ["Nominal", "Unstarted", "DataLacking", "Unfinished"];

fn state(seen: &Seen) -> &'static str {
    if seen.is_located() { "Nominal" } else { "DataLacking" }
}

/// `1-150`, `0.1-`.
fn bounds(call: &Call<'_>, name: &'static str) -> Result<(f64, f64), Refusal> {
    let refused = Refusal::InvalidParameter(name);
    let Some(text) = call.params.get(name) else {
        return Ok((0.0, f64::INFINITY));
    };
    let (low, high) = text.split_once('-').ok_or(refused)?;
    let number = |text: &str| text.parse::<f64>().map_err(|_| refused);
    let high = if high.is_empty() { f64::INFINITY } else { number(high)? };
    Ok((number(low)?, high))
}

fn trip(call: &Call<'_>, seen: &Seen, drive: &Drive) -> Value {
    let now = call.as_of();
    let rest = format!("/trips/{}", trip_id(seen, drive));
    let over = seen.life().is_sent(drive.stop, now);
    let until = if over { drive.stop } else { seen.life().told(now).max(drive.start) };
    let (start, life) = (drive.start, seen.life());
    let seconds = until.as_second() - start.as_second();
    let km = drive.km * drive.progress(until);
    let mut links = links(call, seen, &rest);
    let points = if seen.car.quirks.old_names { "wayPoints" } else { "waypoints" };
    links[points] = link(call, &of_vehicle(seen, &format!("{rest}/wayPoints")));
    links["alerts"] = link(call, &of_vehicle(seen, &format!("{rest}/alerts")));
    links["collisions"] = link(call, &of_vehicle(seen, &format!("{rest}/collisions")));
    let mut trip = json!({
        "_links": links,
        "id": trip_id(seen, drive),
        "createdAt": rfc3339(start),
        "updatedAt": rfc3339(until),
        "startedAt": rfc3339(start),
        "done": over,
        "duration": seconds,
        "distance": tenth(km),
        "startMileage": tenth(drive.odometer),
        "startEnergies": lite_energies(&life, start),
        "energyConsumptions": consumptions(seen, drive, km),
        "kinetic": {
            // Metres a second, whatever one might expect.
            "avgSpeed": tenth(km * 1000.0 / real(seconds.max(1))),
            "maxSpeed": tenth(drive.kmh() * 1.4 / 3.6),
        },
    });
    if over {
        trip["stoppedAt"] = json!(rfc3339(drive.stop));
        trip["endEnergies"] = json!(lite_energies(&life, drive.stop));
        if seen.car.kind == CarKind::Hybrid {
            trip["segments"] = segments(km);
        }
    }
    match seen.car.privacy {
        Privacy::None => place(call, seen, drive, &mut trip),
        Privacy::Geolocation => {
            trip["faults"] = json!([{"fault": "DataLacking", "cause": "GeoPrivacy"}]);
        }
        Privacy::Full => {
            trip["faults"] = json!([{"fault": "DataLacking", "cause": "FullPrivacy"}]);
        }
    }
    trip
}

/// Where it began and ended, for whoever may know.
fn place(call: &Call<'_>, seen: &Seen, drive: &Drive, trip: &mut Value) {
    if !call.scopes.allow("data:position") {
        return;
    }
    trip["startPosition"] = position(seen, drive.from, drive.heading(), drive.start);
    if seen.life().is_sent(drive.stop, call.as_of()) {
        trip["stopPosition"] = position(seen, drive.to, drive.heading(), drive.stop);
    }
}

/// Electricity in kWh and Wh/100 km, fuel in litres and cL/100 km.
fn consumptions(seen: &Seen, drive: &Drive, km: f64) -> Vec<Value> {
    let life = seen.life();
    let per_100 = |amount: f64| whole(amount / km.max(0.1) * 100.0);
    let mut consumptions = Vec::new();
    if seen.car.kind != CarKind::Thermic {
        let wh = life.battery_use(drive.before, drive.before + km);
        consumptions.push(json!({
            "type": "Electric",
            "subType": "ElectricEnergy",
            "consumption": tenth(wh / 1000.0),
            "avgConsumption": per_100(wh),
        }));
    }
    if seen.car.kind != CarKind::Electric {
        let litres = life.litres() * km / 100.0;
        consumptions.push(json!({
            "type": "Fuel",
            "subType": "FossilEnergy",
            "consumption": tenth(litres),
            "avgConsumption": per_100(litres * 100.0),
        }));
    }
    consumptions
}

fn segments(km: f64) -> Value {
    json!([
        {"propulsion": "Electric", "percent": 70.0, "distance": tenth(km * 0.7)},
        {"propulsion": "Thermal", "percent": 30.0, "distance": tenth(km * 0.3)},
    ])
}
