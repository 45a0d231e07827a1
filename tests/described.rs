//! What the operator's API answers, held against its published description: whoever generates a
//! client from that must be able to read every answer that any test receives.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use jsonschema::Validator;
use serde_json::Value;

pub(crate) static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../functions/api/openapi.json")).expect("a description")
});
static KNOWN: LazyLock<Mutex<HashMap<String, Validator>>> = LazyLock::new(Mutex::default);

/// # Panics
/// When the answer is not of the shape that the description promises.
pub(crate) fn check(method: &str, path: &str, status: u16, body: &Value) {
    let Some(operation) = operation(method, path) else { return };
    let answers = &operation["responses"];
    let described = answers.get(status.to_string());
    assert!(described.is_some() || status >= 400, "{method} {path}: {status} is not described");
    let kind = if status < 400 { "json" } else { "problem+json" };
    let content = &described.unwrap_or(&answers["default"])["content"];
    let Some(content) = content.as_object() else { return };
    let mut schema = content[&format!("application/{kind}")]["schema"].clone();
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let validator = known.entry(schema.to_string()).or_insert_with(|| {
        schema["components"] = DESCRIPTION["components"].clone();
        jsonschema::validator_for(&schema).expect("a schema")
    });
    let wrong: Vec<String> = validator.iter_errors(body).map(|it| it.to_string()).collect();
    drop(known);
    assert!(wrong.is_empty(), "{method} {path} {status}: {wrong:#?} in {body:#}");
}

fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let fits = |template: &str| {
        let (wanted, given) = (template.split('/'), path.split('/'));
        wanted.clone().count() == given.clone().count()
            && wanted.zip(given).all(|(wanted, given)| wanted.starts_with('{') || wanted == given)
    };
    let mut paths = DESCRIPTION["paths"].as_object()?.iter();
    paths.find(|(template, _)| fits(template))?.1.get(method.to_ascii_lowercase())
}
