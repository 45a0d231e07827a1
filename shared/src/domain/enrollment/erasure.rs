//! What an erasure records of itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far an erasure has come. Every step is idempotent and recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Erasure {
    /// When it was asked for.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub requested_at: Option<Timestamp>,
    /// What became of the subscription at the maker.
    #[serde(default)]
    pub subscription: Option<Revocation>,
    /// What became of the grant at the maker.
    pub revocation: Option<Revocation>,
    /// Items deleted so far.
    pub deleted: u64,
    /// When nothing was left.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub completed_at: Option<Timestamp>,
}

/// What became of a grant, or of a subscription, at the maker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Revocation {
    /// The maker confirmed it.
    Confirmed,
    /// There was none.
    NothingToRevoke,
    /// The maker could not be asked for seven days; our copy is destroyed.
    Unconfirmed,
}
