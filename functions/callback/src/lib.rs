//! `GET /callback/{brand}`: where the brand's identity provider sends the browser back. Decides
//! whether the answer belongs to this browser, exchanges the code once, and stores the grant sealed
//! (RFC 6749 §4.1.2–4.1.4, RFC 9700 §2.1). It never renders: it answers 303.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod account;
mod again;
mod answer;
mod browser;
mod complete;
mod exchange;
mod outcome;
mod result;

use std::sync::Arc;

use axum::{Router, middleware, routing::get};
use shared::{App, http, page, secrets::SecretName};

/// The secrets this function must be able to read.
pub const NEEDS: &[SecretName] = &[SecretName::Maker, SecretName::Seal, SecretName::Edge];

/// The function's routes.
pub fn router(app: Arc<App>) -> Router {
    let https = app.config.is_https();
    Router::new()
        .route("/callback", get(answer::get_single))
        .route("/callback/{brand}", get(answer::get))
        .route("/result/{outcome}", get(result::get))
        .fallback(http::not_found)
        .method_not_allowed_fallback(http::method_not_allowed)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), page::for_people))
        .layer(middleware::map_response(move |response| http::secure(response, https)))
        .with_state(app)
}
