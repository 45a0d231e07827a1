use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, RawQuery, State},
};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use shared::{
    App,
    domain::{alert::Alert, snapshot::Change, trip::Trip, vin::Vin},
    http::{Problem, query_once},
    store::vehicles::History,
};

use crate::{
    Error,
    auth::{Key, Scope},
    cursor, enrollments,
    views::Page,
};

/// What changed, when it was seen: oldest first.
#[utoipa::path(
    get, path = "/v1/enrollments/{id}/vehicles/{vin}/history", tag = "vehicles", security(("key" = ["read"])),
    params(
        ("id" = String, Path), ("vin" = String, Path),
        ("from" = Option<String>, Query, description = "RFC 3339; the beginning by default"),
        ("to" = Option<String>, Query, description = "RFC 3339; now by default"),
        ("fields" = Option<String>, Query, description = "Names such as `electric.level`, separated by commas"),
        ("limit" = Option<u8>, Query), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Page<Change>), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "history.get", skip_all)]
pub(crate) async fn observations(
    State(app): State<Arc<App>>,
    key: Key,
    Path((id, vin)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<Change>>, Error> {
    let positions = key.has(Scope::ReadPosition);
    let (page, query) =
        page::<Vec<Change>>(&app, &key, &id, &vin, query, History::Observations).await?;
    let fields: Option<Vec<&str>> = query.as_deref().map(|fields| fields.split(',').collect());
    let wanted = |change: &Change| {
        let visible = positions || !change.field.is_position();
        visible && fields.as_ref().is_none_or(|names| names.contains(&change.field.name()))
    };
    let items = page.items.into_iter().flatten().filter(wanted).collect();
    Ok(Json(Page { items, next: page.next }))
}

/// The car's warnings, by start.
#[utoipa::path(
    get, path = "/v1/enrollments/{id}/vehicles/{vin}/alerts", tag = "vehicles", security(("key" = ["read"])),
    params(
        ("id" = String, Path), ("vin" = String, Path), ("from" = Option<String>, Query),
        ("to" = Option<String>, Query), ("limit" = Option<u8>, Query), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Page<Alert>), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "alerts.get", skip_all)]
pub(crate) async fn alerts(
    State(app): State<Arc<App>>,
    key: Key,
    Path((id, vin)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<Alert>>, Error> {
    let (mut page, _) = page::<Alert>(&app, &key, &id, &vin, query, History::Alerts).await?;
    if !key.has(Scope::ReadPosition) {
        for alert in &mut page.items {
            alert.start_place = None;
            alert.end_place = None;
        }
    }
    Ok(Json(page))
}

/// The car's journeys, by start.
#[utoipa::path(
    get, path = "/v1/enrollments/{id}/vehicles/{vin}/trips", tag = "vehicles", security(("key" = ["read"])),
    params(
        ("id" = String, Path), ("vin" = String, Path), ("from" = Option<String>, Query),
        ("to" = Option<String>, Query), ("limit" = Option<u8>, Query), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Page<Trip>), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "trips.get", skip_all)]
pub(crate) async fn trips(
    State(app): State<Arc<App>>,
    key: Key,
    Path((id, vin)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<Trip>>, Error> {
    let (mut page, _) = page::<Trip>(&app, &key, &id, &vin, query, History::Trips).await?;
    if !key.has(Scope::ReadPosition) {
        for trip in &mut page.items {
            trip.start_place = None;
            trip.stop_place = None;
        }
    }
    Ok(Json(page))
}

/// A page, and what `fields` said.
async fn page<T: DeserializeOwned + Serialize>(
    app: &App,
    key: &Key,
    id: &str,
    vin: &str,
    query: Option<String>,
    history: History,
) -> Result<(Page<T>, Option<String>), Error> {
    key.require(Scope::Read)?;
    let mut query = query_once(query.as_deref()).map_err(Error::Request)?;
    let vin: Vin = vin.parse().map_err(|error| Error::invalid("vin", error))?;
    let now = app.clock.now();
    let from = time(query.get("from"), "from")?.unwrap_or(Timestamp::UNIX_EPOCH);
    let to = time(query.get("to"), "to")?.unwrap_or(now);
    if from > to {
        return Err(Error::invalid("from", "expected a time before `to`"));
    }
    let found = enrollments::open(app, id).await?;
    let of = format!("{history:?} {} {}", found.value.id, vin.as_str());
    let after = cursor::read(app, &of, query.get("cursor").map(String::as_str)).await?;
    let limit = cursor::limit(query.get("limit").map(String::as_str))?;
    let (items, next) =
        app.store.entries(&found.value.id, history, &vin, (from, to), after, limit, now).await?;
    let next = cursor::write(app, &of, next).await?;
    Ok((Page { items, next }, query.remove("fields")))
}

fn time(text: Option<&String>, field: &str) -> Result<Option<Timestamp>, Error> {
    let time = text.map(|text| text.parse()).transpose();
    time.map_err(|_| Error::invalid(field, "expected a time such as 2026-01-31T12:00:00Z"))
}
