//! `CloudFormation`'s parameters, conditions and intrinsic functions: those that the template uses.
//! Any other one is an error rather than a guess.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};
use yaml_serde::{Mapping, Value as Yaml};

use super::{Fault, Scope, TemplateError, at};

/// Resolves values of one template for one choice of parameters.
pub(super) struct Resolver<'a> {
    scope: &'a Scope,
    parameters: BTreeMap<String, String>,
    conditions: BTreeMap<String, &'a Yaml>,
    /// Type by logical id, of the resources whose condition holds.
    resources: BTreeMap<String, String>,
}

impl<'a> Resolver<'a> {
    /// Reads parameters and conditions, and which resources there are.
    pub(super) fn new(root: &'a Mapping, scope: &'a Scope) -> Result<Self, TemplateError> {
        let mut resolver = Self {
            scope,
            parameters: parameters(root, scope)?,
            conditions: entries(root, "Conditions").collect(),
            resources: BTreeMap::new(),
        };
        for (id, resource) in entries(root, "Resources") {
            let place = format!("Resources.{id}");
            let kind = resource
                .get("Type")
                .and_then(Yaml::as_str)
                .ok_or_else(|| at(&place, Fault::Missing("Type".to_owned())))?;
            let wanted = resource.get("Condition").and_then(Yaml::as_str);
            let exists = wanted
                .map_or(Ok(true), |name| resolver.condition(name, &place, &mut BTreeSet::new()))?;
            if exists {
                resolver.resources.insert(id, kind.to_owned());
            }
        }
        Ok(resolver)
    }

    /// Whether a resource of this logical id is made.
    pub(super) fn has(&self, id: &str) -> bool {
        self.resources.contains_key(id)
    }

    /// A value with every function in it applied; `None` is `AWS::NoValue`.
    pub(super) fn resolve(&self, value: &Yaml, place: &str) -> Result<Option<Json>, TemplateError> {
        Ok(Some(match value {
            Yaml::Null => Json::Null,
            Yaml::Bool(value) => (*value).into(),
            Yaml::Number(number) => number_json(number),
            Yaml::String(text) => text.as_str().into(),
            Yaml::Sequence(list) => {
                let mut out = Vec::new();
                for (index, entry) in list.iter().enumerate() {
                    out.extend(self.resolve(entry, &format!("{place}[{index}]"))?);
                }
                out.into()
            }
            Yaml::Mapping(map) => match long_form(map) {
                Some((name, argument)) => return self.apply(name, argument, place),
                None => self.mapping(map, place)?.into(),
            },
            Yaml::Tagged(tagged) => {
                let tag = tagged.tag.to_string();
                return self.apply(tag.trim_start_matches('!'), &tagged.value, place);
            }
        }))
    }

    fn mapping(&self, map: &Mapping, place: &str) -> Result<Map<String, Json>, TemplateError> {
        let mut out = Map::new();
        for (key, value) in map {
            let key =
                key.as_str().ok_or_else(|| at(place, Fault::Wanted("keys that are strings")))?;
            if let Some(value) = self.resolve(value, &format!("{place}.{key}"))? {
                out.insert(key.to_owned(), value);
            }
        }
        Ok(out)
    }

    fn apply(
        &self,
        function: &str,
        argument: &Yaml,
        place: &str,
    ) -> Result<Option<Json>, TemplateError> {
        let scalar = || argument.as_str().ok_or_else(|| at(place, Fault::Wanted("a name")));
        match function {
            "Ref" => match scalar()? {
                "AWS::NoValue" => Ok(None),
                name => self.reference(name, place).map(|text| Some(text.into())),
            },
            "Sub" => self.substitute(argument, place).map(|text| Some(text.into())),
            "GetAtt" => {
                self.attribute(&dotted(argument, place)?, place).map(|text| Some(text.into()))
            }
            "If" => {
                let [condition, yes, no] = array(argument, place)?;
                let name = condition
                    .as_str()
                    .ok_or_else(|| at(place, Fault::Wanted("a condition's name")))?;
                let holds = self.condition(name, place, &mut BTreeSet::new())?;
                self.resolve(if holds { yes } else { no }, place)
            }
            "Join" => {
                let [separator, list] = array(argument, place)?;
                let separator =
                    separator.as_str().ok_or_else(|| at(place, Fault::Wanted("a separator")))?;
                let list = self.resolve(list, place)?.unwrap_or_default();
                let list = list.as_array().ok_or_else(|| at(place, Fault::Wanted("a list")))?;
                let texts: Option<Vec<_>> = list.iter().map(scalar_text).collect();
                let texts = texts.ok_or_else(|| at(place, Fault::Wanted("a list of scalars")))?;
                Ok(Some(texts.join(separator).into()))
            }
            other => Err(at(place, Fault::UnknownFunction(other.to_owned()))),
        }
    }

    /// What `Ref` gives: a parameter's value, or the identifier that AWS would.
    fn reference(&self, name: &str, place: &str) -> Result<String, TemplateError> {
        if let Some(value) = self.parameters.get(name).cloned().or_else(|| self.scope.pseudo(name))
        {
            return Ok(value);
        }
        // `HttpApi.Stage` is a resource that SAM makes for `HttpApi`.
        let id = name.split('.').next().unwrap_or(name);
        match self.resources.get(id) {
            Some(kind) => Ok(self.scope.identifier(kind, name)),
            None => Err(at(place, Fault::UnknownName(name.to_owned()))),
        }
    }

    fn attribute(&self, dotted: &str, place: &str) -> Result<String, TemplateError> {
        let unknown = || at(place, Fault::UnknownName(dotted.to_owned()));
        let (id, attribute) = dotted.split_once('.').ok_or_else(unknown)?;
        let kind = self.resources.get(id).ok_or_else(unknown)?;
        self.scope.attribute(kind, id, attribute).ok_or_else(unknown)
    }

    fn substitute(&self, argument: &Yaml, place: &str) -> Result<String, TemplateError> {
        let text = argument.as_str().ok_or_else(|| at(place, Fault::Wanted("a text, for Sub")))?;
        let (mut out, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| at(place, Fault::Wanted("a closing } in Sub")))?;
            out.push_str(before);
            match name.strip_prefix('!') {
                Some(literal) => out.extend(["${", literal, "}"]),
                None if name.contains('.') => out.push_str(&self.attribute(name, place)?),
                None => out.push_str(&self.reference(name, place)?),
            }
            rest = after;
        }
        Ok(out + rest)
    }

    /// Whether a named condition holds; `open` are those being evaluated, against circles.
    fn condition(
        &self,
        name: &str,
        place: &str,
        open: &mut BTreeSet<String>,
    ) -> Result<bool, TemplateError> {
        let unknown = || at(place, Fault::UnknownName(name.to_owned()));
        let condition = self.conditions.get(name).ok_or_else(unknown)?;
        let place = format!("Conditions.{name}");
        if !open.insert(name.to_owned()) {
            return Err(at(&place, Fault::Circle));
        }
        let holds = self.holds(condition, &place, open);
        open.remove(name);
        holds
    }

    fn holds(
        &self,
        expression: &Yaml,
        place: &str,
        open: &mut BTreeSet<String>,
    ) -> Result<bool, TemplateError> {
        let (function, argument) =
            call(expression).ok_or_else(|| at(place, Fault::Wanted("a condition function")))?;
        match function.as_str() {
            "Condition" => {
                let name = argument
                    .as_str()
                    .ok_or_else(|| at(place, Fault::Wanted("a condition's name")))?;
                self.condition(name, place, open)
            }
            "Equals" => {
                let [left, right] = array(argument, place)?;
                let (left, right) = (self.resolve(left, place)?, self.resolve(right, place)?);
                Ok(left.as_ref().and_then(scalar_text) == right.as_ref().and_then(scalar_text))
            }
            "Not" => {
                let [inner] = array(argument, place)?;
                Ok(!self.holds(inner, place, open)?)
            }
            "And" | "Or" => {
                let list =
                    argument.as_sequence().ok_or_else(|| at(place, Fault::Wanted("a list")))?;
                let mut results = Vec::new();
                for inner in list {
                    results.push(self.holds(inner, place, open)?);
                }
                Ok(if function == "And" {
                    results.iter().all(|&r| r)
                } else {
                    results.iter().any(|&r| r)
                })
            }
            other => Err(at(place, Fault::UnknownFunction(other.to_owned()))),
        }
    }
}

/// Values as given, else the defaults, each held against what the template allows. Its
/// `AllowedPattern` is not: that guards a deployment, and the functions judge their environment.
fn parameters(root: &Mapping, scope: &Scope) -> Result<BTreeMap<String, String>, TemplateError> {
    let mut values = BTreeMap::new();
    for (name, definition) in entries(root, "Parameters") {
        let refused = |wanted| TemplateError::Parameter { name: name.clone(), wanted };
        let default = definition.get("Default").and_then(yaml_scalar);
        let value = scope.parameters.get(&name).cloned().or(default);
        let value = value.ok_or_else(|| refused("a value".to_owned()))?;
        if let Some(wanted) = wanted(definition, &value) {
            return Err(refused(wanted));
        }
        values.insert(name, value);
    }
    match scope.parameters.keys().find(|name| !values.contains_key(*name)) {
        Some(stray) => {
            let known = values.into_keys().collect::<Vec<_>>().join(", ");
            Err(TemplateError::NoParameter { name: stray.clone(), known })
        }
        None => Ok(values),
    }
}

/// What a parameter allows, if a value is not that.
fn wanted(definition: &Yaml, value: &str) -> Option<String> {
    let field = |key: &str| definition.get(key).and_then(yaml_scalar);
    let bound = |key: &str| field(key).and_then(|text| text.parse::<f64>().ok());
    if let Some(allowed) = definition.get("AllowedValues").and_then(Yaml::as_sequence) {
        let allowed: Vec<_> = allowed.iter().filter_map(yaml_scalar).collect();
        return (!allowed.iter().any(|allowed| allowed == value))
            .then(|| format!("one of {}", allowed.join(", ")));
    }
    if field("Type").as_deref() == Some("Number") {
        let (least, most) = (field("MinValue"), field("MaxValue"));
        let inside = value.parse::<f64>().is_ok_and(|number| {
            bound("MinValue").is_none_or(|least| least <= number)
                && bound("MaxValue").is_none_or(|most| number <= most)
        });
        return (!inside).then(|| match (least, most) {
            (Some(least), Some(most)) => format!("a number from {least} to {most}"),
            (Some(least), None) => format!("a number from {least} on"),
            _ => "a number".to_owned(),
        });
    }
    let length = value.chars().map(|_| 1.0).sum::<f64>();
    let (least, most) = (bound("MinLength").unwrap_or(0.0), bound("MaxLength").unwrap_or(4096.0));
    (length < least || length > most).then(|| format!("a text of {least} to {most} characters"))
}

/// The named section's entries.
pub(super) fn entries<'a>(
    root: &'a Mapping,
    section: &str,
) -> impl Iterator<Item = (String, &'a Yaml)> {
    let map = root.get(section).and_then(Yaml::as_mapping);
    map.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value)))
}

/// `Fn::Sub: …` and `Ref: …`, the forms without a tag.
fn long_form(map: &Mapping) -> Option<(&str, &Yaml)> {
    let (key, argument) = map.iter().next().filter(|_| map.len() == 1)?;
    let key = key.as_str()?;
    if key == "Ref" { Some((key, argument)) } else { Some((key.strip_prefix("Fn::")?, argument)) }
}

fn call(expression: &Yaml) -> Option<(String, &Yaml)> {
    match expression {
        Yaml::Tagged(tagged) => {
            Some((tagged.tag.to_string().trim_start_matches('!').to_owned(), &tagged.value))
        }
        Yaml::Mapping(map) => match map.get("Condition") {
            Some(name) => Some(("Condition".to_owned(), name)),
            None => long_form(map).map(|(name, argument)| (name.to_owned(), argument)),
        },
        _ => None,
    }
}

fn array<'a, const N: usize>(
    argument: &'a Yaml,
    place: &str,
) -> Result<&'a [Yaml; N], TemplateError> {
    let list = argument.as_sequence().map(Vec::as_slice).unwrap_or_default();
    list.try_into().map_err(|_| at(place, Fault::Arguments(N)))
}

fn dotted(argument: &Yaml, place: &str) -> Result<String, TemplateError> {
    match argument {
        Yaml::String(text) => Ok(text.clone()),
        Yaml::Sequence(parts) => {
            Ok(parts.iter().filter_map(Yaml::as_str).collect::<Vec<_>>().join("."))
        }
        _ => Err(at(place, Fault::Wanted("Resource.Attribute"))),
    }
}

fn number_json(number: &yaml_serde::Number) -> Json {
    let whole = number.as_i64().map(Json::from).or_else(|| number.as_u64().map(Json::from));
    whole.or_else(|| number.as_f64().map(Json::from)).unwrap_or_default()
}

fn yaml_scalar(value: &Yaml) -> Option<String> {
    match value {
        Yaml::String(text) => Some(text.clone()),
        Yaml::Bool(value) => Some(value.to_string()),
        Yaml::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// `CloudFormation` compares and joins everything as text.
pub(super) fn scalar_text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(_) | Json::Number(_) => Some(value.to_string()),
        _ => None,
    }
}
