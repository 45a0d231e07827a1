//! Places: `GeoJSON` order, ranges, the old spelling of "acquired".

use super::{super::wire, within};
use crate::domain::position::{Fix, Position, PositionSource};

/// A `GeoJSON` feature's place: longitude comes first. Nothing for coordinates that can't be, and
/// nothing for exactly 0/0, where no road is and faulty receivers are.
pub(in super::super) fn position(feature: &wire::Position) -> Option<Position> {
    let coordinates = &feature.geometry.as_ref()?.coordinates.as_ref()?.0;
    let [longitude, latitude, rest @ ..] = &coordinates[..] else { return None };
    if *longitude == 0.0 && *latitude == 0.0 {
        return None;
    }
    let latitude = within(Some(*latitude), -90.0..=90.0)?;
    let longitude = within(Some(*longitude), -180.0..=180.0)?;
    let mut position = Position::new(latitude, longitude).ok()?;
    position.altitude = within(rest.first().copied(), -500.0..=9_000.0);
    if let Some(properties) = &feature.properties {
        position.heading = within(properties.heading, 0.0..=360.0).map(|heading| heading % 360.0);
        position.signal_quality = within(properties.signal_quality, 0.0..=1_000.0);
        position.source = match properties.kind.as_deref() {
            Some("Acquire" | "Acquired" | "Aquire" | "Aquired") => Some(PositionSource::Acquired),
            Some("Estimated" | "Estimate") => Some(PositionSource::Estimated),
            _ => None,
        };
        position.fix = match properties.fix.as_deref() {
            Some("2D") => Some(Fix::Flat),
            Some("3D") => Some(Fix::Full),
            _ => None,
        };
    }
    Some(position)
}
