use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use shared::{
    App,
    domain::{brand::Brand, vehicle::Capabilities, vin::Vin},
    http::Problem,
    store::requests::{Ask, Progress, Request},
};
use utoipa::ToSchema;

use crate::{
    Error,
    auth::{Key, Scope},
    path::Id,
    query::Query,
    refresh::{Pending, ask_and_wait, callable, failed, pending},
};

/// What a car can tell and do, before its owner is asked.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Eligibility {
    /// Whether the maker knows it as a connected car.
    eligible: bool,
    /// What it can tell and do, if the maker says.
    capabilities: Option<Capabilities>,
}

/// Asks the maker what a car can do. No user is involved.
#[utoipa::path(
    get, path = "/v1/eligibility/{vin}", operation_id = "eligibility.get",
    tag = "vehicles", security(("key" = ["enroll"])),
    params(("vin" = Vin, Path), ("brand" = Option<Brand>, Query, description = "Where the VIN does not tell it")),
    responses((status = 200, body = Eligibility), (status = 202, body = Pending, description = "The maker is slow: ask again"), (status = 400, body = Problem),
        (status = 409, body = Problem, description = "`calls_stopped`: by PUT /v1/control"),
        (status = 502, body = Problem, description = "`maker_down`: the maker gave no usable answer; `not_registered`: the contract does not cover it"),
        (status = 503, body = Problem, description = "`limited`: the maker takes no calls now; `internal`; `unavailable`"))
)]
#[tracing::instrument(name = "eligibility.get", skip_all)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    key: Key,
    Id(vin): Id<Vin>,
    query: Query,
) -> Result<Response, Error> {
    key.require(Scope::Enroll)?;
    let brand = match query.parsed("brand")? {
        Some(brand) => brand,
        None => Brand::from_vin(&vin).ok_or_else(|| {
            Error::unprocessable("brand", "this VIN does not tell the brand; give it")
        })?,
    };
    callable(&app, brand, &app.maker.settings().b2b_url).await?;
    let request = Request::shared(None, Ask::Eligibility { vin, brand }, app.clock.now());
    match ask_and_wait(&app, request).await? {
        Progress::Done { answer } => {
            let capabilities = answer.and_then(|text| serde_json::from_str(&text).ok()).flatten();
            Ok(Json(Eligibility { eligible: true, capabilities }).into_response())
        }
        Progress::Failed { why } if why == "not_found" => {
            Ok(Json(Eligibility { eligible: false, capabilities: None }).into_response())
        }
        Progress::Failed { why } => Err(failed(&why)),
        Progress::Pending => Ok(pending("The maker is slow: ask again.")),
    }
}
