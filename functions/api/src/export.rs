use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use shared::{App, http::Problem, store::history::History};
use utoipa::ToSchema;

use crate::{
    Error,
    auth::{Key, Scope},
    enrollments,
    views::EnrollmentView,
};

/// All that is held of an enrollment, but for tokens, which are of no use to anybody.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Export {
    enrollment: EnrollmentView,
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
    Path(id): Path<String>,
) -> Result<Json<Export>, Error> {
    key.require(Scope::Read)?;
    key.require(Scope::ReadPosition)?;
    let found = enrollments::open(&app, &id).await?;
    let id = &found.value.id;
    let now = app.clock.now();
    let mut vehicles = Vec::new();
    for known in app.store.all_known(id).await? {
        let vin = known.vehicle.vin.clone();
        let mut all = Vec::new();
        for history in [History::Observations, History::Trips, History::Alerts] {
            let (mut entries, mut after) = (Vec::new(), None);
            loop {
                let span = (Timestamp::UNIX_EPOCH, now);
                let (page, next) =
                    app.store.entries::<Value>(id, history, &vin, span, after, 100, now).await?;
                entries.extend(page);
                after = next;
                if after.is_none() {
                    break;
                }
            }
            all.push(entries);
        }
        let [history, trips, alerts] = <[_; 3]>::try_from(all).unwrap_or_default();
        vehicles.push(Exported {
            vehicle: json(&known.vehicle),
            snapshot: json(&known.snapshot),
            history,
            trips,
            alerts,
        });
    }
    Ok(Json(Export { enrollment: EnrollmentView::new(found.value, now), vehicles }))
}

fn json<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}
