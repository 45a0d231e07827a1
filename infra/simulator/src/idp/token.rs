//! `POST /{brand}/am/oauth2/access_token`: a code (RFC 6749 §4.1.3) or a renewal (§6).

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    TokenError,
    client::{ClientCall, client_call},
    id_token, json_answer, scope,
};
use crate::{
    App,
    brand::Brand,
    faults,
    operation::Operation,
    params::Params,
    world::grants::{Exchange, Issued},
};

pub(super) async fn token(
    State(app): State<Arc<App>>,
    Path(brand): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query = query.unwrap_or_default();
    // What is asked decides whose fault strikes, whoever asks.
    let asked = Params::parse(query.as_bytes()).and_then(|params| params.and(&body));
    let renewal = asked.is_ok_and(|params| params.get("grant_type") == Some("refresh_token"));
    let operation = if renewal { Operation::Refresh } else { Operation::Token };
    faults::meet(&app, operation, false, || async {
        client_call(&app, &brand, &headers, Some(&query), &body)
            .and_then(|call| issue(&app, &call))
            .map_or_else(TokenError::into_response, |(brand, issued)| {
                answer(&app, brand, &issued, operation)
            })
    })
    .await
}

fn issue(app: &App, call: &ClientCall) -> Result<(Brand, Issued), TokenError> {
    let ClientCall { brand, params } = call;
    let (settings, now) = (app.world.settings(), app.world.now());
    let issued = match params.get("grant_type") {
        Some("authorization_code") => {
            let exchange = Exchange {
                brand: *brand,
                code: params.get("code").ok_or(TokenError::InvalidRequest)?,
                redirect_uri: params.get("redirect_uri"),
                verifier: params.get("code_verifier"),
            };
            app.world.change(|state| state.exchange(&exchange, &settings, now))
        }
        Some("refresh_token") => {
            let token = params.get("refresh_token").ok_or(TokenError::InvalidRequest)?;
            if params.get("scope").is_some_and(|wanted| scope::parse(Some(wanted)).is_none()) {
                return Err(TokenError::InvalidScope);
            }
            app.world.change(|state| state.renew(*brand, token, &settings, now))
        }
        Some(_) => return Err(TokenError::UnsupportedGrantType),
        None => return Err(TokenError::InvalidRequest),
    };
    issued.map(|issued| (*brand, issued)).map_err(|_| TokenError::InvalidGrant)
}

fn answer(app: &App, brand: Brand, issued: &Issued, operation: Operation) -> Response {
    let flaw = app.world.faults().take_flaw(operation);
    let mut body = json!({
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "expires_in": app.world.settings().access_seconds,
        "scope": issued.scopes.join(" "),
    });
    if let Some(token) = &issued.refresh_token {
        body["refresh_token"] = json!(token);
    }
    if issued.scopes.iter().any(|scope| scope == "openid")
        && let Some(token) = id_token::sign(app, brand, issued, flaw)
    {
        body["id_token"] = json!(token);
    }
    json_answer(200, &body)
}
