use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use shared::{
    App,
    domain::enrollment::{InvalidTransition, Status},
    http::Problem,
    store::{
        self, Transaction,
        requests::{Ask, Progress, Request},
    },
};

use crate::{
    Error,
    auth::{Key, Scope},
    enrollments,
    path::CarPath,
    vehicles,
    views::VehicleState,
    wait,
};

/// Fetches a car's state from the maker now: waits up to 20 s for it, else answers 202. The maker is
/// asked once in half a minute for one car; whoever asks meanwhile has the same answer.
#[utoipa::path(
    post, path = "/v1/enrollments/{id}/vehicles/{vin}/refresh", operation_id = "vehicles.refresh",
    tag = "vehicles", security(("key" = ["read"])),
    params(("id" = String, Path), ("vin" = String, Path)),
    responses(
        (status = 200, body = VehicleState), (status = 202, description = "Under way: read the vehicle in a while"),
        (status = 404, body = Problem), (status = 502, body = Problem, description = "The maker gave no data"),
    )
)]
#[tracing::instrument(name = "vehicles.refresh", skip_all)]
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    key: Key,
    CarPath { id, vin }: CarPath,
) -> Result<Response, Error> {
    key.require(Scope::Read)?;
    let found = enrollments::open(&app, &id).await?;
    if found.value.status != Status::Active {
        return Err(InvalidTransition { from: found.value.status }.into());
    }
    app.store.known(&found.value.id, &vin).await?.ok_or(Error::NotFound)?;
    let ask = Ask::Fetch { vin: vin.clone() };
    match ask_and_wait(&app, Request::shared(Some(found.value.id.clone()), ask, app.clock.now()))
        .await?
    {
        Progress::Done { .. } => {
            Ok(Json(vehicles::state(&app, &key, &found.value, &vin).await?).into_response())
        }
        Progress::Pending => Ok(StatusCode::ACCEPTED.into_response()),
        Progress::Failed { why } => Err(failed(&why)),
    }
}

/// Writes a request, unless somebody did, and waits for what becomes of it.
pub(crate) async fn ask_and_wait(app: &App, request: Request) -> Result<Progress, Error> {
    if !is_asked(app, &request).await? {
        let mut transaction = Transaction::new();
        if let Some(id) = &request.enrollment {
            // It may be erased between the look at it and this write, which must not outlive it.
            app.store.demand_open_in(&mut transaction, id)?;
        }
        app.store.ask_in(&mut transaction, &request)?;
        match app.store.commit(transaction).await {
            Err(store::Error::Conflict) if is_asked(app, &request).await? => {}
            committed => committed?,
        }
    }
    wait::outcome(app, &request).await
}

async fn is_asked(app: &App, request: &Request) -> Result<bool, Error> {
    let found = app.store.request(&request.pk(), &request.sk(), app.clock.now()).await?;
    Ok(found.is_some())
}

/// The maker would not, or could not.
pub(crate) fn failed(why: &str) -> Error {
    let problem = Problem::new(StatusCode::BAD_GATEWAY, why);
    Error::Request(problem.detail("The maker gave no data; what was known before is kept."))
}
