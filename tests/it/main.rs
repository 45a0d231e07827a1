//! The whole cloud, end to end, on a clock that is set by hand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and prints its figures"
)]

mod alarms;
mod api;
mod architecture;
mod confirmation;
mod consent_again;
mod control;
mod costs;
mod deaths;
mod discovery;
mod edge;
mod eligibility;
mod endings;
mod erasure;
mod events;
mod expiry;
mod export;
mod finding;
mod grants;
mod in_flight;
mod journey;
mod late;
mod limits;
mod lost_answers;
mod monitors;
mod month;
mod notifications;
mod once;
mod page_confirmation;
mod pages;
mod payloads;
mod rejections;
mod remotes;
mod rotation;
mod round_trip;
mod scopes;
mod seeds;
mod shared_account;
mod subscriptions;
mod vehicles;
mod webhooks;
mod wishes;
