//! The maker's side of the world: accounts, cars, grants; a handle on it for tests.

pub(crate) mod accounts;
pub(crate) mod callbacks;
mod control;
pub(crate) mod grants;
pub(crate) mod messages;
pub(crate) mod monitors;
mod notifications;
pub(crate) mod remotes;
mod store;

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::watch;

pub(crate) use self::store::State;
pub use self::{
    accounts::{Account, WorldError},
    callbacks::{Kind, RunState},
    grants::{EndReason, GrantView},
    messages::{Delivery, DeliveryFault, DeliveryFaultKind},
    notifications::{CallbackView, MessageView, MonitorView, RemotePost, RemoteView},
    remotes::{Action, FailureCause, Fate, RemoteFate, RemoteStatus},
    store::StoreError,
};
use crate::{
    events::PostOffice,
    faults::Faults,
    limits::{Standing, Windows},
    lock,
    operation::Operation,
    time::Now,
};

/// How the maker behaves where its documentation leaves it open.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a rotated refresh token still works; none: its reuse ends the grant.
    pub refresh_grace: Option<Duration>,
    /// How long a refresh token lives unused; none: for ever.
    pub refresh_idle: Option<Duration>,
    /// Whether a renewal answers with a new refresh token. If not, the old one goes on.
    pub rotate: bool,
    /// How long an access token lives, in seconds.
    pub access_seconds: u32,
    /// How long a code lives, in seconds.
    pub code_seconds: u32,
    /// Whether the redirect names the issuer (RFC 9207).
    pub iss_in_redirect: bool,
    /// Calls in 24 hours.
    pub rate_limit_day: u32,
    /// Calls in one second.
    pub rate_limit_burst: u32,
    /// How often a sleeping car may be woken in a month.
    pub wake_ups_per_month: u32,
    /// How long a callback's target may take for its answer, in real time.
    pub delivery_timeout: Duration,
}

/// The application as the maker has it registered.
#[derive(Clone)]
pub(crate) struct Registration {
    pub(crate) client_id: String,
    pub(crate) client_secrets: Vec<String>,
    pub(crate) redirect_uris: Vec<String>,
}

/// A thread-safe handle; clones share one world.
#[derive(Clone)]
pub struct World {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Now,
    seed: u64,
    file: Option<PathBuf>,
    state: Mutex<State>,
    settings: Mutex<Settings>,
    registration: Mutex<Registration>,
    windows: Mutex<Windows>,
    calls: Mutex<BTreeMap<Operation, u64>>,
    faults: Faults,
    /// `http://127.0.0.1:PORT`, once it is known.
    origin: OnceLock<String>,
    /// Held while monitors and remotes are followed.
    following: Mutex<()>,
    /// Held while messages go out.
    delivering: tokio::sync::Mutex<()>,
    post_office: PostOffice,
    fates: Mutex<VecDeque<RemoteFate>>,
    remote_posts: Mutex<Vec<RemotePost>>,
    /// Rises with each release of held answers.
    released: watch::Sender<u64>,
    held: watch::Sender<usize>,
    stopped: watch::Sender<bool>,
}

impl World {
    /// A world from its file, or the sample world if there is none yet.
    pub(crate) fn open(
        clock: Now,
        seed: u64,
        file: Option<PathBuf>,
        settings: Settings,
        registration: Registration,
    ) -> Result<Self, StoreError> {
        let state = match file.as_deref().map(State::load).transpose()?.flatten() {
            Some(state) => state,
            None => State::samples(),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                clock,
                seed,
                file,
                state: Mutex::new(state),
                settings: Mutex::new(settings),
                registration: Mutex::new(registration),
                windows: Mutex::default(),
                calls: Mutex::default(),
                faults: Faults::default(),
                origin: OnceLock::new(),
                following: Mutex::default(),
                delivering: tokio::sync::Mutex::default(),
                post_office: PostOffice::default(),
                fates: Mutex::default(),
                remote_posts: Mutex::default(),
                released: watch::channel(0).0,
                held: watch::channel(0).0,
                stopped: watch::channel(false).0,
            }),
        })
    }

    /// The world's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }

    pub(crate) fn seed(&self) -> u64 {
        self.inner.seed
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    pub(crate) fn settings(&self) -> Settings {
        lock(&self.inner.settings).clone()
    }

    pub(crate) fn registration(&self) -> Registration {
        lock(&self.inner.registration).clone()
    }

    pub(crate) fn count(&self, operation: Operation) {
        *lock(&self.inner.calls).entry(operation).or_default() += 1;
    }

    /// Judges one call by the rate limits.
    pub(crate) fn admit(&self) -> Standing {
        let Settings { rate_limit_day, rate_limit_burst, .. } = self.settings();
        lock(&self.inner.windows).admit(self.now(), rate_limit_day, rate_limit_burst)
    }

    /// Looks at the state.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&lock(&self.inner.state))
    }

    /// Changes the state, and writes the file before anybody hears of the change.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = lock(&self.inner.state);
        let result = change(&mut state);
        if let Some(file) = &self.inner.file
            && let Err(error) = state.save(file)
        {
            tracing::error!(error = %error, "the simulated maker could not save its state");
        }
        result
    }

    /// Changes what is not worth a new file: how far something was followed.
    pub(crate) fn note<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut lock(&self.inner.state))
    }

    pub(crate) fn set_origin(&self, origin: String) {
        // A world has one listener; a second would not change where links lead.
        let _ = self.inner.origin.set(origin);
    }

    pub(crate) fn origin(&self) -> &str {
        self.inner.origin.get().map_or("", String::as_str)
    }

    pub(crate) fn following(&self) -> MutexGuard<'_, ()> {
        lock(&self.inner.following)
    }

    pub(crate) fn delivering(&self) -> &tokio::sync::Mutex<()> {
        &self.inner.delivering
    }

    pub(crate) fn post_office(&self) -> &PostOffice {
        &self.inner.post_office
    }

    /// Waits until the next release, or the end.
    pub(crate) async fn hold(&self) {
        let mut released = self.inner.released.subscribe();
        let mut stopped = self.inner.stopped.subscribe();
        self.inner.held.send_modify(|held| *held += 1);
        tokio::select! {
            _ = released.changed() => (),
            _ = stopped.wait_for(|stopped| *stopped) => (),
        }
        self.inner.held.send_modify(|held| *held = held.saturating_sub(1));
    }

    /// Waits for the end.
    pub(crate) async fn hang(&self) {
        let _ = self.inner.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }

    pub(crate) fn stop(&self) {
        self.inner.stopped.send_replace(true);
    }
}
