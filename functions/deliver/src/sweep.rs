//! What a stream missed, what failed before, and what is left of endpoints that are no more.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

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
};

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
    let lanes = due_lanes(app, &house, share).await?;
    let count = lanes.len();
    house.send(app, lanes, budget, Patience::Some).await;
    for id in house.gone() {
        empty(app, id, share).await?;
    }
    Ok(json!({ "found": walk.found, "done": walk.done, "left": walk.left, "lanes": count }))
}

/// The lanes of this worker's share that are due, those of endpoints too that were enabled again.
async fn due_lanes(app: &App, house: &House, share: Share) -> Result<Vec<Lane>, store::Error> {
    let now = app.clock.now();
    let mut lanes = Vec::new();
    for webhook in house.webhooks().filter(|webhook| webhook.is_enabled()) {
        for shard in shards(app, &webhook.id, share) {
            let keys = app.store.due(DueTable::Outbox, &shard, now, PAGE).await?;
            lanes.extend(keys.iter().filter_map(Lane::of_key));
        }
    }
    Ok(lanes)
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
    let told = !matches!(dispatch::whose(app, &event).await?, Whose::Nobody);
    if !told || dispatch::put_on_bus(app, &event).await {
        app.store.bus_has_it(&key.pk, &key.sk).await
    } else {
        app.store.bus_again(&key.pk, &key.sk, now).await
    }
}

/// Removes what waits for an endpoint that is no more, a page at a time.
async fn empty(app: &App, id: &WebhookId, share: Share) -> Result<(), store::Error> {
    let now = app.clock.now();
    // Leased ones too: whoever has them writes nothing more.
    let ever = jiff::Timestamp::MAX;
    for shard in shards(app, id, share) {
        for key in app.store.due(DueTable::Outbox, &shard, ever, PAGE).await? {
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
