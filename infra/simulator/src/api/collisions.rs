//! `…/collisions` and `…/trips/{tid}/collisions`.

use serde_json::{Value, json};

use super::{
    Answer,
    gate::{Call, Seen},
    paging::collection,
    refusal::Refusal,
    timestamps::Ranges,
    trips::drive,
    vehicles::links,
};
use crate::{cars::Collision, time::rfc3339};

/// The list, the newest first; the maker writes its name with a capital.
pub(super) fn list(call: &Call<'_>) -> Answer {
    let (seen, mut collisions) = known(call)?;
    let ranges = Ranges::read(call.params.get("timestamps"), call.as_of())?;
    collisions.retain(|collision| ranges.contain(collision.at));
    collisions.reverse();
    collection(call, "Collisions", 60, &collisions, |collision| render(call, &seen, collision))
}

/// One of them.
pub(super) fn one(call: &Call<'_>) -> Answer {
    let (seen, collisions) = known(call)?;
    let id = call.id("cid").unwrap_or_default();
    let collision = collisions.iter().find(|known| known.id == id).ok_or(Refusal::Unknown)?;
    Ok(render(call, &seen, collision))
}

/// The car's collisions, or those of the trip in the address.
fn known(call: &Call<'_>) -> Result<(Seen, Vec<Collision>), Refusal> {
    call.require("data:collision")?;
    let seen = call.seen()?;
    let mut collisions = seen.list(|life| life.collisions(seen.since, call.as_of()))?;
    if call.id("tid").is_some() {
        call.require("data:trip")?;
        let trip = drive(call, &seen)?;
        collisions.retain(|collision| (trip.start..=trip.stop).contains(&collision.at));
    }
    Ok((seen, collisions))
}

fn render(call: &Call<'_>, seen: &Seen, collision: &Collision) -> Value {
    let at = rfc3339(collision.at);
    json!({
        "_links": links(call, seen, &format!("/collisions/{}", collision.id)),
        "id": collision.id,
        "createdAt": at,
        "updatedAt": at,
        "tippedOver": false,
        "pedestrian": false,
        "details": [{"side": collision.side, "severity": collision.severity}],
    })
}
