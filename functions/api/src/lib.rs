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
mod description;
mod eligibility;
mod enrollments;
mod erase;
mod error;
mod export;
mod history;
mod idempotency;
mod json;
mod monitors;
mod path;
mod quarantine;
mod query;
mod refresh;
mod remotes;
mod routes;
mod vehicles;
mod views;
mod wait;
mod webhooks;

use std::sync::Arc;

use axum::{Router, extract::DefaultBodyLimit, middleware};
use shared::{App, http, secrets::SecretName};

pub use error::Error;

/// The secrets this function must be able to read.
pub const NEEDS: &[SecretName] = &[SecretName::Edge, SecretName::Webhooks];

/// The longest body taken.
const LONGEST_BODY: usize = 64 * 1024;

/// The function's routes.
pub fn router(app: Arc<App>) -> Router {
    let https = app.config.is_https();
    routes::router()
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
    let document = description::finish(routes::description()).expect("a description");
    let mut text = serde_json::to_string_pretty(&document).expect("a description");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let description: Value = serde_json::from_str(&super::openapi()).unwrap();
        let paths = description["paths"].as_object().unwrap().values();
        let operations = paths.flat_map(|path| path.as_object().unwrap().values());
        let mut names: Vec<_> =
            operations.map(|it| it["operationId"].as_str().unwrap().to_owned()).collect();
        let all = names.len();
        names.sort();
        names.dedup();

        assert!(all > 30 && names.len() == all, "{all} operations: {names:?}");
    }

    /// `ACCEPT=1 cargo test --lib description` writes it anew.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the test")]
    fn the_description_checked_in_is_that_of_this_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let current = super::openapi();
        if std::env::var("ACCEPT").is_ok() {
            std::fs::write(path, &current).unwrap();
        }

        let checked_in = std::fs::read_to_string(path).unwrap();

        assert!(
            checked_in == current,
            "run `ACCEPT=1 cargo test --lib description` and commit the change"
        );
    }
}
