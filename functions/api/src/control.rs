//! The operator's switch: stops all calls to the maker, or those for some brands.

use std::sync::Arc;

use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{App, domain::brand::Brand, http::Problem, store::control::Control};
use utoipa::ToSchema;

use crate::{
    Error,
    auth::{Key, Scope},
    body::Body,
};

/// What to stop, and what to let go on. What is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ControlWish)]
pub(crate) struct Switch {
    /// Brands for which the maker is not to be called, and no others; all five stop everything, none
    /// resumes all.
    stopped: Option<Vec<Brand>>,
    /// Whether no command is sent to any car.
    remotes_stopped: Option<bool>,
}

/// What keeps the maker from being called now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ControlView {
    /// Brands stopped by the operator.
    stopped: Vec<Brand>,
    /// Whether no command is sent to any car.
    remotes_stopped: bool,
    /// Hosts of the maker that asked to be left alone, soonest over first.
    paused: Vec<Pause>,
}

/// A host that limits us (429).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HostPause)]
struct Pause {
    host: String,
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
}

impl ControlView {
    /// Pauses that are over stay in the item, and out of sight.
    fn new(control: Control, now: Timestamp) -> Self {
        let times = control.paused.into_iter().filter_map(|(host, until)| {
            let until = Timestamp::from_second(until).ok().filter(|until| *until > now)?;
            Some(Pause { host, until })
        });
        let mut paused: Vec<_> = times.collect();
        paused.sort_by_key(|pause| pause.until);
        Self { stopped: control.stopped, remotes_stopped: control.remotes_stopped, paused }
    }
}

/// Which brands are stopped, and which hosts of the maker are left alone until when.
#[utoipa::path(
    get, path = "/v1/control", operation_id = "control.get",
    tag = "control", security(("key" = ["admin"])),
    responses((status = 200, body = ControlView), (status = 403, body = Problem))
)]
#[tracing::instrument(name = "control.get", skip_all)]
pub(crate) async fn get(State(app): State<Arc<App>>, key: Key) -> Result<Json<ControlView>, Error> {
    key.require(Scope::Admin)?;
    Ok(Json(ControlView::new(app.store.control().await?, app.clock.now())))
}

/// Stops the brands named and resumes all others: from the next run on nothing is renewed or
/// fetched for them, and no code is exchanged.
#[utoipa::path(
    put, path = "/v1/control", operation_id = "control.put",
    tag = "control", security(("key" = ["admin"])),
    request_body = Switch,
    responses(
        (status = 200, body = ControlView), (status = 400, body = Problem), (status = 403, body = Problem),
    )
)]
#[tracing::instrument(name = "control.put", skip_all)]
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    key: Key,
    body: Body<Switch>,
) -> Result<Json<ControlView>, Error> {
    key.require(Scope::Admin)?;
    if body.value.stopped.is_none() && body.value.remotes_stopped.is_none() {
        return Err(Error::unprocessable("stopped", "expected stopped, remotes_stopped, or both"));
    }
    // First of all: this is the switch that may be needed in a hurry.
    if let Some(stopped) = body.value.remotes_stopped {
        app.store.stop_remotes(stopped).await?;
        tracing::warn!(key.id = %key.id, stopped, "the operator set whether commands to cars are stopped");
    }
    if let Some(mut brands) = body.value.stopped {
        brands.sort_unstable();
        brands.dedup();
        app.store.stop(&brands).await?;
        tracing::warn!(key.id = %key.id, stopped = ?brands, "the operator set which brands are stopped");
    }
    Ok(Json(ControlView::new(app.store.control().await?, app.clock.now())))
}
