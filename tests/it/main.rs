//! The whole cloud, end to end, on a clock that is set by hand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![expect(clippy::allow_attributes, reason = "as above")]

mod architecture;
mod costs;
mod journey;
