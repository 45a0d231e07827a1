use std::sync::Arc;

use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use shared::{
    App,
    domain::{
        alert::Alert,
        ids::EnrollmentId,
        snapshot::{Change, Field, UnknownField},
        trip::Trip,
        vin::Vin,
    },
    http::Problem,
    store::history::History,
};

use crate::{
    Error,
    auth::{Key, Scope},
    enrollments,
    path::CarPath,
    query::{Paging, Query},
    views::Page,
};

/// How often one page looks further for what is wanted of it.
const LOOKS: usize = 10;

/// What changed, when it was seen: oldest first. Where what is wanted is rare, a
/// page may hold less than `limit`, and yet give a `next`: only its absence says that this was all.
#[utoipa::path(
    get, path = "/v1/enrollments/{id}/vehicles/{vin}/history", operation_id = "history.get",
    tag = "vehicles", security(("key" = ["read"])),
    params(
        ("id" = String, Path), ("vin" = String, Path),
        ("from" = Option<String>, Query, description = "RFC 3339; the beginning by default"),
        ("to" = Option<String>, Query, description = "RFC 3339; now by default"),
        ("fields" = Option<String>, Query, description = "Names such as `electric.level`, separated by commas"),
        ("limit" = Option<u8>, Query, description = "How many moments at which something wanted changed; 100 by default"),
        ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Page<Change>), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "history.get", skip_all)]
pub(crate) async fn observations(
    State(app): State<Arc<App>>,
    key: Key,
    car: CarPath,
    query: Query,
) -> Result<Json<Page<Change>>, Error> {
    let positions = key.has(Scope::ReadPosition);
    let asked = Asked::read(&app, &key, car, &query, History::Observations).await?;
    let fields = query.get("fields").map(|names| names.split(',').map(str::parse).collect());
    let fields: Option<Vec<Field>> =
        fields.transpose().map_err(|error: UnknownField| Error::invalid("fields", error))?;
    let wanted = |change: &Change| {
        let visible = positions || !change.field.is_position();
        visible && fields.as_ref().is_none_or(|names| names.contains(&change.field))
    };
    let keep = |mut moment: Vec<Change>| {
        moment.retain(wanted);
        (!moment.is_empty()).then_some(moment)
    };
    let Page { items, next } = asked.page(&app, keep).await?;
    Ok(Json(Page { items: items.into_iter().flatten().collect(), next }))
}

/// The car's warnings, by start.
#[utoipa::path(
    get, path = "/v1/enrollments/{id}/vehicles/{vin}/alerts", operation_id = "alerts.get",
    tag = "vehicles", security(("key" = ["read"])),
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
    car: CarPath,
    query: Query,
) -> Result<Json<Page<Alert>>, Error> {
    let asked = Asked::read(&app, &key, car, &query, History::Alerts).await?;
    let positions = key.has(Scope::ReadPosition);
    let shown = |alert: Alert| Some(if positions { alert } else { alert.without_positions() });
    Ok(Json(asked.page(&app, shown).await?))
}

/// The car's journeys, by start.
#[utoipa::path(
    get, path = "/v1/enrollments/{id}/vehicles/{vin}/trips", operation_id = "trips.get",
    tag = "vehicles", security(("key" = ["read"])),
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
    car: CarPath,
    query: Query,
) -> Result<Json<Page<Trip>>, Error> {
    let asked = Asked::read(&app, &key, car, &query, History::Trips).await?;
    let positions = key.has(Scope::ReadPosition);
    let shown = |trip: Trip| Some(if positions { trip } else { trip.without_positions() });
    Ok(Json(asked.page(&app, shown).await?))
}

/// What a page is asked of.
struct Asked {
    enrollment: EnrollmentId,
    history: History,
    vin: Vin,
    span: (Timestamp, Timestamp),
    paging: Paging,
}

impl Asked {
    /// Checks the request.
    async fn read(
        app: &App,
        key: &Key,
        CarPath { id, vin }: CarPath,
        query: &Query,
        history: History,
    ) -> Result<Self, Error> {
        key.require(Scope::Read)?;
        let from = time(query.get("from"), "from")?.unwrap_or(Timestamp::UNIX_EPOCH);
        let to = time(query.get("to"), "to")?.unwrap_or(app.clock.now());
        if from > to {
            return Err(Error::invalid("from", "expected a time before `to`"));
        }
        let enrollment = enrollments::open(app, &id).await?.value.id;
        let of = format!("{history:?} {enrollment} {}", vin.as_str());
        let paging = Paging::read(app, of, query).await?;
        Ok(Self { enrollment, history, vin, span: (from, to), paging })
    }

    /// Up to `limit` entries of which `keep` leaves something. It looks on for them a few times;
    /// where it gave up, the next page goes on.
    async fn page<T: DeserializeOwned + Serialize>(
        self,
        app: &App,
        keep: impl Fn(T) -> Option<T>,
    ) -> Result<Page<T>, Error> {
        let Self { enrollment, history, vin, span, paging } = self;
        let (limit, mut after) = (paging.limit, paging.after.clone());
        let now = app.clock.now();
        let mut items = Vec::new();
        let mut left = limit;
        for _ in 0..LOOKS {
            let (found, next) =
                app.store.entries(&enrollment, history, &vin, span, after, left, now).await?;
            items.extend(found.into_iter().filter_map(&keep));
            after = next;
            left = limit - i32::try_from(items.len()).unwrap_or(limit);
            if after.is_none() || left == 0 {
                break;
            }
        }
        paging.page(app, items, after).await
    }
}

fn time(text: Option<&str>, field: &str) -> Result<Option<Timestamp>, Error> {
    let time = text.map(str::parse).transpose();
    time.map_err(|_| Error::invalid(field, "expected a time such as 2026-01-31T12:00:00Z"))
}
