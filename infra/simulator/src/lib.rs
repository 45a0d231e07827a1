//! A double of the car maker: an identity provider for each brand and the End-User (B2C) API,
//! strict where the maker is strict, with cars that live on the clock and faults on demand.
//!
//! It reads the maker's documents for itself and shares no type with the client that it is used
//! to test: a misreading on one side is meant to clash with the other.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod api;
mod brand;
mod cars;
mod control;
mod events;
mod faults;
mod guard;
mod idp;
mod limits;
mod number;
mod operation;
mod params;
mod random;
mod samples;
mod server;
mod time;
mod world;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use crate::{
    brand::{Brand, UnknownBrand},
    cars::{Car, CarKind, Change, Door, Privacy, Quirks, Reporting, Touch, Unconnected},
    faults::{Fault, FaultKind, Flaw},
    idp::consent_request,
    operation::Operation,
    server::{Options, Simulator, StartError, start},
    world::{
        Account, Action, CallbackView, Delivery, DeliveryFault, DeliveryFaultKind, EndReason,
        FailureCause, Fate, GrantView, Kind, MessageView, MonitorView, RemoteFate, RemotePost,
        RemoteStatus, RemoteView, RunState, Settings, StoreError, World, WorldError,
    },
};

/// What every handler gets.
struct App {
    world: World,
    /// `http://127.0.0.1:PORT`, the origin of everything here.
    origin: String,
    control_token: String,
}

/// A lock that a panic elsewhere does not take away: every change here is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
