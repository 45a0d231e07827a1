//! The operator's endpoints: where events are posted to.

mod deliveries;
mod make;
mod views;

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use shared::{
    App,
    domain::{
        enrollment::UserRef,
        ids::{EnrollmentId, WebhookId},
        webhook::{Filter, State as Sending, Types, Webhook},
    },
    http::Problem,
    store::webhooks::Endpoint,
    webhooks::address,
};
use url::Url;
use utoipa::ToSchema;

use self::views::{WebhookView, Webhooks};
pub(crate) use self::{deliveries::*, make::*};
use crate::{
    Error,
    auth::{Key, Scope},
    body::Body,
    error::Thing,
    path::Id,
};

/// The longest description.
const DESCRIPTION: usize = 256;
/// How many types a filter names at most.
const TYPES: usize = 50;

/// What to change. What is not named stays; null takes a part of the filter away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "null is told from a field that is not there")]
#[schema(as = WebhookChange)]
pub(crate) struct Change {
    /// https on port 443, reachable by the world; in a deployment with private addresses, any.
    #[schema(format = "uri", max_length = 2_048)]
    url: Option<String>,
    /// What it is for, in your words.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 256)]
    description: Option<Option<String>>,
    /// An empty list is every type.
    #[schema(max_items = 50)]
    types: Option<Vec<Types>>,
    /// What befalls this user's enrollments.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<UserRef>)]
    user_ref: Option<Option<UserRef>>,
    /// What befalls this enrollment.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<EnrollmentId>)]
    enrollment: Option<Option<EnrollmentId>>,
    /// Needs the scope `read:position` to be switched on.
    positions: Option<bool>,
    /// False lets events wait, for 30 days at most; true sends them within a minute, also after a
    /// pause of ours and what waits for its next try.
    enabled: Option<bool>,
}

/// Tells null from a field that is not there.
#[expect(clippy::option_option, reason = "that is what it is for")]
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    value: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// Every endpoint, oldest first.
#[utoipa::path(
    get, path = "/v1/webhooks", operation_id = "webhooks.list",
    tag = "webhooks", security(("key" = ["admin"])),
    responses((status = 200, body = Webhooks), (status = 403, body = Problem))
)]
#[tracing::instrument(name = "webhooks.list", skip_all)]
pub(crate) async fn list(State(app): State<Arc<App>>, key: Key) -> Result<Json<Webhooks>, Error> {
    key.require(Scope::Admin)?;
    let now = app.clock.now();
    let mut items = Vec::new();
    for endpoint in app.store.webhooks(now).await?.known {
        items.push(WebhookView::read(&app, endpoint, now).await?);
    }
    Ok(Json(Webhooks { items }))
}

/// One endpoint: what is sent to it, and how it fares.
#[utoipa::path(
    get, path = "/v1/webhooks/{id}", operation_id = "webhooks.get",
    tag = "webhooks", security(("key" = ["admin"])),
    params(("id" = WebhookId, Path)),
    responses((status = 200, body = WebhookView), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "webhooks.get", skip_all)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    key: Key,
    Id(id): Id<WebhookId>,
) -> Result<Json<WebhookView>, Error> {
    key.require(Scope::Admin)?;
    let now = app.clock.now();
    let endpoint = one(&app, &id, now).await?;
    Ok(Json(WebhookView::read(&app, endpoint, now).await?))
}

/// Changes an endpoint, or switches it off and on. What waits for it already is sent to where it is
/// now; a new filter is for events from now on.
#[utoipa::path(
    patch, path = "/v1/webhooks/{id}", operation_id = "webhooks.patch",
    tag = "webhooks", security(("key" = ["admin"])),
    params(("id" = WebhookId, Path)), request_body = Change,
    responses(
        (status = 200, body = WebhookView), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "Changed at the same moment: read it again"),
    )
)]
#[tracing::instrument(name = "webhooks.patch", skip_all)]
pub(crate) async fn patch(
    State(app): State<Arc<App>>,
    key: Key,
    Id(id): Id<WebhookId>,
    body: Body<Change>,
) -> Result<Json<WebhookView>, Error> {
    key.require(Scope::Admin)?;
    let now = app.clock.now();
    let found = one(&app, &id, now).await?.webhook;
    let change = body.value;
    let afresh = change.enabled == Some(true) || change.url.is_some();
    let changed = apply(&app, &key, found.value, change, now)?;
    app.store.save_webhook(&changed, found.version, afresh).await?;
    tracing::warn!(key.id = %key.id, webhook.id = %changed.id, "an endpoint was changed");
    if afresh && changed.is_enabled() {
        // What failed at the old address, or before it was mended, does not wait any longer.
        app.store.retry_lanes(&changed.id, now).await?;
    }
    let endpoint = one(&app, &id, now).await?;
    Ok(Json(WebhookView::read(&app, endpoint, now).await?))
}

/// Deletes an endpoint: nothing more is sent to it, and what waited for it is removed.
#[utoipa::path(
    delete, path = "/v1/webhooks/{id}", operation_id = "webhooks.delete",
    tag = "webhooks", security(("key" = ["admin"])),
    params(("id" = WebhookId, Path)),
    responses((status = 204), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "webhooks.delete", skip_all)]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    key: Key,
    Id(id): Id<WebhookId>,
) -> Result<StatusCode, Error> {
    key.require(Scope::Admin)?;
    if !app.store.delete_webhook(&id, app.clock.now()).await? {
        return Err(Error::NotFound(Thing::Webhook));
    }
    tracing::warn!(key.id = %key.id, webhook.id = %id, "an endpoint was deleted");
    Ok(StatusCode::NO_CONTENT)
}

fn apply(
    app: &App,
    key: &Key,
    webhook: Webhook,
    change: Change,
    now: Timestamp,
) -> Result<Webhook, Error> {
    let Filter { types, user_ref, enrollment } = webhook.filter;
    let filter = Filter {
        types: change.types.map(check_types).transpose()?.unwrap_or(types),
        user_ref: change.user_ref.unwrap_or(user_ref),
        enrollment: change.enrollment.unwrap_or(enrollment),
    };
    let url = change.url.map(|text| check_url(app, &text)).transpose()?;
    let description = change.description.map(check_description).transpose()?;
    let state = match change.enabled {
        Some(true) => Sending::Enabled,
        Some(false) => Sending::Disabled,
        None => webhook.state,
    };
    let positions = change.positions.unwrap_or(webhook.positions);
    // A filter widened by who may not see places would show them where they are on already.
    if positions {
        key.require(Scope::ReadPosition)?;
    }
    Ok(Webhook {
        url: url.unwrap_or(webhook.url),
        description: description.unwrap_or(webhook.description),
        filter,
        positions,
        state,
        updated_at: now,
        ..webhook
    })
}

async fn one(app: &App, id: &WebhookId, now: Timestamp) -> Result<Endpoint, Error> {
    app.store.webhook(id, now).await?.ok_or(Error::NotFound(Thing::Webhook))
}

fn check_url(app: &App, text: &str) -> Result<Url, Error> {
    let addresses = app.config.events.addresses;
    let refused = || Error::unprocessable("url", addresses.expected());
    // The parser would leave line breaks out, and strip spaces.
    if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
        return Err(refused());
    }
    let url = Url::parse(text).map_err(|_| refused())?;
    address::check(&url, addresses).map_err(|_| refused())?;
    Ok(url)
}

fn check_types(types: Vec<Types>) -> Result<Vec<Types>, Error> {
    if types.len() > TYPES {
        return Err(Error::invalid("types", format!("expected at most {TYPES}")));
    }
    Ok(types)
}

fn check_description(text: Option<String>) -> Result<Option<String>, Error> {
    if text.as_ref().is_some_and(|text| text.chars().count() > DESCRIPTION) {
        let wanted = format!("expected at most {DESCRIPTION} characters");
        return Err(Error::invalid("description", wanted));
    }
    Ok(text)
}
