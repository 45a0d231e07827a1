//! Endpoints as the API shows them: never a secret.

use jiff::Timestamp;
use serde::Serialize;
use shared::{
    App,
    domain::{
        enrollment::UserRef,
        ids::{EnrollmentId, EventId, WebhookId},
        webhook::{Attempt, PauseReason, State, Types},
    },
    store::{
        self,
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
    /// The latest request that it was sent, and what came of it.
    last_attempt: Option<Attempt>,
    /// When it is tried again, if it fails and anything waits for it.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_try: Option<Timestamp>,
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

/// The latest requests to an endpoint, newest first, also those that went well.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookAttempts)]
pub(crate) struct Attempts {
    /// Twenty at most. Of many requests within a minute some may be missing.
    pub(super) items: Vec<Attempt>,
}

/// What is sent again now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookRetried)]
pub(crate) struct Retried {
    /// In how many lanes events waited for their next try: those of one vehicle, or of one enrollment
    /// as such, are one lane. They are sent within a minute.
    pub(super) lanes: usize,
    /// Whether there may be more than one request takes: ask again.
    pub(super) more: bool,
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
    /// What came of the last try: `status_503` and the like, or `timeout`, `refused`, `unreachable`,
    /// `dns`, `tls`, `closed`, `address_refused`, `internal`.
    why: String,
}

impl WebhookView {
    /// An endpoint, and how it fares: the latest attempt is read for it, and when the next one is.
    pub(super) async fn read(
        app: &App,
        endpoint: Endpoint,
        now: Timestamp,
    ) -> Result<Self, store::Error> {
        let id = &endpoint.webhook.value.id;
        let last = app.store.attempts(id, now).await?.into_iter().next();
        // One that takes what it is sent has nothing that waits for long.
        let waits = endpoint.health.failures > 0 && endpoint.webhook.value.is_enabled();
        let next = if waits { app.store.next_try(id).await? } else { None };
        Ok(Self { last_attempt: last, next_try: next, ..Self::new(endpoint, now) })
    }

    /// The same where nothing was sent yet.
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
            last_attempt: None,
            next_try: None,
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
