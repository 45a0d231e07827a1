//! POSTs that may be sent again: the first use of a key decides what was made.

use std::str::FromStr;

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use shared::{App, domain::enrollment::sha256, http::Problem, store::idempotency::Idempotent};

use crate::{Error, auth::Key};

/// The id of what a POST makes: `fresh`, or what the first request under its `Idempotency-Key` made.
pub(crate) async fn id<T: FromStr + ToString>(
    app: &App,
    key: &Key,
    headers: &HeaderMap,
    (operation, body): (&str, &[u8]),
    fresh: T,
) -> Result<T, Error> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(fresh) };
    first(app, key, value, &[operation, &String::from_utf8_lossy(body)], fresh).await
}

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
