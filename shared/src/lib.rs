//! What every function shares.
//!
//! Direction: `{tokens, visit, due, inbox, remotes, confirmed} → app → {store, stellantis, secrets,
//! seal} → domain`.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod address;
pub mod app;
pub mod aws;
pub mod bus;
pub mod causes;
pub mod clock;
pub mod config;
pub mod confirmed;
pub mod domain;
pub mod due;
pub mod gateway;
pub mod http;
pub mod inbox;
pub mod limits;
pub mod metrics;
pub mod page;
pub mod random;
pub mod remotes;
pub mod rescue;
pub mod round_trip;
pub mod seal;
pub mod secrets;
pub mod stellantis;
pub mod store;
pub mod tokens;
pub mod visit;
pub mod webhooks;
pub mod woken;

pub use app::App;
pub use clock::Clock;
pub use config::{Config, ConfigErrors};
