//! New endpoints, and new secrets for them.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::Deserialize;
use shared::{
    App,
    domain::{
        enrollment::UserRef,
        ids::{EnrollmentId, WebhookId},
        webhook::{Filter, MOST, State as Sending, Types, Webhook},
    },
    http::Problem,
};
use utoipa::ToSchema;

use super::{
    check_description, check_types, check_url, one,
    views::{Made, WebhookView},
};
use crate::{
    Error,
    auth::{Key, Scope},
    body::Body,
    error::Thing,
    idempotency,
    path::Id,
};

/// Where events shall be posted to, and which: those that pass every part of the filter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    /// https on port 443, reachable by the world; in a deployment with private addresses, any.
    #[schema(format = "uri", max_length = 2_048, example = "http://localhost:3000/events")]
    url: String,
    /// What it is for, in your words.
    #[schema(max_length = 256)]
    description: Option<String>,
    /// Types of events, or prefixes such as `vehicle.*`; every type by default.
    #[schema(max_items = 50)]
    types: Option<Vec<Types>>,
    /// What befalls this user's enrollments. An erasure forgets whose an enrollment was, so
    /// `enrollment.erased` does not pass.
    user_ref: Option<UserRef>,
    /// What befalls this enrollment.
    enrollment: Option<EnrollmentId>,
    /// Whether places are sent too: needs the scope `read:position`.
    positions: Option<bool>,
}

/// Adds an endpoint, and shows its secret this once.
#[utoipa::path(
    post, path = "/v1/webhooks", operation_id = "webhooks.make",
    tag = "webhooks", security(("key" = ["admin"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same endpoint, for a day")),
    request_body = New,
    responses(
        (status = 201, body = Made), (status = 400, body = Problem),
        (status = 409, body = Problem, description = "There are 20 already, or the idempotency key was used for another body"),
    )
)]
#[tracing::instrument(name = "webhooks.make", skip_all)]
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    key: Key,
    headers: HeaderMap,
    body: Body<New>,
) -> Result<(StatusCode, Json<Made>), Error> {
    key.require(Scope::Admin)?;
    let new = body.value;
    if new.positions == Some(true) {
        key.require(Scope::ReadPosition)?;
    }
    let url = check_url(&app, &new.url)?;
    let description = check_description(new.description)?;
    let types = check_types(new.types.unwrap_or_default())?;
    let now = app.clock.now();
    let request = ("POST /v1/webhooks", &body.bytes[..]);
    let id = idempotency::id(&app, &key, &headers, request, WebhookId::random()).await?;
    if app.store.webhook(&id, now).await?.is_none() {
        if app.store.webhooks(now).await?.known.len() >= MOST {
            let problem = Problem::new(StatusCode::CONFLICT, "too_many_webhooks");
            return Err(Error::Request(problem.detail(format!("There are {MOST} already."))));
        }
        let webhook = Webhook {
            id: id.clone(),
            url,
            description,
            filter: Filter { types, user_ref: new.user_ref, enrollment: new.enrollment },
            positions: new.positions.unwrap_or(false),
            state: Sending::Enabled,
            secrets: Vec::new(),
            created_at: now,
            updated_at: now,
        };
        let ring = app.secrets.webhook_ring().await?;
        app.store.add_webhook(&webhook.rotate(ring.primary(), now)).await?;
        tracing::warn!(key.id = %key.id, webhook.id = %id, "an endpoint was added");
    }
    Ok((StatusCode::CREATED, Json(shown(&app, &id, now).await?)))
}

/// Makes a new secret, and shows it this once. The one before stays valid for a day, in which
/// every event is signed with both.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/rotate", operation_id = "webhooks.rotate",
    tag = "webhooks", security(("key" = ["admin"])),
    params(("id" = WebhookId, Path)),
    responses((status = 200, body = Made), (status = 404, body = Problem), (status = 409, body = Problem))
)]
#[tracing::instrument(name = "webhooks.rotate", skip_all)]
pub(crate) async fn rotate(
    State(app): State<Arc<App>>,
    key: Key,
    Id(id): Id<WebhookId>,
) -> Result<Json<Made>, Error> {
    key.require(Scope::Admin)?;
    let now = app.clock.now();
    let found = one(&app, &id, now).await?.webhook;
    let ring = app.secrets.webhook_ring().await?;
    let rotated = found.value.rotate(ring.primary(), now);
    app.store.save_webhook(&rotated, found.version, false).await?;
    tracing::warn!(key.id = %key.id, webhook.id = %rotated.id, "the secret of an endpoint was rotated");
    Ok(Json(shown(&app, &id, now).await?))
}

/// An endpoint with its newest secret.
async fn shown(app: &App, id: &WebhookId, now: Timestamp) -> Result<Made, Error> {
    let endpoint = one(app, id, now).await?;
    let webhook = &endpoint.webhook.value;
    let newest = webhook.secrets.last().ok_or(Error::NotFound(Thing::Webhook))?;
    let secret = app.secrets.webhook_secret(&webhook.id, newest).await?;
    let secret = secret.expose_secret().to_owned();
    Ok(Made { webhook: WebhookView::read(app, endpoint, now).await?, secret })
}
