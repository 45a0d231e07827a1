//! Who asked what of which car, and what became of it.

use std::sync::Arc;

use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::Serialize;
use shared::{
    App,
    domain::{
        enrollment::UserRef,
        ids::{EnrollmentId, RemoteId},
        remote::{Cause, Kind},
        vin::Vin,
    },
    http::Problem,
    store::audit::{Entry, Person},
};
use utoipa::ToSchema;

use crate::{
    Error,
    auth::{Key, Scope},
    enrollments,
    query::{Paging, Query},
    views::Page,
};

/// One thing that happened to a command.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    remote: RemoteId,
    enrollment: EnrollmentId,
    /// The id of the API key that asked for it.
    key: String,
    kind: Kind,
    /// What happened, in the words of the command itself: `requested`, `sending`, …, `done`.
    state: &'static str,
    /// Of what is done: `success`, `already_done` or `failed`.
    outcome: Option<&'static str>,
    failure_cause: Option<Cause>,
    /// The user for whom; absent once erased.
    on_behalf_of: Option<UserRef>,
    /// The car; absent once erased.
    vin: Option<Vin>,
}

impl AuditEntry {
    fn new((entry, person): (Entry, Option<Person>)) -> Self {
        let (on_behalf_of, vin) = person.map(|person| (person.on_behalf_of, person.vin)).unzip();
        Self {
            at: entry.at,
            remote: entry.remote,
            enrollment: entry.enrollment,
            key: entry.key,
            kind: entry.kind,
            state: entry.state.phase(),
            outcome: entry.state.outcome(),
            failure_cause: entry.failure_cause,
            on_behalf_of,
            vin,
        }
    }
}

/// A month's commands to cars, oldest first: who asked, when each was sent, how it ended. Kept for
/// 13 months; of what was erased, ids and times alone.
#[utoipa::path(
    get, path = "/v1/audit/remotes", operation_id = "audit.remotes",
    tag = "control", security(("key" = ["admin"])),
    params(
        ("month" = Option<String>, Query, description = "Such as 2026-03; this month by default"),
        ("limit" = Option<u8>, Query), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Page<AuditEntry>), (status = 400, body = Problem), (status = 403, body = Problem))
)]
#[tracing::instrument(name = "audit.remotes", skip_all)]
pub(crate) async fn remotes(
    State(app): State<Arc<App>>,
    key: Key,
    query: Query,
) -> Result<Json<Page<AuditEntry>>, Error> {
    key.require(Scope::Admin)?;
    let now = app.clock.now();
    let at = match query.get("month") {
        None => now,
        Some(month) if month.len() == 7 => format!("{month}-01T00:00:00Z")
            .parse()
            .map_err(|_| Error::invalid("month", "expected a month such as 2026-03"))?,
        Some(_) => return Err(Error::invalid("month", "expected a month such as 2026-03")),
    };
    let of = format!("audit {}", query.get("month").unwrap_or_default());
    let paging = Paging::read(&app, of, &query).await?;
    let (found, next) = app.store.audit(at, paging.after.clone(), paging.limit, now).await?;
    let closed =
        enrollments::closed(&app, found.iter().map(|(entry, _)| &entry.enrollment)).await?;
    let found = found.into_iter().map(|(entry, person)| {
        let person = person.filter(|_| !closed.contains(&entry.enrollment));
        AuditEntry::new((entry, person))
    });
    Ok(Json(paging.page(&app, found, next).await?))
}
