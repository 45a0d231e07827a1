//! Endpoints as the API shows them: never a secret.

use jiff::Timestamp;
use serde::Serialize;
use shared::{
    domain::{
        enrollment::UserRef,
        ids::{EnrollmentId, EventId, WebhookId},
        webhook::{PauseReason, State, Types},
    },
    store::{
        lanes::Dead,
        webhooks::{Endpoint, Health},
    },
};
use url::Url;
use utoipa::ToSchema;

/// An endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookView {
    id: WebhookId,
    #[schema(value_type = String)]
    url: Url,
    description: Option<String>,
    /// Types that are sent; all, if it is empty.
    types: Vec<Types>,
    user_ref: Option<UserRef>,
    enrollment: Option<EnrollmentId>,
    positions: bool,
    /// `enabled`, `disabled` by you, or `paused` by us.
    state: &'static str,
    /// Why we stopped sending.
    paused: Option<Pause>,
    /// How often in a row it failed.
    failures: u32,
    /// Since when it has done nothing but fail.
    #[schema(value_type = Option<String>, format = DateTime)]
    failing_since: Option<Timestamp>,
    /// How many secrets are valid: two for a day after a rotation.
    valid_secrets: usize,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// A pause of ours.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookPause)]
struct Pause {
    reason: PauseReason,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

/// Every endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Webhooks {
    pub(super) items: Vec<WebhookView>,
}

/// An endpoint and its secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Made {
    #[serde(flatten)]
    pub(super) webhook: WebhookView,
    /// `whsec_…`: by it your endpoint verifies what is sent (Standard Webhooks).
    pub(super) secret: String,
}

/// An event that was given up.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Delivery {
    /// The event's id, which a replay keeps.
    id: EventId,
    /// Its type, as filters name it.
    #[serde(rename = "type")]
    kind: String,
    enrollment: Option<EnrollmentId>,
    vin: Option<String>,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    /// `dead`.
    state: &'static str,
    tries: u32,
    #[schema(value_type = String, format = DateTime)]
    first_tried_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    died_at: Timestamp,
    /// What came of the last try: `status_503`, `no_answer`, `not_reached`, `address_refused`.
    why: String,
}

impl WebhookView {
    pub(super) fn new(endpoint: Endpoint, now: Timestamp) -> Self {
        let webhook = endpoint.webhook.value;
        let Health { failures, failing_since } = endpoint.health;
        let (state, paused) = match webhook.state {
            State::Enabled => ("enabled", None),
            State::Disabled => ("disabled", None),
            State::Paused { reason, since } => ("paused", Some(Pause { reason, since })),
        };
        Self {
            valid_secrets: webhook.valid_secrets(now).count(),
            id: webhook.id,
            url: webhook.url,
            description: webhook.description,
            types: webhook.filter.types,
            user_ref: webhook.filter.user_ref,
            enrollment: webhook.filter.enrollment,
            positions: webhook.positions,
            state,
            paused,
            failures,
            failing_since,
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
        }
    }
}

impl Delivery {
    pub(super) fn new(dead: Dead) -> Self {
        Self {
            kind: dead.event.what.name(),
            vin: dead.event.what.vin(),
            id: dead.event.id,
            enrollment: dead.event.enrollment,
            time: dead.event.time,
            state: "dead",
            tries: dead.tries,
            first_tried_at: dead.since,
            died_at: dead.died_at,
            why: dead.why,
        }
    }
}
