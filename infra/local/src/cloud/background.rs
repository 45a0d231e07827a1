//! What drives a cloud that runs by itself.

use std::{sync::Arc, time::Duration};

use shared::Clock;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};

use super::sweep::sweep;
use crate::{database::Tables, scheduler::Scheduler, streams::Streams};

/// Real time between two looks: an hour of simulated time may pass in a second.
const LOOK: Duration = Duration::from_millis(200);
/// Between two tries at what failed.
const RETRY: Duration = Duration::from_secs(1);
/// Looks between two sweeps of expired items.
const SWEEP: u64 = 5 * 600;

/// Delivers changes as they come.
pub(super) fn streams(streams: Arc<Streams>, news: Arc<Notify>, mut stopped: watch::Receiver<bool>) -> JoinHandle<()> {
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

/// Starts what falls due, and removes what expired.
pub(super) fn schedules(
    scheduler: Arc<Scheduler>,
    (tables, clock): (Tables, Clock),
    mut stopped: watch::Receiver<bool>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut look = tokio::time::interval(LOOK);
        for turn in 0_u64.. {
            tokio::select! {
                _ = look.tick() => (),
                _ = stopped.wait_for(|stopped| *stopped) => return,
            }
            scheduler.start();
            if turn.is_multiple_of(SWEEP)
                && let Err(error) = sweep(&tables, clock.now()).await
            {
                tracing::warn!(error = %error, "expired items could not be removed");
            }
        }
    })
}
