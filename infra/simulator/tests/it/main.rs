//! The simulated maker through real HTTP, as a client meets it.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod api;
mod callbacks;
mod cars;
mod controls;
mod delivery;
mod faults;
mod guard;
mod idp;
mod monitors;
mod paging;
mod receiver;
mod remote_bodies;
mod remotes;
mod rules;
mod schema;
mod schema_events;
mod support;
mod tokens;
