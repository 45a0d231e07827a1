//! What a notification means for a command that was sent to a car.

use jiff::Timestamp;

use crate::{
    app::App,
    domain::{ids::EnrollmentId, vin::Vin},
    store::{self, Transaction},
};

/// What the maker told of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notified {
    /// Of which car, if the message says so.
    pub vin: Option<Vin>,
    /// The maker's id of the command.
    pub action: String,
    /// What kind of command it says it was: `Doors`, `Horn`, …
    pub kind: Option<String>,
    /// `Pending` or `Done`.
    pub phase: Option<String>,
    /// How far it is: `Accepted`, `SentToVehicle`, `Success`, `Failed`, …
    pub status: Option<String>,
    /// Why it failed.
    pub failure_cause: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Whether the command is one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concerns {
    /// It is.
    Known,
    /// It is not, or the maker's answer to it is not stored yet.
    Unknown,
}

/// Adds to `transaction` what a notification changes: the command's state, and the event of it.
///
/// # Errors
/// When the database fails.
#[expect(clippy::unused_async, reason = "no command is sent yet")]
pub async fn notified(
    _app: &App,
    _enrollment: &EnrollmentId,
    _notified: &Notified,
    _transaction: &mut Transaction,
) -> Result<Concerns, store::Error> {
    Ok(Concerns::Unknown)
}
