//! Every operation of the operator's API that its description names, with what it takes to be asked
//! for: a new one is asked like the others, or the tests say what they lack.

use serde_json::{Value, json};
use shared::domain::ids::RemoteId;

use crate::{ACCOUNT, CAR, RETURN_TO, World, described::DESCRIPTION};

/// One request that is well-formed, and what its key needs.
#[derive(Debug, Clone)]
pub struct Ask {
    /// `GET`, …
    pub method: String,
    /// With every parameter filled in.
    pub path: String,
    /// What the description says that a key needs: all of them.
    pub scopes: Vec<String>,
    body: Option<Value>,
}

impl Ask {
    /// As a request without a key.
    pub fn request(&self, world: &World, http: &reqwest::Client) -> reqwest::RequestBuilder {
        let request = http.request(self.method.parse().unwrap(), world.url(&self.path));
        match &self.body {
            // Needed for a command, and taken where it is not.
            Some(body) => request
                .header("idempotency-key", shared::random::id())
                .header("content-type", "application/json")
                .body(body.to_string()),
            None => request,
        }
    }
}

impl World {
    /// All that can be asked for, each of something that is there: an enrollment with its car, a
    /// rule and an endpoint are made for it. What deletes comes last.
    pub async fn all_asks(&self) -> Vec<Ask> {
        let enrollment = self.enroll("user-1", "peugeot", ACCOUNT).await;
        let mut things = vec![("/v1/enrollments/", enrollment.clone())];
        for collection in ["/v1/monitors", "/v1/webhooks"] {
            let made = self.api("POST", collection, Some(body("POST", collection))).await;
            assert_eq!(made.status, 201, "{}", made.body);
            things.push((collection, made.body["id"].as_str().unwrap().to_owned()));
        }
        things.push(("/v1/notifications/", format!("{enrollment}.{}", "0".repeat(64))));
        let remote = RemoteId::at(self.now()).to_string();

        let mut asks = Vec::new();
        for (template, operations) in DESCRIPTION["paths"].as_object().unwrap() {
            let thing = things.iter().find(|(of, _)| template.starts_with(of));
            let id = thing.map_or("", |(_, id)| id);
            let path = template.replace("{id}", id).replace("{vin}", CAR);
            let path = path.replace("{remote}", &remote);
            assert!(!path.contains('{') && !path.contains("//"), "what to put into {template}?");
            for (method, operation) in operations.as_object().unwrap() {
                let method = method.to_ascii_uppercase();
                let needed = operation["security"][0]["key"].as_array().unwrap().iter();
                let scopes: Vec<_> = needed.map(|it| it.as_str().unwrap().to_owned()).collect();
                let ask = |scopes, body| {
                    let (method, path) = (method.clone(), path.clone());
                    Ask { method, path, scopes, body }
                };
                if scopes.iter().any(|scope| scope.starts_with("remote:")) {
                    // Each of them is for one kind of command.
                    asks.extend(
                        scopes.into_iter().map(|it| ask(vec![it.clone()], Some(command(&it)))),
                    );
                } else {
                    let takes = operation.get("requestBody").is_some();
                    asks.push(ask(scopes, takes.then(|| body(&method, template))));
                }
            }
        }
        asks.sort_by_key(|ask| ask.method == "DELETE");
        asks
    }
}

/// What an operation takes.
fn body(method: &str, template: &str) -> Value {
    match (method, template) {
        ("POST", "/v1/enrollments") => {
            json!({"user_ref": "user-2", "brand": "opel", "return_to": RETURN_TO})
        }
        ("POST", "/v1/enrollments/{id}/confirm") => {
            json!({"user_ref": "user-1", "confirmation": "wrong"})
        }
        ("POST", "/v1/monitors") | ("PUT", "/v1/monitors/{id}") => {
            json!({"name": "low", "when": {"use": "battery_below", "level": 20}})
        }
        ("POST", "/v1/webhooks") => json!({"url": "http://127.0.0.1:9/"}),
        ("PATCH", "/v1/webhooks/{id}") => json!({"enabled": false}),
        ("POST", "/v1/webhooks/{id}/replay") => json!({"since": "2026-01-01T00:00:00Z"}),
        ("PUT", "/v1/control") => json!({"stopped": []}),
        _ => panic!("what does {method} {template} take?"),
    }
}

/// The command that needs this scope.
fn command(scope: &str) -> Value {
    let kind = scope.trim_start_matches("remote:");
    let wish = match kind {
        "door" => json!({"state": "locked"}),
        "horn" | "lights" => json!({"on": true}),
        "charging" | "preconditioning" => json!({"immediate": true}),
        "wake_up" => json!({}),
        "navigation" => json!({"positions": [{"latitude": 48.117, "longitude": -1.678}]}),
        _ => panic!("which command needs {scope}?"),
    };
    json!({kind: wish, "on_behalf_of": "user-1"})
}
