use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use shared::{
    App,
    domain::{
        brand::Brand,
        enrollment::{InvalidTransition, Status},
        ids::EnrollmentId,
        vin::Vin,
    },
    http::Problem,
    store::{
        self, Transaction,
        requests::{Ask, Progress, Request},
    },
};
use url::Url;
use utoipa::ToSchema;

use crate::{
    Error,
    auth::{Key, Scope},
    enrollments,
    error::Thing,
    path::CarPath,
    vehicles,
    views::VehicleState,
    wait,
};

/// Fetches a car's state from the maker now, and answers as soon as it is there, or the reason why it
/// is not; after 20 s with 202. The maker is asked once in half a minute for one car; whoever asks
/// meanwhile has the same answer.
#[utoipa::path(
    post, path = "/v1/enrollments/{id}/vehicles/{vin}/refresh", operation_id = "vehicles.refresh",
    tag = "vehicles", security(("key" = ["read"])),
    params(("id" = EnrollmentId, Path), ("vin" = Vin, Path)),
    responses(
        (status = 200, body = VehicleState), (status = 202, body = Pending, description = "Under way: read the vehicle in a while"),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`reauthorization_required`: ask the driver to consent again; `wrong_state`: the enrollment is not active; `calls_stopped`: by PUT /v1/control"),
        (status = 502, body = Problem, description = "`maker_down`: the maker gave no usable answer; `not_registered`: the contract does not cover it"),
        (status = 503, body = Problem, description = "`limited`: the maker takes no calls now; `busy`; `internal`; `unavailable`"),
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
    app.store.known(&found.value.id, &vin).await?.ok_or(Error::NotFound(Thing::Vehicle))?;
    callable(&app, found.value.brand, &app.maker.settings().api_url).await?;
    let ask = Ask::Fetch { vin: vin.clone() };
    match ask_and_wait(&app, Request::shared(Some(found.value.id.clone()), ask, app.clock.now()))
        .await?
    {
        Progress::Done { .. } => {
            Ok(Json(vehicles::state(&app, &key, &found.value, &vin).await?).into_response())
        }
        Progress::Pending => Ok(pending("The maker is slow: read the vehicle in a while.")),
        // The consent ended meanwhile, if it is not the maker who says so now.
        Progress::Failed { why } if why == "reauthorization_required" => {
            let from = enrollments::open(&app, &id).await?.value.status;
            let from = if from == Status::Active { Status::ReauthorizationRequired } else { from };
            Err(InvalidTransition { from }.into())
        }
        Progress::Failed { why } => Err(failed(&why)),
    }
}

/// Seconds within which all who ask the same share one answer: earlier, no other one comes.
const SHARED_FOR: u32 = 30;

/// Refuses at once what nobody would do: the maker may not be called now.
pub(crate) async fn callable(app: &App, brand: Brand, url: &Url) -> Result<(), Error> {
    let control = app.store.control().await?;
    if control.stops(brand) {
        let problem = Problem::new(StatusCode::CONFLICT, "calls_stopped");
        let advice = "The operator has stopped all calls to the maker for this brand \
                      (PUT /v1/control).";
        return Err(Error::Request(problem.detail(advice)));
    }
    let host = url.host_str().unwrap_or_default();
    let left = control.paused.get(host).map_or(0, |until| until - app.clock.now().as_second());
    match u32::try_from(left) {
        Ok(left @ 1..) => Err(Error::Request(limited(left))),
        _ => Ok(()),
    }
}

fn limited(seconds: u32) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "limited")
        .detail("The maker limits our calls: it takes none now.")
        .retry_after(seconds)
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

/// Why there is no answer of the maker's, and what to do.
pub(crate) fn failed(why: &str) -> Error {
    let (status, advice, again) = match why {
        "limited" => return Error::Request(limited(SHARED_FOR)),
        "busy" => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The account's tokens are being renewed at this moment. Try again.",
            Some(SHARED_FOR),
        ),
        "not_found" => (
            StatusCode::NOT_FOUND,
            "The maker does not know this vehicle in the account, or not any more.",
            None,
        ),
        "not_registered" => (
            StatusCode::BAD_GATEWAY,
            "The maker says that this application is not registered for it: check the contract and the client id.",
            None,
        ),
        "internal" => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Our own certificate, secrets or database could not be used; our log says which.",
            Some(SHARED_FOR),
        ),
        _ => (
            StatusCode::BAD_GATEWAY,
            "The maker gave no usable answer; what was known before is kept. Try again.",
            Some(SHARED_FOR),
        ),
    };
    let problem = Problem::new(status, why).detail(advice);
    Error::Request(match again {
        Some(seconds) => problem.retry_after(seconds),
        None => problem,
    })
}

/// What has not come to an end yet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Pending {
    /// `pending`.
    state: &'static str,
    /// What to do.
    detail: &'static str,
}

/// The answer to whoever has waited for as long as we may.
pub(crate) fn pending(detail: &'static str) -> Response {
    let body = Json(Pending { state: "pending", detail });
    let again = [(header::RETRY_AFTER, HeaderValue::from(SHARED_FOR))];
    (StatusCode::ACCEPTED, again, body).into_response()
}
