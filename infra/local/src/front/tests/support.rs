//! The front over the real template, asked through the real SDK.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use shared::{App, Clock, Config};
use tokio::{net::TcpListener, sync::Notify};

use crate::{
    bus::Bus,
    database::{Engine, Tables, engine::Setup},
    faults::Faults,
    front::{AccessKey, Front, Keys, Usage},
    queue::Queues,
    secrets::SecretStore,
    template::{Scope, Template},
};
use secrecy::ExposeSecret;

pub(super) struct World {
    pub(super) url: String,
    pub(super) front: Arc<Front>,
    pub(super) template: Template,
}

pub(super) fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

impl World {
    pub(super) async fn start(faults: Faults) -> Self {
        let parameters = [("PublicUrl", "https://cars.example.com"), ("OperatorName", "Tests")];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let template = Template::bundled(&Scope::new(BTreeMap::from(parameters))).unwrap();
        let clock = Clock::new(now);
        let setup = Setup {
            file: None,
            tables: template.tables.clone(),
            watchers: Vec::new(),
            lagging: faults.lagging(),
            clock: clock.clone(),
            news: Arc::new(Notify::new()),
        };
        let (engine, _) = Engine::start(setup).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let front = Arc::new(Front {
            names: Front::names(addr),
            keys: Keys::default(),
            policies: template
                .functions
                .iter()
                .map(|(name, it)| (name.clone(), it.policy.clone()))
                .collect(),
            tables: Tables {
                engine: engine.clone(),
                known: Arc::new(template.tables.clone()),
                region: template.region.clone(),
            },
            secrets: SecretStore::memory(secrets(), &template.secrets, &template.region),
            queues: Queues::new(engine, &template.queues, clock),
            bus: Bus::new(template.bus.clone(), None, true),
            faults,
            usage: Usage::default(),
        });
        tokio::spawn(axum::serve(listener, Arc::clone(&front).router()).into_future());
        Self { url: format!("http://{addr}"), front, template }
    }

    pub(super) fn app(&self, function: &str) -> Arc<App> {
        self.app_with(function, &self.front.keys.issue(function))
    }

    pub(super) fn app_with(&self, function: &str, key: &AccessKey) -> Arc<App> {
        let environment = &self.template.functions[function].environment;
        let lookup = |name: &str| match name {
            "AWS_REGION" => Some(self.template.region.clone()),
            "AWS_ACCESS_KEY_ID" => Some(key.id.clone()),
            "AWS_SECRET_ACCESS_KEY" => Some(key.secret.expose_secret().to_owned()),
            "METRICS" => Some("off".to_owned()),
            _ if name.starts_with("AWS_ENDPOINT_URL") => Some(self.url.clone()),
            _ => environment.get(name).cloned(),
        };
        App::new(Config::from_lookup(&lookup, &[]).unwrap(), Clock::new(now)).unwrap()
    }
}

fn secrets() -> Map<String, Value> {
    let ring =
        json!({"primary": "k1", "keys": {"k1": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}});
    let edge = json!({"primary": "k1", "keys": ring["keys"], "client_ids": {"default": "id"}});
    let maker = json!({"client_id": "id", "client_secret": "secret"});
    Map::from_iter([
        ("maker".to_owned(), maker),
        ("seal".to_owned(), ring),
        ("edge".to_owned(), edge),
        (
            "webhooks".to_owned(),
            json!({"primary": "k1", "keys": {"k1": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}}),
        ),
    ])
}
