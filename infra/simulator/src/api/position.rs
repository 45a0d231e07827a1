//! `GET …/lastPosition`: a `GeoJSON` feature, and only as one.

use super::{Answer, gate::Call, part::position, refusal::Refusal};

pub(super) fn last(call: &Call<'_>) -> Answer {
    call.require("data:position")?;
    let seen = call.seen()?.reporting()?;
    if !seen.is_located() {
        return Err(Refusal::NoData);
    }
    let scene = seen.life().scene(call.as_of());
    Ok(position(&seen, scene.place, scene.heading, scene.moved_at))
}
