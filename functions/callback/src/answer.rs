use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use shared::{
    App,
    domain::{brand::Brand, enrollment::Reason},
    http::{Problem, query_once},
    round_trip::{self, Attempt, Cookies, state_sha256},
    seal::Purpose,
    secrets::SecretError,
    stellantis::oauth::OAuthCode,
    store,
};

use crate::{
    complete, exchange,
    outcome::{Ending, Outcome},
};

/// Why there is no 303. The maker's own errors are no such reason.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A parameter is wrong.
    #[error("a parameter is wrong")]
    Parameter(Problem),
    /// A secret can't be used.
    #[error("a secret can't be used")]
    Secret(#[from] SecretError),
    /// The database failed.
    #[error("the store failed")]
    Store(#[from] store::Error),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match &self {
            Self::Parameter(problem) => problem.clone().into_response(),
            error => Problem::internal(error).into_response(),
        }
    }
}

/// `GET /callback/{brand}`.
#[tracing::instrument(name = "callback.get", skip_all)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Path(brand): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let brand: Brand = brand.parse().map_err(|error| {
        let problem = Problem::new(StatusCode::NOT_FOUND, "unknown_brand");
        Error::Parameter(problem.field("brand").detail(format!("{error}")))
    })?;
    judge(&app, Some(brand), query.as_deref(), &headers).await
}

/// `GET /callback`, where a contract registers one address for all brands.
#[tracing::instrument(name = "callback.get", skip_all)]
pub(crate) async fn get_single(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    judge(&app, None, query.as_deref(), &headers).await
}

async fn judge(
    app: &App,
    brand: Option<Brand>,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, Error> {
    let query = query_once(query).map_err(Error::Parameter)?;
    let Some((attempt, cookie)) = attempt_of(app, &query, headers).await? else {
        tracing::info!("a callback does not belong to this browser");
        return Ok(Ending::new(Outcome::Expired).into_response(app));
    };
    let ending = settle(app, brand, &query, &attempt).await?;
    let cookies = Cookies::new(app.config.is_https());
    let ending = Ending {
        return_to: attempt.ticket.return_to.clone(),
        enrollment: Some(attempt.ticket.enrollment.clone()),
        end_cookie: Some(cookies.end(&cookie)),
        ..ending
    };
    tracing::info!(enrollment.id = %attempt.ticket.enrollment, outcome = ending.outcome.as_str(), "a login came back");
    Ok(ending.into_response(app))
}

/// The login that this browser began with this `state`, in the error branch too.
async fn attempt_of(
    app: &App,
    query: &BTreeMap<String, String>,
    headers: &HeaderMap,
) -> Result<Option<(Attempt, String)>, Error> {
    let Some(state) = query.get("state") else { return Ok(None) };
    let hash = state_sha256(state);
    let sent: Vec<_> =
        headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok()).collect();
    let cookies = Cookies::new(app.config.is_https());
    let Some((name, value)) = cookies.find(&sent.join("; "), &hash) else { return Ok(None) };
    let attempt: Option<Attempt> = round_trip::open(&app.secrets, Purpose::Login, &value).await?;
    // Hashes of a 256-bit random value: comparing them tells nothing of it.
    let attempt = attempt.filter(|attempt| attempt.state_sha256 == hash);
    Ok(attempt.map(|attempt| (attempt, name)))
}

async fn settle(
    app: &App,
    brand: Option<Brand>,
    query: &BTreeMap<String, String>,
    attempt: &Attempt,
) -> Result<Ending, Error> {
    let provider = app.maker.settings().identity.get(attempt.ticket.brand);
    let other_brand = brand.is_some_and(|brand| brand != attempt.ticket.brand);
    let other_issuer = query.get("iss").is_some_and(|issuer| *issuer != provider.issuer);
    if other_brand || other_issuer {
        tracing::warn!(brand = %attempt.ticket.brand, "a callback came from another provider than asked (mix-up)");
        return Ok(Ending::new(Outcome::Failed));
    }
    if attempt.expires <= app.clock.now().as_second() {
        return Ok(Ending::new(Outcome::Expired));
    }
    if let Some(error) = query.get("error") {
        let reason = reason_of(OAuthCode::read(error));
        complete::give_up(app, attempt, reason).await?;
        return Ok(Ending::new(Outcome::of(Some(reason))));
    }
    match query.get("code") {
        Some(code) if !code.is_empty() => exchange::run(app, attempt, code.clone().into()).await,
        _ => Ok(Ending::new(Outcome::Failed)),
    }
}

/// The provider's error in our terms; its description is read by nobody.
const fn reason_of(code: OAuthCode) -> Reason {
    match code {
        OAuthCode::AccessDenied | OAuthCode::ConsentRequired => Reason::DeclinedByUser,
        OAuthCode::ServerError | OAuthCode::TemporarilyUnavailable => Reason::ProviderUnavailable,
        _ => Reason::ProviderError,
    }
}
