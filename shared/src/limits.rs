//! What may be asked of the maker now: the operator's stops, and the pauses that the maker's hosts
//! asked for. One live view a process, which the maker's client asks before every call: a 429 changes
//! it at once for all that runs here, and what others wrote is read again after ten seconds.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use crate::{
    clock::{Clock, later},
    metrics::{Metric, Metrics},
    stellantis::{Again, Call, Permission, Urgency},
    store::{self, Store, control::Control},
};

/// How old the view may get while a run lasts.
const FRESH_FOR: SignedDuration = SignedDuration::from_secs(10);
/// A pause where the maker names none.
const SHORT: Duration = Duration::from_mins(1);
/// How long writing a pause may take.
const WRITING: Duration = Duration::from_secs(4);

/// The live view.
#[derive(Debug)]
pub struct Limits {
    store: Store,
    clock: Clock,
    metrics: Arc<Metrics>,
    /// As it was read last, and when.
    view: tokio::sync::Mutex<Option<(Timestamp, Control)>>,
    /// Pauses that this process was asked for: host → epoch second.
    paused: Mutex<BTreeMap<String, i64>>,
}

impl Limits {
    /// Reads nothing yet.
    #[must_use]
    pub fn new(store: Store, clock: Clock, metrics: Arc<Metrics>) -> Self {
        Self {
            store,
            clock,
            metrics,
            view: tokio::sync::Mutex::default(),
            paused: Mutex::default(),
        }
    }

    /// As it stands in the table: every run reads it when it begins.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn read(&self) -> Result<Control, store::Error> {
        let mut view = self.view.lock().await;
        let control = self.store.control().await?;
        *view = Some((self.clock.now(), control.clone()));
        Ok(self.with_own_pauses(control))
    }

    /// As it stood in the last ten seconds.
    ///
    /// # Errors
    /// When it is older, and the database fails.
    pub async fn current(&self) -> Result<Control, store::Error> {
        let now = self.clock.now();
        let mut view = self.view.lock().await;
        let control = match &*view {
            Some((read_at, control)) if now.duration_since(*read_at) < FRESH_FOR => control.clone(),
            _ => {
                let control = self.store.control().await?;
                view.insert((now, control)).1.clone()
            }
        };
        Ok(self.with_own_pauses(control))
    }

    /// Whether a call may be made now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn allows(&self, call: Call<'_>) -> Result<bool, store::Error> {
        let control = self.current().await?;
        let Call { brand, host, urgency } = call;
        Ok(match urgency {
            Urgency::Normal => control.allows(brand, host, self.clock.now()),
            Urgency::TokenEnds => !control.stops(brand),
        })
    }

    /// Leaves `host` alone until then: at once for all that runs in this process, and for all others
    /// by the table. A shorter pause never ends a longer one.
    ///
    /// # Errors
    /// When the database fails; it holds in this process all the same.
    pub async fn pause(&self, host: &str, until: Timestamp) -> Result<(), store::Error> {
        {
            let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
            let now = self.clock.now().as_second();
            paused.retain(|_, until| *until > now);
            let known = paused.entry(host.to_owned()).or_default();
            if *known >= until.as_second() {
                // Several calls were under way; the first one's answer was written.
                return Ok(());
            }
            *known = until.as_second();
        }
        self.store.pause(host, until).await
    }

    fn with_own_pauses(&self, mut control: Control) -> Control {
        let paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        for (host, until) in &*paused {
            let known = control.paused.entry(host.clone()).or_default();
            *known = (*known).max(*until);
        }
        control
    }

    fn wait(&self, again: Again) -> Duration {
        let reset = again.reset.map(|reset| reset.wait(self.clock.now()));
        again.retry_after.or(reset).unwrap_or(SHORT)
    }
}

impl Permission for Limits {
    fn allows<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            self.allows(call).await.unwrap_or_else(|error| {
                tracing::warn!(error = %error, "what may be called can't be read; the maker is not called");
                false
            })
        })
    }

    fn limited<'a>(&'a self, host: &'a str, again: Again) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.metrics.record(Metric::MakerLimited);
            let until = later(self.clock.now(), self.wait(again));
            // Whoever called has an answer to write down, too.
            match tokio::time::timeout(WRITING, self.pause(host, until)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(error = %error, "a limit of the maker was not remembered");
                }
                Err(_) => tracing::warn!("a limit of the maker was not remembered in time"),
            }
        })
    }
}
