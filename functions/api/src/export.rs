use std::sync::Arc;

use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use shared::{
    App,
    domain::{ids::EnrollmentId, rule::Target, vin::Vin},
    http::Problem,
    store::history::History,
};
use utoipa::ToSchema;

use crate::{
    Error,
    auth::{Key, Scope},
    enrollments,
    monitors::{MonitorView, WatchView},
    path::Id,
    remotes::RemoteView,
    views::EnrollmentView,
};

/// All that is held of an enrollment, but for tokens, which are of no use to anybody, and events,
/// which tell of what is here.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Export {
    enrollment: EnrollmentView,
    /// The rules for its cars alone.
    rules: Vec<MonitorView>,
    /// How each of them stands on each car.
    monitors: Vec<WatchView>,
    vehicles: Vec<Exported>,
}

/// All that is held of one car.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Exported {
    /// As the maker lists it.
    vehicle: Value,
    /// The latest state.
    snapshot: Value,
    /// What changed.
    history: Vec<Value>,
    trips: Vec<Value>,
    alerts: Vec<Value>,
    /// What it was commanded.
    remotes: Vec<RemoteView>,
}

/// Everything we hold of this enrollment (GDPR, article 15 and 20).
#[utoipa::path(
    get, path = "/v1/enrollments/{id}/export", operation_id = "enrollments.export",
    tag = "enrollments", security(("key" = ["read", "read:position"])),
    params(("id" = String, Path)),
    responses((status = 200, body = Export), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "enrollments.export", skip_all)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    key: Key,
    Id(id): Id<EnrollmentId>,
) -> Result<Json<Export>, Error> {
    key.require(Scope::Read)?;
    key.require(Scope::ReadPosition)?;
    let found = enrollments::open(&app, &id).await?;
    let id = &found.value.id;
    let now = app.clock.now();
    let mut vehicles = Vec::new();
    for known in app.store.all_known(id).await? {
        let vin = &known.vehicle.vin;
        vehicles.push(Exported {
            vehicle: json(&known.vehicle),
            snapshot: json(&known.snapshot),
            history: entries(&app, id, vin, History::Observations).await?,
            trips: entries(&app, id, vin, History::Trips).await?,
            alerts: entries(&app, id, vin, History::Alerts).await?,
            remotes: remotes(&app, id, vin).await?,
        });
    }
    // Those for all cars say nothing of this user.
    let rules = app.store.rules_for(&found.value).await?.into_iter();
    let rules = rules.filter(|rule| rule.wish.target != Target::All).map(MonitorView::from);
    let watches = app.store.watches(id).await?.into_iter();
    let subscription = app.store.subscription(id).await?.map(|found| found.value);
    Ok(Json(Export {
        rules: rules.collect(),
        monitors: watches.map(|watch| WatchView::new((id.clone(), watch))).collect(),
        vehicles,
        enrollment: EnrollmentView::new(found.value, now).with_subscription(subscription),
    }))
}

async fn entries(
    app: &App,
    id: &EnrollmentId,
    vin: &Vin,
    history: History,
) -> Result<Vec<Value>, Error> {
    let now = app.clock.now();
    let span = (Timestamp::UNIX_EPOCH, now);
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let (page, next) = app.store.entries(id, history, vin, span, after, 100, now).await?;
        all.extend(page);
        after = next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

async fn remotes(app: &App, id: &EnrollmentId, vin: &Vin) -> Result<Vec<RemoteView>, Error> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let (page, next) = app.store.remotes(id, vin, after, 100, app.clock.now()).await?;
        all.extend(page.into_iter().map(RemoteView::new));
        after = next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

fn json<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}
