//! `/_control`: faults and fate over HTTP, for those who do not hold the [`World`](crate::World).
//!
//! All want the control token as a bearer token; what changes something answers 204.
//!
//! | call | body | what it does |
//! |---|---|---|
//! | `GET state` | | accounts, grants, counts of calls, faults to come |
//! | `POST fault` | a [`Fault`], `{"operation": "remote_send", "kind": {"status": 500}}` | orders it; `DELETE` cancels all |
//! | `POST release` | | lets held answers go |
//! | `POST withdraw` | `{"account"}` | the user withdraws every consent |
//! | `POST sell` | `{"vin", "to"}` | the car is another's |
//! | `POST change-id` | `{"vin"}` | the car has another vehicle id |
//! | `POST privacy` | `{"vin", "privacy": "none\|geolocation\|full"}` | the car hides, or no longer |
//! | `POST touch` | `{"vin", "change"}`, see below | something happens to the car now |
//! | `GET notifications` | | callbacks, monitors, remotes, messages pending and delivered |
//! | `POST events` | | brings the event engine up to now |
//! | `POST message` | `{"callback", "message"}` | sends anything at all to a callback |
//! | `POST run-state` | `{"id", "status": "Failed"}` | sets a callback's or monitor's status |
//! | `POST lose` | `{"callback": id}` or `{"monitor": id}` | it is gone, behind the client's back |
//! | `POST remote-fate` | `{"vin"?, "action"?, "times"?, "fate"}` | what becomes of the next remotes: `"already_done"`, `"success"`, `"silent"`, `"stuck"`, `{"delayed": 600}`, `{"failed": "VehicleInUse"}` |
//! | `POST delivery-fault` | `{"callback"?, "times"?, "kind"}` | what goes wrong with the next `POST`: `"duplicate"`, `{"late": 60}`, `"reordered"`, `"batch"`, `"corrupted"`, `"no_attributes"`; `DELETE` cancels all |
//!
//! A change is one of `{"battery_level": 19}`, `{"fuel_level": 5}`,
//! `{"moved": {"latitude": 48.1, "longitude": -1.7}}`, `{"plugged": true}`, `{"charging": true}`,
//! `{"locked": false}`, `{"door": {"door": "Driver", "open": true}}`, `{"preconditioning": true}`,
//! `{"alert_raised": "RiskOfIce"}`, `{"alert_cleared": "RiskOfIce"}`,
//! `{"alarm_set_off": "VehicleLifting"}`, `"woken"`. It holds until the car's next drive begins.

mod notifications;

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::json;

use crate::{App, api, cars::Privacy, faults::Fault, random, world::WorldError};

/// What can be done to the world.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
struct Target {
    account: Option<String>,
    vin: Option<String>,
    to: Option<String>,
    privacy: Option<Privacy>,
}

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the body is not the JSON that this control takes")]
    Body(#[from] serde_json::Error),
    #[error("the body lacks {0}")]
    Lacks(&'static str),
    #[error(transparent)]
    World(#[from] WorldError),
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Body(_) | Self::Lacks(_) => StatusCode::BAD_REQUEST,
            Self::World(_) => StatusCode::NOT_FOUND,
        };
        (status, axum::Json(json!({"error": self.to_string()}))).into_response()
    }
}

pub(crate) fn router(app: &Arc<App>) -> Router {
    Router::new()
        .route("/_control/state", get(state))
        .route("/_control/fault", post(fault).delete(clear))
        .route("/_control/release", post(release))
        .route("/_control/withdraw", post(withdraw))
        .route("/_control/sell", post(sell))
        .route("/_control/change-id", post(change_id))
        .route("/_control/privacy", post(privacy))
        .merge(notifications::routes())
        .route_layer(middleware::from_fn_with_state(Arc::clone(app), authorize))
        .with_state(Arc::clone(app))
}

/// Fingerprints are compared, so that time tells nothing.
async fn authorize(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let given = api::bearer(request.headers()).map(random::fingerprint);
    if given == Some(random::fingerprint(&app.control_token)) {
        next.run(request).await
    } else {
        StatusCode::UNAUTHORIZED.into_response()
    }
}

async fn state(State(app): State<Arc<App>>) -> Response {
    let world = &app.world;
    let accounts: Vec<_> = world
        .accounts()
        .iter()
        .map(|account| {
            json!({
                "id": account.id,
                "brand": account.brand,
                "vins": account.vins().collect::<Vec<_>>(),
                "live_grants": world.live_grants(&account.id),
            })
        })
        .collect();
    axum::Json(json!({
        "now": world.now(),
        "accounts": accounts,
        "grants": world.all_grants(),
        "calls": world.all_calls(),
        "faults": world.pending_faults(),
        "reuse_kills": world.reuse_kills(),
        "unknown_tokens": world.unknown_tokens(),
    }))
    .into_response()
}

async fn fault(State(app): State<Arc<App>>, body: Bytes) -> Result<StatusCode, Refused> {
    let fault: Fault = serde_json::from_slice(&body)?;
    app.world.fault(fault);
    Ok(StatusCode::NO_CONTENT)
}

async fn clear(State(app): State<Arc<App>>) -> StatusCode {
    app.world.clear_faults();
    StatusCode::NO_CONTENT
}

async fn release(State(app): State<Arc<App>>) -> StatusCode {
    app.world.release();
    StatusCode::NO_CONTENT
}

async fn withdraw(State(app): State<Arc<App>>, body: Bytes) -> Result<Response, Refused> {
    let account = target(&body)?.account.ok_or(Refused::Lacks("account"))?;
    let ended = app.world.withdraw(&account);
    Ok(axum::Json(json!({"ended": ended})).into_response())
}

async fn sell(State(app): State<Arc<App>>, body: Bytes) -> Result<StatusCode, Refused> {
    let target = target(&body)?;
    let vin = target.vin.ok_or(Refused::Lacks("vin"))?;
    app.world.sell(&vin, &target.to.ok_or(Refused::Lacks("to"))?)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn change_id(State(app): State<Arc<App>>, body: Bytes) -> Result<StatusCode, Refused> {
    app.world.change_vehicle_id(&target(&body)?.vin.ok_or(Refused::Lacks("vin"))?)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn privacy(State(app): State<Arc<App>>, body: Bytes) -> Result<StatusCode, Refused> {
    let target = target(&body)?;
    let vin = target.vin.ok_or(Refused::Lacks("vin"))?;
    let privacy = target.privacy.ok_or(Refused::Lacks("privacy"))?;
    let now = app.world.now();
    app.world.edit_car(&vin, |car| {
        car.privacy = privacy;
        car.privacy_since = Some(now);
    })?;
    Ok(StatusCode::NO_CONTENT)
}

fn target(body: &[u8]) -> Result<Target, Refused> {
    Ok(serde_json::from_slice(body)?)
}
