//! Does at the maker what the operator's API asked: fetch now, look through an account, answer
//! about a VIN, revoke, erase. Woken by the stream of requests; what a stream missed is swept by
//! schedule from the due index. Also ends what did not last: unconfirmed and interrupted logins.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod erase;
mod expire;
mod grants;
mod perform;
mod remote;
mod spread;

use std::{sync::Arc, time::Duration};

use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::{Value, json};
use shared::{
    App,
    causes::causes,
    clock::Budget,
    due::{self, Share},
    secrets::SecretName,
    store::{self, DueKey, DueTable, enrollments, subscriptions::DUE},
    visit::{self, subscription::Kept},
    woken::{Record, Woken},
};

/// The secrets this function must be able to read.
pub const NEEDS: &[SecretName] = &[SecretName::Maker, SecretName::Seal, SecretName::Edge];

/// What one request may take; none begins without.
const NEEDED: Duration = Duration::from_secs(30);

/// One batch of the stream, or one sweep.
///
/// # Errors
/// A [`Diagnostic`] with a stable type, on which alarms key.
#[tracing::instrument(name = "act.run", skip_all)]
pub async fn handler(app: Arc<App>, event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let budget = Budget::until(event.context.deadline);
    let result = match Woken::read(event.payload) {
        Woken::ByStream(requests) => stream(&app, requests, budget).await,
        Woken::BySchedule(share) => sweep(&app, share, budget).await,
    };
    app.metrics.flush();
    result.map_err(|error| {
        tracing::error!(error = %error, causes = ?causes(&error), "an act run failed");
        Diagnostic { error_type: "ActFailed".into(), error_message: error.to_string() }
    })
}

/// The stream is a wake-up, not the record: a request that fails here stays due for the sweep, so
/// none holds up those behind it. What there is no time for comes again.
async fn stream(
    app: &App,
    mut requests: Vec<Record>,
    budget: Budget,
) -> Result<Value, store::Error> {
    app.limits.read().await?;
    // Commands first: they are of use for a minute.
    requests.sort_by_key(|record| !is_command(&record.key));
    let mut left = Vec::new();
    for Record { key, sequence } in requests {
        if budget.allows(NEEDED) {
            one(app, &key, budget).await;
        } else {
            left.push(json!({ "itemIdentifier": sequence }));
        }
    }
    Ok(json!({ "batchItemFailures": left }))
}

fn is_command(key: &DueKey) -> bool {
    key.sk.starts_with("RMT#")
}

/// Subscriptions are many and can wait: they are looked after with what time is left, and never before
/// an erasure, the end of a confirmation or a command.
async fn sweep(app: &App, share: Share, budget: Budget) -> Result<Value, store::Error> {
    app.limits.read().await?;
    let work = async |key: DueKey| match key.sk.as_str() {
        "META" => enrollment(app, &key, budget).await,
        // Some stand here that were written by an earlier version.
        "SUB" => subscription(app, key, budget).await,
        _ => one(app, &key, budget).await,
    };
    let walk = due::walk(app, (DueTable::Records, "act"), share, (budget, NEEDED), &work).await?;
    let work = |key| subscription(app, key, budget);
    let kept = due::walk(app, (DueTable::Records, DUE), share, (budget, NEEDED), work).await?;
    let (found, done) = (walk.found + kept.found, walk.done + kept.done);
    Ok(json!({ "found": found, "done": done, "left": walk.left + kept.left }))
}

/// One request or command; whatever goes wrong with it does not stop the others.
async fn one(app: &App, key: &DueKey, budget: Budget) -> bool {
    let done = if is_command(key) {
        remote::run(app, key, budget).await
    } else {
        perform::run(app, key, budget).await
    };
    match done {
        Ok(done) => done,
        Err(error) => log(&error),
    }
}

/// One enrollment whose state does not last. What could not be ended is put off, ever longer: the
/// oldest is worked off first, and must not keep all others waiting.
async fn enrollment(app: &App, key: &DueKey, budget: Budget) -> bool {
    let Some(id) = enrollments::of_partition(&key.pk) else { return false };
    let done = match expire::run(app, &id, budget).await {
        Ok(done) => done,
        Err(error) => log(&error),
    };
    if !done
        && let Err(error) = app.store.put_off_enrollment(&id, key.due_at, app.clock.now()).await
    {
        return log(&error.into());
    }
    done
}

/// One enrollment's subscription, and its monitors.
async fn subscription(app: &App, key: DueKey, budget: Budget) -> bool {
    let Some(id) = enrollments::of_partition(&key.pk) else { return false };
    match visit::subscription::keep(app, &id, budget).await {
        Ok(kept) => kept == Kept::Done,
        Err(error) => {
            tracing::warn!(enrollment.id = %id, error = %error, causes = ?causes(&error), "a subscription was not looked after; the sweep tries again");
            false
        }
    }
}

fn log(error: &visit::Error) -> bool {
    tracing::warn!(error = %error, causes = ?causes(&error), "a request was not done; the sweep tries again");
    false
}
