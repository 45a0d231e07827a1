//! What stands before anything runs: folder, secrets, addresses, the maker, and from these the
//! template's parameters.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use shared::store::Shards;
use simulator::Simulator;
use tokio::net::TcpListener;
use url::Url;

use super::{CloudOptions, Drive, Maker, StartError};
use crate::{
    credentials::Identity,
    folder::{Folder, local_secrets, read_secrets, real_identity},
};

pub(super) struct Ground {
    pub(super) folder: Option<Folder>,
    pub(super) shards: Shards,
    pub(super) secrets: Map<String, Value>,
    pub(super) api_key: Option<SecretString>,
    pub(super) identity: Option<Identity>,
    pub(super) control_token: Option<SecretString>,
    pub(super) gateway: TcpListener,
    pub(super) gateway_addr: SocketAddr,
    pub(super) public_url: Url,
}

impl Ground {
    pub(super) async fn lay(options: &CloudOptions) -> Result<Self, StartError> {
        if options.live {
            live(options)?;
        }
        let folder = options.data.as_deref().map(Folder::open).transpose()?;
        if let Some(folder) = &folder {
            folder.belong_to(&options.maker.to_string())?;
        }
        let shards = match &folder {
            Some(folder) => folder.shards(options.shards)?,
            None => options.shards,
        };
        let (secrets, api_key) = secrets(options, folder.as_ref())?;
        let identity = identity(options, folder.as_ref(), &secrets)?;
        let control_token = match (&options.maker, &folder) {
            (Maker::Simulated { .. }, Some(folder)) => Some(folder.token("simulator-token")?),
            (Maker::Simulated { .. }, None) => Some(shared::random::token().into()),
            (Maker::At { .. }, _) => None,
        };
        let (gateway, gateway_addr) = listen(options.port).await?;
        let own = format!("http://{gateway_addr}");
        let public_url = options.public_url.clone().or_else(|| Url::parse(&own).ok());
        let public_url = public_url.ok_or(StartError::PublicUrl)?;
        Ok(Self {
            folder,
            shards,
            secrets,
            api_key,
            identity,
            control_token,
            gateway,
            gateway_addr,
            public_url,
        })
    }

    /// Starts the simulated maker, if it is to be one.
    pub(super) async fn maker(
        &self,
        options: &CloudOptions,
    ) -> Result<Option<Simulator>, StartError> {
        let Maker::Simulated { seed } = options.maker else { return Ok(None) };
        let clock = options.clock.clone();
        let text = |name: &str| self.secrets["maker"][name].as_str().unwrap_or_default().to_owned();
        let base = self.public_url.as_str().trim_end_matches('/');
        let brands = simulator::Brand::ALL.iter().map(|brand| format!("{base}/callback/{brand}"));
        let mut wanted = simulator::Options::new(Arc::new(move || clock.now()));
        wanted.seed = seed;
        wanted.client_id = text("client_id");
        wanted.client_secret = text("client_secret");
        wanted.redirect_uris = brands.chain([format!("{base}/callback")]).collect();
        wanted.state = self.folder.as_ref().map(|folder| folder.file("simulator.json"));
        if let Some(token) = &self.control_token {
            token.expose_secret().clone_into(&mut wanted.control_token);
        }
        if options.streams == Drive::Running {
            wanted.events_every = Some(Duration::from_millis(200));
        }
        if options.port != 0 {
            wanted.addr = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port.wrapping_add(1)));
        }
        Ok(Some(simulator::start(wanted).await?))
    }

    /// The template's parameters; those given go before those that follow from the rest.
    pub(super) fn parameters(
        &self,
        options: &CloudOptions,
        simulator: Option<&Simulator>,
    ) -> BTreeMap<String, String> {
        let public_url = self.public_url.as_str().trim_end_matches('/').to_owned();
        let mut parameters: BTreeMap<String, String> = [
            ("PublicUrl", public_url),
            ("OperatorName", "Your company".to_owned()),
            ("OpenMode", options.open.to_string()),
            // A receiver under development listens on this machine; with real cars none does.
            ("WebhookAddresses", if options.live { "public" } else { "private" }.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let (idp, api, b2b) = match (&options.maker, simulator) {
            (_, Some(maker)) => {
                (Some(maker.idp_url()), Some(maker.api_url()), Some(maker.b2b_url()))
            }
            (Maker::At { idp, api, b2b }, None) => (idp.clone(), api.clone(), b2b.clone()),
            (Maker::Simulated { .. }, None) => (None, None, None),
        };
        for (name, value) in [("IdpUrl", idp), ("MakerApiUrl", api), ("MakerB2bApiUrl", b2b)] {
            parameters.extend(value.map(|value| (name.to_owned(), value)));
        }
        parameters.extend(options.parameters.clone());
        parameters
    }
}

/// With real drivers there is no simulated maker, no open door, and no address but https.
fn live(options: &CloudOptions) -> Result<(), StartError> {
    let opened = options.parameters.get("OpenMode").is_some_and(|value| value != "false");
    if options.open || opened || matches!(options.maker, Maker::Simulated { .. }) {
        return Err(StartError::Live);
    }
    match &options.public_url {
        None => Err(StartError::NoPublicUrl),
        Some(url) if url.scheme() != "https" => Err(StartError::PublicUrl),
        Some(_) => Ok(()),
    }
}

/// The secrets, and the API key in plain if they were made here.
fn secrets(
    options: &CloudOptions,
    folder: Option<&Folder>,
) -> Result<(Map<String, Value>, Option<SecretString>), StartError> {
    match (&options.secrets, folder) {
        (Some(file), _) => Ok((read_secrets(file)?, None)),
        (None, Some(folder)) => {
            if !options.live {
                folder.make_secrets()?;
            }
            let secrets = read_secrets(&folder.secrets_file())?;
            Ok((secrets, folder.api_key()))
        }
        (None, None) => {
            let (secrets, key) = local_secrets();
            Ok((secrets, Some(key)))
        }
    }
}

/// Who we are to a real maker; with a simulated one nobody asks.
fn identity(
    options: &CloudOptions,
    folder: Option<&Folder>,
    secrets: &Map<String, Value>,
) -> Result<Option<Identity>, StartError> {
    let file = options.secrets.clone().or_else(|| folder.map(Folder::secrets_file));
    match file.filter(|_| options.live) {
        Some(file) => Ok(real_identity(&file, secrets, options.clock.now())?),
        None => Ok(None),
    }
}

/// A listener on loopback.
pub(super) async fn listen(port: u16) -> Result<(TcpListener, SocketAddr), StartError> {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let refused = |source| StartError::Port { addr, source };
    let listener = TcpListener::bind(addr).await.map_err(refused)?;
    let addr = listener.local_addr().map_err(refused)?;
    Ok((listener, addr))
}
