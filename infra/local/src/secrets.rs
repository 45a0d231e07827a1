//! Secrets Manager's stand-in: one JSON file with all secrets, read at every call, so that a
//! rotation is an edit of the file as it is a new version there.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use serde_json::{Map, Value, json};

use crate::{
    front::{Caller, Refusal},
    template::Secret,
};

/// Where the secrets are; clones share them.
#[derive(Clone)]
pub struct SecretStore {
    source: Source,
    known: Arc<BTreeMap<String, Secret>>,
    region: String,
}

#[derive(Clone)]
enum Source {
    File(PathBuf),
    Memory(Arc<RwLock<Map<String, Value>>>),
}

impl SecretStore {
    /// From a file, `{"maker": {…}, "seal": {…}, "edge": {…}, "webhooks": {…}}`.
    pub(crate) fn file(path: PathBuf, known: &BTreeMap<String, Secret>, region: &str) -> Self {
        Self {
            source: Source::File(path),
            known: Arc::new(known.clone()),
            region: region.to_owned(),
        }
    }

    /// The same in memory.
    pub(crate) fn memory(
        secrets: Map<String, Value>,
        known: &BTreeMap<String, Secret>,
        region: &str,
    ) -> Self {
        let source = Source::Memory(Arc::new(RwLock::new(secrets)));
        Self { source, known: Arc::new(known.clone()), region: region.to_owned() }
    }

    /// A secret by the file's name for it. None: there is no such secret, or no such file.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value> {
        match &self.source {
            Source::File(path) => {
                let text = std::fs::read_to_string(path).ok()?;
                serde_json::from_str::<Map<String, Value>>(&text).ok()?.remove(name)
            }
            Source::Memory(secrets) => {
                secrets.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
            }
        }
    }

    /// Puts a new version of a secret that is held in memory; a file is changed by who owns it.
    pub fn put(&self, name: &str, value: Value) {
        if let Source::Memory(secrets) = &self.source {
            secrets.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), value);
        }
    }

    pub(crate) fn authorise(&self, caller: &Caller<'_>, body: &Value) -> Result<(), Refusal> {
        let (arn, secret) = self.find(body)?;
        caller.may("secretsmanager:GetSecretValue", arn, &[])?;
        let via = format!("secretsmanager.{}.amazonaws.com", self.region);
        match &secret.key {
            Some(key) => caller.may("kms:Decrypt", key, &[("kms:ViaService", &via)]),
            None => Ok(()),
        }
    }

    pub(crate) fn call(&self, body: &Value) -> Result<Value, Refusal> {
        let (arn, secret) = self.find(body)?;
        let value = self.get(&secret.name).ok_or_else(not_found)?;
        Ok(json!({
            "ARN": arn,
            "Name": secret.name,
            "VersionId": "local",
            "VersionStages": ["AWSCURRENT"],
            "SecretString": value.to_string(),
        }))
    }

    /// By ARN, or by name.
    fn find(&self, body: &Value) -> Result<(&String, &Secret), Refusal> {
        let id = body["SecretId"].as_str().unwrap_or_default();
        self.known
            .iter()
            .find(|(arn, secret)| *arn == id || secret.name == id)
            .ok_or_else(not_found)
    }
}

fn not_found() -> Refusal {
    let message = "Secrets Manager can't find the specified secret.";
    Refusal::new(400, "ResourceNotFoundException", message)
}
