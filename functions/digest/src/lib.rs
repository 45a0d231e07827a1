//! Turns notifications into state and events, each once: one transaction marks a message as done,
//! merges what it says into the car's state and writes the events. Woken by the stream of the
//! inbox; what a stream missed is swept by schedule from the due index.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod hint;
mod message;
mod proof;
mod sweep;

use std::{sync::Arc, time::Duration};

use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::{Value, json};
use shared::{
    App,
    causes::causes,
    clock::Budget,
    due::{self, Share},
    secrets::SecretName,
    store::{self, DueTable},
    woken::{Record, Woken},
};

/// The secrets this function must be able to read.
pub const NEEDS: &[SecretName] = &[];

/// What one message may take; none begins without.
const NEEDED: Duration = Duration::from_secs(5);

/// One batch of the stream, or one sweep.
///
/// # Errors
/// A [`Diagnostic`] with a stable type, on which alarms key.
#[tracing::instrument(name = "digest.run", skip_all)]
pub async fn handler(app: Arc<App>, event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let budget = Budget::until(event.context.deadline);
    let result = match Woken::read(event.payload) {
        Woken::ByStream(records) => Ok(stream(&app, records, budget).await),
        Woken::BySchedule(share) => sweep(&app, share, budget).await,
    };
    result.map_err(|error| {
        tracing::error!(error = %error, causes = ?causes(&error), "a digest run failed");
        Diagnostic { error_type: "DigestFailed".into(), error_message: error.to_string() }
    })
}

/// The stream is a wake-up, not the record. What fails is told, and given once more in a moment;
/// whatever becomes of that, it stays due for the sweep.
async fn stream(app: &App, records: Vec<Record>, budget: Budget) -> Value {
    let mut failures = Vec::new();
    for Record { key, sequence } in records {
        let done = budget.allows(NEEDED) && {
            // Boxed, or the nested futures grow too deep to be laid out.
            let result = Box::pin(message::digest(app, &key.pk, &key.sk)).await;
            result.inspect_err(log).is_ok()
        };
        if !done {
            failures.push(json!({ "itemIdentifier": sequence }));
            // Those behind it come again with it.
            break;
        }
    }
    json!({ "batchItemFailures": failures })
}

async fn sweep(app: &App, share: Share, budget: Budget) -> Result<Value, store::Error> {
    let work = async |key| sweep::tend(app, &key).await.inspect_err(log).unwrap_or(false);
    let walk =
        due::walk(app, (DueTable::Records, "digest"), share, (budget, NEEDED), &work).await?;
    Ok(json!({ "found": walk.found, "done": walk.done, "left": walk.left }))
}

fn log(error: &store::Error) {
    tracing::warn!(error = %error, causes = ?causes(&error), "a notification was not digested; the sweep tries again");
}
