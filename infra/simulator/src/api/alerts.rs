//! `…/alerts` and `…/trips/{tid}/alerts`: warnings, active and past.

use serde_json::{Value, json};

use super::{
    Answer,
    gate::{Call, Seen},
    paging::collection,
    part::position,
    refusal::Refusal,
    timestamps::Ranges,
    trips::drive,
    vehicles::links,
};
use crate::{cars::Alert, time::rfc3339};

/// The list, the newest first.
pub(super) fn list(call: &Call<'_>) -> Answer {
    let (seen, mut alerts) = known(call)?;
    let ranges = Ranges::read(call.params.get("timestamps"), call.as_of())?;
    alerts.retain(|alert| ranges.contain(alert.start));
    alerts.reverse();
    collection(call, "alerts", 60, &alerts, |alert| render(call, &seen, alert))
}

/// One of them.
pub(super) fn one(call: &Call<'_>) -> Answer {
    let (seen, alerts) = known(call)?;
    let id = call.id("aid").unwrap_or_default();
    let alert = alerts.iter().find(|alert| alert.id == id).ok_or(Refusal::Unknown)?;
    Ok(render(call, &seen, alert))
}

/// The car's alerts, or those of the trip in the address.
fn known(call: &Call<'_>) -> Result<(Seen, Vec<Alert>), Refusal> {
    call.require("data:alert")?;
    let seen = call.seen()?;
    let now = call.as_of();
    let mut alerts = seen.list(|life| life.alerts(seen.since, now))?;
    alerts.retain(|alert| seen.life().is_sent(alert.start, now));
    for alert in &mut alerts {
        alert.end = alert.end.filter(|end| seen.life().is_sent(*end, now));
    }
    if call.id("tid").is_some() {
        call.require("data:trip")?;
        let trip = drive(call, &seen)?;
        alerts.retain(|alert| (trip.start..=trip.stop).contains(&alert.start));
    }
    Ok((seen, alerts))
}

fn render(call: &Call<'_>, seen: &Seen, alert: &Alert) -> Value {
    let mut body = json!({
        "_links": links(call, seen, &format!("/alerts/{}", alert.id)),
        "id": alert.id,
        "type": alert.kind,
        "severity": alert.severity,
        "active": alert.end.is_none(),
        "startedAt": rfc3339(alert.start),
        "createdAt": rfc3339(alert.start),
        "updatedAt": rfc3339(alert.end.unwrap_or(alert.start)),
    });
    let located = seen.is_located() && call.scopes.allow("data:position");
    let at = |t| {
        let scene = seen.life().scene(t);
        position(seen, scene.place, scene.heading, scene.moved_at)
    };
    if located {
        body["startPosition"] = at(alert.start);
    }
    if let Some(end) = alert.end {
        body["endAt"] = json!(rfc3339(end));
        if located {
            body["endPosition"] = at(end);
        }
    }
    body
}
