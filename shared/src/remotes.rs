//! What happens to a command to a car, written together with all that follows from it.

use jiff::Timestamp;

use crate::{
    app::App,
    domain::{
        event::{Event, What},
        ids::{AttemptId, EnrollmentId},
        remote::{Cause, Kind, Remote, State},
        vehicle::UpstreamId,
        vin::Vin,
    },
    store::{self, Transaction, Versioned, counters::Counter},
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

/// Adds to `transaction` what a notification changes: the command's state, and the event of it. A
/// message that comes late, or again, changes nothing.
///
/// # Errors
/// When the database fails.
pub async fn notified(
    app: &App,
    enrollment: &EnrollmentId,
    notified: &Notified,
    transaction: &mut Transaction,
) -> Result<Concerns, store::Error> {
    let now = app.clock.now();
    let Ok(action) = notified.action.parse::<UpstreamId>() else { return Ok(Concerns::Unknown) };
    let found = app.store.remote_of_action(enrollment, &action, now).await?;
    let ours = |found: &store::remotes::Found| {
        notified.vin.as_ref().is_none_or(|vin| *vin == found.remote.value.vin)
    };
    let Some(found) = found.filter(ours) else { return Ok(Concerns::Unknown) };
    let Some(state) = notified.state() else {
        tracing::info!(remote.id = %found.remote.value.id, "the maker told a state of a remote that is not known here");
        return Ok(Concerns::Known);
    };
    let cause = notified.failure_cause.as_deref().map(Cause::told);
    if let Some(next) = found.remote.value.told(&action, state, cause, now) {
        step_in(app, transaction, &found.remote, &next.dated(notified.at))?;
    }
    Ok(Concerns::Known)
}

impl Notified {
    /// What was told; `None` for a word that we do not know.
    fn state(&self) -> Option<State> {
        State::told(self.status.as_deref()?)
    }
}

/// Writes a command's next state over the one read, with its event, its entry in the audit, and
/// the way back from the maker's id. Tells under which id the write is known again. That the
/// enrollment still stands is for the caller to demand.
///
/// # Errors
/// When it can't be expressed.
pub fn step_in(
    app: &App,
    transaction: &mut Transaction,
    before: &Versioned<Remote>,
    next: &Remote,
) -> Result<AttemptId, store::Error> {
    let (store, now) = (&app.store, app.clock.now());
    let attempt = store.save_remote_in(transaction, next, before.version)?;
    if next.action_id != before.value.action_id
        && let Some(action) = &next.action_id
    {
        store.point_in(transaction, next, action)?;
    }
    if next.state != before.value.state {
        tell_in(app, transaction, next, now)?;
        // A wake-up was counted when it was asked for.
        if next.state == State::WakingUpVehicle && next.kind != Kind::WakeUp {
            let counter = Counter::WakeUps(&next.enrollment, &next.vin);
            store.count_in(transaction, counter, None, now)?;
        }
    }
    Ok(attempt)
}

/// The event of a command's state, and its entry in the audit.
///
/// # Errors
/// When it can't be expressed.
pub fn tell_in(
    app: &App,
    transaction: &mut Transaction,
    remote: &Remote,
    now: Timestamp,
) -> Result<(), store::Error> {
    let what = What::RemoteUpdated {
        vin: remote.vin.clone(),
        remote: remote.id.clone(),
        kind: remote.kind.to_string(),
        state: remote.state.phase().to_owned(),
        outcome: remote.state.outcome().map(str::to_owned),
        failure_cause: remote.failure_cause.map(|cause| cause.to_string()),
    };
    app.store.tell_in(transaction, Event::new(&remote.enrollment, what, now))?;
    app.store.audit_in(transaction, remote, now)
}
