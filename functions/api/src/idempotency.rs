//! POSTs that may be sent again: the first use of a key decides what was made.

use std::str::FromStr;

use axum::http::{HeaderValue, StatusCode};
use shared::{App, domain::enrollment::sha256, http::Problem, store::idempotency::Idempotent};

use crate::{Error, auth::Key};

/// The id that the first request under an `Idempotency-Key` made: `fresh`, if this is the first.
pub(crate) async fn first<T: FromStr + ToString>(
    app: &App,
    key: &Key,
    value: &HeaderValue,
    request: &[&str],
    fresh: T,
) -> Result<T, Error> {
    let value = value.to_str().ok().filter(|value| (1..=255).contains(&value.len()));
    let value = value.ok_or_else(|| {
        Error::invalid("Idempotency-Key", "expected 1 to 255 printable characters")
    })?;
    let first = Idempotent { request: sha256(request), made: fresh.to_string() };
    let known = app.store.idempotent(&key.id, value, first.clone(), app.clock.now()).await?;
    if known.request != first.request {
        let problem = Problem::new(StatusCode::CONFLICT, "idempotency_key_reused");
        return Err(Error::Request(problem.detail("This key was used for another request.")));
    }
    known.made.parse().map_err(|_| Error::Conflict)
}
