use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    extract::{Path, State},
    http::StatusCode,
};
use secrecy::ExposeSecret;
use shared::{
    App,
    address::Address,
    clock::Budget,
    inbox::{self, Proof, Taken},
    metrics::Metric,
};

use crate::Error;

/// The longest body taken: what the gateway lets through.
const LONGEST: usize = 6 << 20;
/// For how long puts of one body begin, secret and anchor included: the last one, too, ends before the
/// function does. The
/// maker does not wait for ever, and what it does not hear of it sends again.
const PATIENCE: Duration = Duration::from_secs(12);

/// The address is proven before the body is read: whoever does not know one costs us nothing.
#[tracing::instrument(name = "notify.post", skip_all, fields(enrollment.id))]
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    Path(address): Path<String>,
    body: Body,
) -> Result<StatusCode, Error> {
    let (now, budget) = (app.clock.now(), Budget::lasting(PATIENCE));
    let edge = app.secrets.edge().await?;
    let Ok(address) = Address::read(&edge.ring, &address, now) else {
        app.metrics.record(Metric::Notification("refused"));
        return Err(Error::Address);
    };
    let enrollment = address.enrollment();
    tracing::Span::current().record("enrollment.id", tracing::field::display(enrollment));
    let body = to_bytes(body, LONGEST).await.map_err(|_| Error::Body)?;
    if !app.store.stands(enrollment).await? {
        app.metrics.record(Metric::Notification("unknown_enrollment"));
        return Ok(StatusCode::OK);
    }
    let secret = address.secret(&edge.ring).unwrap_or_default();
    let is_secret = |given: &str| address.is_secret(&edge.ring, given);
    let proof = Proof { secret: secret.expose_secret(), stood: false, is_secret: &is_secret };
    let taken = inbox::take(&app, enrollment, &body, proof, (now, budget)).await?;
    let Taken { new, known, unreadable } = taken;
    tracing::info!(new, known, unreadable, "notifications were taken");
    Ok(StatusCode::OK)
}
