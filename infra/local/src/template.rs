//! The very template that AWS deploys, read as AWS would: from it come routes, schedules, stream
//! mappings, tables, environment and permissions, so that a mistake in it fails here.

mod field;
mod intrinsic;
mod pattern;
mod policy;
mod read;

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

pub use self::{pattern::Pattern, policy::Policy};

/// The template of this repository.
const SOURCE: &str = include_str!("../../aws/template.yaml");

/// Where and for whom the template is resolved.
#[derive(Debug, Clone)]
pub struct Scope {
    /// `AWS::Region`.
    pub region: String,
    /// Values of the template's parameters, instead of their defaults.
    pub parameters: BTreeMap<String, String>,
}

const ACCOUNT: &str = "000000000000";

impl Scope {
    /// With these parameters, in a region of its own name.
    #[must_use]
    pub fn new(parameters: BTreeMap<String, String>) -> Self {
        Self { region: "local-1".to_owned(), parameters }
    }

    fn pseudo(&self, name: &str) -> Option<String> {
        Some(match name {
            "AWS::Region" => self.region.clone(),
            "AWS::AccountId" => ACCOUNT.to_owned(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            "AWS::StackName" => "local".to_owned(),
            _ => return None,
        })
    }

    /// What `Ref` gives for a resource.
    fn identifier(&self, kind: &str, id: &str) -> String {
        match kind {
            "AWS::SQS::Queue" => {
                format!("https://sqs.{}.amazonaws.com/{ACCOUNT}/{id}", self.region)
            }
            "AWS::SecretsManager::Secret" => {
                self.arn("secretsmanager", &format!("secret:{id}-local1"))
            }
            _ => id.to_owned(),
        }
    }

    /// What `GetAtt` gives.
    fn attribute(&self, kind: &str, id: &str, attribute: &str) -> Option<String> {
        let service = kind.split("::").nth(1)?.to_lowercase();
        Some(match (kind, attribute) {
            ("AWS::DynamoDB::Table", "Arn") => self.arn("dynamodb", &format!("table/{id}")),
            ("AWS::DynamoDB::Table", "StreamArn") => {
                self.arn("dynamodb", &format!("table/{id}/stream/local"))
            }
            ("AWS::SQS::Queue", "Arn") => self.arn("sqs", id),
            ("AWS::SQS::Queue", "QueueName") | ("AWS::Events::EventBus", "Name") => id.to_owned(),
            ("AWS::IAM::Role", "Arn") => format!("arn:aws:iam::{ACCOUNT}:role/{id}"),
            (_, "Arn") => self.arn(&service, id),
            ("AWS::ApiGatewayV2::DomainName", "RegionalDomainName" | "RegionalHostedZoneId") => {
                id.to_owned()
            }
            _ => return None,
        })
    }

    fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{ACCOUNT}:{resource}", self.region)
    }
}

/// All that the local cloud takes from the template.
#[derive(Debug)]
pub struct Template {
    /// The functions, by the names of their crates.
    pub functions: BTreeMap<String, Function>,
    /// Tables by name.
    pub tables: BTreeMap<String, Table>,
    /// Queues by URL.
    pub queues: BTreeMap<String, Queue>,
    /// Secrets by ARN.
    pub secrets: BTreeMap<String, Secret>,
    /// The properties of CloudWatch's alarms by logical id. Nothing watches locally: they are for who
    /// asks what they would say.
    pub alarms: BTreeMap<String, Value>,
    /// The ARN of the event bus, if there is one.
    pub bus: Option<String>,
    /// `AWS::Region`.
    pub region: String,
    /// The parameter that each variable of the environment is, if it is one.
    pub parameter_of: BTreeMap<String, String>,
}

/// One Lambda.
#[derive(Debug)]
pub struct Function {
    /// Its variables, the SDK's own excepted.
    pub environment: BTreeMap<String, String>,
    /// How long one invocation may run.
    pub timeout: Duration,
    /// What its role allows.
    pub policy: Policy,
    /// What the gateway sends it.
    pub routes: Vec<Route>,
    /// What wakes it by the clock.
    pub schedules: Vec<Schedule>,
    /// What wakes it by a change in a table.
    pub mappings: Vec<Mapping>,
}

/// One route of the gateway.
#[derive(Debug, Clone)]
pub struct Route {
    /// `GET`, …, or `ANY`.
    pub method: String,
    /// `/callback/{brand}`, `/v1/{proxy+}`.
    pub path: String,
    /// Requests a second.
    pub rate: f64,
    /// Requests at once.
    pub burst: f64,
}

impl Route {
    /// How events and logs name it.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// One schedule that is switched on.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// How often.
    pub every: Duration,
    /// The event.
    pub input: Value,
}

/// One stream that wakes a function.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// The table that is watched.
    pub table: String,
    /// The stream's ARN.
    pub stream: String,
    /// Records that pass any of these are sent; all, if there is none.
    pub filters: Vec<Pattern>,
    /// Records in one event at most.
    pub batch: usize,
    /// Whether the function tells which records failed.
    pub partial: bool,
    /// Whether a batch that failed as a whole is split.
    pub bisect: bool,
    /// How often a batch is tried again.
    pub retries: u32,
    /// How old a record may be.
    pub max_age: Duration,
    /// URL of the queue for what was given up.
    pub on_failure: Option<String>,
}

/// One table.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its ARN.
    pub arn: String,
    /// The request that creates it.
    pub create: Value,
    /// The attribute by which items expire.
    pub ttl: Option<String>,
    /// Whether changes are told to stream mappings.
    pub streamed: bool,
    /// The key it is encrypted with.
    pub key: Option<String>,
}

/// One queue.
#[derive(Debug, Clone)]
pub struct Queue {
    /// Its ARN.
    pub arn: String,
    /// How long a received message stays hidden.
    pub visibility: Duration,
    /// How long messages are kept.
    pub retention: Duration,
}

/// One secret.
#[derive(Debug, Clone)]
pub struct Secret {
    /// What the secrets file calls it: `MakerSecret` is `maker`.
    pub name: String,
    /// The key it is encrypted with.
    pub key: Option<String>,
}

/// The template is wrong.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It can't be parsed.
    #[error("the template is not YAML: {0}")]
    Yaml(#[from] yaml_serde::Error),
    /// A parameter's value is missing, or is not one that the template allows.
    #[error("the parameter {name}: expected {wanted}")]
    Parameter {
        /// Which.
        name: String,
        /// What is allowed.
        wanted: String,
    },
    /// The template has no such parameter.
    #[error("there is no parameter {name}; there are {known}")]
    NoParameter {
        /// What was given.
        name: String,
        /// All there are.
        known: String,
    },
    /// Something in it is wrong.
    #[error("the template is wrong at {place}: {fault}")]
    At {
        /// Path to the value.
        place: String,
        /// What is wrong there.
        fault: Fault,
    },
}

/// What is wrong at one place of a template.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A property that is needed is not there.
    #[error("{0} is missing")]
    Missing(String),
    /// The value has another shape.
    #[error("expected {0}")]
    Wanted(&'static str),
    /// A function takes another number of arguments.
    #[error("expected a list of {0}")]
    Arguments(usize),
    /// A function, operator or rule that is not known here.
    #[error("{0} is not known here")]
    UnknownFunction(String),
    /// No parameter, resource, attribute or condition has this name.
    #[error("there is no {0}")]
    UnknownName(String),
    /// Conditions refer to each other in a circle.
    #[error("refers to itself")]
    Circle,
}

fn at(place: &str, fault: Fault) -> TemplateError {
    TemplateError::At { place: place.to_owned(), fault }
}

impl Template {
    /// The template of this repository.
    ///
    /// # Errors
    /// The first mistake in it, or in the parameters given.
    pub fn bundled(scope: &Scope) -> Result<Self, TemplateError> {
        Self::parse(SOURCE, scope)
    }

    /// Any template.
    ///
    /// # Errors
    /// The first mistake in it, or in the parameters given.
    pub fn parse(source: &str, scope: &Scope) -> Result<Self, TemplateError> {
        read::template(source, scope)
    }
}
