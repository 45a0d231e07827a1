//! Working off a due index: a worker asks its shards what is due and does it, the oldest first,
//! with bounded concurrency, while time remains. The rest stays due: the index is the queue, and
//! nothing is lost by stopping.

use std::{future::Future, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    app::App,
    clock::Budget,
    metrics::Metric,
    store::{self, DueKey, DueTable, shards_of},
};

/// How many items are worked on at once.
const AT_ONCE: usize = 8;
/// How many are taken from a shard: even a worker with two shards has more than a run can do.
const PAGE: i32 = 500;

/// A schedule's input: which of how many workers this run is.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Share {
    /// From 0.
    pub worker: u16,
    /// In all.
    pub workers: u16,
}

impl Default for Share {
    fn default() -> Self {
        Self { worker: 0, workers: 1 }
    }
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Walk {
    /// Items found due.
    pub found: usize,
    /// Items worked on to an end.
    pub done: usize,
    /// Items left for a later run, because they failed or time ran out.
    pub left: usize,
}

/// Gives every key that is due of `kind` in `table` to `work`, as long as `needed` time remains. `work` says whether it came to an end.
///
/// # Errors
/// When an index can't be read.
pub async fn walk<F>(
    app: &App,
    (table, kind): (DueTable, &'static str),
    share: Share,
    (budget, needed): (Budget, Duration),
    work: impl Fn(DueKey) -> F,
) -> Result<Walk, store::Error>
where
    F: Future<Output = bool>,
{
    let now = app.clock.now();
    let shards = shards_of(kind, share.worker, share.workers);
    let pages: Vec<Vec<DueKey>> = stream::iter(shards)
        .map(|shard| async move { app.store.due(table, &shard, now, PAGE).await })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let mut keys = pages.concat();
    // Of all shards: in a backlog none of them waits for the ones before it.
    keys.sort_unstable_by_key(|key| key.due_at);
    let oldest = keys.first().map(|key| key.due_at);
    let found = keys.len();
    let outcomes = stream::iter(keys).map(|key| {
        let begin = budget.allows(needed).then(|| work(key));
        async move {
            match begin {
                Some(work) => work.await,
                None => false,
            }
        }
    });
    let ended: Vec<bool> = outcomes.buffer_unordered(AT_ONCE).collect().await;
    let done = ended.iter().filter(|ended| **ended).count();
    app.metrics.record(Metric::OldestDueAge(kind, age(oldest, now)));
    Ok(Walk { found, done, left: found - done })
}

/// Reported even when nothing is due: silence is an alarm.
fn age(oldest: Option<i64>, now: Timestamp) -> i64 {
    oldest.map_or(0, |due_at| (now.as_second() - due_at).max(0))
}
