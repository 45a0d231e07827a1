//! The simulated maker through real HTTP, as a client meets it.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod api;
mod cars;
mod faults;
mod guard;
mod idp;
mod paging;
mod schema;
mod support;
mod tokens;
