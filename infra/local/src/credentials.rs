//! The secrets' JSON: made, checked and rotated here, read by `shared::secrets`.

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::{BASE32HEX_NOPAD, BASE64, HEXLOWER};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use shared::{random, seal::KeyRing, secrets::EdgeSecret, stellantis::MakerSecret};

/// Every scope a key can have as yet.
pub const SCOPES: [&str; 12] = [
    "read",
    "read:position",
    "enroll",
    "erase",
    "admin",
    "remote:door",
    "remote:horn",
    "remote:lights",
    "remote:charging",
    "remote:preconditioning",
    "remote:wake_up",
    "remote:navigation",
];

/// What is wrong with a secrets file.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// One of them is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// One of them is not what the functions read.
    #[error("{0} is not well-formed")]
    Malformed(&'static str),
    /// `login` would send drivers away under another id than `callback` exchanges with.
    #[error("edge.client_ids and maker.client_id differ")]
    ClientIds,
    /// No such ring to rotate.
    #[error("only seal, edge and webhooks hold keys that are rotated")]
    NoRing,
    /// A key to be promoted is the only one.
    #[error("there is nothing to promote: rotate once without --promote, and wait five minutes")]
    NothingToPromote,
}

/// The secrets for a client of the maker, with new keys and no API key.
#[must_use]
pub fn new_secrets(client_id: &str, client_secret: &SecretString) -> Map<String, Value> {
    let mut edge = new_ring();
    edge["client_ids"] = json!({"default": client_id, "brands": {}});
    edge["api_keys"] = json!([]);
    let maker = json!({
        "client_id": client_id, "client_secret": client_secret.expose_secret(),
        "certificate": null, "private_key": null, "ca": null, "brands": {},
    });
    [("maker", maker), ("seal", new_ring()), ("edge", edge), ("webhooks", new_ring())]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn new_ring() -> Value {
    json!({"primary": "k1", "keys": {"k1": new_key()}})
}

fn new_key() -> String {
    BASE64.encode(&random::bytes::<32>())
}

/// An API key: what the operator presents, and the record of it, which holds a hash.
#[must_use]
pub fn new_api_key(
    kind: &str,
    name: &str,
    scopes: &[String],
    expires_at: Option<&str>,
) -> (SecretString, Value) {
    let id = random::id();
    let secret = BASE32HEX_NOPAD.encode(&random::bytes::<32>()).to_ascii_lowercase();
    let hash = HEXLOWER.encode(digest(&SHA256, secret.as_bytes()).as_ref());
    let record =
        json!({"id": id, "name": name, "sha256": hash, "scopes": scopes, "expires_at": expires_at});
    (format!("ap_{kind}_{id}_{secret}").into(), record)
}

/// Whether the functions could work with these.
///
/// # Errors
/// What is wrong, without a word of what is in them.
pub fn check(secrets: &Map<String, Value>) -> Result<(), SecretsError> {
    let part = |name: &'static str| secrets.get(name).cloned().ok_or(SecretsError::Missing(name));
    // The parser's own errors could repeat a part of a secret.
    let maker: MakerSecret =
        serde_json::from_value(part("maker")?).map_err(|_| SecretsError::Malformed("maker"))?;
    let _: KeyRing =
        serde_json::from_value(part("seal")?).map_err(|_| SecretsError::Malformed("seal"))?;
    let edge: EdgeSecret =
        serde_json::from_value(part("edge")?).map_err(|_| SecretsError::Malformed("edge"))?;
    let _: KeyRing = serde_json::from_value(part("webhooks")?)
        .map_err(|_| SecretsError::Malformed("webhooks"))?;
    let brands = shared::domain::brand::Brand::ALL;
    if brands.iter().any(|brand| edge.client_ids.of(*brand) != maker.client_id(*brand)) {
        return Err(SecretsError::ClientIds);
    }
    Ok(())
}

/// One step of a rotation of `seal`, `edge` or `webhooks`: adds a key, or with `promote` uses the
/// newest from now on.
/// In between, five minutes must pass, until every function has read the new one.
///
/// # Errors
/// No such ring, or nothing to promote.
pub fn rotate(
    secrets: &mut Map<String, Value>,
    name: &str,
    promote: bool,
) -> Result<String, SecretsError> {
    let ring = secrets.get_mut(name).filter(|_| name != "maker").ok_or(SecretsError::NoRing)?;
    let keys = ring["keys"].as_object().ok_or(SecretsError::NoRing)?;
    let number = |id: &str| {
        id.strip_prefix('k').and_then(|number| number.parse::<u32>().ok()).unwrap_or_default()
    };
    let newest = keys.keys().map(|id| number(id)).max().unwrap_or_default();
    if promote {
        let id = format!("k{newest}");
        if ring["primary"] == id || !keys.contains_key(&id) {
            return Err(SecretsError::NothingToPromote);
        }
        ring["primary"] = id.as_str().into();
        return Ok(id);
    }
    let id = format!("k{}", newest + 1);
    ring["keys"][&id] = new_key().into();
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Map<String, Value> {
        new_secrets("client", &"client-secret".to_owned().into())
    }

    #[test]
    fn new_secrets_are_what_the_functions_read() {
        let mut secrets = secrets();
        let (key, record) = new_api_key("local", "me", &["read".to_owned()], None);
        secrets["edge"]["api_keys"] = json!([record]);

        check(&secrets).unwrap();
        let parts: Vec<_> = key.expose_secret().split('_').collect();
        assert_eq!(
            (parts.len(), parts[0], parts[1], parts[2]),
            (4, "ap", "local", record["id"].as_str().unwrap())
        );
        let hash = HEXLOWER.encode(digest(&SHA256, parts[3].as_bytes()).as_ref());
        assert_eq!(record["sha256"], hash);
    }

    #[test]
    fn what_would_not_work_is_named_and_not_repeated() {
        let mut missing = secrets();
        missing.remove("seal");
        let mut differing = secrets();
        differing["maker"]["client_id"] = "another".into();
        let mut malformed = secrets();
        malformed["seal"]["keys"]["k1"] = "c2hvcnQ=".into();

        let complaint = |secrets| check(secrets).unwrap_err().to_string();
        assert_eq!(complaint(&missing), "seal is missing");
        assert_eq!(complaint(&differing), "edge.client_ids and maker.client_id differ");
        assert_eq!(complaint(&malformed), "seal is not well-formed");
    }

    #[test]
    fn a_rotation_adds_and_then_promotes_and_loses_no_key() {
        let mut secrets = secrets();

        assert!(matches!(rotate(&mut secrets, "seal", true), Err(SecretsError::NothingToPromote)));
        assert_eq!(rotate(&mut secrets, "seal", false).unwrap(), "k2");
        assert_eq!(secrets["seal"]["primary"], "k1");
        assert_eq!(rotate(&mut secrets, "seal", true).unwrap(), "k2");
        assert_eq!(secrets["seal"]["primary"], "k2");
        assert_eq!(secrets["seal"]["keys"].as_object().unwrap().len(), 2);
        assert!(matches!(rotate(&mut secrets, "maker", false), Err(SecretsError::NoRing)));
        check(&secrets).unwrap();
    }
}
