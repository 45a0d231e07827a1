//! One listener for all of it: identity providers, API, controls.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use axum::{Router, middleware};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::{
    App, api, control, events, guard, idp, random,
    time::Now,
    world::{Registration, Settings, StoreError, World},
};

/// How the simulated maker is set up.
#[derive(Clone)]
pub struct Options {
    /// Where it listens; port 0 takes a free one.
    pub addr: SocketAddr,
    /// Its time.
    pub clock: Now,
    /// What decides how the cars live.
    pub seed: u64,
    /// The application's client id.
    pub client_id: String,
    /// The application's client secret.
    pub client_secret: String,
    /// The redirect addresses registered, compared character by character.
    pub redirect_uris: Vec<String>,
    /// What `/_control` wants as a bearer token.
    pub control_token: String,
    /// How long a rotated refresh token still works; none: its reuse ends the grant.
    pub refresh_grace: Option<Duration>,
    /// How long a refresh token lives unused; none: for ever.
    pub refresh_idle: Option<Duration>,
    /// Calls in 24 hours.
    pub rate_limit_day: u32,
    /// Calls in one second.
    pub rate_limit_burst: u32,
    /// How often, in real time, monitors, remotes and deliveries move by themselves; none: only
    /// when [`World::run_events`] is called, as a clock set by hand wants it.
    pub events_every: Option<Duration>,
    /// The file that carries accounts, cars and grants over a restart; none: memory only.
    pub state: Option<PathBuf>,
}

/// It does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("port {} can't be had for the simulated maker ({source}); choose another with --port", addr.port())]
    Listen {
        /// Where it should have listened.
        addr: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Its state cannot be read.
    #[error(transparent)]
    State(#[from] StoreError),
}

impl Options {
    /// A maker on a free port of this machine, with no redirect address yet, a control token made
    /// up on the spot, and limits that no test meets by accident.
    #[must_use]
    pub fn new(clock: Now) -> Self {
        Self {
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            clock,
            seed: 1,
            client_id: "5f1c0ffe-5a3c-4a57-a1b2-0123456789ab".to_owned(),
            client_secret: random::token(),
            redirect_uris: Vec::new(),
            control_token: random::token(),
            refresh_grace: None,
            refresh_idle: Some(Duration::from_hours(30)),
            rate_limit_day: 1_000_000,
            rate_limit_burst: 10_000,
            events_every: None,
            state: None,
        }
    }
}

/// A running maker. Dropped without [`shutdown`](Self::shutdown) it goes on until the runtime ends.
pub struct Simulator {
    world: World,
    addr: SocketAddr,
    origin: String,
    stop: oneshot::Sender<()>,
    server: JoinHandle<io::Result<()>>,
}

/// Starts the maker.
///
/// # Errors
/// The address cannot be had, or the state file cannot be read.
pub async fn start(options: Options) -> Result<Simulator, StartError> {
    let world = World::open(
        options.clock,
        options.seed,
        options.state,
        Settings {
            refresh_grace: options.refresh_grace,
            refresh_idle: options.refresh_idle,
            rotate: true,
            access_seconds: 3599,
            code_seconds: 60,
            iss_in_redirect: false,
            rate_limit_day: options.rate_limit_day,
            rate_limit_burst: options.rate_limit_burst,
            wake_ups_per_month: 60,
            delivery_timeout: Duration::from_secs(10),
        },
        Registration {
            client_id: options.client_id,
            client_secrets: vec![options.client_secret],
            redirect_uris: options.redirect_uris,
        },
    )?;
    let wanted = options.addr;
    let refused = |source| StartError::Listen { addr: wanted, source };
    let listener = TcpListener::bind(wanted).await.map_err(refused)?;
    let addr = listener.local_addr().map_err(refused)?;
    let origin = format!("http://{addr}");
    world.set_origin(origin.clone());
    let app = Arc::new(App {
        world: world.clone(),
        origin: origin.clone(),
        control_token: options.control_token,
    });
    if let Some(every) = options.events_every {
        tokio::spawn(events::run(world.clone(), every));
    }
    let (stop, stopped) = oneshot::channel::<()>();
    let serve = axum::serve(listener, router(&app, addr));
    let server = tokio::spawn(async move {
        serve
            .with_graceful_shutdown(async {
                // A dropped handle is no wish to stop.
                if stopped.await.is_err() {
                    std::future::pending::<()>().await;
                }
            })
            .await
    });
    Ok(Simulator { world, addr, origin, stop, server })
}

fn router(app: &Arc<App>, addr: SocketAddr) -> Router {
    Router::new()
        .merge(idp::router(app))
        .merge(api::router(app))
        .merge(control::router(app))
        .layer(middleware::from_fn_with_state(Arc::new(guard::Names::of(addr)), guard::admit))
}

impl Simulator {
    /// The identity providers' address, with `{brand}` in the brand's place.
    #[must_use]
    pub fn idp_url(&self) -> String {
        format!("{}/{{brand}}", self.origin)
    }

    /// The End-User API's base address.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}{}", self.origin, api::BASE)
    }

    /// The business API's base address.
    #[must_use]
    pub fn b2b_url(&self) -> String {
        format!("{}{}", self.origin, api::B2B_BASE)
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The handle on its world.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Ends it: no new calls, held and hanging ones dropped, the others answered.
    pub async fn shutdown(self) {
        self.world.stop();
        // Gone already if the server failed; then there is nothing to wait for.
        let _ = self.stop.send(());
        let _ = self.server.await;
    }
}
