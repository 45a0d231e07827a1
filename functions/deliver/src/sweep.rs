//! What a stream missed, what failed before, and what is left of endpoints that are no more.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::{
    App,
    causes::causes,
    clock::Budget,
    domain::ids::WebhookId,
    due::{self, Share},
    store::{
        self, DueKey, DueTable,
        lanes::{Lane, paused_shard},
    },
};

use crate::{
    dispatch::{self, Whose},
    endpoint::{House, Patience},
    lane,
};

/// What one lane of an endpoint that is no more may take; none is emptied without.
const EMPTYING: Duration = Duration::from_secs(10);
/// How many lanes are taken from a shard of an endpoint at a time.
const PAGE: i32 = 100;

pub(crate) async fn run(app: &App, share: Share, budget: Budget) -> Result<Value, store::Error> {
    let house = House::enter(app).await?;
    if share.worker == 0
        && let Err(error) = house.report(app).await
    {
        tracing::warn!(error = %error, causes = ?causes(&error), "how the endpoints fare could not be reported; the next sweep does");
    }
    // A partition is worked off as a whole, however many of its events are due.
    let seen: Mutex<BTreeSet<String>> = Mutex::default();
    let work = async |key: DueKey| {
        if key.sk.starts_with("BUS#") {
            return bus(app, &key).await.is_ok();
        }
        let first = seen.lock().unwrap_or_else(PoisonError::into_inner).insert(key.pk.clone());
        if first {
            dispatch::partition(app, &house, &key.pk, budget).await;
        }
        true
    };
    let budgeted = (budget, dispatch::NEEDED);
    let walk = due::walk(app, (DueTable::Outbox, "deliver"), share, budgeted, &work).await?;
    // Each endpoint by itself: where one has many lanes or is slow, the others do not wait.
    let enabled = house.webhooks().filter(|webhook| webhook.is_enabled());
    let sent = enabled.map(|webhook| due_lanes(app, &house, &webhook.id, share, budget));
    // To its end for all of them: an error of one must not cut off what another is sending.
    let sent: Result<Vec<usize>, _> = join_all(sent).await.into_iter().collect();
    let lanes: usize = sent?.into_iter().sum();
    for id in house.gone() {
        empty(app, id, share, budget).await?;
    }
    Ok(json!({ "found": walk.found, "done": walk.done, "left": walk.left, "lanes": lanes }))
}

/// Sends what is due in the lanes of an endpoint, in this worker's share of them, page after page; also
/// what waited while the endpoint was not enabled. Gives the number of lanes.
async fn due_lanes(
    app: &App,
    house: &House,
    id: &WebhookId,
    share: Share,
    budget: Budget,
) -> Result<usize, store::Error> {
    let mut seen = BTreeSet::new();
    loop {
        let (now, before) = (app.clock.now(), seen.len());
        let (mut lanes, mut more) = (Vec::new(), false);
        for shard in shards(app, id, share) {
            let keys = app.store.due(DueTable::Outbox, &shard, now, PAGE).await?;
            more |= i32::try_from(keys.len()).is_ok_and(|found| found >= PAGE);
            let found = keys.iter().filter_map(Lane::of_key);
            lanes.extend(found.filter(|lane| seen.insert(lane.clone())));
        }
        house.send(app, lanes, budget, Patience::Some).await;
        if !more || seen.len() == before || !budget.allows(lane::NEEDED) {
            return Ok(seen.len());
        }
    }
}

/// The shards of an endpoint that this worker walks.
fn shards(app: &App, id: &WebhookId, Share { worker, workers }: Share) -> Vec<String> {
    let mut shards: Vec<_> = app.store.shards().lanes_of_worker(id, worker, workers).collect();
    if worker == 0 {
        shards.push(paused_shard(id));
    }
    shards
}

/// Asks the bus again.
async fn bus(app: &App, key: &DueKey) -> Result<(), store::Error> {
    let now = app.clock.now();
    let Some(event) = app.store.for_the_bus(&key.pk, &key.sk, now).await? else { return Ok(()) };
    if matches!(dispatch::whose(app, &event).await?, Whose::Nobody) {
        return app.store.bus_has_it(&key.pk, &key.sk).await;
    }
    // Claimed first: the next sweep may begin while this one waits for the bus.
    if app.store.claim_for_the_bus(&key.pk, &key.sk, key.due_at, now).await?
        && dispatch::put_on_bus(app, &event).await
    {
        app.store.bus_has_it(&key.pk, &key.sk).await?;
    }
    Ok(())
}

/// Removes what waits for an endpoint that is no more, a page at a time.
async fn empty(
    app: &App,
    id: &WebhookId,
    share: Share,
    budget: Budget,
) -> Result<(), store::Error> {
    let now = app.clock.now();
    // Leased ones too: whoever has them writes nothing more.
    let ever = jiff::Timestamp::MAX;
    for shard in shards(app, id, share) {
        for key in app.store.due(DueTable::Outbox, &shard, ever, PAGE).await? {
            if !budget.allows(EMPTYING) {
                return Ok(());
            }
            if let Some(lane) = Lane::of_key(&key) {
                app.store.drop_lane(&lane).await?;
            }
        }
    }
    if share.worker == 0 {
        let (dead, _) = app.store.dead(id, None, PAGE, now).await?;
        for one in dead {
            app.store.forget_dead(&one).await?;
        }
    }
    Ok(())
}
