//! What drives a cloud that runs by itself.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use shared::Clock;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};

use super::sweep::sweep;
use crate::{database::Tables, functions::Functions, scheduler::Scheduler, streams::Streams};

/// Real time between two looks: an hour of simulated time may pass in a second.
const LOOK: Duration = Duration::from_millis(200);
/// Between two tries at what failed.
const RETRY: Duration = Duration::from_secs(1);
/// Looks between two sweeps of expired items.
const SWEEP: u64 = 5 * 600;

/// Delivers changes as they come.
pub(super) fn streams(
    streams: Arc<Streams>,
    news: Arc<Notify>,
    mut stopped: watch::Receiver<bool>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut retry = tokio::time::interval(RETRY);
        loop {
            tokio::select! {
                () = news.notified() => (),
                _ = retry.tick() => (),
                _ = stopped.wait_for(|stopped| *stopped) => return,
            }
            streams.start();
        }
    })
}

/// What schedules need.
pub(super) struct House {
    pub(super) scheduler: Arc<Scheduler>,
    pub(super) functions: Arc<Functions>,
    pub(super) tables: Tables,
    pub(super) clock: Clock,
}

/// Starts what falls due, and removes what expired.
pub(super) fn schedules(house: House, mut stopped: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut look = tokio::time::interval(LOOK);
        let running = Arc::new(Mutex::new(BTreeSet::new()));
        for turn in 0_u64.. {
            tokio::select! {
                _ = look.tick() => (),
                _ = stopped.wait_for(|stopped| *stopped) => return,
            }
            for (function, event) in house.scheduler.due(house.clock.now()) {
                start(&house.functions, function, event, &running);
            }
            if turn.is_multiple_of(SWEEP)
                && let Err(error) = sweep(&house.tables, house.clock.now()).await
            {
                tracing::warn!(error = %error, "expired items could not be removed");
            }
        }
    })
}

/// Starts one run, unless its last one still runs: with a fast clock they would pile up.
fn start(
    functions: &Arc<Functions>,
    function: String,
    event: Value,
    running: &Arc<Mutex<BTreeSet<String>>>,
) {
    let id = format!("{function} {event}");
    if !running.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone()) {
        return;
    }
    let (functions, running) = (Arc::clone(functions), Arc::clone(running));
    tokio::spawn(async move {
        if let Err(error) = functions.invoke(&function, event).await {
            tracing::warn!(function, error = %error, "a scheduled run failed");
        }
        running.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    });
}
