//! A remote: one thing asked of a car, and how that went.
//!
//! ```text
//! requested ──▶ sending ──▶ accepted ──▶ … on its way … ──▶ success · already_done · failed
//!     │            │            ▲                │
//!     ▼            ▼            │                ▼
//!  expired      unknown ────────┘            timed_out
//! ```
//!
//! Forward only. It is sent at most once: whoever moves it to `sending` sends it, or nobody does.
//! Where no answer came it is `unknown`, and the maker is asked what became of it.

mod action;
mod cause;
mod kind;
mod state;
mod time_of_day;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::{
    action::{
        Action, AirProgram, Charging, ChargingProgram, Door, Extent, InvalidAction, Lock,
        Navigation, Place, Preconditioning, Preferences, Switch, WakeUp,
    },
    cause::Cause,
    kind::Kind,
    state::State,
    time_of_day::{InvalidTimeOfDay, TimeOfDay},
};
use super::{
    enrollment::UserRef,
    ids::{EnrollmentId, RemoteId},
    vehicle::UpstreamId,
    vin::Vin,
};

/// A command is of use soon or not at all.
pub const NOT_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// The longest that one may wait to be sent.
pub const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(15);
/// Longer than the function that sends may live: a `sending` of that age has lost its sender.
pub const SENDING_LEASE: SignedDuration = SignedDuration::from_secs(90);
/// How soon one is tried again that surely was not sent.
const TRY_AGAIN: SignedDuration = SignedDuration::from_secs(10);
/// How long the maker is asked what became of it.
pub const ASKED_FOR: SignedDuration = SignedDuration::from_mins(30);
/// How long it is silent before the maker is asked, each time longer.
const SILENCES: [i64; 5] = [30, 60, 120, 300, 600];

/// One thing asked of a car.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remote {
    /// Its id.
    pub id: RemoteId,
    /// Under which enrollment.
    pub enrollment: EnrollmentId,
    /// Of which car.
    pub vin: Vin,
    /// Which of the seven.
    pub kind: Kind,
    /// What exactly; a destination only until it is sent.
    pub action: Option<Action>,
    /// The API key that asked.
    pub key: String,
    /// The user for whom.
    pub on_behalf_of: UserRef,
    /// Where it stands.
    pub state: State,
    /// Why it failed.
    pub failure_cause: Option<Cause>,
    /// Each state it was in, and since when.
    pub steps: Vec<Step>,
    /// The maker's callback that tells of it, once it was sent.
    pub callback: Option<String>,
    /// The maker's id of it, once known.
    pub action_id: Option<UpstreamId>,
    /// Later than this it is not sent any more.
    pub not_after: Timestamp,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// How often in a row the maker was asked and told nothing new.
    pub asked: u8,
    /// When `act` must look at it; never again once it is settled.
    pub due_at: Option<Timestamp>,
}

/// A state on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Step {
    /// Which.
    pub state: State,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// Who asks for what.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Under which enrollment.
    pub enrollment: EnrollmentId,
    /// Of which car.
    pub vin: Vin,
    /// What.
    pub action: Action,
    /// By which API key.
    pub key: String,
    /// For which user.
    pub on_behalf_of: UserRef,
    /// Until when it is of use.
    pub not_after: Timestamp,
}

impl Remote {
    /// A new one.
    #[must_use]
    pub fn new(id: RemoteId, wish: Wish, now: Timestamp) -> Self {
        Self {
            id,
            enrollment: wish.enrollment,
            vin: wish.vin,
            kind: wish.action.kind(),
            action: Some(wish.action),
            key: wish.key,
            on_behalf_of: wish.on_behalf_of,
            state: State::Requested,
            failure_cause: None,
            steps: vec![Step { state: State::Requested, at: now }],
            callback: None,
            action_id: None,
            not_after: wish.not_after,
            requested_at: now,
            asked: 0,
            due_at: Some(now),
        }
    }

    /// Whether nothing more will be done for it.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.due_at.is_none()
    }

    /// Whether it is too late to send it.
    #[must_use]
    pub fn is_late(&self, now: Timestamp) -> bool {
        now > self.not_after
    }

    /// One step on; `None` if that is no step forward.
    #[must_use]
    pub fn advance(&self, to: State, cause: Option<Cause>, now: Timestamp) -> Option<Self> {
        if !self.state.may_become(to) {
            return None;
        }
        let mut next = self.clone();
        next.state = to;
        next.failure_cause = cause.filter(|_| to == State::Failed);
        next.steps.push(Step { state: to, at: now });
        next.asked = 0;
        next.due_at = match to {
            State::Sending => Some(now + SENDING_LEASE),
            settled if settled.is_end() => None,
            _ => Some(now + silence(0)),
        };
        if to != State::Requested && to != State::Sending {
            next.action = next.action.and_then(Action::kept);
        }
        Some(next)
    }

    /// What the maker says of it, under its own id. `None` if that is nothing new.
    #[must_use]
    pub fn told(
        &self,
        action_id: &UpstreamId,
        state: State,
        cause: Option<Cause>,
        now: Timestamp,
    ) -> Option<Self> {
        let next = self.advance(state, cause.or(Some(Cause::Other)), now)?;
        Some(Self { action_id: Some(action_id.clone()), ..next })
    }

    /// The same with the last step's own time, as far as that can be.
    #[must_use]
    pub fn dated(mut self, at: Timestamp) -> Self {
        if let Some(step) = self.steps.last_mut() {
            step.at = step.at.min(at);
        }
        self
    }

    /// Not sent this time, which is certain: it waits for another try, as long as it is of use.
    #[must_use]
    pub fn waits(&self, now: Timestamp) -> Self {
        let soon = now + TRY_AGAIN;
        let last = self.not_after + SignedDuration::from_secs(1);
        Self { due_at: Some(soon.min(last).max(now)), ..self.clone() }
    }

    /// The maker was asked and told nothing new: it is asked again later, or no more.
    #[must_use]
    pub fn heard_nothing(&self, now: Timestamp) -> Self {
        if now.duration_since(self.sent_at()) < ASKED_FOR {
            let asked = self.asked.saturating_add(1);
            return Self { asked, due_at: Some(now + silence(asked)), ..self.clone() };
        }
        // Whether the maker ever had it stays unknown; what it had and never ended timed out.
        let ended = self.advance(State::TimedOut, None, now);
        ended.unwrap_or_else(|| Self { due_at: None, ..self.clone() })
    }

    /// When it was sent, if it was.
    fn sent_at(&self) -> Timestamp {
        let sent = self.steps.iter().find(|step| step.state == State::Sending);
        sent.map_or(self.requested_at, |step| step.at)
    }
}

/// How long to wait for news.
fn silence(asked: u8) -> SignedDuration {
    let seconds = SILENCES.get(usize::from(asked)).or(SILENCES.last());
    SignedDuration::from_secs(seconds.copied().unwrap_or_default())
}

#[cfg(test)]
mod tests;
