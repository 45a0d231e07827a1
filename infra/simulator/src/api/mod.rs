//! The End-User API: all of the maker's `OpenAPI` file, and the business API's look-up by VIN.

mod alarms;
mod alerts;
mod callbacks;
mod capabilities;
mod collisions;
mod extensions;
mod gate;
mod maintenance;
mod monitors;
mod paging;
mod part;
mod position;
pub(crate) mod refusal;
mod remote_body;
mod remotes;
mod scopes;
mod status;
mod telemetry;
mod timestamps;
mod trips;
mod vehicles;
mod write;

use std::sync::Arc;

use axum::{
    Router,
    extract::{RawPathParams, RawQuery},
    http::{HeaderMap, Uri, header},
    response::IntoResponse,
    routing::{MethodFilter, MethodRouter, get},
};

pub(crate) use self::{extensions::extension, gate::bearer, telemetry::KINDS as TELEMETRY};
use self::{
    gate::{Call, Media},
    refusal::Refusal,
    write::{Handler, write},
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
        .nest("/user/vehicles/{id}", vehicle(app))
        .merge(callback(app));
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
        .nest("/callbacks/{cbid}", notifications(app))
}

/// Where notifications go.
fn callback(app: &Arc<App>) -> Router {
    use Operation as O;
    let hal = |operation, handler| on(app, operation, Media::Hal, handler);
    let put = |operation, handler: Handler| write(app, MethodFilter::PUT, operation, handler);
    let post = write(app, MethodFilter::POST, O::CallbackCreate, callbacks::create);
    let delete = write(app, MethodFilter::DELETE, O::CallbackDelete, callbacks::delete);
    Router::new()
        .route("/user/callbacks", hal(O::Callbacks, callbacks::list).merge(post))
        .route(
            "/user/callbacks/{cbid}",
            hal(O::Callback, callbacks::one)
                .merge(put(O::CallbackUpdate, callbacks::update))
                .merge(delete),
        )
        .route("/user/callbacks/{cbid}/status", put(O::CallbackStatus, callbacks::set_status))
}

/// What is told and what is sent, for one vehicle and callback.
fn notifications(app: &Arc<App>) -> Router {
    use Operation as O;
    let hal = |operation, handler| on(app, operation, Media::Hal, handler);
    let post = |operation, handler: Handler| write(app, MethodFilter::POST, operation, handler);
    let put = |operation, handler: Handler| write(app, MethodFilter::PUT, operation, handler);
    let delete = write(app, MethodFilter::DELETE, O::MonitorDelete, monitors::delete);
    Router::new()
        .route(
            "/monitors",
            hal(O::Monitors, monitors::list).merge(post(O::MonitorCreate, monitors::create)),
        )
        .route(
            "/monitors/{mid}",
            hal(O::Monitor, monitors::one)
                .merge(put(O::MonitorUpdate, monitors::update))
                .merge(delete),
        )
        .route("/monitors/{mid}/status", put(O::MonitorStatus, monitors::set_status))
        .route("/remotes", hal(O::Remotes, remotes::list).merge(post(O::RemoteSend, remotes::send)))
        .route("/remotes/{rid}", hal(O::Remote, remotes::one))
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
                gate::pass(&app, &uri, &ids, &query, &headers, media, |call| {
                    let body = handler(call)?.to_string();
                    Ok(([(header::CONTENT_TYPE, media.name())], body).into_response())
                })
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
