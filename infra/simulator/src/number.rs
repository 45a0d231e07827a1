//! Numbers between whole and real, with the roundings that the wire shows.

/// A whole number as a real one; exact for every distance and second that occurs here.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
pub(crate) fn real(whole: i64) -> f64 {
    whole as f64
}

/// The nearest whole number.
#[expect(clippy::cast_possible_truncation, reason = "saturates, and nothing here is so large")]
pub(crate) fn whole(real: f64) -> i64 {
    real.round() as i64
}

/// One digit after the point.
pub(crate) fn tenth(real: f64) -> f64 {
    (real * 10.0).round() / 10.0
}

/// Six digits after the point: a coordinate.
pub(crate) fn coordinate(real: f64) -> f64 {
    (real * 1e6).round() / 1e6
}
