//! Where an enrollment stands, and why.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where an enrollment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The operator has a login link; nobody came back through it yet.
    Begun,
    /// A callback claimed it and is exchanging the code.
    Exchanging,
    /// Consent is there, sealed; the operator's backend has yet to say that it is its user's.
    AwaitingConfirmation,
    /// Data flows.
    Active,
    /// The user refused, at the maker.
    Declined,
    /// The consent came to nothing; `reason` says why.
    Failed,
    /// The consent renewed an older enrollment, named in `merged_into`.
    Merged,
    /// The maker ended the grant: the user must consent again.
    ReauthorizationRequired,
    /// Being erased: nothing is shown, fetched or told any more.
    Erasing,
    /// Gone, but for this tombstone.
    Erased,
}

impl Status {
    /// Whether anybody may still hear of it: nobody does once its erasure was asked for.
    #[must_use]
    pub const fn may_be_told(self) -> bool {
        !matches!(self, Self::Erasing | Self::Erased)
    }

    /// Every status, in the order of a life.
    pub const ALL: [Self; 10] = [
        Self::Begun,
        Self::Exchanging,
        Self::AwaitingConfirmation,
        Self::Active,
        Self::Declined,
        Self::Failed,
        Self::Merged,
        Self::ReauthorizationRequired,
        Self::Erasing,
        Self::Erased,
    ];

    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Exchanging => "exchanging",
            Self::AwaitingConfirmation => "awaiting_confirmation",
            Self::Active => "active",
            Self::Declined => "declined",
            Self::Failed => "failed",
            Self::Merged => "merged",
            Self::ReauthorizationRequired => "reauthorization_required",
            Self::Erasing => "erasing",
            Self::Erased => "erased",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Not a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected one of begun, exchanging, awaiting_confirmation, active, declined, failed, merged, reauthorization_required, erasing, erased"
)]
pub struct UnknownStatus;

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(UnknownStatus)
    }
}

/// Who said that the account is the user's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmedBy {
    /// The operator's backend, with what came back to its own user's session.
    Backend,
    /// Nobody but whoever followed the link: good enough to look, not to command a car.
    Link,
}

/// Why an enrollment stands where it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = EnrollmentReason)]
pub enum Reason {
    /// The user refused consent.
    DeclinedByUser,
    /// The identity provider answered with an error.
    ProviderError,
    /// The identity provider could not be reached or gave nonsense.
    ProviderUnavailable,
    /// The id token was not for us, not for this login, or expired.
    IdentityRefused,
    /// The tokens could not be stored and were revoked.
    NotStored,
    /// The callback died before it had an outcome.
    Interrupted,
    /// Nobody confirmed within 15 minutes.
    NotConfirmed,
    /// The maker ended the grant: withdrawn there, or expired.
    Withdrawn,
    /// A renewal's answer was lost on the way, and with it the only valid token.
    LostAnswer,
    /// The operator asked for erasure.
    Requested,
    /// Signed in, but this account has no car of this brand.
    NoVehicle,
}
