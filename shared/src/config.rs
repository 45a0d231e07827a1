//! Configuration: environment variables in, typed values out, every problem named at once.

mod events;
mod maker;
mod read;
mod remotes;

use std::{collections::BTreeSet, fmt, str::FromStr};

use tracing_subscriber::filter::Targets;
use url::Url;

use self::read::Reader;
pub use self::{
    events::{Addresses, Events},
    maker::MakerUrls,
    read::is_secure,
    remotes::{DoorSwitch, Remotes},
};
use crate::{domain::brand::Brand, secrets::SecretName, store::Shards};

/// All that a function is told by its environment. Each field's doc names its variable.
#[derive(Debug, Clone)]
pub struct Config {
    /// `PUBLIC_URL`: where browsers and Stellantis reach us; https, or http on loopback.
    pub public_url: Url,
    /// `OPERATOR_NAME`: who asks for consent, shown on our pages.
    pub operator_name: String,
    /// How users are enrolled.
    pub enrolling: Enrolling,
    /// `GRANTS_TABLE`, `RECORDS_TABLE`, `OUTBOX_TABLE`, `DUE_SHARDS`.
    pub tables: Tables,
    /// `MAKER_SECRET_ID`, `SEAL_SECRET_ID`, `EDGE_SECRET_ID`, `WEBHOOKS_SECRET_ID`: those this
    /// function may read.
    pub secrets: SecretIds,
    /// Where the car maker is.
    pub maker: MakerUrls,
    /// What is kept and for how long.
    pub retention: Retention,
    /// What may be asked of cars.
    pub remotes: Remotes,
    /// `RESCUE_QUEUE_URL`: takes sealed tokens that the table would not.
    pub rescue_queue_url: String,
    /// Where events go.
    pub events: Events,
    /// How AWS is reached.
    pub aws: Aws,
    /// `LOG`: the level by target, `info` by default.
    pub log: Targets,
    /// `NOTIFICATIONS`: whether the maker is asked to tell us what happens: `on` (default) or `off`.
    pub notifications: Notifications,
    /// `TRUSTED_BY_ADDRESS`: brands whose notifications are believed without the secret in their
    /// body, because the address that they come to is one; none by default.
    pub trusted_by_address: BTreeSet<Brand>,
    /// `REVOKE_REPLACED`: whether the tokens that a newer consent replaced are revoked at the maker:
    /// `on` or `off` (default), which only deletes them.
    pub revoke_replaced: RevokeReplaced,
    /// `METRICS`: `emf` (default: lines that CloudWatch turns into metrics) or `off`.
    pub metrics: MetricsOutput,
    /// `STACK_NAME`: the dimension that tells the metrics of two deployments in one account apart.
    pub stack: String,
}

/// How users are enrolled.
#[derive(Debug, Clone)]
pub struct Enrolling {
    /// `OPEN_MODE`: anybody may begin at `/login?brand=…` and is confirmed at once.
    pub open: bool,
    /// `RETURN_TO`: exact addresses, or prefixes ending in `/`, separated by spaces.
    pub return_to: Vec<Url>,
    /// `DEFAULT_SCOPES`: asked for when the operator names none.
    pub default_scopes: Vec<String>,
    /// `REDIRECT_URI`: `per-brand` (default; a defence against mix-up) or `single`.
    pub redirect: RedirectUri,
}

/// Whether each brand has a redirect URI of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectUri {
    /// `/callback/{brand}`.
    PerBrand,
    /// `/callback`, for a contract that registers one address.
    Single,
}

/// The names of the three tables.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Sealed tokens.
    pub grants: String,
    /// Enrollments, vehicles and all that is known of them.
    pub records: String,
    /// Events to tell the operator.
    pub outbox: String,
    /// The shards of their due indexes, fixed when they are made.
    pub shards: Shards,
}

/// Where the secrets are kept: `None` for one that this function may not read.
#[derive(Debug, Clone, Default)]
pub struct SecretIds {
    /// Client credentials, certificate, key, CA.
    pub maker: Option<String>,
    /// The ring that seals tokens.
    pub seal: Option<String>,
    /// The ring for cookies and tickets, and the hashes of API keys.
    pub edge: Option<String>,
    /// The ring from which the secrets of endpoints are derived.
    pub webhooks: Option<String>,
}

/// What is kept and for how long.
#[derive(Debug, Clone)]
pub struct Retention {
    /// `HISTORY_DAYS`: how long observations, trips and alerts are kept.
    pub history_days: u16,
    /// `POSITION_HISTORY`: whether past positions are kept at all.
    pub positions: bool,
}

/// How AWS is reached.
#[derive(Clone)]
pub struct Aws {
    /// `AWS_REGION`.
    pub region: String,
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: secrecy::SecretString,
    /// `AWS_SESSION_TOKEN`.
    pub session_token: Option<secrecy::SecretString>,
    /// `AWS_ENDPOINT_URL_DYNAMODB`, `…_SECRETS_MANAGER`, `…_SQS`, `…_EVENTBRIDGE`: instead of the
    /// region's own.
    pub endpoints: Endpoints,
}

/// The SDKs' standard variables for other endpoints.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// `AWS_ENDPOINT_URL_DYNAMODB`.
    pub dynamodb: Option<String>,
    /// `AWS_ENDPOINT_URL_SECRETS_MANAGER`.
    pub secrets_manager: Option<String>,
    /// `AWS_ENDPOINT_URL_SQS`.
    pub sqs: Option<String>,
    /// `AWS_ENDPOINT_URL_EVENTBRIDGE`.
    pub eventbridge: Option<String>,
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("region", &self.region).finish_non_exhaustive()
    }
}

/// One variable that is missing or wrong, and what would be right. The value is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {wanted}")]
pub struct Problem {
    /// The variable's name.
    pub variable: &'static str,
    /// What would be right.
    pub wanted: &'static str,
}

/// Everything that is wrong with an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<Problem>);

impl std::error::Error for ConfigErrors {}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is wrong")?;
        self.0.iter().try_for_each(|problem| write!(f, "; {problem}"))
    }
}

impl Config {
    /// Reads every variable through `lookup`; `needs` are the secrets this function must be given.
    ///
    /// # Errors
    /// All problems together, each naming its variable and what would be right.
    pub fn from_lookup(
        lookup: &dyn Fn(&str) -> Option<String>,
        needs: &[SecretName],
    ) -> Result<Self, ConfigErrors> {
        let mut reader = Reader { lookup, problems: Vec::new() };
        let config = reader.config();
        reader.require_secrets(&config.secrets, needs);
        if reader.problems.is_empty() { Ok(config) } else { Err(ConfigErrors(reader.problems)) }
    }

    /// The redirect URI registered for `brand`, byte for byte the same in authorize and exchange.
    #[must_use]
    pub fn redirect_uri(&self, brand: Brand) -> Url {
        match self.enrolling.redirect {
            RedirectUri::PerBrand => self.public_address(&format!("/callback/{brand}")),
            RedirectUri::Single => self.public_address("/callback"),
        }
    }

    /// An address of ours as the world sees it; `path` begins with `/`.
    #[must_use]
    pub fn public_address(&self, path: &str) -> Url {
        let mut url = self.public_url.clone();
        url.set_path(&format!("{}{path}", self.public_url.path().trim_end_matches('/')));
        url
    }

    /// Refuses a `PUBLIC_URL` that leads nowhere: what a first deployment has until its own address is
    /// known. For what hands the address out; the rest need not stop for it.
    ///
    /// # Errors
    /// The problem, as [`from_lookup`](Self::from_lookup) would name it.
    pub fn require_public_url(&self) -> Result<(), ConfigErrors> {
        let placeholder = self.public_url.host_str().is_some_and(|host| host.ends_with(".invalid"));
        let problem = Problem {
            variable: "PUBLIC_URL",
            wanted: "this address leads nowhere: set the parameter PublicUrl to the output ApiUrl, in \
                     samconfig.toml, and deploy again",
        };
        if placeholder { Err(ConfigErrors(vec![problem])) } else { Ok(()) }
    }

    /// Whether browsers reach us by https, so that cookies are `Secure` and `__Host-`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}

impl Reader<'_> {
    fn config(&mut self) -> Config {
        Config {
            public_url: self.url("PUBLIC_URL", None),
            operator_name: self.text("OPERATOR_NAME", None),
            enrolling: Enrolling {
                open: self.parsed("OPEN_MODE", "false", "true or false"),
                return_to: self.urls("RETURN_TO"),
                default_scopes: self.scopes("DEFAULT_SCOPES", "openid data:telemetry"),
                redirect: self.parsed("REDIRECT_URI", "per-brand", "per-brand or single"),
            },
            tables: Tables {
                grants: self.text("GRANTS_TABLE", None),
                records: self.text("RECORDS_TABLE", None),
                outbox: self.text("OUTBOX_TABLE", None),
                shards: self.parsed("DUE_SHARDS", "16", "a number of shards, 1 to 255"),
            },
            secrets: SecretIds {
                maker: self.optional("MAKER_SECRET_ID"),
                seal: self.optional("SEAL_SECRET_ID"),
                edge: self.optional("EDGE_SECRET_ID"),
                webhooks: self.optional("WEBHOOKS_SECRET_ID"),
            },
            maker: self.maker(),
            retention: Retention {
                history_days: self.parsed("HISTORY_DAYS", "30", "a number of days, 0 to 65535"),
                positions: self.parsed("POSITION_HISTORY", "false", "true or false"),
            },
            remotes: self.remotes(),
            rescue_queue_url: self.text("RESCUE_QUEUE_URL", Some("")),
            events: Events {
                bus: self.optional("EVENT_BUS"),
                addresses: self.parsed("WEBHOOK_ADDRESSES", "public", "public or private"),
            },
            aws: self.aws(),
            log: self.parsed("LOG", "info", "levels by target, such as: info,shared=debug"),
            notifications: self.parsed("NOTIFICATIONS", "on", "on or off"),
            trusted_by_address: self.brands("TRUSTED_BY_ADDRESS"),
            revoke_replaced: self.parsed("REVOKE_REPLACED", "off", "on or off"),
            metrics: self.parsed("METRICS", "emf", "emf or off"),
            stack: self.text("STACK_NAME", Some("none")),
        }
    }

    fn aws(&mut self) -> Aws {
        Aws {
            region: self.text("AWS_REGION", None),
            access_key_id: self.text("AWS_ACCESS_KEY_ID", None),
            secret_access_key: self.text("AWS_SECRET_ACCESS_KEY", None).into(),
            session_token: self.optional("AWS_SESSION_TOKEN").map(Into::into),
            endpoints: Endpoints {
                dynamodb: self.optional("AWS_ENDPOINT_URL_DYNAMODB"),
                secrets_manager: self.optional("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
                sqs: self.optional("AWS_ENDPOINT_URL_SQS"),
                eventbridge: self.optional("AWS_ENDPOINT_URL_EVENTBRIDGE"),
            },
        }
    }

    fn require_secrets(&mut self, secrets: &SecretIds, needs: &[SecretName]) {
        for need in needs {
            let (variable, id) = match need {
                SecretName::Maker => ("MAKER_SECRET_ID", &secrets.maker),
                SecretName::Seal => ("SEAL_SECRET_ID", &secrets.seal),
                SecretName::Edge => ("EDGE_SECRET_ID", &secrets.edge),
                SecretName::Webhooks => ("WEBHOOKS_SECRET_ID", &secrets.webhooks),
            };
            if id.is_none() {
                self.problem(variable, "the name or ARN of the secret");
            }
        }
    }
}

/// Whether the maker is asked to tell us what happens, or only ever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notifications {
    /// Every active enrollment has a subscription.
    On,
    /// None has.
    Off,
}

impl FromStr for Notifications {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "on" => Ok(Self::On),
            "off" => Ok(Self::Off),
            _ => Err(()),
        }
    }
}

/// Whether tokens that a newer consent replaced are revoked at the maker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevokeReplaced {
    /// They are: proven to leave the new ones alone.
    On,
    /// They are deleted here, and end there by themselves.
    Off,
}

impl FromStr for RevokeReplaced {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "on" => Ok(Self::On),
            "off" => Ok(Self::Off),
            _ => Err(()),
        }
    }
}

/// Where metrics go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsOutput {
    /// Standard output, in CloudWatch's embedded metric format.
    Emf,
    /// Nowhere.
    Off,
}
impl FromStr for MetricsOutput {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "emf" => Ok(Self::Emf),
            "off" => Ok(Self::Off),
            _ => Err(()),
        }
    }
}

impl FromStr for RedirectUri {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "per-brand" => Ok(Self::PerBrand),
            "single" => Ok(Self::Single),
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests;
