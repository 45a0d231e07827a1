use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use shared::{
    App,
    causes::causes,
    domain::{brand::Brand, enrollment::Reason},
    http::{Problem, query_once},
    metrics::{self, Metric},
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

/// Why a login that came back could not be settled. The maker's own errors are no such reason.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A secret can't be used.
    #[error("a secret can't be used")]
    Secret(#[from] SecretError),
    /// The database failed.
    #[error("the store failed")]
    Store(#[from] store::Error),
}

/// `GET /callback/{brand}`.
#[tracing::instrument(name = "callback.get", skip_all)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Path(brand): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let brand: Brand = brand.parse().map_err(|error| {
        let problem = Problem::new(StatusCode::NOT_FOUND, "unknown_brand");
        problem.field("brand").detail(format!("{error}"))
    })?;
    judge(&app, Some(brand), query.as_deref(), &headers).await
}

/// `GET /callback`, where a contract registers one address for all brands.
#[tracing::instrument(name = "callback.get", skip_all)]
pub(crate) async fn get_single(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    judge(&app, None, query.as_deref(), &headers).await
}

async fn judge(
    app: &App,
    brand: Option<Brand>,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let query = query_once(query)?;
    let ending = match attempt_of(app, &query, headers).await {
        Ok(Some((attempt, cookie))) => come_back(app, brand, &query, &attempt, &cookie).await,
        Ok(None) => {
            tracing::info!("a callback does not belong to this browser");
            Ending { begin_again: brand, ..Ending::new(Outcome::Expired) }
        }
        Err(error) => Ending { begin_again: brand, ..unsettled(app, &error) },
    };
    Ok(ending.into_response(app))
}

async fn come_back(
    app: &App,
    brand: Option<Brand>,
    query: &BTreeMap<String, String>,
    attempt: &Attempt,
    cookie: &str,
) -> Ending {
    let (ending, end_cookie) = match settle(app, brand, query, attempt).await {
        Ok(ending) => (ending, Some(Cookies::new(app.config.is_https()).end(cookie))),
        // Perhaps nothing is spent yet: who opens the same address again must still have it.
        Err(error) => (unsettled(app, &error), None),
    };
    tracing::info!(enrollment.id = %attempt.ticket.enrollment, outcome = ending.outcome.as_str(), "a login came back");
    Ending {
        return_to: attempt.ticket.return_to.clone(),
        enrollment: Some(attempt.ticket.enrollment.clone()),
        begin_again: attempt.open_user().map(|_| attempt.ticket.brand),
        end_cookie,
        ..ending
    }
}

/// A fault of ours, logged and counted here, for the browser is told no more than to try later.
fn unsettled(app: &App, error: &Error) -> Ending {
    tracing::error!(error = %error, causes = ?causes(error), "a login that came back could not be settled");
    app.metrics.record(Metric::LoginUnsettled);
    Ending::new(Outcome::Unavailable)
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
        if reason != Reason::DeclinedByUser {
            app.metrics.record(Metric::Login(metrics::Outcome::Failed));
        }
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
