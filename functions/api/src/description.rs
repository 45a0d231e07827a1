//! What the description says of every operation alike, so that no operation can forget it: what its
//! parameters are, which errors it may give, who else may answer. No deployed function has it.

use serde_json::{Map, Value, json};
use shared::domain::snapshot::Field;
use utoipa::openapi::OpenApi;

use crate::cursor;

const PROBLEM: &str = "application/problem+json";
const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

const ABOUT: &str = "Connect drivers' Peugeot, Citroën, DS, Opel and Vauxhall accounts and read their cars.

**Errors** are `application/problem+json` (RFC 9457): `type` is a stable word for programs, `detail` says what to do, `field` names what is at fault, `request_id` is that of the response's header `x-request-id`, which our logs know, too. 400: it can't be read as described here. 422: it can be read, but a field does not go with the others, with this deployment or with this moment.

**Before us** stands a gateway, which answers some requests itself, as `{\"message\": …}`: 403 (another host), 404 (no such path outside `/v1`), 413, 429 (too many requests: wait for as long as `Retry-After` says, or, where there is none, a second and longer each time), 500 and 503 (a function that died or took too long: try again).

**Lists** give `next` as long as there may be more: give it as `cursor`, with all other parameters as before. A page may hold less than `limit`, even nothing, and yet give a `next`.";

/// Adds to what stands beside each operation what is the same for all.
pub(crate) fn finish(document: OpenApi) -> serde_json::Result<Value> {
    let mut document = serde_json::to_value(document)?;
    document["info"]["description"] = ABOUT.into();
    document["info"]["license"] = json!({
        "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0",
    });
    document["servers"] = json!([
        {
            "url": "https://{host}", "description": "A deployment: the stack's parameter `PublicUrl`",
            "variables": {"host": {"default": "cars.example.com"}},
        },
        {"url": "http://127.0.0.1:8080", "description": "`cargo run`"},
    ]);
    document["components"]["headers"] = json!({
        "RequestId": {
            "description": "The id of this request, by which our logs know it",
            "schema": {"type": "string"},
        },
        "RetryAfter": {
            "description": "After how many seconds to try again, where that is known",
            "schema": {"type": "integer", "minimum": 0},
        },
    });
    name_items(&mut document["components"]["schemas"]);
    let schemas = document["components"]["schemas"].clone();
    let mut taken = Vec::new();
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for operation in paths.flat_map(|(_, path)| path.as_object_mut().into_iter().flatten()) {
        if METHODS.contains(&operation.0.as_str()) {
            operation_of(operation.1);
            taken_by(&operation.1["requestBody"], &schemas, &mut taken);
        }
    }
    for name in taken {
        if let Some(schema) = document["components"]["schemas"].get_mut(&name) {
            close(schema);
        }
    }
    Ok(document)
}

/// What a page holds is named and not written out again: a client has one type for it.
fn name_items(schemas: &mut Value) {
    let names: Vec<String> =
        schemas.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    for page in &names {
        if let Some(item) = page.strip_prefix("Page_").filter(|item| schemas.get(item).is_some()) {
            let item = json!({"$ref": format!("#/components/schemas/{item}")});
            schemas[page]["properties"]["items"]["items"] = item;
        }
    }
}

fn operation_of(operation: &mut Value) {
    let mut inputs = operation.get("requestBody").is_some();
    // Looked up and not indexed, which would add a `null` where there is none.
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        inputs = true;
        describe_parameter(parameter);
    }
    let mut responses = operation["responses"].take();
    if let Some(responses) = responses.as_object_mut() {
        if inputs {
            for status in ["400", "422"] {
                responses.entry(status).or_insert_with(|| json!({"content": problem()}));
            }
        }
        let mut default = problem();
        default["application/json"] =
            json!({"schema": {"$ref": "#/components/schemas/GatewayError"}});
        responses.insert("default".to_owned(), json!({"content": default}));
        for (status, response) in responses.iter_mut() {
            describe_response(status, response);
        }
    }
    operation["responses"] = responses;
}

fn problem() -> Value {
    json!({PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}})
}

fn describe_response(status: &str, response: &mut Value) {
    if status >= "400" && status != "default" {
        response["content"] = problem();
    }
    if response.get("description").is_none() {
        response["description"] = match status {
            "200" => "It is as follows",
            "201" => "Made",
            "202" => "Taken on; it is done in a while",
            "204" => "Done: nothing is left of it",
            "400" => "The request can't be read: `field` names what is wrong, `detail` says what would be right",
            "403" => "The key lacks a scope, or may not do this: `type` and `detail` say which",
            "404" => "There is no such thing, or not any more: `detail` says what was not found",
            "409" => "Not in the state that it is in, or changed at the same moment: `detail` says what to do",
            "422" => "The request can be read and can't be done: `field` does not go with the others, with this deployment or with this moment",
            "429" => "Too many requests",
            _ => "No valid key (401), a key that lacks the scope (403), no such operation (404, 405), too much (413, 429) or not JSON (415), a fault of ours (500), or not now (503). `{\"message\": …}` comes from the gateway before us",
        }
        .into();
    }
    response["headers"]["x-request-id"] = json!({"$ref": "#/components/headers/RequestId"});
    if matches!(status, "429" | "503" | "default") {
        response["headers"]["retry-after"] = json!({"$ref": "#/components/headers/RetryAfter"});
    }
}

/// What a parameter of this name is, wherever it stands.
fn describe_parameter(parameter: &mut Value) {
    let name = parameter["name"].as_str().unwrap_or_default();
    let (description, schema) = match name {
        "id" | "remote" => ("Its id", Value::Null),
        "vin" => ("The car's identification number", Value::Null),
        "user_ref" => ("Your own name for the user", Value::Null),
        "status" => ("Where it stands", Value::Null),
        "limit" => (
            "How many at most",
            json!({"type": "integer", "minimum": 1, "maximum": cursor::PAGE, "default": cursor::PAGE}),
        ),
        "cursor" => (
            "`next` of the page before; with it, all else as for that page",
            json!({"type": "string", "pattern": "^[0-9A-Za-z_-]{1,2048}$"}),
        ),
        "order" => (
            "`asc` (oldest first, the default) or `desc` (newest first)",
            json!({"type": "string", "enum": ["asc", "desc"], "default": "asc"}),
        ),
        "from" => ("Not before; the beginning by default", time()),
        "to" => ("Not after; now by default", time()),
        "updated_since" => ("Only what was changed then or since", time()),
        "month" => (
            "By default this one",
            json!({"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$", "examples": ["2026-03"]}),
        ),
        "fields" => ("Names of fields, separated by commas; by default all", fields()),
        "state" => ("By default all", json!({"type": "string", "enum": ["dead"]})),
        "Idempotency-Key" => (
            "Any text of yours. The same key and body give the same thing, for a day",
            json!({"type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$", "minLength": 1, "maxLength": 255}),
        ),
        _ => ("", Value::Null),
    };
    if !schema.is_null() {
        parameter["schema"] = schema;
    }
    if parameter.get("description").is_none() && !description.is_empty() {
        parameter["description"] = description.into();
    }
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time", "examples": ["2026-01-31T12:00:00Z"]})
}

fn fields() -> Value {
    let names: Vec<_> = Field::ALL.iter().map(|field| field.name().replace('.', "\\.")).collect();
    let one = names.join("|");
    let pattern = format!("^({one})(,({one}))*$");
    json!({"type": "string", "pattern": pattern, "examples": ["electric.level,odometer.mileage"]})
}

/// The names of the schemas that this may hold.
fn taken_by(value: &Value, schemas: &Value, taken: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            let name = value.as_str().and_then(|at| at.strip_prefix("#/components/schemas/"));
            match name {
                Some(name) if key == "$ref" && !taken.iter().any(|known| known == name) => {
                    taken.push(name.to_owned());
                    taken_by(&schemas[name], schemas, taken);
                }
                _ => taken_by(value, schemas, taken),
            }
        }),
        Value::Array(values) => values.iter().for_each(|value| taken_by(value, schemas, taken)),
        _ => {}
    }
}

/// An object that we are sent has no other members than those described.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.get("properties").is_some_and(Value::is_object) {
                map.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            each(map);
        }
        Value::Array(values) => values.iter_mut().for_each(close),
        _ => {}
    }
}

fn each(map: &mut Map<String, Value>) {
    for (key, value) in map {
        match key.as_str() {
            // Names of members, not of keywords.
            "properties" => {
                value.as_object_mut().into_iter().flatten().for_each(|(_, it)| close(it));
            }
            "example" | "examples" | "default" | "enum" => {}
            _ => close(value),
        }
    }
}

#[cfg(test)]
mod tests;
