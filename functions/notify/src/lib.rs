//! `POST /notifications/{address}`: what the maker pushes, written safely, answered at once. All
//! else is `digest`'s: nothing here asks what a message means.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod error;
mod receive;

use std::sync::Arc;

use axum::{Router, middleware, routing::post};
use shared::{App, http, secrets::SecretName};

pub use error::Error;

/// The secrets this function must be able to read.
pub const NEEDS: &[SecretName] = &[SecretName::Edge];

/// The function's routes.
pub fn router(app: Arc<App>) -> Router {
    let https = app.config.is_https();
    Router::new()
        .route("/notifications/{address}", post(receive::post))
        .fallback(http::not_found)
        .method_not_allowed_fallback(http::method_not_allowed)
        .layer(middleware::map_response(move |response| http::secure(response, https)))
        .with_state(app)
}
