//! What every function is given: built once, shared by all requests.

use std::{fmt, sync::Arc};

use tracing::{Level, Metadata};
use tracing_subscriber::{Layer, filter::FilterFn, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    aws::{Lazy, Parts},
    bus::Bus,
    clock::Clock,
    config::{Config, ConfigErrors},
    limits::Limits,
    metrics::Metrics,
    rescue::Rescue,
    secrets::{SecretName, Secrets},
    stellantis::{Maker, TlsError, tls},
    store::Store,
    webhooks::Webhooks,
};

/// The parts of a running function. No I/O happens before one of them is used.
#[derive(Debug)]
pub struct App {
    /// What the environment says.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// The machine's time, for what others compare with clocks of their own: signatures.
    pub wall: Clock,
    /// The database.
    pub store: Store,
    /// The secrets this function may read.
    pub secrets: Secrets,
    /// The car maker.
    pub maker: Maker,
    /// What may be asked of the maker now.
    pub limits: Arc<Limits>,
    /// Where tokens go that the database would not take.
    pub rescue: Rescue,
    /// The operator's event bus.
    pub bus: Bus,
    /// The operator's endpoints: `deliver` alone speaks to them.
    pub webhooks: Webhooks,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// A function can't start.
#[derive(thiserror::Error)]
pub enum StartError {
    /// The environment is wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// TLS can't be set up.
    #[error("TLS can't be set up")]
    Tls(#[from] TlsError),
}

/// By its message: `main` returns it, and this is what then stands in the log.
impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl App {
    /// Builds everything; reads and connects nothing.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn new(config: Config, clock: Clock) -> Result<Arc<Self>, StartError> {
        let settings = config.maker.settings();
        let http = tls::aws_client(&settings.user_agent, settings.timeouts)?;
        let (endpoints, parts) = (&config.aws.endpoints, Arc::new(Parts::new(&config.aws, http)));
        let dynamodb = Lazy::new(&parts, endpoints.dynamodb.as_ref());
        let secrets = Lazy::new(&parts, endpoints.secrets_manager.as_ref());
        let sqs = Lazy::new(&parts, endpoints.sqs.as_ref());
        let eventbridge = Lazy::new(&parts, endpoints.eventbridge.as_ref());
        let store = Store::new(dynamodb, config.tables.clone());
        let metrics = Arc::new(Metrics::new(config.metrics, config.stack.clone(), clock.clone()));
        let limits = Arc::new(Limits::new(store.clone(), clock.clone(), metrics.clone()));
        Ok(Arc::new(Self {
            store,
            secrets: Secrets::new(secrets, config.secrets.clone(), clock.clone()),
            maker: Maker::new(settings, limits.clone()),
            limits,
            rescue: Rescue::new(sqs, config.rescue_queue_url.clone()),
            bus: Bus::new(eventbridge, config.events.bus.clone()),
            webhooks: Webhooks::new(config.events.addresses),
            metrics,
            config,
            clock,
            wall: Clock::system(),
        }))
    }

    /// Builds the database's client now, which the first event would have to wait for: it is no
    /// I/O, and costs least at start. For functions that use the database.
    pub fn prepare_store(&self) {
        self.store.client.prepare();
    }

    /// The same for the client that reads secrets.
    pub fn prepare_secrets(&self) {
        self.secrets.client.prepare();
    }

    /// From the process's environment, with logs as JSON lines: how a Lambda starts.
    ///
    /// # Errors
    /// All problems of the configuration in one message.
    #[expect(clippy::disallowed_methods, reason = "the entry: the one reader of the environment")]
    pub fn from_environment(needs: &[SecretName]) -> Result<Arc<Self>, StartError> {
        let config = Config::from_lookup(&|name| std::env::var(name).ok(), needs)?;
        let lines = tracing_subscriber::fmt::layer().json().without_time();
        let lines = lines.with_filter(config.log.clone()).with_filter(FilterFn::new(may_speak));
        tracing_subscriber::registry().with(lines).init();
        Self::new(config, Clock::system())
    }
}

/// The crates of this repository that run as functions.
const OURS: &[&str] = &[
    "act", "api", "callback", "deliver", "digest", "fetch", "login", "notify", "refresh", "shared",
];

/// What may be logged whatever the filter says: our own code, which is written and tested to tell
/// nothing, at every level; libraries, which print bodies and headers below it, from `info` up.
fn may_speak(metadata: &Metadata<'_>) -> bool {
    let root = metadata.target().split("::").next().unwrap_or_default();
    OURS.contains(&root) || *metadata.level() <= Level::INFO
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::filter::LevelFilter;

    use super::*;

    #[derive(Clone, Default)]
    struct Told(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Told {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_library_never_speaks_below_info_however_the_filter_is_set() {
        let told = Told::default();
        let lines = {
            let told = told.clone();
            tracing_subscriber::fmt::layer().with_writer(move || told.clone())
        };
        let lines = lines.with_filter(LevelFilter::TRACE).with_filter(FilterFn::new(may_speak));

        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            tracing::trace!(target: "hyper::proto", "a header");
            tracing::debug!(target: "sharedness", "a body");
            tracing::info!(target: "hyper::proto", "connected");
            tracing::trace!(target: "shared::visit", "looked");
            tracing::trace!(target: "act", "acted");
        });

        let told = String::from_utf8(told.0.lock().unwrap().clone()).unwrap();
        assert!(told.contains("connected") && told.contains("looked") && told.contains("acted"));
        assert!(!told.contains("a header") && !told.contains("a body"), "{told}");
    }
}
