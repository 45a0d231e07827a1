//! The whole cloud on one machine: the functions as AWS would run them, over the same template,
//! with other endpoints and another clock. No function knows.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod browser;
pub mod bus;
pub mod cli;
pub mod clock;
pub mod cloud;
pub mod credentials;
pub mod database;
pub mod faults;
pub mod folder;
pub mod front;
pub mod functions;
mod gateway;
pub mod lambda;
pub mod metrics;
pub mod queue;
pub mod receiver;
pub mod scheduler;
pub mod secrets;
mod streams;
pub mod template;
#[cfg(test)]
mod testing;

pub use browser::Browser;
pub use clock::ManualClock;
pub use cloud::{Cloud, CloudOptions, Drive, Maker, StartError};
pub use faults::{Effect, Faults, Rule};
pub use front::Operation;
pub use metrics::MetricLog;
pub use receiver::{Posted, Receiver};
