//! An enrollment: one user's consent for one brand account, and the states it goes through.
//!
//! ```text
//! begun ──▶ exchanging ──▶ awaiting_confirmation ──▶ active ◀──▶ reauthorization_required
//!   │           │                   │                   │                   │
//!   ▼           ▼                   └───────────┬───────┴───────────────────┘
//! declined    failed · merged                   ▼
//!                                            erasing ──▶ erased
//! ```
//!
//! A consent of a user and account that are connected already ends as `merged`: it renews the older
//! enrollment. That is known when the browser comes back, or, if two links were open at once, when
//! the second one is confirmed.

mod erasure;
mod status;
mod user_ref;

use data_encoding::HEXLOWER;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::{
    erasure::{Erasure, Revocation},
    status::{ConfirmedBy, Reason, Status, UnknownStatus},
    user_ref::{InvalidUserRef, UserRef},
};
use super::{
    brand::Brand,
    ids::{EnrollmentId, GrantId, digest_of},
};

/// How long a `login_url` may be opened.
pub const LINK_LIVES: SignedDuration = SignedDuration::from_hours(24);
/// How long the operator's backend has to confirm.
pub const CONFIRM_WITHIN: SignedDuration = SignedDuration::from_mins(15);
/// A callback that has not finished by then died on the way.
pub const EXCHANGE_WITHIN: SignedDuration = SignedDuration::from_mins(5);
/// The version of the texts that the user agreed to, for the consent record.
pub const CONSENT_TEXT: &str = "2026-11";

/// What the user agreed to: kept, and given out on request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Consent {
    /// When the maker sent the user back to us.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The scopes asked for.
    pub asked: Vec<String>,
    /// What the maker says was granted, in its own words.
    pub granted: Option<String>,
    /// Which version of our texts was shown.
    pub text_version: String,
    /// What the data is used for.
    pub purpose: String,
}

/// The one-time value that only the browser of the right user can bring to the backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// SHA-256 of it, in hex.
    pub sha256: String,
    /// Until when it is good.
    pub until: Timestamp,
}

/// One user's consent for one brand account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrollment {
    /// Its id.
    pub id: EnrollmentId,
    /// Whose, in the operator's words. `None` on a tombstone.
    pub user_ref: Option<UserRef>,
    /// The brand whose account it is.
    pub brand: Brand,
    /// Where it stands.
    pub status: Status,
    /// Why.
    pub reason: Option<Reason>,
    /// The scopes asked for.
    pub scopes: Vec<String>,
    /// What the user agreed to.
    pub consent: Option<Consent>,
    /// SHA-256 of the maker's subject, user and brand: tells accounts apart without naming them.
    pub identity: Option<String>,
    /// SHA-256 of brand and subject: by it the account is found again under another user.
    #[serde(default)]
    pub account: Option<String>,
    /// The tokens.
    pub grant: Option<GrantId>,
    /// Those that newer consents replaced, until they are revoked and gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_grants: Vec<GrantId>,
    /// SHA-256 of the `state` whose callback claimed it.
    pub claimed_by: Option<String>,
    /// What confirms it.
    pub confirmation: Option<Confirmation>,
    /// When it was confirmed first.
    pub confirmed_at: Option<Timestamp>,
    /// By whom.
    #[serde(default)]
    pub confirmed_by: Option<ConfirmedBy>,
    /// The older enrollment that this consent renewed.
    pub merged_into: Option<EnrollmentId>,
    /// How many cars the maker listed last; `None` before the first look.
    pub vehicles: Option<u32>,
    /// Erasure, if it was asked for.
    pub erasure: Option<Erasure>,
    /// When the link was made.
    pub begun_at: Timestamp,
    /// Until when the link may be opened.
    pub link_expires_at: Timestamp,
    /// When anything changed last.
    pub updated_at: Timestamp,
}

/// The enrollment is not in a state from which this may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not possible while the enrollment is {from}")]
pub struct InvalidTransition {
    /// Where it stands.
    pub from: Status,
}

impl Enrollment {
    /// A new one, for which a link is about to be given out.
    #[must_use]
    pub fn begin(
        id: EnrollmentId,
        user_ref: UserRef,
        brand: Brand,
        scopes: Vec<String>,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            user_ref: Some(user_ref),
            brand,
            status: Status::Begun,
            reason: None,
            scopes,
            consent: None,
            identity: None,
            account: None,
            grant: None,
            former_grants: Vec::new(),
            claimed_by: None,
            confirmation: None,
            confirmed_at: None,
            confirmed_by: None,
            merged_into: None,
            vehicles: None,
            erasure: None,
            begun_at: now,
            link_expires_at: now + LINK_LIVES,
            updated_at: now,
        }
    }

    /// Whether the link ran out unused.
    #[must_use]
    pub fn is_abandoned(&self, now: Timestamp) -> bool {
        self.status == Status::Begun && self.link_expires_at <= now
    }

    /// A callback takes it, for good: its code will be sent once, by this callback.
    ///
    /// # Errors
    /// Unless it is begun and its link still good.
    pub fn claim(self, state_sha256: String, now: Timestamp) -> Result<Self, InvalidTransition> {
        if self.is_abandoned(now) {
            return Err(InvalidTransition { from: Status::Begun });
        }
        let claimed = self.step(&[Status::Begun], Status::Exchanging, now)?;
        Ok(Self { claimed_by: Some(state_sha256), ..claimed })
    }

    /// The consent came to nothing.
    ///
    /// # Errors
    /// Unless it is begun or being exchanged.
    pub fn fail(self, reason: Reason, now: Timestamp) -> Result<Self, InvalidTransition> {
        let status =
            if reason == Reason::DeclinedByUser { Status::Declined } else { Status::Failed };
        let failed = self.step(&[Status::Begun, Status::Exchanging], status, now)?;
        Ok(Self { reason: Some(reason), ..failed })
    }

    /// Tokens were stored under `grant`; the backend has yet to confirm.
    ///
    /// # Errors
    /// Unless it is being exchanged.
    pub fn await_confirmation(
        self,
        grant: GrantId,
        identity: Option<String>,
        account: Option<String>,
        consent: Consent,
        confirmation: Confirmation,
        now: Timestamp,
    ) -> Result<Self, InvalidTransition> {
        let next = self.step(&[Status::Exchanging], Status::AwaitingConfirmation, now)?;
        Ok(Self {
            grant: Some(grant),
            identity,
            account,
            consent: Some(consent),
            confirmation: Some(confirmation),
            ..next
        })
    }

    /// It is its user's: data may flow.
    ///
    /// # Errors
    /// Unless it awaits just that.
    pub fn confirm(self, by: ConfirmedBy, now: Timestamp) -> Result<Self, InvalidTransition> {
        let from = self.status;
        if !self.awaits_confirmation() {
            return Err(InvalidTransition { from });
        }
        let next = self.step(&[from], Status::Active, now)?;
        Ok(Self {
            confirmation: None,
            confirmed_at: next.confirmed_at.or(Some(now)),
            confirmed_by: Some(by),
            ..next
        })
    }

    /// Whether the operator's backend may confirm it now: a first time, or one that only a link
    /// vouched for, after a new consent in a session of the backend's.
    #[must_use]
    pub fn awaits_confirmation(&self) -> bool {
        match self.status {
            Status::AwaitingConfirmation => true,
            Status::Active => self.confirmation.is_some(),
            _ => false,
        }
    }

    /// A new consent of the same user, account and brand brought new tokens. What it asked for
    /// counts from now on. `confirmation`: by which the backend may vouch for one that only a link
    /// vouched for.
    ///
    /// # Errors
    /// Unless it was confirmed before.
    pub fn renew(
        self,
        grant: GrantId,
        consent: Consent,
        confirmation: Option<Confirmation>,
        now: Timestamp,
    ) -> Result<Self, InvalidTransition> {
        let from = [Status::Active, Status::ReauthorizationRequired];
        let mut next = self.step(&from, Status::Active, now)?;
        next.former_grants.extend(next.grant.take());
        let confirmation = confirmation.filter(|_| next.confirmed_by != Some(ConfirmedBy::Backend));
        Ok(Self {
            grant: Some(grant),
            scopes: consent.asked.clone(),
            consent: Some(consent),
            confirmation,
            reason: None,
            ..next
        })
    }

    /// Its consent renewed `older`, which has its tokens now.
    ///
    /// # Errors
    /// Unless it is being exchanged, or awaits its confirmation.
    pub fn merge_into(
        self,
        older: EnrollmentId,
        now: Timestamp,
    ) -> Result<Self, InvalidTransition> {
        let from = [Status::Exchanging, Status::AwaitingConfirmation];
        let next = self.step(&from, Status::Merged, now)?;
        Ok(Self {
            merged_into: Some(older),
            grant: None,
            consent: None,
            confirmation: None,
            ..next
        })
    }

    /// The maker ended the grant.
    ///
    /// # Errors
    /// Unless it has one.
    pub fn require_reauthorization(
        self,
        reason: Reason,
        now: Timestamp,
    ) -> Result<Self, InvalidTransition> {
        let from = [Status::Active, Status::AwaitingConfirmation];
        let next = self.step(&from, Status::ReauthorizationRequired, now)?;
        Ok(Self { reason: Some(reason), confirmation: None, ..next })
    }

    /// Nothing is shown, fetched or told from now on.
    ///
    /// # Errors
    /// When it is being erased, or is erased, already.
    pub fn erase(self, reason: Reason, now: Timestamp) -> Result<Self, InvalidTransition> {
        if matches!(self.status, Status::Erasing | Status::Erased) {
            return Err(InvalidTransition { from: self.status });
        }
        Ok(Self {
            status: Status::Erasing,
            reason: Some(reason),
            confirmation: None,
            erasure: Some(Erasure { requested_at: Some(now), ..Erasure::default() }),
            updated_at: now,
            ..self
        })
    }

    /// Nothing is left but ids, times and counts.
    #[must_use]
    pub fn tombstone(self, now: Timestamp) -> Self {
        let erasure = self.erasure.map(|erasure| Erasure { completed_at: Some(now), ..erasure });
        Self {
            status: Status::Erased,
            user_ref: None,
            consent: None,
            identity: None,
            account: None,
            grant: None,
            former_grants: Vec::new(),
            claimed_by: None,
            erasure,
            updated_at: now,
            ..self
        }
    }

    /// Whether anybody may still hear of it: nobody does once its erasure was asked for.
    #[must_use]
    pub const fn may_be_told(&self) -> bool {
        self.status.may_be_told()
    }

    /// Whether its data may be fetched, shown and told.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.status, Status::Active | Status::ReauthorizationRequired)
    }

    fn step(self, from: &[Status], to: Status, now: Timestamp) -> Result<Self, InvalidTransition> {
        if from.contains(&self.status) {
            Ok(Self { status: to, updated_at: now, ..self })
        } else {
            Err(InvalidTransition { from: self.status })
        }
    }
}

/// SHA-256 in hex: what is kept of a value that must be recognised and never be told.
#[must_use]
pub fn sha256(parts: &[&str]) -> String {
    HEXLOWER.encode(digest_of(parts).as_ref())
}

#[cfg(test)]
mod tests;
