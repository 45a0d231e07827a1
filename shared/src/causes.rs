//! Why an error came about.

use std::iter;

/// The causes of an error, the nearest first: its own text speaks of itself alone.
#[must_use]
pub fn causes(error: &dyn std::error::Error) -> Vec<String> {
    iter::successors(error.source(), |error| error.source()).map(ToString::to_string).collect()
}
