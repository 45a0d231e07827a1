//! What came of sending events to an endpoint: what its operator may see of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::ids::EventId;

/// One request to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookAttempt)]
pub struct Attempt {
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The event that it carried.
    pub event: EventId,
    /// The type of that event, as filters name it.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status that the endpoint answered; absent without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why the event counts as not delivered; absent if it was delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// Why an event was not delivered. Nothing of an answer is kept but its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookFailure)]
pub enum Failure {
    /// The answer was not a 2xx: `status` says which.
    Status,
    /// There was no complete answer within ten seconds.
    Timeout,
    /// The connection was refused: nothing listens there.
    Refused,
    /// The host can't be reached.
    Unreachable,
    /// The name of the host can't be resolved.
    Dns,
    /// TLS failed: most often the certificate is expired, of another name, or of no public authority.
    Tls,
    /// The connection was closed before the answer.
    Closed,
    /// The URL leads to an address that no endpoint may have.
    AddressRefused,
    /// The fault is ours.
    Internal,
}

impl Failure {
    /// The word that stands for it in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Dns => "dns",
            Self::Tls => "tls",
            Self::Closed => "closed",
            Self::AddressRefused => "address_refused",
            Self::Internal => "internal",
        }
    }
}
