//! What every function is given: built once, shared by all requests.

use std::sync::Arc;

use tracing_subscriber::EnvFilter;

use crate::{
    aws::{self, Parts},
    bus::Bus,
    clock::Clock,
    config::{Config, ConfigErrors},
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
    /// The database.
    pub store: Store,
    /// The secrets this function may read.
    pub secrets: Secrets,
    /// The car maker.
    pub maker: Maker,
    /// Where tokens go that the database would not take.
    pub rescue: Rescue,
    /// The operator's event bus.
    pub bus: Bus,
    /// The operator's endpoints: `deliver` alone speaks to them.
    pub webhooks: Webhooks,
    /// What is counted.
    pub metrics: Metrics,
}

/// A function can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The environment is wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// TLS can't be set up.
    #[error("TLS can't be set up")]
    Tls(#[from] TlsError),
}

impl App {
    /// Builds everything; reads and connects nothing.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn new(config: Config, clock: Clock) -> Result<Arc<Self>, StartError> {
        let settings = config.maker.settings();
        let http = tls::plain_client(&settings.user_agent, settings.timeouts)?;
        let (aws, parts) = (&config.aws, Parts::new(&config.aws, http));
        let endpoints = &aws.endpoints;
        let dynamodb = aws::client!(aws_sdk_dynamodb, aws, parts, endpoints.dynamodb);
        let secrets = aws::client!(aws_sdk_secretsmanager, aws, parts, endpoints.secrets_manager);
        let sqs = aws::client!(aws_sdk_sqs, aws, parts, endpoints.sqs);
        let eventbridge = aws::client!(aws_sdk_eventbridge, aws, parts, endpoints.eventbridge);
        Ok(Arc::new(Self {
            store: Store::new(dynamodb, config.tables.clone()),
            secrets: Secrets::new(secrets, config.secrets.clone(), clock.clone()),
            maker: Maker::new(settings),
            rescue: Rescue::new(sqs, config.rescue_queue_url.clone()),
            bus: Bus::new(eventbridge, config.events.bus.clone()),
            webhooks: Webhooks::new(config.events.addresses),
            metrics: Metrics::new(config.metrics, clock.clone()),
            config,
            clock,
        }))
    }

    /// From the process's environment, with logs as JSON lines: how a Lambda starts.
    ///
    /// # Errors
    /// All problems of the configuration in one message.
    #[expect(clippy::disallowed_methods, reason = "the entry: the one reader of the environment")]
    pub fn from_environment(needs: &[SecretName]) -> Result<Arc<Self>, StartError> {
        let config = Config::from_lookup(&|name| std::env::var(name).ok(), needs)?;
        let filter = EnvFilter::try_new(&config.log).unwrap_or_else(|_| EnvFilter::new("info"));
        tracing_subscriber::fmt().json().with_env_filter(filter).without_time().init();
        Self::new(config, Clock::system())
    }
}
