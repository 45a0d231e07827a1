//! What a secrets file must look like: each field that is wrong is named, and none of its value is
//! repeated. The functions read more leniently; a name that is misspelt here would be lost there.

use std::fmt;

use data_encoding::BASE64;
use jiff::Timestamp;
use serde_json::{Map, Value};
use shared::domain::brand::Brand;

use super::{SCOPES, identity::Flaw};

/// One field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// Its path, such as `maker.client_id`.
    pub field: String,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

impl fmt::Display for FieldProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.problem)
    }
}

impl FieldProblem {
    pub(super) fn flaw(field: &str, flaw: &Flaw) -> Self {
        Self { field: field.to_owned(), problem: flaw.to_string() }
    }
}

/// Everything that is wrong with the shape of these secrets.
pub(super) fn problems(secrets: &Map<String, Value>) -> Vec<FieldProblem> {
    let mut judge = Judge::default();
    judge.known(secrets, "", &["maker", "seal", "edge", "webhooks"]);
    if let Some(maker) = judge.object(secrets, "", "maker") {
        judge.maker(maker);
    }
    for ring in ["seal", "webhooks"] {
        if let Some(value) = judge.object(secrets, "", ring) {
            judge.known(value, ring, &["primary", "keys"]);
            judge.ring(value, ring);
        }
    }
    if let Some(edge) = judge.object(secrets, "", "edge") {
        judge.edge(edge);
    }
    judge.0
}

#[derive(Default)]
struct Judge(Vec<FieldProblem>);

/// `maker` and `client_id` make `maker.client_id`.
fn path(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}

impl Judge {
    fn wrong(&mut self, field: String, problem: impl Into<String>) {
        self.0.push(FieldProblem { field, problem: problem.into() });
    }

    fn known(&mut self, map: &Map<String, Value>, place: &str, names: &[&str]) {
        for name in map.keys().filter(|name| !names.contains(&name.as_str())) {
            self.wrong(path(place, name), format!("is unknown; known are {}", names.join(", ")));
        }
    }

    fn object<'a>(
        &mut self,
        map: &'a Map<String, Value>,
        place: &str,
        key: &str,
    ) -> Option<&'a Map<String, Value>> {
        match map.get(key) {
            None => self.wrong(path(place, key), "is missing"),
            Some(Value::Object(inner)) => return Some(inner),
            Some(_) => self.wrong(path(place, key), "is not an object"),
        }
        None
    }

    /// A text that holds something, and nothing that a terminal or an editor slipped in.
    fn text<'a>(&mut self, map: &'a Map<String, Value>, place: &str, key: &str) -> Option<&'a str> {
        let problem = match map.get(key) {
            None => "is missing",
            Some(Value::String(text)) if text.trim().is_empty() => "is empty",
            Some(Value::String(text)) if text.trim() != text => "begins or ends with a space",
            Some(Value::String(text)) if text.chars().any(char::is_control) => {
                "holds a line break or another control character"
            }
            Some(Value::String(text)) => return Some(text),
            Some(_) => "is not a text",
        };
        self.wrong(path(place, key), problem);
        None
    }

    fn maker(&mut self, maker: &Map<String, Value>) {
        let names = ["client_id", "client_secret", "certificate", "private_key", "ca", "brands"];
        self.known(maker, "maker", &names);
        self.text(maker, "maker", "client_id");
        self.text(maker, "maker", "client_secret");
        for name in ["certificate", "private_key", "ca"] {
            if !matches!(maker.get(name), None | Some(Value::Null | Value::String(_))) {
                self.wrong(path("maker", name), "is neither a text in PEM nor null");
            }
        }
        for (brand, place, value) in self.brands(maker, "maker") {
            match value {
                Value::Object(own) => {
                    self.known(own, &place, &["client_id", "client_secret"]);
                    self.text(own, &place, "client_id");
                    self.text(own, &place, "client_secret");
                }
                _ => self.wrong(place, format!("is not an object: credentials for {brand}")),
            }
        }
    }

    /// The entries of `brands`, which may be missing: brand, path and value.
    fn brands<'a>(
        &mut self,
        map: &'a Map<String, Value>,
        place: &str,
    ) -> Vec<(&'a String, String, &'a Value)> {
        let place = path(place, "brands");
        let brands = match map.get("brands") {
            None => return Vec::new(),
            Some(Value::Object(brands)) => brands,
            Some(_) => {
                self.wrong(place, "is not an object");
                return Vec::new();
            }
        };
        for name in brands.keys().filter(|name| name.parse::<Brand>().is_err()) {
            self.wrong(path(&place, name), "is no brand of the maker");
        }
        brands.iter().map(|(name, value)| (name, path(&place, name), value)).collect()
    }

    fn ring(&mut self, ring: &Map<String, Value>, place: &str) {
        let primary = self.text(ring, place, "primary");
        let Some(keys) = self.object(ring, place, "keys") else { return };
        for (id, key) in keys {
            let bytes = key.as_str().and_then(|text| BASE64.decode(text.as_bytes()).ok());
            if bytes.is_none_or(|bytes| bytes.len() != 32) {
                self.wrong(format!("{place}.keys.{id}"), "is not the base64 of 32 bytes");
            }
        }
        if primary.is_some_and(|primary| !keys.contains_key(primary)) {
            self.wrong(path(place, "primary"), "names no key of `keys`");
        }
    }

    fn edge(&mut self, edge: &Map<String, Value>) {
        self.known(edge, "edge", &["primary", "keys", "client_ids", "api_keys"]);
        self.ring(edge, "edge");
        if let Some(ids) = self.object(edge, "edge", "client_ids") {
            let place = "edge.client_ids";
            self.known(ids, place, &["default", "brands"]);
            self.text(ids, place, "default");
            for (_, place, value) in self.brands(ids, place) {
                if value.as_str().is_none_or(str::is_empty) {
                    self.wrong(place, "is not a client id");
                }
            }
        }
        match edge.get("api_keys") {
            None => {}
            Some(Value::Array(keys)) => self.api_keys(keys),
            Some(_) => self.wrong("edge.api_keys".to_owned(), "is not a list"),
        }
    }

    fn api_keys(&mut self, keys: &[Value]) {
        let mut ids = Vec::new();
        for (index, key) in keys.iter().enumerate() {
            let place = format!("edge.api_keys[{index}]");
            let Value::Object(key) = key else {
                self.wrong(place, "is not an object");
                continue;
            };
            self.known(key, &place, &["id", "name", "sha256", "scopes", "expires_at"]);
            self.text(key, &place, "name");
            if let Some(id) = self.text(key, &place, "id") {
                if ids.contains(&id) {
                    self.wrong(path(&place, "id"), "is that of another key, too");
                }
                ids.push(id);
            }
            let hash = self.text(key, &place, "sha256");
            let hex =
                |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            if hash.is_some_and(|hash| !hex(hash)) {
                self.wrong(path(&place, "sha256"), "is not 64 hexadecimal digits");
            }
            self.scopes(key.get("scopes"), path(&place, "scopes"));
            let time = |value: &Value| {
                value.as_str().is_some_and(|text| text.parse::<Timestamp>().is_ok())
            };
            if key.get("expires_at").is_some_and(|at| !at.is_null() && !time(at)) {
                let wanted = "is neither a time, such as 2027-01-01T00:00:00Z, nor null";
                self.wrong(path(&place, "expires_at"), wanted);
            }
        }
    }

    fn scopes(&mut self, scopes: Option<&Value>, place: String) {
        let Some(scopes) = scopes.and_then(Value::as_array) else {
            self.wrong(place, "is not a list");
            return;
        };
        let known = |scope: &Value| scope.as_str().is_some_and(|scope| SCOPES.contains(&scope));
        if !scopes.iter().all(known) {
            self.wrong(place, format!("holds what is no scope; scopes are {}", SCOPES.join(", ")));
        }
    }
}
