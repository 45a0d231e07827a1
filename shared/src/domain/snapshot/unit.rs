//! Units of measure: the maker's never change, and ours never do either.

use serde::{Deserialize, Serialize};

/// The unit of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Unit {
    /// Percent, from 0 to 100.
    #[serde(rename = "%")]
    Percent,
    /// Kilometres.
    #[serde(rename = "km")]
    Kilometre,
    /// Kilometres per hour. Of charging: range gained per hour.
    #[serde(rename = "km/h")]
    KilometrePerHour,
    /// Metres per second squared.
    #[serde(rename = "m/s2")]
    MetrePerSecondSquared,
    /// Degrees Celsius.
    #[serde(rename = "°C")]
    Celsius,
    /// Revolutions per minute.
    #[serde(rename = "rpm")]
    PerMinute,
    /// Seconds.
    #[serde(rename = "s")]
    Second,
    /// Days.
    #[serde(rename = "d")]
    Day,
    /// Litres.
    #[serde(rename = "L")]
    Litre,
    /// Litres per 100 km.
    #[serde(rename = "L/100km")]
    LitrePerHundredKilometres,
    /// Kilograms per 100 km.
    #[serde(rename = "kg/100km")]
    KilogramPerHundredKilometres,
    /// Watt-hours.
    #[serde(rename = "Wh")]
    WattHour,
    /// Kilowatt-hours.
    #[serde(rename = "kWh")]
    KilowattHour,
}
