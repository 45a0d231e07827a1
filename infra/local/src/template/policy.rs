//! What a role allows: IAM's rules for allowing, as far as the template uses them.

use serde_json::Value;

use super::{Fault, TemplateError, at, field::Field};

/// All that one role allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy(Vec<Statement>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    actions: Vec<String>,
    resources: Vec<String>,
    conditions: Vec<Condition>,
}

/// What a context key's values must be.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    operator: Operator,
    key: String,
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    /// `StringEquals`: it is there, and one of these.
    Equals,
    /// `StringEqualsIfExists`: one of these, if it is there.
    EqualsIfThere,
    /// `ForAllValues:StringEquals`: each of its values, if any, is one of these.
    AllEqual,
    /// `ForAllValues:StringLike`: each of its values, if any, fits one of these patterns.
    AllLike,
}

impl Operator {
    fn of(name: &str) -> Option<Self> {
        match name {
            "StringEquals" => Some(Self::Equals),
            "StringEqualsIfExists" => Some(Self::EqualsIfThere),
            "ForAllValues:StringEquals" => Some(Self::AllEqual),
            "ForAllValues:StringLike" => Some(Self::AllLike),
            _ => None,
        }
    }
}

impl Condition {
    fn holds(&self, context: &[(&str, &str)]) -> bool {
        let mut told = context.iter().filter(|(key, _)| *key == self.key).map(|(_, value)| *value);
        let named = |value: &str| self.values.iter().any(|wanted| wanted == value);
        match self.operator {
            Operator::Equals => told.next().is_some_and(named),
            Operator::EqualsIfThere => told.next().is_none_or(named),
            Operator::AllEqual => told.all(named),
            Operator::AllLike => {
                told.all(|value| self.values.iter().any(|pattern| matches(pattern, value)))
            }
        }
    }
}

impl Policy {
    /// Whether `action` is allowed on `resource`; `context` is what conditions can ask about: a key
    /// may have several values.
    #[must_use]
    pub fn allows(&self, action: &str, resource: &str, context: &[(&str, &str)]) -> bool {
        self.0.iter().any(|statement| {
            let fits = |patterns: &[String], text: &str| {
                patterns.iter().any(|pattern| matches(pattern, text))
            };
            fits(&statement.actions, action)
                && fits(&statement.resources, resource)
                && statement.conditions.iter().all(|condition| condition.holds(context))
        })
    }

    /// The actions that are named, for tests of least privilege.
    pub fn actions(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|statement| &statement.actions).map(String::as_str)
    }

    /// Reads `Policies` of a role.
    pub(super) fn read(role: &Field<'_>) -> Result<Self, TemplateError> {
        let mut statements = Vec::new();
        for policy in role.list("Policies")? {
            for statement in policy.child("PolicyDocument")?.list("Statement")? {
                statements.push(Statement::read(&statement)?);
            }
        }
        Ok(Self(statements))
    }
}

impl Statement {
    fn read(statement: &Field<'_>) -> Result<Self, TemplateError> {
        if statement.text("Effect")? != "Allow" {
            return Err(at(
                &statement.place,
                Fault::Wanted("Effect: Allow, the only one known here"),
            ));
        }
        let mut conditions = Vec::new();
        if let Some(condition) = statement.optional("Condition") {
            for (operator, keys) in condition.entries() {
                let unknown = || at(&condition.place, Fault::UnknownFunction(operator.to_owned()));
                let operator = Operator::of(operator).ok_or_else(unknown)?;
                for (key, _) in keys.entries() {
                    let values = texts(&keys, key)?;
                    conditions.push(Condition { operator, key: key.to_owned(), values });
                }
            }
        }
        Ok(Self {
            actions: texts(statement, "Action")?,
            resources: texts(statement, "Resource")?,
            conditions,
        })
    }
}

/// One text or a list of them.
fn texts(parent: &Field<'_>, key: &str) -> Result<Vec<String>, TemplateError> {
    let child = parent.child(key)?;
    let wrong = || at(&child.place, Fault::Wanted("a text or a list of texts"));
    match child.value {
        Value::String(text) => Ok(vec![text.clone()]),
        Value::Array(list) => {
            list.iter().map(|entry| entry.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        _ => Err(wrong()),
    }
}

/// `*` stands for any run of characters.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(index) => rest = &rest[index + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_and_nothing_else_does() {
        assert!(matches("arn:table/T/stream/*", "arn:table/T/stream/2026"));
        assert!(matches("*", "anything"));
        assert!(matches("a*c*e", "abcde"));
        assert!(!matches("arn:table/T", "arn:table/T/index/due"));
        assert!(!matches("a*c*e", "abcd"));
        assert!(!matches("dynamodb:Get*", "dynamodb:PutItem"));
    }

    #[test]
    fn a_condition_narrows_what_is_allowed() {
        let value = serde_json::json!({"Policies": [{"PolicyDocument": {"Statement": [{
            "Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": "key",
            "Condition": {"StringEquals": {"kms:ViaService": ["dynamodb"]}},
        }]}}]});
        let policy = Policy::read(&Field::root("Role", &value)).unwrap();

        assert!(policy.allows("kms:Decrypt", "key", &[("kms:ViaService", "dynamodb")]));
        assert!(!policy.allows("kms:Decrypt", "key", &[("kms:ViaService", "sqs")]));
        assert!(!policy.allows("kms:Decrypt", "key", &[]));
    }

    #[test]
    fn all_keys_of_a_call_must_fit_the_patterns() {
        let value = serde_json::json!({"Policies": [{"PolicyDocument": {"Statement": [{
            "Effect": "Allow", "Action": ["dynamodb:PutItem"], "Resource": "table",
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["IN#*"]}},
        }]}}]});
        let policy = Policy::read(&Field::root("Role", &value)).unwrap();
        let allows = |keys: &[&str]| {
            let context: Vec<_> = keys.iter().map(|key| ("dynamodb:LeadingKeys", *key)).collect();
            policy.allows("dynamodb:PutItem", "table", &context)
        };

        assert!(allows(&["IN#1", "IN#2"]));
        assert!(!allows(&["IN#1", "ENR#2"]));
        assert!(allows(&[]), "as IAM has it");
    }

    #[test]
    fn of_an_item_no_more_than_some_attributes_may_be_read() {
        let value = serde_json::json!({"Policies": [{"PolicyDocument": {"Statement": [{
            "Effect": "Allow", "Action": ["dynamodb:GetItem"], "Resource": "table",
            "Condition": {
                "ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "status"]},
                "StringEqualsIfExists": {"dynamodb:Select": ["SPECIFIC_ATTRIBUTES"]},
            },
        }]}}]});
        let policy = Policy::read(&Field::root("Role", &value)).unwrap();
        let allows = |attributes: &[&str], select: Option<&str>| {
            let attributes = attributes.iter().map(|name| ("dynamodb:Attributes", *name));
            let select = select.map(|select| ("dynamodb:Select", select));
            let context: Vec<_> = attributes.chain(select).collect();
            policy.allows("dynamodb:GetItem", "table", &context)
        };

        assert!(allows(&["pk", "status"], Some("SPECIFIC_ATTRIBUTES")) && allows(&["pk"], None));
        assert!(!allows(&["pk", "body"], Some("SPECIFIC_ATTRIBUTES")));
        assert!(!allows(&["pk"], Some("ALL_ATTRIBUTES")), "everything, if nothing is named");
    }
}
