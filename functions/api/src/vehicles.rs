use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use shared::{
    App,
    domain::{
        enrollment::Enrollment, ids::EnrollmentId, pace::Car, snapshot::MakerState, vin::Vin,
    },
    http::Problem,
    store::enrollments::ListBy,
};

use crate::{
    Error,
    auth::{Key, Scope},
    enrollments,
    query::Query,
    views::{Page, VehicleState, VehicleView},
};

/// Finds cars by VIN or by user. One car can stand under several enrollments: cars are shared.
#[utoipa::path(
    get, path = "/v1/vehicles", operation_id = "vehicles.find",
    tag = "vehicles", security(("key" = ["read"])),
    params(("vin" = Option<String>, Query), ("user_ref" = Option<String>, Query)),
    responses((status = 200, body = Page<VehicleView>), (status = 400, body = Problem))
)]
#[tracing::instrument(name = "vehicles.find", skip_all)]
pub(crate) async fn find(
    State(app): State<Arc<App>>,
    key: Key,
    query: Query,
) -> Result<Json<Page<VehicleView>>, Error> {
    key.require(Scope::Read)?;
    let vin: Option<Vin> = query.parsed("vin")?;
    let now = app.clock.now();
    let ids: Vec<EnrollmentId> = match (&vin, query.parsed("user_ref")?) {
        (_, Some(user)) => {
            let (found, _) =
                app.store.list_enrollments(&ListBy::User(user), None, 100, now).await?;
            found.into_iter().map(|enrollment| enrollment.id).collect()
        }
        (Some(vin), None) => app.store.enrollments_with(vin).await?,
        (None, None) => return Err(Error::invalid("vin", "give vin or user_ref")),
    };
    let mut items = Vec::new();
    for id in ids {
        let Some(found) = app.store.enrollment(&id, now).await? else { continue };
        if found.value.is_open() {
            items.extend(all(&app, &id).await?);
        }
    }
    items.retain(|(found, _)| vin.as_ref().is_none_or(|vin| vin == found));
    let items = items.into_iter().map(|(_, view)| view).collect();
    Ok(Json(Page { items, next: None }))
}

/// The cars of an enrollment.
#[utoipa::path(
    get, path = "/v1/enrollments/{id}/vehicles", operation_id = "vehicles.list",
    tag = "vehicles", security(("key" = ["read"])),
    params(("id" = String, Path)),
    responses((status = 200, body = Page<VehicleView>), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "vehicles.list", skip_all)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    key: Key,
    Path(id): Path<String>,
) -> Result<Json<Page<VehicleView>>, Error> {
    key.require(Scope::Read)?;
    let found = enrollments::open(&app, &id).await?;
    let items = all(&app, &found.value.id).await?.into_iter().map(|(_, view)| view).collect();
    Ok(Json(Page { items, next: None }))
}

async fn all(app: &App, id: &EnrollmentId) -> Result<Vec<(Vin, VehicleView)>, Error> {
    let known = app.store.all_known(id).await?;
    Ok(known
        .into_iter()
        .map(|known| (known.vehicle.vin.clone(), VehicleView::new(id, known)))
        .collect())
}

/// A car's normalised latest state: each value with its unit and time, and what is missing or
/// stale with the reason.
#[utoipa::path(
    get, path = "/v1/enrollments/{id}/vehicles/{vin}", operation_id = "vehicles.get",
    tag = "vehicles", security(("key" = ["read"])),
    params(("id" = String, Path), ("vin" = String, Path)),
    responses((status = 200, body = VehicleState), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "vehicles.get", skip_all)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    key: Key,
    Path((id, vin)): Path<(String, String)>,
) -> Result<Json<VehicleState>, Error> {
    key.require(Scope::Read)?;
    let vin = vin.parse().map_err(|error| Error::invalid("vin", error))?;
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
    let known = app.store.known(&enrollment.id, vin).await?.ok_or(Error::NotFound)?;
    let car = app.store.car(&enrollment.id, vin).await?.map(|(car, _)| car);
    let asked = !known.value.snapshot.is_empty() || car.as_ref().is_some_and(Car::was_asked);
    let now = app.clock.now();
    let host = app.maker.settings().api_url.host_str().unwrap_or_default();
    let answers = app.store.control().await?.allows(enrollment.brand, host, now)
        && car.is_none_or(|car| !car.unanswered);
    let maker = if answers { MakerState::Answers } else { MakerState::Down };
    let positions = key.has(Scope::ReadPosition);
    Ok(VehicleState::new(enrollment, known.value, asked, positions, maker, now))
}
