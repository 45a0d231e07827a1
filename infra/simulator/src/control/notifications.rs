//! The part of `/_control` that is about cars touched by hand, callbacks, monitors and remotes.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::Refused;
use crate::{
    App,
    cars::Change,
    world::{DeliveryFault, RemoteFate, RunState},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Touched {
    vin: String,
    change: Change,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pushed {
    callback: String,
    message: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    id: String,
    status: RunState,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Lost {
    Callback(String),
    Monitor(String),
}

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/_control/touch", post(touch))
        .route("/_control/notifications", get(notifications))
        .route("/_control/events", post(run))
        .route("/_control/message", post(message))
        .route("/_control/run-state", post(run_state))
        .route("/_control/lose", post(lose))
        .route("/_control/remote-fate", post(remote_fate))
        .route("/_control/delivery-fault", post(delivery_fault).delete(clear))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    Ok(serde_json::from_slice(body)?)
}

async fn touch(State(app): State<Arc<App>>, body: Bytes) -> Result<StatusCode, Refused> {
    let Touched { vin, change } = read(&body)?;
    app.world.touch_car(&vin, change)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn notifications(State(app): State<Arc<App>>) -> Response {
    let world = &app.world;
    axum::Json(json!({
        "callbacks": world.callbacks(),
        "monitors": world.monitors(),
        "remotes": world.remotes(),
        "pending": world.pending_messages(),
        "deliveries": world.deliveries(),
        "lost": world.lost_messages(),
    }))
    .into_response()
}

async fn run(State(app): State<Arc<App>>) -> StatusCode {
    app.world.run_events().await;
    StatusCode::NO_CONTENT
}

async fn message(State(app): State<Arc<App>>, body: Bytes) -> Result<StatusCode, Refused> {
    let Pushed { callback, message } = read(&body)?;
    app.world.push_message(&callback, message)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn run_state(State(app): State<Arc<App>>, body: Bytes) -> Result<StatusCode, Refused> {
    let Set { id, status } = read(&body)?;
    app.world.set_run_state(&id, status)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn lose(State(app): State<Arc<App>>, body: Bytes) -> Result<StatusCode, Refused> {
    match read(&body)? {
        Lost::Callback(id) => app.world.lose_callback(&id)?,
        Lost::Monitor(id) => app.world.lose_monitor(&id)?,
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn remote_fate(State(app): State<Arc<App>>, body: Bytes) -> Result<StatusCode, Refused> {
    let fate: RemoteFate = read(&body)?;
    app.world.remote_fate(fate);
    Ok(StatusCode::NO_CONTENT)
}

async fn delivery_fault(State(app): State<Arc<App>>, body: Bytes) -> Result<StatusCode, Refused> {
    let fault: DeliveryFault = read(&body)?;
    app.world.delivery_fault(fault);
    Ok(StatusCode::NO_CONTENT)
}

async fn clear(State(app): State<Arc<App>>) -> StatusCode {
    app.world.clear_delivery_faults();
    StatusCode::NO_CONTENT
}
