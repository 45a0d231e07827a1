//! How a local cloud is set up, and what can go wrong in starting one.

use std::{collections::BTreeMap, fmt, io, net::SocketAddr, path::PathBuf};

use shared::{Clock, store::Shards};
use url::Url;

use crate::{
    database::DatabaseError, faults::Faults, folder::FolderError, functions::Program,
    metrics::MetricLog, template::TemplateError,
};

/// How a local cloud is set up.
#[derive(Clone)]
pub struct CloudOptions {
    /// The time, for functions, schedules, streams, expiry and the simulated maker.
    pub clock: Clock,
    /// Where data is kept; none: memory, with new secrets.
    pub data: Option<PathBuf>,
    /// The gateway's port; 0 takes any. A simulated maker takes the next one.
    pub port: u16,
    /// A secrets file; none: the one in the data folder.
    pub secrets: Option<PathBuf>,
    /// The car maker.
    pub maker: Maker,
    /// Whether anybody may begin at `/login?brand=…`.
    pub open: bool,
    /// Where the world reaches us, if not at the gateway's own address.
    pub public_url: Option<Url>,
    /// Whether the maker and the drivers are real: then secrets must be private.
    pub live: bool,
    /// More parameters of the template.
    pub parameters: BTreeMap<String, String>,
    /// The shards of the due indexes of new tables: one is enough for a machine, and each costs a
    /// query whenever a schedule runs. Tables that exist keep theirs.
    pub shards: Shards,
    /// What befalls calls to the database.
    pub faults: Faults,
    /// Keeps every metric that the functions write.
    pub metrics: Option<MetricLog>,
    /// Whether the gateway's rates hold.
    pub throttled: bool,
    /// Who drives schedules.
    pub schedules: Drive,
    /// Who drives streams.
    pub streams: Drive,
    /// The functions' code.
    pub programs: BTreeMap<String, Program>,
}

/// What drives a part of the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drive {
    /// It runs by itself.
    Running,
    /// Nothing happens but by `tick` and `settle`.
    Manual,
}

/// Which car maker.
#[derive(Debug, Clone)]
pub enum Maker {
    /// The simulated one.
    Simulated {
        /// What decides how its cars live.
        seed: u64,
    },
    /// Another one, or a mock: identity provider (with `{brand}` in it) and API. `None` is the
    /// template's default, which is the real one.
    At {
        /// `IdpUrl`.
        idp: Option<String>,
        /// `MakerApiUrl`.
        api: Option<String>,
        /// `MakerB2bApiUrl`.
        b2b: Option<String>,
    },
}

impl fmt::Display for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simulated { .. } => f.write_str("the simulated maker"),
            Self::At { idp: None, api: None, .. } => f.write_str("the real maker"),
            Self::At { idp, api, .. } => {
                let known = |url: &Option<String>| url.clone().unwrap_or_else(|| "real".to_owned());
                write!(f, "the maker at {} and {}", known(idp), known(api))
            }
        }
    }
}

impl CloudOptions {
    /// A cloud in memory on free ports with a simulated maker, driven by hand: for tests.
    #[must_use]
    pub fn manual(clock: Clock) -> Self {
        Self {
            clock,
            data: None,
            port: 0,
            secrets: None,
            maker: Maker::Simulated { seed: 1 },
            open: false,
            public_url: None,
            live: false,
            parameters: BTreeMap::new(),
            shards: Shards::ONE,
            faults: Faults::none(),
            metrics: None,
            throttled: true,
            schedules: Drive::Manual,
            streams: Drive::Manual,
            programs: crate::functions::programs(),
        }
    }
}

/// The cloud does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The template is wrong, or a parameter.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The data folder or the secrets file is not as it must be.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The database can't be opened.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A port can't be had.
    #[error("port {} can't be had ({source}); choose another with --port", addr.port())]
    Port {
        /// Which address.
        addr: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The simulated maker does not start.
    #[error(transparent)]
    Simulator(#[from] simulator::StartError),
    /// A function does not start.
    #[error("the function {name} can't start: {source}")]
    Function {
        /// Which.
        name: String,
        /// Why not.
        #[source]
        source: shared::app::StartError,
    },
    /// What functions are told is wrong.
    #[error("{0}")]
    Configuration(String),
    /// The template names a function of which there is no code.
    #[error("the template has a function {0}, which is not built in")]
    NoProgram(String),
    /// Real drivers: no simulated maker, no open door.
    #[error("--live allows neither a simulated maker nor open mode")]
    Live,
    /// Real drivers need an address that nobody reads along.
    #[error("--public-url must be https")]
    PublicUrl,
    /// Real drivers and the maker can't reach loopback.
    #[error(
        "--live needs --public-url https://HOST: where your proxy takes drivers and the maker in"
    )]
    NoPublicUrl,
}
