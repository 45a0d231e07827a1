use std::{collections::BTreeSet, sync::Arc};

use axum::{Json, extract::State};
use futures_util::future::try_join_all;
use shared::{
    App,
    domain::{
        enrollment::{Enrollment, Status, UserRef},
        ids::EnrollmentId,
    },
    http::Problem,
    store::{
        Versioned,
        listing::{Changed, ListBy},
    },
};

use crate::{
    Error,
    auth::{Key, Scope},
    error::Thing,
    path::Id,
    query::{Paging, Query},
    views::{EnrollmentView, Page},
};

/// All enrollments, in the order in which they were changed; or those of a user (in no order), or in
/// a state. One that is changed while you page may stand on two pages, but is never left out of a
/// list with the oldest first: to stay up to date, ask with `updated_since` the time of the last.
#[utoipa::path(
    get, path = "/v1/enrollments", operation_id = "enrollments.list",
    tag = "enrollments", security(("key" = ["read"])),
    params(
        ("user_ref" = Option<UserRef>, Query), ("status" = Option<Status>, Query),
        ("updated_since" = Option<String>, Query), ("order" = Option<String>, Query),
        ("limit" = Option<u8>, Query),
        ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Page<EnrollmentView>), (status = 400, body = Problem))
)]
#[tracing::instrument(name = "enrollments.list", skip_all)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    key: Key,
    query: Query,
) -> Result<Json<Page<EnrollmentView>>, Error> {
    key.require(Scope::Read)?;
    let changed = Changed {
        status: query.parsed("status")?,
        since: query.time("updated_since")?,
        order: query.parsed("order")?.unwrap_or_default(),
    };
    let of = format!("enrollments {changed:?} {}", query.get("user_ref").unwrap_or_default());
    let by = match query.parsed("user_ref")? {
        Some(user) => ListBy::User(user),
        None => ListBy::Changed(changed),
    };
    let paging = Paging::read(&app, of, &query).await?;
    let (after, now) = (paging.after.clone(), app.clock.now());
    let (found, next) = app.store.list_enrollments(&by, after, paging.limit, now).await?;
    let wanted = |enrollment: &Enrollment| {
        changed.status.is_none_or(|status| enrollment.status == status)
            && changed.since.is_none_or(|since| enrollment.updated_at >= since)
    };
    let items = found.into_iter().filter(wanted).map(|found| EnrollmentView::new(found, now));
    Ok(Json(paging.page(&app, items, next).await?))
}

/// One enrollment: where it stands and why, and what the user agreed to.
#[utoipa::path(
    get, path = "/v1/enrollments/{id}", operation_id = "enrollments.get",
    tag = "enrollments", security(("key" = ["read"])),
    params(("id" = EnrollmentId, Path)),
    responses((status = 200, body = EnrollmentView), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "enrollments.get", skip_all)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    key: Key,
    Id(id): Id<EnrollmentId>,
) -> Result<Json<EnrollmentView>, Error> {
    key.require(Scope::Read)?;
    let found = one(&app, &id).await?.value;
    let subscription = app.store.subscription(&found.id).await?;
    let view = EnrollmentView::new(found, app.clock.now());
    Ok(Json(view.with_subscription(subscription.map(|subscription| subscription.value))))
}

/// An enrollment by its id.
pub(crate) async fn one(app: &App, id: &EnrollmentId) -> Result<Versioned<Enrollment>, Error> {
    app.store.enrollment(id, app.clock.now()).await?.ok_or(Error::NotFound(Thing::Enrollment))
}

/// The ids among these whose erasure was asked for: nothing of them is shown any more.
pub(crate) async fn closed(
    app: &App,
    ids: impl Iterator<Item = &EnrollmentId>,
) -> Result<BTreeSet<EnrollmentId>, Error> {
    let now = app.clock.now();
    let ids: BTreeSet<_> = ids.cloned().collect();
    let asked = ids.into_iter().map(|id| async move {
        let found = app.store.enrollment(&id, now).await?;
        let told = found.is_some_and(|found| found.value.may_be_told());
        Ok::<_, Error>((!told).then_some(id))
    });
    Ok(try_join_all(asked).await?.into_iter().flatten().collect())
}

/// The same, if its data may be shown.
pub(crate) async fn open(app: &App, id: &EnrollmentId) -> Result<Versioned<Enrollment>, Error> {
    let found = one(app, id).await?;
    if found.value.is_open() { Ok(found) } else { Err(Error::NotFound(Thing::Enrollment)) }
}
