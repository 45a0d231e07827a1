//! What became of events: those given up are listed and sent again; a test is sent by itself.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    App,
    clock::Budget,
    domain::{
        event::{Event, What},
        ids::{EventId, WebhookId},
        webhook::Webhook,
    },
    http::Problem,
    store::{
        DueKey, Transaction,
        lanes::{self, Dead},
    },
};
use utoipa::ToSchema;

use super::{
    one,
    views::{Attempts, Delivery, Retried},
};
use crate::{
    Error,
    auth::{Key, Scope},
    body::Body,
    enrollments,
    path::Id,
    query::{Paging, Query},
    views::Page,
};

/// How long events are put back within one request, and what one may take.
const PATIENCE: Duration = Duration::from_secs(20);
const NEEDED: Duration = Duration::from_secs(2);

/// How many events one request sends again.
const REPLAYED: usize = 500;

/// Which events to send again: give one of both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replay {
    /// All that happened since.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// These.
    #[schema(value_type = Option<Vec<EventId>>)]
    ids: Option<BTreeSet<EventId>>,
}

/// How many events are sent again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveriesReplayed)]
pub(crate) struct Replayed {
    replayed: usize,
    /// Whether there are more than one request sends: ask again.
    more: bool,
}

/// A test that is under way.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tested {
    /// The id under which it comes.
    event: EventId,
}

/// What an endpoint did not take within three days: kept for two weeks more.
#[utoipa::path(
    get, path = "/v1/webhooks/{id}/deliveries", operation_id = "webhooks.deliveries",
    tag = "webhooks", security(("key" = ["admin"])),
    params(
        ("id" = WebhookId, Path), ("state" = Option<String>, Query, description = "`dead`"),
        ("limit" = Option<u8>, Query), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Page<Delivery>), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "webhooks.deliveries", skip_all)]
pub(crate) async fn deliveries(
    State(app): State<Arc<App>>,
    key: Key,
    Id(id): Id<WebhookId>,
    query: Query,
) -> Result<Json<Page<Delivery>>, Error> {
    key.require(Scope::Admin)?;
    if query.get("state").is_some_and(|state| state != "dead") {
        return Err(Error::invalid("state", "expected dead"));
    }
    let now = app.clock.now();
    let id = one(&app, &id, now).await?.webhook.value.id;
    let paging = Paging::read(&app, format!("deliveries {id}"), &query).await?;
    let after = paging.after.as_deref();
    let after = after.and_then(|text| serde_json::from_str::<(String, String, i64)>(text).ok());
    let after = after.map(|(pk, sk, due_at)| DueKey { pk, sk, due_at });
    let (dead, next) = app.store.dead(&id, after, paging.limit, now).await?;
    let next = next.and_then(|key| serde_json::to_string(&(key.pk, key.sk, key.due_at)).ok());
    let owners = dead.iter().filter_map(|dead| dead.event.silenced_with());
    let closed = enrollments::closed(&app, owners).await?;
    let told = |dead: &Dead| dead.event.silenced_with().is_none_or(|it| !closed.contains(it));
    let items = dead.into_iter().filter(told).map(Delivery::new);
    Ok(Json(paging.page(&app, items, next).await?))
}

/// Sends events again that were given up, oldest first, under the same ids and marked as replayed.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/replay", operation_id = "webhooks.replay",
    tag = "webhooks", security(("key" = ["admin"])),
    params(("id" = WebhookId, Path)), request_body = Replay,
    responses((status = 202, body = Replayed), (status = 400, body = Problem), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "webhooks.replay", skip_all)]
pub(crate) async fn replay(
    State(app): State<Arc<App>>,
    key: Key,
    Id(id): Id<WebhookId>,
    body: Body<Replay>,
) -> Result<(StatusCode, Json<Replayed>), Error> {
    key.require(Scope::Admin)?;
    let wanted = body.value;
    if wanted.since.is_some() == wanted.ids.is_some() {
        return Err(Error::unprocessable("since", "give one of since and ids"));
    }
    let now = app.clock.now();
    let id = one(&app, &id, now).await?.webhook.value.id;
    let (mut dead, mut more) = select(&app, &id, &wanted, now).await?;
    let budget = Budget::lasting(PATIENCE);
    // Those that stand in front in their lane must be there first.
    dead.sort_by_cached_key(|dead| dead.key().sk);
    let mut replayed = 0;
    for one in dead {
        if !budget.allows(NEEDED) {
            more = true;
            break;
        }
        replayed += usize::from(app.store.replay(&one, now).await?);
    }
    tracing::warn!(key.id = %key.id, webhook.id = %id, replayed, "events are sent again");
    Ok((StatusCode::ACCEPTED, Json(Replayed { replayed, more })))
}

/// The events that are wanted, and whether there are more than are taken at a time.
async fn select(
    app: &App,
    id: &WebhookId,
    wanted: &Replay,
    now: Timestamp,
) -> Result<(Vec<Dead>, bool), Error> {
    let named = |dead: &Dead| match (&wanted.since, &wanted.ids) {
        (Some(since), _) => dead.event.time >= *since,
        (_, Some(ids)) => ids.contains(&dead.event.id),
        _ => false,
    };
    let (mut found, mut after) = (Vec::new(), None);
    let all = wanted.ids.as_ref().map_or(usize::MAX, BTreeSet::len);
    while found.len() < all {
        let (page, next) = app.store.dead(id, after, 100, now).await?;
        for dead in page.into_iter().filter(&named) {
            if found.len() == REPLAYED {
                return Ok((found, true));
            }
            found.push(dead);
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    Ok((found, false))
}

/// The latest requests to an endpoint, delivered or not, newest first.
#[utoipa::path(
    get, path = "/v1/webhooks/{id}/attempts", operation_id = "webhooks.attempts",
    tag = "webhooks", security(("key" = ["admin"])),
    params(("id" = WebhookId, Path)),
    responses((status = 200, body = Attempts), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "webhooks.attempts", skip_all)]
pub(crate) async fn attempts(
    State(app): State<Arc<App>>,
    key: Key,
    Id(id): Id<WebhookId>,
) -> Result<Json<Attempts>, Error> {
    key.require(Scope::Admin)?;
    let now = app.clock.now();
    let id = one(&app, &id, now).await?.webhook.value.id;
    Ok(Json(Attempts { items: app.store.attempts(&id, now).await? }))
}

/// Sends at once what waits for its next try, in its order.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/retry", operation_id = "webhooks.retry",
    tag = "webhooks", security(("key" = ["admin"])),
    params(("id" = WebhookId, Path)),
    responses(
        (status = 202, body = Retried), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "The endpoint is disabled or paused"),
    )
)]
#[tracing::instrument(name = "webhooks.retry", skip_all)]
pub(crate) async fn retry(
    State(app): State<Arc<App>>,
    key: Key,
    Id(id): Id<WebhookId>,
) -> Result<(StatusCode, Json<Retried>), Error> {
    key.require(Scope::Admin)?;
    let now = app.clock.now();
    let webhook = enabled(&app, &id, now).await?;
    let lanes::Retried { lanes, more } = app.store.retry_lanes(&webhook.id, now).await?;
    tracing::info!(key.id = %key.id, webhook.id = %webhook.id, lanes, "what waits is sent now");
    Ok((StatusCode::ACCEPTED, Json(Retried { lanes, more })))
}

/// An endpoint that something may be sent to.
async fn enabled(app: &App, id: &WebhookId, now: Timestamp) -> Result<Webhook, Error> {
    let webhook = one(app, id, now).await?.webhook.value;
    if webhook.is_enabled() {
        return Ok(webhook);
    }
    let problem = Problem::new(StatusCode::CONFLICT, "webhook_not_enabled");
    Err(Error::Request(problem.detail("Enable the endpoint first.")))
}

/// Sends an event of the type `webhook.test` to this endpoint alone, in front of all that waits.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/test", operation_id = "webhooks.test",
    tag = "webhooks", security(("key" = ["admin"])),
    params(("id" = WebhookId, Path)),
    responses(
        (status = 202, body = Tested), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "The endpoint is disabled or paused"),
    )
)]
#[tracing::instrument(name = "webhooks.test", skip_all)]
pub(crate) async fn test(
    State(app): State<Arc<App>>,
    key: Key,
    Id(id): Id<WebhookId>,
) -> Result<(StatusCode, Json<Tested>), Error> {
    key.require(Scope::Admin)?;
    let now = app.clock.now();
    let webhook = enabled(&app, &id, now).await?;
    let event = Event::of_deployment(What::WebhookTest { webhook: webhook.id }, now);
    let id = event.id.clone();
    let mut transaction = Transaction::new();
    app.store.tell_in(&mut transaction, event)?;
    app.store.commit(transaction).await?;
    Ok((StatusCode::ACCEPTED, Json(Tested { event: id })))
}
