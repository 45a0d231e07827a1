//! Filters of stream mappings: the part of EventBridge's pattern language that is used.

use serde_json::Value;

use super::{Fault, TemplateError, at};

/// A filter: a record passes if every field named has one of the values listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Node);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Object(Vec<(String, Node)>),
    AnyOf(Vec<Rule>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    Equals(Value),
    Prefix(String),
    Exists(bool),
}

impl Pattern {
    /// Reads a pattern's JSON; a rule not known here is an error.
    pub(super) fn parse(text: &str, place: &str) -> Result<Self, TemplateError> {
        let json: Value = serde_json::from_str(text)
            .map_err(|_| at(place, Fault::Wanted("a pattern in JSON")))?;
        Ok(Self(node(&json, place)?))
    }

    /// Whether a record passes.
    #[must_use]
    pub fn matches(&self, record: &Value) -> bool {
        passes(&self.0, Some(record))
    }
}

fn node(json: &Value, place: &str) -> Result<Node, TemplateError> {
    match json {
        Value::Object(map) => {
            let mut fields = Vec::new();
            for (key, value) in map {
                fields.push((key.clone(), node(value, &format!("{place}.{key}"))?));
            }
            Ok(Node::Object(fields))
        }
        Value::Array(list) => {
            list.iter().map(|entry| rule(entry, place)).collect::<Result<_, _>>().map(Node::AnyOf)
        }
        _ => Err(at(place, Fault::Wanted("a list of values"))),
    }
}

fn rule(json: &Value, place: &str) -> Result<Rule, TemplateError> {
    let Value::Object(map) = json else { return Ok(Rule::Equals(json.clone())) };
    let single = map.iter().next().filter(|_| map.len() == 1);
    match single {
        Some((name, Value::String(text))) if name == "prefix" => Ok(Rule::Prefix(text.clone())),
        Some((name, Value::Bool(wanted))) if name == "exists" => Ok(Rule::Exists(*wanted)),
        Some((name, _)) => Err(at(place, Fault::UnknownFunction(name.clone()))),
        None => Err(at(place, Fault::Wanted("one rule"))),
    }
}

fn passes(node: &Node, value: Option<&Value>) -> bool {
    match node {
        Node::Object(fields) => {
            fields.iter().all(|(key, inner)| passes(inner, value.and_then(|value| value.get(key))))
        }
        Node::AnyOf(rules) => rules.iter().any(|rule| match rule {
            Rule::Equals(wanted) => value == Some(wanted),
            Rule::Prefix(prefix) => {
                value.and_then(Value::as_str).is_some_and(|text| text.starts_with(prefix))
            }
            Rule::Exists(wanted) => value.is_some() == *wanted,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_field_must_have_one_of_its_values() {
        let text =
            r#"{"eventName":["INSERT"],"dynamodb":{"Keys":{"sk":{"S":[{"prefix":"REQ#"}]}}}}"#;
        let pattern = Pattern::parse(text, "here").unwrap();
        let record = |event: &str, sk: &str| json!({"eventName": event, "dynamodb": {"Keys": {"sk": {"S": sk}}}});

        assert!(pattern.matches(&record("INSERT", "REQ#1")));
        assert!(!pattern.matches(&record("MODIFY", "REQ#1")));
        assert!(!pattern.matches(&record("INSERT", "META")));
        assert!(!pattern.matches(&json!({"eventName": "INSERT"})));
    }

    #[test]
    fn a_rule_that_is_not_known_is_an_error_and_no_guess() {
        assert!(Pattern::parse(r#"{"a":[{"anything-but":["x"]}]}"#, "here").is_err());
        assert!(Pattern::parse(r#"{"a":"x"}"#, "here").is_err());
    }
}
