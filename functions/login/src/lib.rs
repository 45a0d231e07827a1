//! `GET /login`: sends the browser to the brand's identity provider. Warm, it does no I/O: what
//! must survive the round trip travels sealed in a cookie (RFC 6749 §4.1.1, RFC 7636, RFC 9700 §2.1).

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod begin;
mod error;
mod host;
mod start;

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderMap, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use shared::{App, http, page, secrets::SecretName};

pub use error::Error;

/// The secrets this function must be able to read.
pub const NEEDS: &[SecretName] = &[SecretName::Edge];

/// The function's routes.
pub fn router(app: Arc<App>) -> Router {
    let https = app.config.is_https();
    Router::new()
        .route("/login", get(begin::get))
        .route("/start", get(start::get))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&app), host::public))
        .route("/style.css", get(style))
        .route("/icon.svg", get(icon))
        .fallback(http::not_found)
        .method_not_allowed_fallback(http::method_not_allowed)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), page::for_people))
        .layer(middleware::map_response(move |response| http::secure(response, https)))
        .with_state(app)
}

/// What is the same for everybody, and changes with a deployment alone.
const FOR_AN_HOUR: &str = "public, max-age=3600";

async fn style() -> Response {
    let kind = (header::CONTENT_TYPE, "text/css; charset=utf-8");
    ([kind, (header::CACHE_CONTROL, FOR_AN_HOUR)], page::STYLE).into_response()
}

async fn icon() -> Response {
    let kind = (header::CONTENT_TYPE, "image/svg+xml");
    ([kind, (header::CACHE_CONTROL, FOR_AN_HOUR)], page::ICON).into_response()
}

/// Every `Cookie` header, as one: HTTP/2 and API Gateway may split it.
fn cookies_of(headers: &HeaderMap) -> String {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.collect::<Vec<_>>().join("; ")
}
