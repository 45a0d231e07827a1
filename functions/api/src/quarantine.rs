//! What the maker sent and nobody could understand: to look at, and to be taken once more.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::Serialize;
use shared::{
    App,
    clock::Budget,
    domain::ids::EnrollmentId,
    http::Problem,
    inbox::{self, Proof, Taken},
    store::{
        Transaction,
        quarantine::{Bad, Kind},
    },
};
use utoipa::ToSchema;

use crate::{
    Error,
    auth::{Key, Scope},
    error::Thing,
    path::Id,
    query::{Paging, Query},
    views::Page,
};

/// How long taking one again may last.
const PATIENCE: Duration = Duration::from_secs(15);

/// Something in quarantine. What it says is not shown: it may hold anything.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Quarantined {
    /// Its name here.
    id: String,
    /// To whose subscription it was sent.
    enrollment: EnrollmentId,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    /// Why it is here.
    reason: Reason,
    /// Whether the maker's own secret was in it: if not, anybody who knows the address sent it.
    proven: bool,
    /// How long it was, bytes; of what could not be read.
    length: Option<u64>,
}

/// Why something is in quarantine.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = QuarantineReason)]
enum Reason {
    /// It is no message that this version can read.
    Unreadable,
    /// It was tried too often in vain.
    Undigested,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuarantineReplayed)]
pub(crate) struct Replayed {
    /// Messages taken into the inbox.
    taken: usize,
    /// Parts that still can't be read; they are in quarantine on their own.
    unreadable: usize,
}

impl From<Bad> for Quarantined {
    fn from(bad: Bad) -> Self {
        let unreadable = matches!(bad.kind, Kind::Unreadable(_));
        Self {
            id: format!("{}.{}", bad.enrollment, bad.hash),
            enrollment: bad.enrollment,
            received_at: bad.received_at,
            reason: if unreadable { Reason::Unreadable } else { Reason::Undigested },
            proven: bad.secret,
            length: unreadable.then_some(bad.length),
        }
    }
}

/// Notifications that could not be understood within the last week. A page may hold less than
/// `limit` and yet give a `next`: only its absence says that this was all.
#[utoipa::path(
    get, path = "/v1/notifications/quarantine", operation_id = "quarantine.list",
    tag = "notifications", security(("key" = ["admin"])),
    params(("limit" = Option<u8>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<Quarantined>), (status = 403, body = Problem))
)]
#[tracing::instrument(name = "quarantine.list", skip_all)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    key: Key,
    query: Query,
) -> Result<Json<Page<Quarantined>>, Error> {
    key.require(Scope::Admin)?;
    let paging = Paging::read(&app, "quarantine", &query).await?;
    let (after, now) = (paging.after.as_deref(), app.clock.now());
    let (found, next) = app.store.bads(after, paging.limit, now).await?;
    Ok(Json(paging.page(&app, found.into_iter().map(Quarantined::from), next).await?))
}

/// Takes it once more, as if it had just come: when this version has learnt to read it.
#[utoipa::path(
    post, path = "/v1/notifications/quarantine/{id}/replay", operation_id = "quarantine.replay",
    tag = "notifications",
    security(("key" = ["admin"])), params(("id" = String, Path, description = "The id of the thing in quarantine", pattern = r"^enr_[0-9a-z]{26}\.[0-9a-f]{64}$")),
    responses(
        (status = 202, body = Replayed), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "It still can't be read"),
    )
)]
#[tracing::instrument(name = "quarantine.replay", skip_all)]
pub(crate) async fn replay(
    State(app): State<Arc<App>>,
    key: Key,
    Id(id): Id<String>,
) -> Result<(StatusCode, Json<Replayed>), Error> {
    key.require(Scope::Admin)?;
    let (enrollment, hash) = id.split_once('.').ok_or(Error::NotFound(Thing::Message))?;
    let enrollment: EnrollmentId =
        enrollment.parse().map_err(|_| Error::NotFound(Thing::Message))?;
    let bad = app
        .store
        .bad(&enrollment, hash, app.clock.now())
        .await?
        .ok_or(Error::NotFound(Thing::Message))?;
    let mut transaction = Transaction::new();
    app.store.demand_open_in(&mut transaction, &enrollment)?;
    let replayed = match &bad.kind {
        Kind::Unreadable(raw) => again(&app, &bad, raw).await?,
        Kind::Undigested => {
            app.store.revive_in(&mut transaction, &bad, app.clock.now())?;
            Replayed { taken: 1, unreadable: 0 }
        }
    };
    // Dying before this, it is taken again: a message that is there already is not put twice.
    app.store.release_in(&mut transaction, &bad)?;
    app.store.commit(transaction).await?;
    tracing::info!(key.id = %key.id, taken = replayed.taken, "a notification was replayed from quarantine");
    Ok((StatusCode::ACCEPTED, Json(replayed)))
}

/// Its messages into the inbox, as of the time when it came.
async fn again(app: &App, bad: &Bad, raw: &[u8]) -> Result<Replayed, Error> {
    if !app.store.stands(&bad.enrollment).await? {
        return Err(Error::NotFound(Thing::Message));
    }
    // The secret itself was never stored: only where it stood.
    let is_secret = |value: &str| bad.secret && inbox::is_blacked(value);
    let times = (bad.received_at, Budget::lasting(PATIENCE));
    let proof = Proof { secret: "", stood: bad.secret, is_secret: &is_secret };
    let taken = inbox::take(app, &bad.enrollment, raw, proof, times).await;
    let Taken { new, known, unreadable } = taken.map_err(|error| match error {
        inbox::Error::Store(error) => error.into(),
        inbox::Error::Late => Error::Conflict,
    })?;
    if new + known == 0 {
        let problem = Problem::new(StatusCode::CONFLICT, "unreadable");
        return Err(Error::Request(problem.detail("This version can't read it either.")));
    }
    Ok(Replayed { taken: new + known, unreadable })
}
