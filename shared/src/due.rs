//! Working off a due index: a worker asks its shards what is due and does it, the oldest first,
//! with bounded concurrency, while time remains. The rest stays due: the index is the queue, and
//! nothing is lost by stopping.

use std::{collections::BTreeSet, future::Future, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    app::App,
    clock::Budget,
    metrics::Metric,
    store::{self, DueKey, DueTable},
};

/// How many items are worked on at once.
const AT_ONCE: usize = 8;
/// How many are taken from a shard at a time.
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
    /// For how many seconds the oldest item of any worker has been due, 0 if none is.
    pub waits: i64,
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
    let Look { mut pages, oldest } = look(app, (table, kind), share, now).await?;
    let (mut found, mut done) = (0, 0);
    loop {
        let mut keys: Vec<DueKey> = pages.iter().flat_map(|(_, keys)| keys.clone()).collect();
        // Of all shards: in a backlog none of them waits for the ones before it.
        keys.sort_unstable_by_key(|key| key.due_at);
        found += keys.len();
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
        done += ended.iter().filter(|ended| **ended).count();
        if !budget.allows(needed) {
            break;
        }
        // What is left where it was, such as what a stop holds back, hides nothing behind it.
        pages = next(app, table, &pages, now).await?;
        if pages.is_empty() {
            break;
        }
    }
    let waits = age(oldest, now);
    app.metrics.record(Metric::OldestDueAge(kind, waits));
    Ok(Walk { found, done, left: found - done, waits })
}

/// The pages behind those that were full.
async fn next(
    app: &App,
    table: DueTable,
    pages: &[Page],
    now: Timestamp,
) -> Result<Vec<Page>, store::Error> {
    let mut next = Vec::new();
    for (shard, keys) in pages {
        if i32::try_from(keys.len()).is_ok_and(|found| found < PAGE) {
            continue;
        }
        let keys = app.store.due_after(table, shard, now, PAGE, keys.last()).await?;
        if !keys.is_empty() {
            next.push((shard.clone(), keys));
        }
    }
    Ok(next)
}

/// Keys of one shard.
type Page = (String, Vec<DueKey>);

/// What a run finds due.
struct Look {
    /// Of its own shards.
    pages: Vec<Page>,
    /// The oldest time due of all shards, also those of other workers.
    oldest: Option<i64>,
}

/// Looks into every shard, into those of other workers for their oldest key alone. All workers tell
/// one metric: if each told it of its own shards, those that run would hide one that does not.
/// It costs half a read unit a shard, also an empty one: with eight workers 7 units more a run, which
/// are some 80,000 a day and function, or about one US cent; with one worker nothing.
async fn look(
    app: &App,
    (table, kind): (DueTable, &'static str),
    share: Share,
    now: Timestamp,
) -> Result<Look, store::Error> {
    let shards = app.store.shards();
    let own: BTreeSet<String> = shards.of_worker(kind, share.worker, share.workers).collect();
    let own = &own;
    let looks = stream::iter(shards.of_worker(kind, 0, 1)).map(|shard| async move {
        let ours = own.contains(&shard);
        let found = app.store.due(table, &shard, now, if ours { PAGE } else { 1 }).await?;
        Ok::<_, store::Error>((ours, shard, found))
    });
    let found: Vec<_> = looks.buffer_unordered(AT_ONCE).try_collect().await?;
    let oldest = found.iter().flat_map(|(_, _, keys)| keys).map(|key| key.due_at).min();
    let own = found.into_iter().filter(|(ours, _, _)| *ours);
    Ok(Look { pages: own.map(|(_, shard, keys)| (shard, keys)).collect(), oldest })
}

/// Reported even when nothing is due: silence is an alarm.
fn age(oldest: Option<i64>, now: Timestamp) -> i64 {
    oldest.map_or(0, |due_at| (now.as_second() - due_at).max(0))
}
