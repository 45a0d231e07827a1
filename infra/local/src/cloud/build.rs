//! Putting the parts together, in the order in which they need each other.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::Router;
use axum::extract::connect_info::IntoMakeServiceWithConnectInfo;
use secrecy::SecretString;
use serde_json::{Map, Value};
use simulator::Simulator;
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
    task::JoinHandle,
};
use url::Url;

use super::{Cloud, CloudOptions, Drive, Maker, StartError};
use crate::{
    database::{Engine, Tables, Watcher, engine::Setup},
    folder::{Folder, local_secrets, read_secrets},
    front::{Front, Keys, Names, Usage},
    functions::{Functions, Settings},
    gateway::Gateway,
    queue::Queues,
    scheduler::Scheduler,
    secrets::SecretStore,
    streams::{Consumer, Streams},
    template::{Scope, Template},
};

/// What the outside needs to know before anything runs.
struct Ground {
    folder: Option<Folder>,
    secrets: Map<String, Value>,
    api_key: Option<SecretString>,
    control_token: Option<SecretString>,
    gateway: TcpListener,
    gateway_addr: SocketAddr,
    public_url: Url,
}

pub(super) async fn start(options: CloudOptions) -> Result<Cloud, StartError> {
    let ground = ground(&options).await?;
    let maker = maker(&options, &ground).await?;
    let template = Template::bundled(&Scope::new(parameters(&options, &ground, maker.as_ref())))?;
    let news = Arc::new(Notify::new());
    let setup = Setup {
        file: ground.folder.as_ref().map(|folder| folder.file("accessing-party.db")),
        tables: template.tables.clone(),
        watchers: watchers(&template),
        lagging: options.faults.lagging(),
        clock: options.clock.clone(),
        news: Arc::clone(&news),
    };
    let (engine, database) = Engine::start(setup).await?;
    let (front, front_addr) = listen(0).await?;
    let tables = Tables {
        engine: engine.clone(),
        tables: Arc::new(template.tables.clone()),
        region: template.region.clone(),
    };
    let queues = Queues::new(engine.clone(), &template.queues, options.clock.clone());
    let secrets = secret_store(&options, &ground, &template);
    let keys = Keys::default();
    let functions = functions(&options, &template, &keys, front_addr)?;
    let usage = Usage::default();
    let (stop, stopped) = watch::channel(false);
    let services = Front {
        names: Front::names(front_addr),
        keys: keys.clone(),
        policies: template
            .functions
            .iter()
            .map(|(name, function)| (name.clone(), function.policy.clone()))
            .collect(),
        tables: tables.clone(),
        secrets: secrets.clone(),
        queues: queues.clone(),
        faults: options.faults.clone(),
        usage: usage.clone(),
    };
    let gateway = gateway(&options, &ground, &template, &functions);
    let mut tasks = vec![
        serve(front, Arc::new(services).router().into_make_service_with_connect_info(), &stopped),
        serve(ground.gateway, gateway.router().into_make_service_with_connect_info(), &stopped),
    ];
    let schedules = template.functions.iter().flat_map(|(name, function)| {
        function.schedules.iter().map(move |schedule| (name.clone(), schedule.clone()))
    });
    let scheduler = Arc::new(Scheduler::new(schedules, options.clock.now()));
    let streams = Arc::new(Streams {
        engine,
        functions: Arc::clone(&functions),
        queues: queues.clone(),
        clock: options.clock.clone(),
        seed: options.faults.seed(),
        consumers: consumers(&template),
    });
    if options.streams == Drive::Running {
        tasks.push(super::background::streams(Arc::clone(&streams), news, stopped.clone()));
    }
    if options.schedules == Drive::Running {
        let house = super::background::House {
            scheduler: Arc::clone(&scheduler),
            functions: Arc::clone(&functions),
            tables: tables.clone(),
            clock: options.clock.clone(),
        };
        tasks.push(super::background::schedules(house, stopped));
    }
    Ok(Cloud {
        gateway_addr: ground.gateway_addr,
        public_url: ground.public_url,
        front_addr,
        api_key: ground.api_key,
        control_token: ground.control_token,
        clock: options.clock,
        faults: options.faults,
        simulator: maker,
        usage,
        keys,
        tables,
        secrets,
        queues,
        scheduler,
        streams,
        swept: std::sync::Mutex::default(),
        stop,
        tasks,
        database,
        _folder: ground.folder,
    })
}

async fn ground(options: &CloudOptions) -> Result<Ground, StartError> {
    if options.live && options.public_url.as_ref().is_some_and(|url| url.scheme() != "https") {
        return Err(StartError::PublicUrl);
    }
    let folder = options.data.as_deref().map(Folder::open).transpose()?;
    let (secrets, api_key) = match (&options.secrets, &folder) {
        (Some(file), _) => (read_secrets(file, options.live)?, None),
        (None, Some(folder)) => (read_secrets(&folder.secrets()?, options.live)?, None),
        (None, None) => {
            let (secrets, key) = local_secrets();
            (secrets, Some(key))
        }
    };
    // The file beside the secrets that were made on the first run.
    let api_key = match &folder {
        Some(folder) if options.secrets.is_none() => Some(folder.token("api-key")?),
        _ => api_key,
    };
    let control_token = match (&options.maker, &folder) {
        (Maker::Simulated { .. }, Some(folder)) => Some(folder.token("simulator-token")?),
        (Maker::Simulated { .. }, None) => Some(shared::random::token().into()),
        (Maker::At { .. }, _) => None,
    };
    let (gateway, gateway_addr) = listen(options.port).await?;
    let own = format!("http://{gateway_addr}");
    let public_url = options.public_url.clone().or_else(|| Url::parse(&own).ok());
    let public_url = public_url.ok_or(StartError::PublicUrl)?;
    Ok(Ground { folder, secrets, api_key, control_token, gateway, gateway_addr, public_url })
}

async fn listen(port: u16) -> Result<(TcpListener, SocketAddr), StartError> {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let refused = |source| StartError::Port { addr, source };
    let listener = TcpListener::bind(addr).await.map_err(refused)?;
    let addr = listener.local_addr().map_err(refused)?;
    Ok((listener, addr))
}

async fn maker(options: &CloudOptions, ground: &Ground) -> Result<Option<Simulator>, StartError> {
    let Maker::Simulated { seed } = options.maker else { return Ok(None) };
    let clock = options.clock.clone();
    let text = |name: &str| ground.secrets["maker"][name].as_str().unwrap_or_default().to_owned();
    let base = ground.public_url.as_str().trim_end_matches('/');
    let brands = simulator::Brand::ALL.iter().map(|brand| format!("{base}/callback/{brand}"));
    let mut wanted = simulator::Options::new(Arc::new(move || clock.now()));
    wanted.seed = seed;
    wanted.client_id = text("client_id");
    wanted.client_secret = text("client_secret");
    wanted.redirect_uris = brands.chain([format!("{base}/callback")]).collect();
    wanted.state = ground.folder.as_ref().map(|folder| folder.file("simulator.json"));
    if let Some(token) = &ground.control_token {
        secrecy::ExposeSecret::expose_secret(token).clone_into(&mut wanted.control_token);
    }
    if options.port != 0 {
        wanted.addr = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port.wrapping_add(1)));
    }
    Ok(Some(simulator::start(wanted).await?))
}

fn parameters(
    options: &CloudOptions,
    ground: &Ground,
    simulator: Option<&Simulator>,
) -> BTreeMap<String, String> {
    let public_url = ground.public_url.as_str().trim_end_matches('/').to_owned();
    let mut parameters: BTreeMap<String, String> = [
        ("PublicUrl", public_url),
        ("OperatorName", "Your company".to_owned()),
        ("OpenMode", options.open.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let (idp, api, b2b) = match (&options.maker, simulator) {
        (_, Some(maker)) => (Some(maker.idp_url()), Some(maker.api_url()), Some(maker.b2b_url())),
        (Maker::At { idp, api, b2b }, None) => (idp.clone(), api.clone(), b2b.clone()),
        (Maker::Simulated { .. }, None) => (None, None, None),
    };
    for (name, value) in [("IdpUrl", idp), ("MakerApiUrl", api), ("MakerB2bApiUrl", b2b)] {
        parameters.extend(value.map(|value| (name.to_owned(), value)));
    }
    parameters.extend(options.parameters.clone());
    parameters
}

/// Each mapping has a name, by which its place in the stream is kept.
fn mapping_id(function: &str, index: usize) -> String {
    format!("{function}/{index}")
}

fn watchers(template: &Template) -> Vec<Watcher> {
    let mappings = template.functions.iter().flat_map(|(name, function)| {
        function
            .mappings
            .iter()
            .enumerate()
            .map(move |(index, mapping)| (mapping_id(name, index), mapping))
    });
    let region = &template.region;
    mappings
        .map(|(id, mapping)| Watcher {
            id,
            table: mapping.table.clone(),
            stream: mapping.stream.clone(),
            region: region.clone(),
            filters: mapping.filters.clone(),
        })
        .collect()
}

fn consumers(template: &Template) -> Vec<Consumer> {
    let mappings = template.functions.iter().flat_map(|(name, function)| {
        function.mappings.iter().enumerate().map(move |(index, mapping)| (name, index, mapping))
    });
    mappings
        .map(|(name, index, mapping)| {
            Consumer::new(mapping_id(name, index), name.clone(), mapping.clone())
        })
        .collect()
}

fn secret_store(options: &CloudOptions, ground: &Ground, template: &Template) -> SecretStore {
    let file = match (&options.secrets, &ground.folder) {
        (Some(file), _) => Some(file.clone()),
        (None, folder) => folder.as_ref().map(|folder| folder.file("secrets.json")),
    };
    match file {
        Some(file) => SecretStore::file(file, &template.secrets, &template.region),
        None => SecretStore::memory(ground.secrets.clone(), &template.secrets, &template.region),
    }
}

fn functions(
    options: &CloudOptions,
    template: &Template,
    keys: &Keys,
    front: SocketAddr,
) -> Result<Arc<Functions>, StartError> {
    let endpoint = format!("http://{front}");
    let mut all = BTreeMap::new();
    for (name, function) in &template.functions {
        let program = options.programs.get(name).copied();
        let program = program.ok_or_else(|| StartError::NoProgram(name.clone()))?;
        let mut environment = function.environment.clone();
        let beside = [
            ("AWS_REGION", template.region.as_str()),
            ("AWS_ENDPOINT_URL_DYNAMODB", &endpoint),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &endpoint),
            ("AWS_ENDPOINT_URL_SQS", &endpoint),
            // Metrics go to standard output, where a person reads here.
            ("METRICS", "off"),
        ];
        environment.extend(beside.map(|(name, value)| (name.to_owned(), value.to_owned())));
        all.insert(name.clone(), Settings { program, environment, timeout: function.timeout });
    }
    let functions =
        Functions::new(all, keys.clone(), options.clock.clone(), options.faults.clone());
    functions.start_all().map_err(|(name, source)| StartError::Function { name, source })?;
    Ok(Arc::new(functions))
}

fn gateway(
    options: &CloudOptions,
    ground: &Ground,
    template: &Template,
    functions: &Arc<Functions>,
) -> Gateway {
    let public_host = ground.public_url.host_str().map(|host| match ground.public_url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    });
    let routes = template.functions.iter().flat_map(|(name, function)| {
        function.routes.iter().map(move |route| (name.clone(), route.clone()))
    });
    let names = Names::of(ground.gateway_addr).and(public_host);
    let mut gateway = Gateway::new(names, Arc::clone(functions), options.clock.clone(), routes);
    gateway.https = ground.public_url.scheme() == "https";
    gateway.throttled = options.throttled;
    gateway
}

fn serve(
    listener: TcpListener,
    service: IntoMakeServiceWithConnectInfo<Router, SocketAddr>,
    stopped: &watch::Receiver<bool>,
) -> JoinHandle<()> {
    let mut stopped = stopped.clone();
    tokio::spawn(async move {
        let stop = async move {
            let _ = stopped.wait_for(|stopped| *stopped).await;
        };
        if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(stop).await {
            tracing::error!(error = %error, "a listener failed");
        }
    })
}
