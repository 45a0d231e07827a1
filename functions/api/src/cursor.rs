//! Page tokens: sealed, so that nobody reads keys out of them or makes one up.

use serde::{Deserialize, Serialize};
use shared::{App, round_trip, seal::Purpose};

use crate::Error;

/// How many items a page has unless fewer are asked for.
pub(crate) const PAGE: i32 = 100;

#[derive(Serialize, Deserialize)]
struct Cursor {
    /// What it pages through: a token of one list is of no use in another.
    of: String,
    after: String,
}

/// Where a page begins.
pub(crate) async fn read(
    app: &App,
    of: &str,
    token: Option<&str>,
) -> Result<Option<String>, Error> {
    let Some(token) = token else { return Ok(None) };
    let cursor: Option<Cursor> = round_trip::open(&app.secrets, Purpose::Cursor, token).await?;
    let cursor = cursor.filter(|cursor| cursor.of == of);
    let wanted = "expected the `next` of the page before";
    Ok(Some(cursor.ok_or_else(|| Error::unprocessable("cursor", wanted))?.after))
}

/// Where the next one begins.
pub(crate) async fn write(
    app: &App,
    of: &str,
    after: Option<String>,
) -> Result<Option<String>, Error> {
    let Some(after) = after else { return Ok(None) };
    let ring = app.secrets.edge().await?;
    Ok(Some(round_trip::seal(&ring.ring, Purpose::Cursor, &Cursor { of: of.to_owned(), after })))
}

/// How many items to give.
pub(crate) fn limit(text: Option<&str>) -> Result<i32, Error> {
    let Some(text) = text else { return Ok(PAGE) };
    let limit = text.parse().ok().filter(|limit| (1..=PAGE).contains(limit));
    limit.ok_or_else(|| Error::invalid("limit", format!("expected 1 to {PAGE}")))
}
