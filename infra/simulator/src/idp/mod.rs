//! The brands' identity providers, under `/{brand}/am/oauth2`.

mod authorize;
mod client;
mod consent;
mod id_token;
mod page;
mod revoke;
mod scope;
mod token;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::header,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;

pub use self::consent::consent_request;
use crate::{App, brand::Brand};

/// A form here is small.
const BODY_LIMIT: usize = 16 * 1024;

pub(crate) fn router(app: &Arc<App>) -> Router {
    Router::new()
        .route("/{brand}/am/oauth2/authorize", get(authorize::authorize))
        .route("/{brand}/am/oauth2/consent", post(consent::decide))
        .route("/{brand}/am/oauth2/style.css", get(page::style))
        .route("/{brand}/am/oauth2/icon.svg", get(page::icon))
        .route("/{brand}/am/oauth2/access_token", post(token::token))
        .route("/{brand}/am/oauth2/token/revoke", post(revoke::revoke))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(Arc::clone(app))
}

impl App {
    /// The issuer of a brand's id tokens.
    fn issuer(&self, brand: Brand) -> String {
        format!("{}/{brand}/am/oauth2", self.origin)
    }
}

/// What the token and revocation endpoints refuse (RFC 6749 §5.2).
#[derive(Debug, thiserror::Error)]
enum TokenError {
    #[error("the request is missing a required parameter, repeats one, or is malformed")]
    InvalidRequest,
    #[error("no such realm at this identity provider")]
    Realm,
    #[error("client authentication failed")]
    InvalidClient,
    #[error("grant is invalid")]
    InvalidGrant,
    #[error("the grant type is not supported")]
    UnsupportedGrantType,
    #[error("the scope exceeds what the user granted")]
    InvalidScope,
    #[error("no such brand here")]
    UnknownBrand,
}

impl TokenError {
    fn code(&self) -> (u16, &'static str) {
        match self {
            Self::InvalidRequest | Self::Realm => (400, "invalid_request"),
            Self::InvalidClient => (401, "invalid_client"),
            Self::InvalidGrant => (400, "invalid_grant"),
            Self::UnsupportedGrantType => (400, "unsupported_grant_type"),
            Self::InvalidScope => (400, "invalid_scope"),
            Self::UnknownBrand => (404, "not_found"),
        }
    }
}

impl IntoResponse for TokenError {
    fn into_response(self) -> Response {
        let (status, error) = self.code();
        let body = json!({"error": error, "error_description": self.to_string()});
        let mut response = json_answer(status, &body);
        if matches!(self, Self::InvalidClient) {
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                header::HeaderValue::from_static("Basic realm=\"oauth2\""),
            );
        }
        response
    }
}

/// JSON that nobody may keep (RFC 6749 §5.1).
fn json_answer(status: u16, body: &serde_json::Value) -> Response {
    let status = axum::http::StatusCode::from_u16(status).unwrap_or_default();
    let headers = [
        (header::CONTENT_TYPE, "application/json;charset=UTF-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::PRAGMA, "no-cache"),
    ];
    (status, headers, body.to_string()).into_response()
}
