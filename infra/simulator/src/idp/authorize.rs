//! `GET /{brand}/am/oauth2/authorize` (RFC 6749 §4.1.1): judges the request, shows the page.

use std::sync::Arc;

use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use url::Url;

use super::{client::is_realm, consent, page, scope};
use crate::{
    App, brand::Brand, faults, operation::Operation, params::Params,
    world::grants::AuthorizationRequest,
};

/// Refused on the spot: to whom it could be sent back is not established.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("There is no such brand here.")]
    UnknownBrand,
    #[error("The request gives a parameter twice.")]
    Repeated,
    #[error("The request names no application that is registered here.")]
    UnknownClient,
    #[error("The request names a return address that is not registered for the application.")]
    UnknownRedirect,
    #[error("The request names a realm that this identity provider does not have.")]
    UnknownRealm,
    #[error("This page is no longer valid. Please go back to where you came from and start again.")]
    UnknownRequest,
    #[error("The form is not complete.")]
    BadForm,
}

pub(super) async fn authorize(
    State(app): State<Arc<App>>,
    Path(brand): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    faults::meet(&app, Operation::Authorize, false, || async {
        answer(&app, &brand, &query.unwrap_or_default())
            .unwrap_or_else(|refused| page::refused(&refused))
    })
    .await
}

fn answer(app: &App, brand: &str, query: &str) -> Result<Response, Refused> {
    let brand: Brand = brand.parse().map_err(|_| Refused::UnknownBrand)?;
    let params = Params::parse(query.as_bytes()).map_err(|_| Refused::Repeated)?;
    let registration = app.world.registration();
    if params.get("client_id") != Some(registration.client_id.as_str()) {
        return Err(Refused::UnknownClient);
    }
    let redirect_uri = params
        .get("redirect_uri")
        .filter(|uri| registration.redirect_uris.iter().any(|known| known == uri))
        .ok_or(Refused::UnknownRedirect)?;
    if params.get("realm").is_some_and(|realm| !is_realm(realm, brand)) {
        return Err(Refused::UnknownRealm);
    }
    match judge(app, brand, redirect_uri, &params) {
        Ok(request) => Ok(consent::show(app, request)),
        Err(error) => send_back(app, brand, redirect_uri, params.get("state"), &[("error", error)]),
    }
}

/// From here on the address is known to be the application's: errors go there (§4.1.2.1).
fn judge(
    app: &App,
    brand: Brand,
    redirect_uri: &str,
    params: &Params,
) -> Result<AuthorizationRequest, &'static str> {
    match params.get("response_type") {
        Some("code") => (),
        Some(_) => return Err("unsupported_response_type"),
        None => return Err("invalid_request"),
    }
    let challenge = params.get("code_challenge");
    let method = params.get("code_challenge_method");
    let well_formed = |challenge: &str| {
        challenge.len() == 43
            && challenge.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    // RFC 7636 §4.3: without a method it would be `plain`, which is refused.
    match (challenge, method) {
        (None, None) => (),
        (Some(challenge), Some("S256")) if well_formed(challenge) => (),
        _ => return Err("invalid_request"),
    }
    if params.get("prompt") == Some("none") {
        return Err("login_required");
    }
    Ok(AuthorizationRequest {
        brand,
        redirect_uri: redirect_uri.to_owned(),
        scopes: scope::parse(params.get("scope")).ok_or("invalid_scope")?,
        state: params.get("state").map(str::to_owned),
        nonce: params.get("nonce").map(str::to_owned),
        challenge: challenge.map(str::to_owned),
        asked_at: app.world.now(),
    })
}

/// 302 to the application, with the state it gave (§4.1.2).
pub(super) fn send_back(
    app: &App,
    brand: Brand,
    redirect_uri: &str,
    state: Option<&str>,
    answer: &[(&str, &str)],
) -> Result<Response, Refused> {
    let mut location = Url::parse(redirect_uri).map_err(|_| Refused::UnknownRedirect)?;
    {
        let mut pairs = location.query_pairs_mut();
        pairs.extend_pairs(answer);
        if answer.iter().any(|(name, _)| *name == "error") {
            pairs.append_pair("error_description", "The request was not granted.");
        }
        if let Some(state) = state {
            pairs.append_pair("state", state);
        }
        if app.world.settings().iss_in_redirect {
            pairs.append_pair("iss", &app.issuer(brand));
        }
    }
    Ok(page::redirect(location.as_str()))
}
