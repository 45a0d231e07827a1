//! Commands to cars: asked for here, sent by `act`.

mod permit;
mod request;

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::Serialize;
use shared::{
    App,
    domain::{
        enrollment::UserRef,
        ids::{EnrollmentId, RemoteId},
        remote::{Action, Cause, Kind, Remote, Step},
        vin::Vin,
    },
    http::Problem,
};
use utoipa::ToSchema;

use crate::{
    Error,
    auth::{Key, Scope},
    body::Body,
    enrollments,
    error::Thing,
    path::{CarPath, Id},
    query::{Paging, Query},
    views::Page,
};
use request::Ask;

/// A command to a car, and how far it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RemoteView {
    id: RemoteId,
    vin: Vin,
    kind: Kind,
    /// What exactly. A destination is not shown, and forgotten once it is sent.
    action: Option<Action>,
    on_behalf_of: UserRef,
    /// `requested`, `sending`, `unknown` (no answer came: the maker is being asked), `accepted`,
    /// `waking_up_vehicle`, `checking_vehicle`, `sent_to_vehicle`, …, then `done`, `expired`
    /// (too late, never sent) or `timed_out` (the maker had it and did not say how it ended).
    state: &'static str,
    /// Of what is done: `success`, `already_done` or `failed`.
    outcome: Option<&'static str>,
    failure_cause: Option<Cause>,
    /// Whether nothing more will be done about it.
    settled: bool,
    /// Each step, and when it was taken.
    steps: Vec<StepView>,
    /// Later than this it is not sent any more.
    #[schema(value_type = String, format = DateTime)]
    not_after: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    requested_at: Timestamp,
}

/// A step of a command.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Step)]
pub(crate) struct StepView {
    /// As of the command itself.
    state: &'static str,
    /// Of what is done: `success`, `already_done` or `failed`.
    outcome: Option<&'static str>,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<Step> for StepView {
    fn from(step: Step) -> Self {
        Self { state: step.state.phase(), outcome: step.state.outcome(), at: step.at }
    }
}

impl RemoteView {
    pub(crate) fn new(remote: Remote) -> Self {
        Self {
            settled: remote.is_settled(),
            id: remote.id,
            vin: remote.vin,
            kind: remote.kind,
            action: remote.action.and_then(Action::kept),
            on_behalf_of: remote.on_behalf_of,
            state: remote.state.phase(),
            outcome: remote.state.outcome(),
            failure_cause: remote.failure_cause,
            steps: remote.steps.into_iter().map(StepView::from).collect(),
            not_after: remote.not_after,
            requested_at: remote.requested_at,
        }
    }
}

/// Commands a car. It is sent at most once: read it to see how far it is.
#[utoipa::path(
    post, path = "/v1/enrollments/{id}/vehicles/{vin}/remotes", operation_id = "remotes.post",
    tag = "remotes",
    security(("key" = ["remote:door", "remote:horn", "remote:lights", "remote:charging", "remote:preconditioning", "remote:wake_up", "remote:navigation"])),
    params(
        ("id" = EnrollmentId, Path), ("vin" = Vin, Path),
        ("Idempotency-Key" = String, Header, description = "The same key and body give the same command, for a day"),
    ),
    request_body = Ask,
    responses(
        (status = 202, body = RemoteView, description = "`Location` tells how far it is"), (status = 400, body = Problem),
        (status = 403, body = Problem, description = "`insufficient_scope`, `wrong_user`, `not_confirmed_by_backend`, `remote_door_off`, `scope_not_granted`"),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`wrong_state`, `remotes_stopped`, `subscription_not_ready`, `remote_under_way`, `wake_ups_used_up`, `idempotency_key_reused`"),
        (status = 422, body = Problem, description = "`not_supported`: not by this car"),
        (status = 429, body = Problem, description = "`remote_limit`: of this car, this key or this deployment"),
    )
)]
#[tracing::instrument(name = "remotes.post", skip_all)]
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    key: Key,
    CarPath { id, vin }: CarPath,
    headers: HeaderMap,
    body: Body<Ask>,
) -> Result<Response, Error> {
    let remote = request::make(&app, &key, &id, vin, &headers, body).await?;
    let at = format!(
        "/v1/enrollments/{}/vehicles/{}/remotes/{}",
        remote.enrollment,
        remote.vin.as_str(),
        remote.id
    );
    let view = Json(RemoteView::new(remote));
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, at)], view).into_response())
}

/// The commands to a car in the last 30 days, newest first.
#[utoipa::path(
    get, path = "/v1/enrollments/{id}/vehicles/{vin}/remotes", operation_id = "remotes.list",
    tag = "remotes", security(("key" = ["read"])),
    params(
        ("id" = EnrollmentId, Path), ("vin" = Vin, Path),
        ("limit" = Option<u8>, Query), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Page<RemoteView>), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "remotes.list", skip_all)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    key: Key,
    CarPath { id, vin }: CarPath,
    query: Query,
) -> Result<Json<Page<RemoteView>>, Error> {
    key.require(Scope::Read)?;
    let enrollment = enrollments::open(&app, &id).await?.value.id;
    let of = format!("remotes {enrollment} {}", vin.as_str());
    let paging = Paging::read(&app, of, &query).await?;
    let (after, now) = (paging.after.clone(), app.clock.now());
    let (found, next) = app.store.remotes(&enrollment, &vin, after, paging.limit, now).await?;
    Ok(Json(paging.page(&app, found.into_iter().map(RemoteView::new), next).await?))
}

/// One command to a car.
#[utoipa::path(
    get, path = "/v1/enrollments/{id}/vehicles/{vin}/remotes/{remote}", operation_id = "remotes.get",
    tag = "remotes", security(("key" = ["read"])),
    params(("id" = EnrollmentId, Path), ("vin" = Vin, Path), ("remote" = RemoteId, Path)),
    responses((status = 200, body = RemoteView), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "remotes.get", skip_all)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    key: Key,
    CarPath { id, vin }: CarPath,
    Id(remote): Id<RemoteId>,
) -> Result<Json<RemoteView>, Error> {
    key.require(Scope::Read)?;
    let enrollment = enrollments::open(&app, &id).await?.value.id;
    let found = app.store.remote(&enrollment, &vin, &remote, app.clock.now()).await?;
    Ok(Json(RemoteView::new(found.ok_or(Error::NotFound(Thing::Remote))?.remote.value)))
}
