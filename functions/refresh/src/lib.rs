//! Keeps every refresh token alive: uses each one at least daily, whether or not anybody needs its
//! access token. First brings home what an earlier run could not store.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

use std::sync::Arc;

use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::{Value, json};
use shared::{
    App,
    causes::causes,
    clock::Budget,
    domain::ids::GrantId,
    due::{self, Share, Walk},
    metrics::Metric,
    rescue::RescueError,
    secrets::SecretName,
    store::{self, DueKey, DueTable},
    tokens,
};

/// The secrets this function must be able to read.
pub const NEEDS: &[SecretName] = &[SecretName::Maker, SecretName::Seal];

/// Why a run failed. Its items stay due.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// The rescue queue failed.
    #[error("the rescue queue failed")]
    Rescue(#[from] RescueError),
}

/// One scheduled run, for one worker's share of the grants.
///
/// # Errors
/// A [`Diagnostic`] with a stable type, on which alarms key.
#[tracing::instrument(name = "refresh.run", skip_all)]
pub async fn handler(app: Arc<App>, event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let share = serde_json::from_value(event.payload).unwrap_or_default();
    let result = run(&app, share, Budget::until(event.context.deadline)).await;
    app.metrics.flush();
    result.map_err(|error| {
        tracing::error!(error = %error, causes = ?causes(&error), "a refresh run failed");
        Diagnostic { error_type: "RefreshFailed".into(), error_message: error.to_string() }
    })
}

async fn run(app: &App, share: Share, budget: Budget) -> Result<Value, Error> {
    // A queue that fails stops no renewal: what may wait in it is not claimed meanwhile.
    let rescued = app.rescue.drain(&app.store, app.clock.now()).await;
    if share.worker == 0 {
        watch_certificate(app).await;
    }
    app.limits.read().await?;
    let walk =
        due::walk(app, (DueTable::Grants, "refresh"), share, (budget, tokens::NEEDED), |key| {
            renew(app, key, budget)
        })
        .await?;
    let rescued = rescued?;
    let Walk { found, done: renewed, left, waits } = walk;
    tracing::info!(found, renewed, left, waits, rescued, "grants were renewed");
    Ok(json!({
        "found": found, "renewed": renewed, "left": left, "waits": waits, "rescued": rescued,
    }))
}

/// Tells in time that the client certificate must be renewed with the maker.
async fn watch_certificate(app: &App) {
    match app.secrets.maker().await {
        Ok(secret) => {
            if let Some(end) = secret.certificate_ends() {
                let days = end.duration_since(app.clock.now()).as_hours() / 24;
                app.metrics.record(Metric::CertificateDaysLeft(days));
            }
        }
        Err(error) => tracing::error!(error = %error, "the maker's secret can't be read"),
    }
}

/// Renews one grant; whatever goes wrong with it does not stop the others.
async fn renew(app: &App, key: DueKey, budget: Budget) -> bool {
    let Ok(id) = key.pk.parse::<GrantId>() else { return false };
    match tokens::renew_due(app, &id, key.due_at, budget).await {
        Ok(_) | Err(tokens::Error::Ended(_)) => true,
        Err(error @ (tokens::Error::NotNow | tokens::Error::Busy)) => {
            tracing::info!(grant.id = %id, reason = %error, "a renewal was put off");
            false
        }
        Err(error) => {
            tracing::warn!(grant.id = %id, error = %error, causes = ?causes(&error), "a renewal failed");
            false
        }
    }
}
