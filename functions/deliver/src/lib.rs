//! Tells the operator: hands events on to the bus and into the lanes of the endpoints that want
//! them, and sends what is in the lanes, signed. Woken by the stream of new events; what a stream
//! missed, and what failed before, is swept by schedule from the due indexes.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod backoff;
mod dispatch;
mod endpoint;
mod lane;
mod sweep;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::{Value, json};
use shared::{
    App,
    causes::causes,
    clock::Budget,
    secrets::SecretName,
    store::{self, lanes::Lane},
    woken::{Record, Woken},
};

use crate::endpoint::House;

/// For how long a wake-up begins to send what it handed on; the sweep sends the rest.
const SENDING: Duration = Duration::from_secs(10);

/// The secrets this function must be able to read.
pub const NEEDS: &[SecretName] = &[SecretName::Webhooks];

/// One batch of the stream, or one sweep.
///
/// # Errors
/// A [`Diagnostic`] with a stable type, on which alarms key.
#[tracing::instrument(name = "deliver.run", skip_all)]
pub async fn handler(app: Arc<App>, event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let budget = Budget::until(event.context.deadline);
    let result = match Woken::read(event.payload) {
        Woken::ByStream(records) => stream(&app, records, budget).await,
        Woken::BySchedule(share) => sweep::run(&app, share, budget).await,
    };
    app.metrics.flush();
    result.map_err(|error| {
        tracing::error!(error = %error, causes = ?causes(&error), "a deliver run failed");
        Diagnostic { error_type: "DeliverFailed".into(), error_message: error.to_string() }
    })
}

/// The stream is a wake-up, not the record: an event that is not handed on here stays due for the
/// sweep. Endpoints that failed before, or are slow, are left to the sweep too, so that no wake-up waits
/// for them.
async fn stream(app: &App, records: Vec<Record>, budget: Budget) -> Result<Value, store::Error> {
    // A partition is worked off as a whole, however many of its events are new.
    let partitions: BTreeSet<String> = records.into_iter().map(|record| record.key.pk).collect();
    let house = House::enter(app).await?;
    let mut lanes: Vec<Lane> = Vec::new();
    for pk in partitions {
        if budget.allows(dispatch::NEEDED) {
            lanes.extend(dispatch::partition(app, &house, &pk, budget).await);
        }
    }
    let sending = budget.at_most(lane::NEEDED + SENDING);
    house.send(app, lanes, sending, endpoint::Patience::None).await;
    Ok(json!({ "batchItemFailures": [] }))
}
