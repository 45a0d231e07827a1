//! `…/alarms`: the anti-theft alarm, armed, disarmed and set off.

use serde_json::{Value, json};

use super::{
    Answer,
    gate::{Call, Seen},
    paging::collection,
    part::position,
    refusal::Refusal,
    timestamps::Ranges,
};
use crate::{
    cars::{Alarm, AlarmEvent},
    time::rfc3339,
};

/// The list, the newest first.
pub(super) fn list(call: &Call<'_>) -> Answer {
    let (seen, mut alarms) = known(call)?;
    let ranges = Ranges::read(call.params.get("timestamps"), call.as_of())?;
    let kinds: Vec<&str> =
        call.params.get("type").map(|list| list.split(',').collect()).unwrap_or_default();
    if !kinds.iter().all(|kind| [STATUS, TRIGGER].contains(kind)) {
        return Err(Refusal::InvalidParameter("type"));
    }
    alarms.retain(|alarm| {
        ranges.contain(alarm.at) && (kinds.is_empty() || kinds.contains(&kind(alarm)))
    });
    alarms.reverse();
    collection(call, "alarms", 60, &alarms, |alarm| render(call, &seen, alarm))
}

/// One of them.
pub(super) fn one(call: &Call<'_>) -> Answer {
    let (seen, alarms) = known(call)?;
    let id = call.id("aid").unwrap_or_default();
    let alarm = alarms.iter().find(|alarm| alarm.id == id).ok_or(Refusal::Unknown)?;
    Ok(render(call, &seen, alarm))
}

const STATUS: &str = "vehicle.alarm.status";
const TRIGGER: &str = "vehicle.alarm.trigger";

fn kind(alarm: &Alarm) -> &'static str {
    if matches!(alarm.event, AlarmEvent::SetOff(_)) { TRIGGER } else { STATUS }
}

fn known(call: &Call<'_>) -> Result<(Seen, Vec<Alarm>), Refusal> {
    if !call.scopes.allow("data:telemetry:vehicle:alarm") {
        return Err(Refusal::Scope);
    }
    let seen = call.seen()?;
    let alarms = seen.list(|life| life.alarms(seen.since, call.as_of()))?;
    Ok((seen, alarms))
}

fn render(call: &Call<'_>, seen: &Seen, alarm: &Alarm) -> Value {
    let at = rfc3339(alarm.at);
    let activation = match &alarm.event {
        AlarmEvent::Armed => "Active",
        AlarmEvent::Disarmed => "Inactive",
        AlarmEvent::SetOff(kind) => {
            let mut trigger = json!({"type": kind, "startAt": at, "createdAt": at});
            if seen.is_located() && call.scopes.allow("data:position") {
                let scene = seen.life().scene(alarm.at);
                trigger["position"] = position(seen, scene.place, scene.heading, scene.moved_at);
            }
            return json!({"id": alarm.id, "trigger": trigger});
        }
    };
    json!({"id": alarm.id, "status": {"activation": activation, "createdAt": at}})
}
