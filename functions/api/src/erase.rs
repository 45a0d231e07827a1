use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use shared::{
    App,
    domain::{
        enrollment::{Erasure, Reason, Status},
        ids::EnrollmentId,
    },
    http::Problem,
    store::{
        Transaction,
        requests::{Ask, Request},
    },
};
use utoipa::ToSchema;

use crate::{
    Error,
    auth::{Key, Scope},
    enrollments,
    error::Thing,
    path::Id,
};

/// How far an erasure has come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Progress {
    status: Status,
    #[serde(flatten)]
    erasure: Erasure,
}

/// Erases an enrollment: nothing is shown, fetched or told from now on.
#[utoipa::path(
    delete, path = "/v1/enrollments/{id}", operation_id = "enrollments.erase",
    tag = "enrollments", security(("key" = ["erase"])),
    params(("id" = EnrollmentId, Path)),
    responses((status = 202, body = Progress, description = "`Location` tells the progress"), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "enrollments.erase", skip_all)]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    key: Key,
    Id(id): Id<EnrollmentId>,
) -> Result<Response, Error> {
    key.require(Scope::Erase)?;
    let found = enrollments::one(&app, &id).await?;
    let now = app.clock.now();
    let erasing = match found.value.clone().erase(Reason::Requested, now) {
        Ok(erasing) => {
            let mut transaction = Transaction::new();
            app.store.save_enrollment_in(&mut transaction, &erasing, found.version)?;
            let request = Request::new(Some(erasing.id.clone()), Ask::Erase, now);
            app.store.ask_in(&mut transaction, &request)?;
            app.store.commit(transaction).await?;
            erasing
        }
        // Asked for already: the same answer.
        Err(_) => found.value,
    };
    let progress =
        Progress { status: erasing.status, erasure: erasing.erasure.unwrap_or_default() };
    let location = format!("/v1/enrollments/{}/erasure", erasing.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(progress)).into_response())
}

/// How far an erasure has come, and what became of the grant at the maker.
#[utoipa::path(
    get, path = "/v1/enrollments/{id}/erasure", operation_id = "erasure.get",
    tag = "enrollments", security(("key" = ["erase"])),
    params(("id" = EnrollmentId, Path)),
    responses((status = 200, body = Progress), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "erasure.get", skip_all)]
pub(crate) async fn progress(
    State(app): State<Arc<App>>,
    key: Key,
    Id(id): Id<EnrollmentId>,
) -> Result<Json<Progress>, Error> {
    key.require(Scope::Erase)?;
    let found = enrollments::one(&app, &id).await?;
    let erasure = found.value.erasure.ok_or(Error::NotFound(Thing::Erasure))?;
    Ok(Json(Progress { status: found.value.status, erasure }))
}
