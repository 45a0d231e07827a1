//! The operator's endpoints as one run sees them: each sends a few lanes at a time and waits for no
//! other.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use futures_util::{StreamExt, future::join_all, stream};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use shared::{
    App,
    causes::causes,
    clock::Budget,
    domain::{
        ids::WebhookId,
        webhook::{PauseReason, State, Webhook},
    },
    metrics::Metric,
    secrets::SecretError,
    store::{
        self, Versioned,
        lanes::Lane,
        webhooks::{Endpoint, Health},
    },
    webhooks::PostError,
};

use crate::lane;

/// How many lanes of one endpoint are worked on at once.
const AT_ONCE: usize = 8;
/// After this many failures in a row only the sweep sends to it.
const FAILING: u32 = 3;
/// An endpoint that has failed for so long is an alarm.
const ALARMING_AFTER: SignedDuration = SignedDuration::from_mins(30);
/// An endpoint that does nothing but fail for so long, and so often, is paused.
const PAUSED_AFTER: SignedDuration = SignedDuration::from_hours(24);
const PAUSED_FROM: u32 = 20;

/// All endpoints, read once a run.
pub(crate) struct House {
    doors: BTreeMap<WebhookId, Door>,
    gone: Vec<WebhookId>,
}

/// One endpoint in one run.
pub(crate) struct Door {
    pub(crate) webhook: Versioned<Webhook>,
    health: Health,
    /// Whether anything has failed that no success has followed.
    failing: AtomicBool,
    /// Whether nothing more is sent in this run.
    shut: AtomicBool,
}

/// Whether endpoints that fail or are slow are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Not where others wait behind.
    None,
    /// In a sweep.
    Some,
}

impl House {
    pub(crate) async fn enter(app: &App) -> Result<Self, store::Error> {
        let endpoints = app.store.webhooks(app.clock.now()).await?;
        let door = |endpoint: Endpoint| {
            let Endpoint { webhook, health } = endpoint;
            let failing = AtomicBool::new(health.failures > 0);
            let shut = AtomicBool::new(!webhook.value.is_enabled());
            (webhook.value.id.clone(), Door { webhook, health, failing, shut })
        };
        Ok(Self { doors: endpoints.known.into_iter().map(door).collect(), gone: endpoints.gone })
    }

    pub(crate) fn webhooks(&self) -> impl Iterator<Item = &Webhook> {
        self.doors.values().map(|door| &door.webhook.value)
    }

    /// Those that are no more, whose lanes are to be emptied.
    pub(crate) fn gone(&self) -> &[WebhookId] {
        &self.gone
    }

    /// Sends what is in these lanes, each endpoint by itself.
    pub(crate) async fn send(
        &self,
        app: &App,
        lanes: Vec<Lane>,
        budget: Budget,
        patience: Patience,
    ) {
        let mut of: BTreeMap<WebhookId, Vec<Lane>> = BTreeMap::new();
        for lane in lanes {
            of.entry(lane.webhook.clone()).or_default().push(lane);
        }
        let all = of.into_iter().filter_map(|(id, lanes)| {
            let door = self.doors.get(&id)?;
            let waited_for = patience == Patience::Some || door.health.failures < FAILING;
            let lanes: Vec<Lane> =
                lanes.into_iter().filter(|lane| waited_for || lane.is_of_test()).collect();
            Some(door.send(app, lanes, (budget, patience)))
        });
        join_all(all).await;
        for id in self.doors.keys() {
            store_attempts(app, id).await;
        }
    }

    /// Reports what lasts, at every sweep: so an alarm on it ends when it ends.
    pub(crate) async fn report(&self, app: &App) -> Result<(), store::Error> {
        let now = app.clock.now();
        let paused = |door: &&Door| matches!(door.webhook.value.state, State::Paused { .. });
        let failing = |door: &&Door| {
            let since = door.health.failing_since.filter(|_| door.webhook.value.is_enabled());
            since.is_some_and(|since| now.duration_since(since) >= ALARMING_AFTER)
        };
        app.metrics.record(Metric::WebhooksPaused(self.doors.values().filter(paused).count()));
        app.metrics.record(Metric::WebhooksFailing(self.doors.values().filter(failing).count()));
        let mut dead = 0;
        for id in self.doors.keys() {
            dead += app.store.dead_count(id).await?;
        }
        app.metrics.record(Metric::DeadDeliveries(dead));
        Ok(())
    }
}

/// Stores what came of the latest requests. They are for looking at: nothing waits for them.
async fn store_attempts(app: &App, id: &WebhookId) {
    let now = app.clock.now();
    let attempts = app.webhooks.attempts.take(id, now);
    if attempts.is_empty() {
        return;
    }
    if let Err(error) = app.store.add_attempts(id, attempts, now).await {
        tracing::info!(webhook.id = %id, error = %error, "attempts were not stored");
    }
}

impl Door {
    async fn send(&self, app: &App, lanes: Vec<Lane>, limits: (Budget, Patience)) {
        let work = stream::iter(lanes).map(|lane| async move {
            if let Err(error) = lane::run(app, self, &lane, limits).await {
                tracing::warn!(webhook.id = %lane.webhook, error = %error, causes = ?causes(&error), "a lane was left; the sweep goes on with it");
            }
        });
        work.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    }

    pub(crate) fn id(&self) -> &WebhookId {
        &self.webhook.value.id
    }

    /// Whether whoever has this patience begins a try. An endpoint that answers slowly is as much a
    /// hindrance to others as one that fails.
    pub(crate) fn is_waited_for(&self, app: &App, patience: Patience) -> bool {
        let url = &self.webhook.value.url;
        patience == Patience::Some || !app.webhooks.is_slow(url, app.wall.now())
    }

    /// Whether anything may be sent.
    pub(crate) fn is_open(&self) -> bool {
        !self.shut.load(Ordering::Relaxed)
    }

    /// Its secrets, newest first.
    pub(crate) async fn secrets(
        &self,
        app: &App,
        now: Timestamp,
    ) -> Result<Vec<SecretString>, SecretError> {
        let mut secrets = Vec::new();
        for generation in self.webhook.value.valid_secrets(now) {
            secrets.push(app.secrets.webhook_secret(self.id(), generation).await?);
        }
        Ok(secrets)
    }

    /// It took something.
    pub(crate) async fn is_well(&self, app: &App) -> Result<(), store::Error> {
        if self.failing.swap(false, Ordering::Relaxed) {
            app.store.webhook_well(self.id()).await?;
        }
        Ok(())
    }

    /// It failed once more. Pauses it, if that is enough, or if it wants no more.
    pub(crate) async fn has_failed(
        &self,
        app: &App,
        error: &PostError,
    ) -> Result<(), store::Error> {
        self.failing.store(true, Ordering::Relaxed);
        let now = app.clock.now();
        let Some(endpoint) = app.store.webhook_failed(self.id(), now).await? else {
            self.shut.store(true, Ordering::Relaxed);
            return Ok(());
        };
        if endpoint.webhook.value.state != State::Enabled {
            self.shut.store(true, Ordering::Relaxed);
            return Ok(());
        }
        let Health { failures, failing_since } = endpoint.health;
        if failures == 1 {
            tracing::warn!(webhook.id = %self.id(), error = error.word(), "a webhook endpoint began to fail; GET /v1/webhooks/{{id}} says how it goes on");
        }
        let long = failing_since.is_some_and(|since| now.duration_since(since) >= PAUSED_AFTER);
        let reason = match (error.is_gone(), long && failures >= PAUSED_FROM) {
            (true, _) => PauseReason::Gone,
            (false, true) => PauseReason::Failing,
            (false, false) => return Ok(()),
        };
        match app.store.pause_webhook(&endpoint.webhook, reason, now).await {
            Ok(()) => {
                tracing::warn!(webhook.id = %self.id(), reason = ?reason, "an endpoint is paused");
                self.shut.store(true, Ordering::Relaxed);
                Ok(())
            }
            // The operator, or another run, changed it: the next failure decides anew.
            Err(store::Error::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
