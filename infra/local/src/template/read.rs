//! From the resolved resources to what the local cloud needs of them.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value, json};
use yaml_serde::{Mapping as YamlMapping, Value as Yaml};

use super::{
    Fault, Function, Mapping, Pattern, Policy, Queue, Route, Schedule, Scope, Secret, Table,
    Template, TemplateError, at,
    field::Field,
    intrinsic::{Resolver, entries},
};

/// Properties of a table that are not part of `CreateTable`, or that the front does itself.
const NOT_FOR_CREATION: [&str; 5] = [
    "TimeToLiveSpecification",
    "PointInTimeRecoverySpecification",
    "StreamSpecification",
    "DeletionProtectionEnabled",
    "SSESpecification",
];

pub(super) fn template(source: &str, scope: &Scope) -> Result<Template, TemplateError> {
    let root: Yaml = yaml_serde::from_str(source)?;
    let root = root.as_mapping().ok_or_else(|| at("the top", Fault::Wanted("a mapping")))?;
    let resolver = Resolver::new(root, scope)?;
    let globals = section(&resolver, root, "Globals")?;
    // All of them, those too that nothing here reads: a dangling reference is a mistake anywhere.
    let mut resources = BTreeMap::new();
    for (id, resource) in entries(root, "Resources").filter(|(id, _)| resolver.has(id)) {
        let place = format!("Resources.{id}");
        let resource = resolver.resolve(resource, &place)?.unwrap_or_default();
        resources.insert(id, resource);
    }
    outputs(&resolver, root)?;
    let mut template =
        Reader { scope, resources: &resources, globals: &globals["Function"] }.template()?;
    template.parameter_of = parameter_of(root);
    Ok(template)
}

/// Which variables of every function are a parameter each: `RETURN_TO: !Ref ReturnTo`.
fn parameter_of(root: &YamlMapping) -> BTreeMap<String, String> {
    let way = ["Globals", "Function", "Environment", "Variables"];
    let first = root.get(way[0]);
    let variables =
        way[1..].iter().fold(first, |level, name| level.and_then(|level| level.get(*name)));
    let variables = variables.and_then(Yaml::as_mapping).into_iter().flatten();
    let Some(parameters) = root.get("Parameters") else { return BTreeMap::new() };
    let references = variables.filter_map(|(name, value)| match value {
        Yaml::Tagged(tagged) if tagged.tag == "!Ref" => {
            // Not a resource of ours, nor what CloudFormation knows by itself.
            let parameter = tagged.value.as_str().filter(|name| parameters.get(*name).is_some())?;
            Some((name.as_str()?.to_owned(), parameter.to_owned()))
        }
        _ => None,
    });
    references.collect()
}

fn section(
    resolver: &Resolver<'_>,
    root: &YamlMapping,
    name: &str,
) -> Result<Value, TemplateError> {
    let value = root.get(name).map(|value| resolver.resolve(value, name)).transpose()?;
    Ok(value.flatten().unwrap_or_default())
}

fn outputs(resolver: &Resolver<'_>, root: &YamlMapping) -> Result<(), TemplateError> {
    for (id, output) in entries(root, "Outputs") {
        if output.get("Condition").is_none() {
            resolver.resolve(output, &format!("Outputs.{id}"))?;
        }
    }
    Ok(())
}

struct Reader<'a> {
    scope: &'a Scope,
    resources: &'a BTreeMap<String, Value>,
    globals: &'a Value,
}

impl<'a> Reader<'a> {
    fn template(&self) -> Result<Template, TemplateError> {
        let mut functions = BTreeMap::new();
        for (id, function) in self.of_type("AWS::Serverless::Function") {
            let place = format!("Resources.{id}");
            let name = Field::root(&place, function)
                .child("Metadata")?
                .child("BuildProperties")?
                .text("Binary")?;
            if functions.insert(name, self.function(id)?).is_some() {
                return Err(at(&place, Fault::Wanted("a function of its own")));
            }
        }
        Ok(Template {
            functions,
            tables: self.tables()?,
            queues: self.queues()?,
            secrets: self.secrets(),
            alarms: self.alarms(),
            bus: self.bus(),
            region: self.scope.region.clone(),
            parameter_of: BTreeMap::new(),
        })
    }

    fn alarms(&self) -> BTreeMap<String, Value> {
        let alarms = self.of_type("AWS::CloudWatch::Alarm");
        alarms.map(|(id, alarm)| (id.clone(), alarm["Properties"].clone())).collect()
    }

    fn of_type(&self, kind: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.resources.iter().filter(move |(_, resource)| resource["Type"] == kind)
    }

    fn properties(&self, id: &str) -> Field<'a> {
        static NONE: Value = Value::Null;
        let value = self.resources.get(id).and_then(|resource| resource.get("Properties"));
        Field::root(&format!("Resources.{id}.Properties"), value.unwrap_or(&NONE))
    }

    fn function(&self, id: &str) -> Result<Function, TemplateError> {
        let properties = self.properties(id);
        let timeout = self.globals.get("Timeout").and_then(Value::as_u64).unwrap_or(3);
        let mut function = Function {
            environment: self.environment(&properties)?,
            timeout: Duration::from_secs(properties.parsed_or("Timeout", timeout)?),
            policy: self.policy(&properties)?,
            routes: Vec::new(),
            schedules: Vec::new(),
            mappings: Vec::new(),
        };
        for (_, event) in properties.child("Events")?.entries() {
            let details = event.child("Properties")?;
            match event.text("Type")?.as_str() {
                "HttpApi" => function.routes.push(self.route(&details)?),
                "ScheduleV2" => function.schedules.extend(schedule(&details)?),
                "DynamoDB" => function.mappings.push(self.mapping(&details)?),
                other => return Err(at(&event.place, Fault::UnknownFunction(other.to_owned()))),
            }
        }
        Ok(function)
    }

    fn environment(
        &self,
        properties: &Field<'_>,
    ) -> Result<BTreeMap<String, String>, TemplateError> {
        let globals = Field::root("Globals.Function", self.globals);
        let mut environment = BTreeMap::new();
        for level in [&globals, properties] {
            let Some(variables) =
                level.optional("Environment").and_then(|level| level.optional("Variables"))
            else {
                continue;
            };
            for (name, _) in variables.entries() {
                environment.insert(name.to_owned(), variables.text(name)?);
            }
        }
        Ok(environment)
    }

    fn policy(&self, properties: &Field<'_>) -> Result<Policy, TemplateError> {
        let arn = properties.text("Role")?;
        let role = self.of_type("AWS::IAM::Role").find(|(id, _)| {
            self.scope.attribute("AWS::IAM::Role", id, "Arn").as_ref() == Some(&arn)
        });
        let (id, _) =
            role.ok_or_else(|| at(&properties.place, Fault::Wanted("a Role of this template")))?;
        Policy::read(&self.properties(id))
    }

    fn route(&self, details: &Field<'_>) -> Result<Route, TemplateError> {
        let api = self.properties(&details.text("ApiId")?);
        let (method, path) = (details.text("Method")?.to_uppercase(), details.text("Path")?);
        if details.text("PayloadFormatVersion")? != "2.0" {
            return Err(at(&details.place, Fault::Wanted("PayloadFormatVersion 2.0")));
        }
        let defaults = api.child("DefaultRouteSettings")?;
        let own = api
            .optional("RouteSettings")
            .and_then(|routes| routes.optional(&format!("{method} {path}")));
        let settings = own.unwrap_or(defaults);
        Ok(Route {
            method,
            path,
            rate: settings.parsed_or("ThrottlingRateLimit", 10_000.0)?,
            burst: settings.parsed_or("ThrottlingBurstLimit", 5_000.0)?,
        })
    }

    fn mapping(&self, details: &Field<'_>) -> Result<Mapping, TemplateError> {
        let stream = details.text("Stream")?;
        let wrong = || at(&details.place, Fault::Wanted("the stream of a table of this template"));
        let mut tables = self.of_type("AWS::DynamoDB::Table").map(|(id, _)| id);
        let watched = |id: &&String| {
            self.scope.attribute("AWS::DynamoDB::Table", id, "StreamArn").as_ref() == Some(&stream)
        };
        let table = tables.find(watched).ok_or_else(wrong)?.clone();
        let view = self.properties(&table).child("StreamSpecification")?;
        if view.text("StreamViewType")? != "KEYS_ONLY" {
            return Err(at(&view.place, Fault::Wanted("KEYS_ONLY, the only view known here")));
        }
        let mut filters = Vec::new();
        if let Some(criteria) = details.optional("FilterCriteria") {
            for filter in criteria.list("Filters")? {
                filters.push(Pattern::parse(&filter.text("Pattern")?, &filter.place)?);
            }
        }
        let types = details.optional("FunctionResponseTypes");
        Ok(Mapping {
            table,
            stream,
            filters,
            batch: details.parsed_or("BatchSize", 100)?,
            partial: types.is_some_and(|types| types.value == &json!(["ReportBatchItemFailures"])),
            bisect: details.parsed_or("BisectBatchOnFunctionError", false)?,
            retries: details.parsed_or("MaximumRetryAttempts", u32::MAX)?,
            max_age: Duration::from_secs(details.parsed_or("MaximumRecordAgeInSeconds", 86_400)?),
            on_failure: self.on_failure(details)?,
        })
    }

    fn on_failure(&self, details: &Field<'_>) -> Result<Option<String>, TemplateError> {
        let target =
            details.optional("DestinationConfig").and_then(|config| config.optional("OnFailure"));
        let Some(target) = target else { return Ok(None) };
        let arn = target.text("Destination")?;
        let queue = self.of_type("AWS::SQS::Queue").find(|(id, _)| {
            self.scope.attribute("AWS::SQS::Queue", id, "Arn").as_ref() == Some(&arn)
        });
        let (id, _) =
            queue.ok_or_else(|| at(&target.place, Fault::Wanted("a queue of this template")))?;
        Ok(Some(self.scope.identifier("AWS::SQS::Queue", id)))
    }

    fn tables(&self) -> Result<BTreeMap<String, Table>, TemplateError> {
        let mut tables = BTreeMap::new();
        for (id, _) in self.of_type("AWS::DynamoDB::Table") {
            let properties = self.properties(id);
            let mut create: Map<String, Value> =
                properties.value.as_object().cloned().unwrap_or_default();
            create.retain(|name, _| !NOT_FOR_CREATION.contains(&name.as_str()));
            create.insert("TableName".to_owned(), id.as_str().into());
            let ttl = properties.optional("TimeToLiveSpecification");
            let ttl = ttl.map(|ttl| ttl.text("AttributeName")).transpose()?;
            let key = properties
                .optional("SSESpecification")
                .and_then(|sse| sse.optional("KMSMasterKeyId"));
            let table = Table {
                arn: self.scope.arn("dynamodb", &format!("table/{id}")),
                create: create.into(),
                ttl,
                streamed: properties.optional("StreamSpecification").is_some(),
                key: key.and_then(|key| key.value.as_str().map(str::to_owned)),
            };
            tables.insert(id.clone(), table);
        }
        Ok(tables)
    }

    fn queues(&self) -> Result<BTreeMap<String, Queue>, TemplateError> {
        let mut queues = BTreeMap::new();
        for (id, _) in self.of_type("AWS::SQS::Queue") {
            let properties = self.properties(id);
            let queue = Queue {
                arn: self.scope.arn("sqs", id),
                visibility: Duration::from_secs(properties.parsed_or("VisibilityTimeout", 30)?),
                retention: Duration::from_secs(
                    properties.parsed_or("MessageRetentionPeriod", 345_600)?,
                ),
            };
            queues.insert(self.scope.identifier("AWS::SQS::Queue", id), queue);
        }
        Ok(queues)
    }

    fn bus(&self) -> Option<String> {
        let (id, _) = self.of_type("AWS::Events::EventBus").next()?;
        self.scope.attribute("AWS::Events::EventBus", id, "Arn")
    }

    fn secrets(&self) -> BTreeMap<String, Secret> {
        let secrets = self.of_type("AWS::SecretsManager::Secret").map(|(id, resource)| {
            let name = id.strip_suffix("Secret").unwrap_or(id).to_lowercase();
            let key = resource["Properties"]["KmsKeyId"].as_str().map(str::to_owned);
            (self.scope.identifier("AWS::SecretsManager::Secret", id), Secret { name, key })
        });
        secrets.collect()
    }
}

/// A schedule, if it is switched on.
fn schedule(details: &Field<'_>) -> Result<Option<Schedule>, TemplateError> {
    let rate = details.text("ScheduleExpression")?;
    let every = every(&rate).ok_or_else(|| at(&details.place, Fault::Wanted("rate(N minutes)")))?;
    let input = details.text("Input")?;
    let input = serde_json::from_str(&input)
        .map_err(|_| at(&details.place, Fault::Wanted("an Input in JSON")))?;
    let enabled = details.optional("State").is_none_or(|state| state.value == "ENABLED");
    Ok(enabled.then_some(Schedule { every, input }))
}

fn every(rate: &str) -> Option<Duration> {
    let (number, unit) = rate.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    let seconds = match unit.trim_end_matches('s') {
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(number * seconds))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
