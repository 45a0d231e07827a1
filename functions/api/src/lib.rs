//! `/v1`: the operator's API. It reads what is stored and writes what is wanted; it never calls the
//! maker, and has no right on tokens. OpenAPI 3.1 is generated from this code.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod audit;
mod auth;
mod begin;
mod body;
mod confirm;
mod control;
mod cursor;
mod eligibility;
mod enrollments;
mod erase;
mod error;
mod export;
mod history;
mod idempotency;
mod monitors;
mod quarantine;
mod refresh;
mod remotes;
mod vehicles;
mod views;
mod wait;
mod webhooks;

use std::sync::Arc;

use axum::{Router, extract::DefaultBodyLimit, middleware};
use shared::{App, http, secrets::SecretName};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use auth::Bearer;
pub use error::Error;

/// The secrets this function must be able to read.
pub const NEEDS: &[SecretName] = &[SecretName::Edge, SecretName::Webhooks];

/// The longest body taken.
const LONGEST_BODY: usize = 64 * 1024;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "accessing-party",
        description = "Connect drivers' Peugeot, Citroën, DS, Opel and Vauxhall accounts and read their cars."
    ),
    modifiers(&Bearer),
    tags(
        (name = "enrollments", description = "One user's consent for one brand account"),
        (name = "vehicles", description = "What is known of the cars of an enrollment"),
        (name = "monitors", description = "Rules: what to be told of, declared once for many cars"),
        (name = "remotes", description = "Commands to cars"),
        (name = "notifications", description = "What the maker sent and nobody could understand"),
        (name = "webhooks", description = "Where events are posted to, signed"),
        (name = "control", description = "Whether the maker may be called"),
    )
)]
struct Document;

fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(begin::post, enrollments::list))
        .routes(routes!(enrollments::get, erase::delete))
        .routes(routes!(confirm::post))
        .routes(routes!(export::get))
        .routes(routes!(erase::progress))
        .routes(routes!(vehicles::find))
        .routes(routes!(vehicles::list))
        .routes(routes!(vehicles::get))
        .routes(routes!(history::observations))
        .routes(routes!(history::alerts))
        .routes(routes!(history::trips))
        .routes(routes!(refresh::post))
        .routes(routes!(remotes::post, remotes::list))
        .routes(routes!(remotes::get))
        .routes(routes!(audit::remotes))
        .routes(routes!(eligibility::get))
        .routes(routes!(monitors::post, monitors::list))
        .routes(routes!(monitors::get, monitors::put, monitors::delete))
        .routes(routes!(monitors::vehicles))
        .routes(routes!(monitors::of_vehicle))
        .routes(routes!(quarantine::list))
        .routes(routes!(quarantine::replay))
        .routes(routes!(control::get, control::put))
        .routes(routes!(webhooks::post, webhooks::list))
        .routes(routes!(webhooks::get, webhooks::patch, webhooks::delete))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::test))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(webhooks::replay))
}

/// The function's routes.
pub fn router(app: Arc<App>) -> Router {
    let https = app.config.is_https();
    let (router, _) = routes().split_for_parts();
    router
        .fallback(http::not_found)
        .method_not_allowed_fallback(http::method_not_allowed)
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(middleware::map_response(move |response| http::secure(response, https)))
        .with_state(app)
}

/// The API's description, as JSON.
///
/// # Panics
/// Never: it is data.
#[must_use]
#[expect(
    clippy::expect_used,
    reason = "a description that can't be written is a mistake in this code"
)]
pub fn openapi() -> String {
    let mut text = routes().get_openapi().to_pretty_json().expect("a description");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    /// `ACCEPT=1 cargo test -p api` writes it anew.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the test")]
    fn the_description_checked_in_is_that_of_this_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let current = super::openapi();
        if std::env::var("ACCEPT").is_ok() {
            std::fs::write(path, &current).unwrap();
        }

        let checked_in = std::fs::read_to_string(path).unwrap();

        assert!(checked_in == current, "run `ACCEPT=1 cargo test -p api` and commit the change");
    }
}
