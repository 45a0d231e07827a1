//! The End-User API: every `GET` of the maker's `OpenAPI` file, and the business API's look-up by VIN.

mod alarms;
mod alerts;
mod capabilities;
mod collisions;
mod gate;
mod maintenance;
mod paging;
mod part;
mod position;
pub(crate) mod refusal;
mod scopes;
mod status;
mod telemetry;
mod timestamps;
mod trips;
mod vehicles;

use std::sync::Arc;

use axum::{
    Router,
    extract::{RawPathParams, RawQuery},
    http::{HeaderMap, Uri},
    routing::{MethodRouter, get},
};

pub(crate) use self::gate::bearer;
use self::{
    gate::{Call, Media},
    refusal::Refusal,
};
use crate::{App, faults, operation::Operation};

/// Where the End-User API lives.
pub(crate) const BASE: &str = "/connectedcar/v4";
/// Where the business API lives.
pub(crate) const B2B_BASE: &str = "/connectedcar/v3";

/// What an operation answers.
type Answer = Result<serde_json::Value, Refusal>;

pub(crate) fn router(app: &Arc<App>) -> Router {
    let own = Router::new()
        .route("/user", on(app, Operation::User, Media::Hal, vehicles::user))
        .route("/user/vehicles", on(app, Operation::Vehicles, Media::Hal, vehicles::list))
        .nest("/user/vehicles/{id}", vehicle(app));
    Router::new()
        .nest(BASE, own)
        .route(&format!("{B2B_BASE}/vehicle/{{vin}}"), eligibility(app))
        .fallback(nothing_here(app))
}

fn vehicle(app: &Arc<App>) -> Router {
    use Operation as O;
    let hal = |operation, handler| on(app, operation, Media::Hal, handler);
    Router::new()
        .route("/", hal(O::Vehicle, vehicles::one))
        .route("/status", hal(O::Status, status::status))
        .route("/lastPosition", on(app, O::LastPosition, Media::GeoJson, position::last))
        .route("/telemetry", hal(O::Telemetry, telemetry::list))
        .route("/maintenance", hal(O::Maintenance, maintenance::maintenance))
        .route("/alerts", hal(O::Alerts, alerts::list))
        .route("/alerts/{aid}", hal(O::Alert, alerts::one))
        .route("/alarms", hal(O::Alarms, alarms::list))
        .route("/alarms/{aid}", hal(O::Alarm, alarms::one))
        .route("/collisions", hal(O::Collisions, collisions::list))
        .route("/collisions/{cid}", hal(O::Collision, collisions::one))
        .route("/trips", hal(O::Trips, trips::list))
        .route("/trips/{tid}", hal(O::Trip, trips::one))
        .route("/trips/{tid}/alerts", hal(O::TripAlerts, alerts::list))
        .route("/trips/{tid}/alerts/{aid}", hal(O::TripAlert, alerts::one))
        .route("/trips/{tid}/collisions", hal(O::TripCollisions, collisions::list))
        .route("/trips/{tid}/collisions/{cid}", hal(O::TripCollision, collisions::one))
        .route("/trips/{tid}/wayPoints", hal(O::WayPoints, trips::way_points))
        .route("/trips/{tid}/telemetry", hal(O::TripTelemetry, telemetry::list))
}

/// One operation behind its faults and the gateway.
fn on(
    app: &Arc<App>,
    operation: Operation,
    media: Media,
    handler: fn(&Call<'_>) -> Answer,
) -> MethodRouter {
    let app = Arc::clone(app);
    get(
        async move |uri: axum::extract::OriginalUri,
                    ids: RawPathParams,
                    RawQuery(query): RawQuery,
                    headers: HeaderMap| {
            let query = query.unwrap_or_default();
            let extended = query.contains("extension=");
            faults::meet(&app, operation, extended, || async {
                gate::pass(&app, &uri, &ids, &query, &headers, media, handler)
            })
            .await
        },
    )
}

fn eligibility(app: &Arc<App>) -> MethodRouter {
    let app = Arc::clone(app);
    get(async move |ids: RawPathParams, RawQuery(query): RawQuery, headers: HeaderMap| {
        let query = query.unwrap_or_default();
        let extended = query.contains("extension=");
        faults::meet(&app, Operation::Eligibility, extended, || async {
            capabilities::eligibility(&app, &ids, &query, &headers)
        })
        .await
    })
}

fn nothing_here(app: &Arc<App>) -> MethodRouter {
    let app = Arc::clone(app);
    axum::routing::any(async move |_: Uri| Refusal::NoResource.answer(app.world.now()))
}
