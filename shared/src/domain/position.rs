//! A place on Earth. Personal data: `Debug` hides it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a vehicle is or was (WGS 84), with coordinates that exist.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "Parts")]
pub struct Position {
    latitude: f64,
    longitude: f64,
    /// Metres above sea level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub altitude: Option<f64>,
    /// Course in degrees clockwise from north, from 0 to below 360.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heading: Option<f64>,
    /// The receiver's own judgement; the maker gives no scale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal_quality: Option<f64>,
    /// How the position was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<PositionSource>,
    /// What the receiver could determine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

/// How a position was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PositionSource {
    /// By satellite.
    Acquired,
    /// Reckoned, in a tunnel for instance.
    Estimated,
}

/// What a receiver could determine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Fix {
    /// Latitude and longitude.
    #[serde(rename = "2d")]
    Flat,
    /// Altitude too.
    #[serde(rename = "3d")]
    Full,
}

/// No such place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a latitude within ±90 and a longitude within ±180")]
pub struct InvalidPosition;

impl Position {
    /// A place with coordinates in degrees, north and east positive.
    ///
    /// # Errors
    /// When there is no such place.
    pub fn new(latitude: f64, longitude: f64) -> Result<Self, InvalidPosition> {
        if !(latitude.abs() <= 90.0 && longitude.abs() <= 180.0) {
            return Err(InvalidPosition);
        }
        Ok(Self {
            latitude,
            longitude,
            altitude: None,
            heading: None,
            signal_quality: None,
            source: None,
            fix: None,
        })
    }

    /// Degrees, north positive.
    #[must_use]
    pub const fn latitude(&self) -> f64 {
        self.latitude
    }

    /// Degrees, east positive.
    #[must_use]
    pub const fn longitude(&self) -> f64 {
        self.longitude
    }

    /// With coordinates of so many decimals (2 is about a kilometre), and nothing that would
    /// tell more.
    #[must_use]
    pub fn rounded(self, decimals: u8) -> Self {
        let scale = 10_f64.powi(i32::from(decimals));
        let round = |degrees: f64| (degrees * scale).round() / scale;
        Self {
            latitude: round(self.latitude),
            longitude: round(self.longitude),
            altitude: None,
            heading: None,
            ..self
        }
    }
}

#[derive(Deserialize)]
struct Parts {
    latitude: f64,
    longitude: f64,
    altitude: Option<f64>,
    heading: Option<f64>,
    signal_quality: Option<f64>,
    source: Option<PositionSource>,
    fix: Option<Fix>,
}

impl TryFrom<Parts> for Position {
    type Error = InvalidPosition;

    fn try_from(parts: Parts) -> Result<Self, InvalidPosition> {
        let Parts { altitude, heading, signal_quality, source, fix, .. } = parts;
        let place = Self::new(parts.latitude, parts.longitude)?;
        Ok(Self { altitude, heading, signal_quality, source, fix, ..place })
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Position(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_off_the_globe_is_refused() {
        assert!(Position::new(90.0, -180.0).is_ok());
        for (latitude, longitude) in [(90.1, 0.0), (0.0, 180.5), (f64::NAN, 0.0)] {
            assert_eq!(Position::new(latitude, longitude), Err(InvalidPosition));
        }
        let stored = r#"{"latitude":91,"longitude":0}"#;
        assert!(serde_json::from_str::<Position>(stored).is_err());
    }

    #[test]
    fn a_position_never_shows_itself_unasked() {
        let place = Position::new(48.8584, 2.2945).unwrap();

        assert_eq!(format!("{place:?}"), "Position(hidden)");
    }

    #[test]
    fn rounding_takes_away_everything_finer() {
        let mut place = Position::new(48.8584, 2.2945).unwrap();
        place.altitude = Some(35.2);

        let rounded = place.rounded(2);

        assert_eq!(rounded, Position::new(48.86, 2.29).unwrap());
    }
}
