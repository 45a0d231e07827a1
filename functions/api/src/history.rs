use std::sync::Arc;

use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use shared::{
    App,
    domain::{
        alert::Alert,
        ids::EnrollmentId,
        snapshot::{Change, Field, Unit, UnknownField},
        trip::Trip,
        vin::Vin,
    },
    http::Problem,
    store::{history::History, listing::Order},
};
use utoipa::ToSchema;

use crate::{
    Error,
    auth::{Key, Scope},
    enrollments,
    path::CarPath,
    query::{Paging, Query},
    views::Page,
};

/// A field whose value is another one now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Change)]
pub(crate) struct ChangeView {
    #[serde(flatten)]
    change: Change,
    /// The unit of a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<Unit>,
}

impl ChangeView {
    pub(crate) fn new(change: Change) -> Self {
        Self { unit: change.field.unit(), change }
    }
}

/// How often one page looks further for what is wanted of it.
const LOOKS: usize = 10;

/// What changed, when it was seen. Where what is wanted is rare, a
/// page may hold less than `limit`, and yet give a `next`: only its absence says that this was all.
#[utoipa::path(
    get, path = "/v1/enrollments/{id}/vehicles/{vin}/history", operation_id = "history.get",
    tag = "vehicles", security(("key" = ["read"])),
    params(
        ("id" = EnrollmentId, Path), ("vin" = Vin, Path),
        ("from" = Option<String>, Query), ("to" = Option<String>, Query),
        ("fields" = Option<String>, Query), ("order" = Option<String>, Query),
        ("limit" = Option<u8>, Query),
        ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Page<ChangeView>), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "history.get", skip_all)]
pub(crate) async fn observations(
    State(app): State<Arc<App>>,
    key: Key,
    car: CarPath,
    query: Query,
) -> Result<Json<Page<ChangeView>>, Error> {
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
    Ok(Json(Page { items: items.into_iter().flatten().map(ChangeView::new).collect(), next }))
}

/// The car's warnings, by start.
#[utoipa::path(
    get, path = "/v1/enrollments/{id}/vehicles/{vin}/alerts", operation_id = "alerts.get",
    tag = "vehicles", security(("key" = ["read"])),
    params(
        ("id" = EnrollmentId, Path), ("vin" = Vin, Path), ("from" = Option<String>, Query),
        ("to" = Option<String>, Query), ("order" = Option<String>, Query), ("limit" = Option<u8>, Query), ("cursor" = Option<String>, Query),
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
        ("id" = EnrollmentId, Path), ("vin" = Vin, Path), ("from" = Option<String>, Query),
        ("to" = Option<String>, Query), ("order" = Option<String>, Query), ("limit" = Option<u8>, Query), ("cursor" = Option<String>, Query),
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
    let shown = |trip: Trip| {
        let trip = trip.with_units();
        Some(if positions { trip } else { trip.without_positions() })
    };
    Ok(Json(asked.page(&app, shown).await?))
}

/// What a page is asked of.
struct Asked {
    enrollment: EnrollmentId,
    history: History,
    vin: Vin,
    span: ((Timestamp, Timestamp), Order),
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
        let (from, to) = (query.time("from")?, query.time("to")?);
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            return Err(Error::unprocessable("from", "expected a time before `to`"));
        }
        let order = query.parsed("order")?.unwrap_or_default();
        let (from, to) = (from.unwrap_or(Timestamp::UNIX_EPOCH), to.unwrap_or(app.clock.now()));
        let enrollment = enrollments::open(app, &id).await?.value.id;
        let of = format!("{history:?} {order:?} {enrollment} {}", vin.as_str());
        let paging = Paging::read(app, of, query).await?;
        Ok(Self { enrollment, history, vin, span: ((from, to), order), paging })
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
        // It lies in the future: nothing has happened there.
        if span.0.0 > span.0.1 {
            return paging.page(app, items, None).await;
        }
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
