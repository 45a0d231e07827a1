//! Putting the parts together, in the order in which they need each other.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use axum::{Router, extract::connect_info::IntoMakeServiceWithConnectInfo};
use shared::{
    config::{ConfigErrors, Problem},
    store::Shards,
};
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
    task::JoinHandle,
};

use super::{
    Cloud, CloudOptions, Drive, StartError,
    background::{self, House},
    ground::{Ground, listen},
};
use crate::{
    bus::Bus,
    database::{Engine, Tables, Watcher, engine::Setup},
    folder::Folder,
    front::{Front, Keys, Names, Usage},
    functions::{Functions, Settings},
    gateway::Gateway,
    queue::Queues,
    scheduler::Scheduler,
    secrets::SecretStore,
    streams::{Consumer, Streams},
    template::{Scope, Template},
};

pub(super) async fn start(options: CloudOptions) -> Result<Cloud, StartError> {
    let ground = Ground::lay(&options).await?;
    let simulator = ground.maker(&options).await?;
    let parameters = ground.parameters(&options, simulator.as_ref());
    let template = Template::bundled(&Scope::new(parameters))?;
    let news = Arc::new(Notify::new());
    let setup = setup(&options, &ground, &template, &news);
    let (engine, database) = Engine::start(setup).await?;
    let (listener, front_addr) = listen(0).await?;
    let front = Arc::new(front(&options, &ground, &template, engine, front_addr));
    let functions = functions(&options, &template, &front.keys, front_addr, ground.shards)?;
    let scheduler = Arc::new(scheduler(&options, &template));
    let streams = Arc::new(streams(&options, &template, &front, &functions));
    let gateway = gateway(&options, &ground, &template, &functions);

    let (stop, stopped) = watch::channel(false);
    let router = Arc::clone(&front).router().into_make_service_with_connect_info();
    let mut tasks = vec![serve(listener, router, &stopped)];
    let router = gateway.router().into_make_service_with_connect_info();
    tasks.push(serve(ground.gateway, router, &stopped));
    if options.streams == Drive::Running {
        tasks.push(background::streams(Arc::clone(&streams), news, stopped.clone()));
    }
    if options.schedules == Drive::Running {
        let (scheduler, tables) = (Arc::clone(&scheduler), front.tables.clone());
        let house = House { scheduler, functions, tables, clock: options.clock.clone() };
        tasks.push(background::schedules(house, stopped));
    }
    Ok(Cloud {
        gateway_addr: ground.gateway_addr,
        public_url: ground.public_url,
        front_addr,
        shards: ground.shards,
        api_key: ground.api_key,
        control_token: ground.control_token,
        clock: options.clock,
        faults: options.faults,
        identity: ground.identity,
        simulator,
        front,
        scheduler,
        streams,
        swept: std::sync::Mutex::default(),
        stop,
        tasks,
        database,
        _folder: ground.folder,
    })
}

fn setup(
    options: &CloudOptions,
    ground: &Ground,
    template: &Template,
    news: &Arc<Notify>,
) -> Setup {
    Setup {
        file: ground.folder.as_ref().map(Folder::database),
        tables: template.tables.clone(),
        watchers: watchers(template),
        lagging: options.faults.lagging(),
        clock: options.clock.clone(),
        news: Arc::clone(news),
    }
}

fn front(
    options: &CloudOptions,
    ground: &Ground,
    template: &Template,
    engine: Engine,
    addr: SocketAddr,
) -> Front {
    let functions = template.functions.iter();
    Front {
        names: Front::names(addr),
        keys: Keys::default(),
        policies: functions.map(|(name, it)| (name.clone(), it.policy.clone())).collect(),
        secrets: secret_store(options, ground, template),
        queues: Queues::new(engine.clone(), &template.queues, options.clock.clone()),
        tables: Tables {
            engine,
            known: Arc::new(template.tables.clone()),
            region: template.region.clone(),
        },
        bus: Bus::new(
            template.bus.clone(),
            options.faults.seed(),
            options.streams == Drive::Manual,
        ),
        faults: options.faults.clone(),
        usage: Usage::default(),
    }
}

fn scheduler(options: &CloudOptions, template: &Template) -> Scheduler {
    let timetable = template.functions.iter().flat_map(|(name, function)| {
        function.schedules.iter().map(move |schedule| (name.clone(), schedule.clone()))
    });
    Scheduler::new(timetable, options.clock.now())
}

fn streams(
    options: &CloudOptions,
    template: &Template,
    front: &Front,
    functions: &Arc<Functions>,
) -> Streams {
    Streams {
        engine: front.tables.engine.clone(),
        functions: Arc::clone(functions),
        queues: front.queues.clone(),
        clock: options.clock.clone(),
        seed: options.faults.seed(),
        consumers: consumers(template),
    }
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
        (None, folder) => folder.as_ref().map(Folder::secrets_file),
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
    shards: Shards,
) -> Result<Arc<Functions>, StartError> {
    let endpoint = format!("http://{front}");
    let shards = shards.to_string();
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
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", &endpoint),
            ("DUE_SHARDS", &shards),
            // Metrics go to standard output, where a person reads here.
            ("METRICS", "off"),
        ];
        environment.extend(beside.map(|(name, value)| (name.to_owned(), value.to_owned())));
        all.insert(name.clone(), Settings { program, environment, timeout: function.timeout });
    }
    let functions = Functions::new(
        all,
        keys.clone(),
        options.clock.clone(),
        options.faults.clone(),
        options.metrics.clone(),
    );
    functions.start_all().map_err(|(name, source)| match source {
        shared::app::StartError::Config(errors) => configuration(&errors, template),
        source @ shared::app::StartError::Tls(_) => StartError::Function { name, source },
    })?;
    Ok(Arc::new(functions))
}

/// Every function reads the same configuration: what one refuses is no fault of that one. Named as
/// whoever runs this gave it, by the parameter.
fn configuration(errors: &ConfigErrors, template: &Template) -> StartError {
    let named = |problem: &Problem| match template.parameter_of.get(problem.variable) {
        Some(parameter) => format!("{parameter}: expected {}", problem.wanted),
        None => problem.to_string(),
    };
    let mut problems: Vec<String> = errors.0.iter().map(named).collect();
    problems.dedup();
    StartError::Configuration(problems.join("; "))
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
