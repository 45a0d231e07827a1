mod search;

use std::sync::Arc;

use axum::{Json, extract::State};
use shared::{
    App,
    domain::{
        enrollment::{Enrollment, UserRef},
        ids::EnrollmentId,
        pace::Car,
        snapshot::MakerState,
        vin::Vin,
    },
    http::Problem,
};

use self::search::Search;
use crate::{
    Error,
    auth::{Key, Scope},
    enrollments,
    error::Thing,
    path::{CarPath, Id},
    query::{Paging, Query},
    views::{Page, PollView, VehicleState, VehicleView},
};

/// All cars, or those with a VIN or of a user. One car can stand under several enrollments: cars are shared. A
/// page may hold less than `limit` and yet give a `next`: only its absence says that this was all.
#[utoipa::path(
    get, path = "/v1/vehicles", operation_id = "vehicles.find",
    tag = "vehicles", security(("key" = ["read"])),
    params(
        ("vin" = Option<Vin>, Query), ("user_ref" = Option<UserRef>, Query),
        ("updated_since" = Option<String>, Query, description = "Only cars that have told something then or since. Every car is looked at for it: events tell the same at less cost"),
        ("order" = Option<String>, Query, description = "Of all cars: `asc` or `desc` by the last change of their enrollment"),
        ("limit" = Option<u8>, Query),
        ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Page<VehicleView>), (status = 400, body = Problem))
)]
#[tracing::instrument(name = "vehicles.find", skip_all)]
pub(crate) async fn find(
    State(app): State<Arc<App>>,
    key: Key,
    query: Query,
) -> Result<Json<Page<VehicleView>>, Error> {
    key.require(Scope::Read)?;
    let search = Search::read(&app, &query)?;
    let paging = Paging::read(&app, search.name(), &query).await?;
    let (found, next) = search.page(paging.after.as_deref(), paging.limit).await?;
    Ok(Json(paging.page(&app, found, next).await?))
}

/// The cars of an enrollment.
#[utoipa::path(
    get, path = "/v1/enrollments/{id}/vehicles", operation_id = "vehicles.list",
    tag = "vehicles", security(("key" = ["read"])),
    params(
        ("id" = EnrollmentId, Path),
        ("limit" = Option<u8>, Query),
        ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Page<VehicleView>), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "vehicles.list", skip_all)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    key: Key,
    Id(id): Id<EnrollmentId>,
    query: Query,
) -> Result<Json<Page<VehicleView>>, Error> {
    key.require(Scope::Read)?;
    let id = enrollments::open(&app, &id).await?.value.id;
    let paging = Paging::read(&app, format!("vehicles of {id}"), &query).await?;
    let (found, next) = app.store.some_known(&id, paging.after.clone(), paging.limit).await?;
    let found = found.into_iter().map(|known| VehicleView::new(&id, known));
    Ok(Json(paging.page(&app, found, next).await?))
}

/// A car's normalised latest state: each value with its unit and time, and what is missing or
/// stale with the reason.
#[utoipa::path(
    get, path = "/v1/enrollments/{id}/vehicles/{vin}", operation_id = "vehicles.get",
    tag = "vehicles", security(("key" = ["read"])),
    params(("id" = EnrollmentId, Path), ("vin" = Vin, Path)),
    responses((status = 200, body = VehicleState), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "vehicles.get", skip_all)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    key: Key,
    CarPath { id, vin }: CarPath,
) -> Result<Json<VehicleState>, Error> {
    key.require(Scope::Read)?;
    let found = enrollments::open(&app, &id).await?;
    Ok(Json(state(&app, &key, &found.value, &vin).await?))
}

/// A car's state as this key may see it.
pub(crate) async fn state(
    app: &App,
    key: &Key,
    enrollment: &Enrollment,
    vin: &Vin,
) -> Result<VehicleState, Error> {
    let known =
        app.store.known(&enrollment.id, vin).await?.ok_or(Error::NotFound(Thing::Vehicle))?;
    let car = app.store.car(&enrollment.id, vin).await?.map(|(car, _)| car);
    let asked = !known.value.snapshot.is_empty() || car.as_ref().is_some_and(Car::was_asked);
    let now = app.clock.now();
    let host = app.maker.settings().api_url.host_str().unwrap_or_default();
    let answers = app.store.control().await?.allows(enrollment.brand, host, now)
        && car.as_ref().is_none_or(|car| !car.unanswered);
    let maker = if answers { MakerState::Answers } else { MakerState::Down };
    let positions = key.has(Scope::ReadPosition);
    let poll = PollView::new(car.as_ref());
    Ok(VehicleState::new(enrollment, known.value, asked, positions, (maker, poll), now))
}
