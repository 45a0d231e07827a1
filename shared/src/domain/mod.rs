//! The exact model: pure, no I/O, no async. Every decision takes `now`.

pub mod alert;
pub mod brand;
pub mod enrollment;
pub mod event;
pub mod ids;
pub mod monitor;
pub mod pace;
pub mod position;
pub mod remote;
pub mod rule;
pub mod scope;
pub mod snapshot;
pub mod subscription;
pub mod trip;
pub mod vehicle;
pub mod vin;
pub mod webhook;
pub mod weekday;

pub(crate) mod text;
