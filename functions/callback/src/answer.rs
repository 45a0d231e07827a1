use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use shared::{
    App,
    causes::causes,
    clock::Budget,
    domain::{brand::Brand, enrollment::Reason},
    http::{Problem, query_once},
    metrics::{self, Metric},
    round_trip::Attempt,
    secrets::SecretError,
    stellantis::{TlsError, oauth::OAuthCode},
    store,
};

use crate::{
    browser::Browser,
    complete, exchange,
    outcome::{Ending, Outcome},
};

/// What a request may take: a little less than the function's time-out.
const LASTS: Duration = Duration::from_secs(28);

/// Why a login that came back could not be settled. The maker's own errors are no such reason.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A secret can't be used.
    #[error("a secret can't be used")]
    Secret(#[from] SecretError),
    /// The database failed.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// Our certificate is unusable.
    #[error("the client for the maker can't be built")]
    Tls(#[from] TlsError),
    /// What stands before the exchange took too long.
    #[error("too little time is left to exchange the code")]
    Late,
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
    let budget = Budget::lasting(LASTS);
    let (query, browser) = (query_once(query)?, Browser::new(app, headers));
    let attempt = match query.get("state") {
        Some(state) => browser.began(state).await,
        None => Ok(None),
    };
    let ending = match attempt {
        Ok(Some(attempt)) => {
            let returned = Returned { app, brand, query: &query, browser: &browser, budget };
            returned.come_back(&attempt).await
        }
        Ok(None) => {
            tracing::info!("a callback does not belong to this browser");
            Ending { begin_again: brand, ..Ending::new(Outcome::Expired) }
        }
        Err(error) => Ending { begin_again: brand, ..unsettled(app, &error.into()) },
    };
    Ok(ending.into_response(app))
}

/// A browser that has come back, and what it brings.
struct Returned<'a> {
    app: &'a App,
    brand: Option<Brand>,
    query: &'a BTreeMap<String, String>,
    browser: &'a Browser<'a>,
    budget: Budget,
}

impl Returned<'_> {
    /// Its cookie stays: whoever opens the same address again is told the same.
    async fn come_back(&self, attempt: &Attempt) -> Ending {
        let ending = match self.settle(attempt).await {
            Ok(ending) => ending,
            Err(error) => unsettled(self.app, &error),
        };
        let ticket = &attempt.ticket;
        let enrollment = ending.enrollment.unwrap_or_else(|| ticket.enrollment.clone());
        tracing::info!(enrollment.id = %enrollment, outcome = ending.outcome.as_str(), "a login came back");
        Ending {
            return_to: ticket.return_to.clone(),
            enrollment: Some(enrollment),
            begin_again: attempt.open_user().map(|_| ticket.brand),
            login: Some(attempt.name().to_owned()),
            ..ending
        }
    }

    async fn settle(&self, attempt: &Attempt) -> Result<Ending, Error> {
        let Self { app, query, .. } = self;
        let provider = app.maker.settings().identity.get(attempt.ticket.brand);
        let other_brand = self.brand.is_some_and(|brand| brand != attempt.ticket.brand);
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
            return complete::give_up(app, attempt, self.browser, reason).await;
        }
        match query.get("code") {
            Some(code) if !code.is_empty() => {
                let code = code.clone().into();
                exchange::run(app, attempt, self.browser, code, self.budget).await
            }
            _ => Ok(Ending::new(Outcome::Failed)),
        }
    }
}

/// A fault of ours, logged and counted here, for the browser is told no more than to try later.
fn unsettled(app: &App, error: &Error) -> Ending {
    tracing::error!(error = %error, causes = ?causes(error), "a login that came back could not be settled");
    app.metrics.record(Metric::LoginUnsettled);
    Ending::new(Outcome::Unavailable)
}

/// The provider's error in our terms; its description is read by nobody.
const fn reason_of(code: OAuthCode) -> Reason {
    match code {
        OAuthCode::AccessDenied | OAuthCode::ConsentRequired => Reason::DeclinedByUser,
        OAuthCode::ServerError | OAuthCode::TemporarilyUnavailable => Reason::ProviderUnavailable,
        _ => Reason::ProviderError,
    }
}
