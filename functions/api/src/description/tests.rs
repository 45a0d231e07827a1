use std::collections::BTreeSet;

use serde_json::Value;

fn document() -> Value {
    serde_json::from_str(&crate::openapi()).unwrap()
}

fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    let paths = document["paths"].as_object().unwrap().values();
    paths.flat_map(|path| path.as_object().unwrap().values())
}

#[test]
fn every_response_and_every_parameter_is_described() {
    let document = document();

    for operation in operations(&document) {
        let name = &operation["operationId"];
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(response["description"].is_string(), "{name} {status}");
            assert!(response["headers"]["x-request-id"].is_object(), "{name} {status}");
        }
        assert!(operation["responses"]["default"].is_object(), "{name}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{name} {parameter}");
            let free = parameter["schema"] == serde_json::json!({"type": "string"});
            assert!(!free, "{name} {parameter}: what may it be?");
        }
    }
    assert!(document["servers"][0]["url"].is_string());
}

#[test]
fn every_schema_that_is_named_is_there() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let mut named = Vec::new();
    super::taken_by(&document, schemas, &mut named);

    assert!(named.len() > 60, "{named:?}");
    for name in named {
        assert!(schemas[&name].is_object(), "{name}");
    }
}

#[test]
fn what_is_sent_to_us_may_have_no_other_members() {
    let document = document();
    let schemas = &document["components"]["schemas"];

    for name in ["Begin", "Wish", "Ready", "Target", "Trigger", "Ask", "WebhookChange", "Car"] {
        let schema = &schemas[name];
        let alternatives = schema["oneOf"].as_array().cloned();
        for object in alternatives.unwrap_or_else(|| vec![schema.clone()]) {
            let open = object["properties"].is_object() && object["additionalProperties"] != false;
            assert!(!open, "{name}: {object}");
        }
    }
}

/// The text of every field that a request may have is bounded, or chosen, or has a form.
#[test]
fn every_text_that_is_sent_to_us_has_a_form() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let mut taken = Vec::new();
    for operation in operations(&document) {
        super::taken_by(&operation["requestBody"], schemas, &mut taken);
    }
    let taken: BTreeSet<_> = taken.into_iter().collect();
    // A value compared is judged with its operator, and a kind of warning by the maker.
    let exempt = ["Scalar"];

    assert!(taken.len() > 30, "{taken:?}");
    for name in taken.iter().filter(|name| !exempt.contains(&name.as_str())) {
        for (field, schema) in schemas[name]["properties"].as_object().into_iter().flatten() {
            let kind = &schema["type"];
            let text = kind == "string"
                || kind.as_array().is_some_and(|kinds| kinds.iter().any(|it| it == "string"));
            let formed = ["pattern", "format", "enum", "maxLength"];
            let formed = formed.iter().any(|form| schema.get(form).is_some());
            assert!(!text || formed, "{name}.{field}: {schema}");
        }
    }
}
