//! The secrets' JSON: made, checked and rotated here, read by `shared::secrets`.

mod identity;
mod keys;
mod shape;

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::{BASE32HEX_NOPAD, BASE64, HEXLOWER};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use shared::{random, seal::KeyRing, secrets::EdgeSecret, stellantis::MakerSecret};

pub use self::{
    identity::{Flaw, Identity},
    keys::{NewApiKey, add_api_key, revoke_api_key},
    shape::FieldProblem,
};

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
    /// Fields of it.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Fields(Vec<FieldProblem>),
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
    /// An API key without a name can't be told from another.
    #[error("--name: give the key a name, such as the program that will use it")]
    KeyName,
    /// Two keys of one name can't be told apart, in the log either.
    #[error(
        "--name: there is a key {0} already; choose another name, or revoke that one first: secret revoke {0}"
    )]
    KeyNameTaken(String),
    /// A key that would never be valid.
    #[error("--expires-at: {0} has passed")]
    KeyEnded(Timestamp),
    /// No key to revoke.
    #[error("there is no key with the id or name {0}; secret api-keys lists them")]
    NoSuchKey(String),
    /// More than one key to revoke.
    #[error("several keys are called {0}; give the id of one, which secret api-keys shows")]
    SeveralKeys(String),
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

/// Whether the functions could work with these; of the certificate see [`identity`].
///
/// # Errors
/// Every field that is wrong, without a word of what is in it.
pub fn check(secrets: &Map<String, Value>) -> Result<(), SecretsError> {
    let problems = shape::problems(secrets);
    if !problems.is_empty() {
        return Err(SecretsError::Fields(problems));
    }
    let maker: MakerSecret = read(secrets, "maker")?;
    let _: KeyRing = read(secrets, "seal")?;
    let edge: EdgeSecret = read(secrets, "edge")?;
    let _: KeyRing = read(secrets, "webhooks")?;
    let brands = shared::domain::brand::Brand::ALL;
    if brands.iter().any(|brand| edge.client_ids.of(*brand) != maker.client_id(*brand)) {
        return Err(SecretsError::ClientIds);
    }
    Ok(())
}

/// By the functions' own parser, whose errors could repeat a part of a secret.
fn read<T: serde::de::DeserializeOwned>(
    secrets: &Map<String, Value>,
    part: &'static str,
) -> Result<T, SecretsError> {
    let value = secrets.get(part).cloned().unwrap_or_default();
    serde_json::from_value(value).map_err(|_| SecretsError::Malformed(part))
}

/// Judges the client certificate, its key and the maker's authority. `None`: there is no certificate.
///
/// # Errors
/// Every one of the three that can't be used.
pub fn identity(
    secrets: &Map<String, Value>,
    now: Timestamp,
) -> Result<Option<Identity>, SecretsError> {
    let text = |name: &str| secrets["maker"][name].as_str();
    let half = |field: &'static str| Err((field, Flaw::Half));
    let identity = match (text("certificate"), text("private_key")) {
        (None, None) => Ok(None),
        (Some(_), None) => half("private_key"),
        (None, Some(_)) => half("certificate"),
        (Some(certificate), Some(key)) => identity::judge(certificate, key, now).map(Some),
    };
    let authority = text("ca").map_or(Ok(()), |pem| identity::judge_authority(pem, now));
    let problem = |field: &str, flaw: &Flaw| FieldProblem::flaw(&format!("maker.{field}"), flaw);
    let mut problems = Vec::new();
    problems.extend(identity.as_ref().err().map(|(field, flaw)| problem(field, flaw)));
    problems.extend(authority.err().map(|flaw| problem("ca", &flaw)));
    match identity {
        Ok(identity) if problems.is_empty() => Ok(identity),
        _ => Err(SecretsError::Fields(problems)),
    }
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

    fn complaint(change: impl Fn(&mut Map<String, Value>)) -> String {
        let mut secrets = secrets();
        let (_, record) = new_api_key("live", "backend", &["read".to_owned()], None);
        secrets["edge"]["api_keys"] = json!([record]);
        change(&mut secrets);
        check(&secrets).unwrap_err().to_string()
    }

    #[test]
    fn what_would_not_work_is_named_and_not_repeated() {
        let same = |secrets: &mut Map<String, Value>| {
            let key = secrets["edge"]["api_keys"][0].clone();
            secrets["edge"]["api_keys"].as_array_mut().unwrap().push(key);
        };

        assert_eq!(complaint(|it| drop(it.remove("seal"))), "seal is missing");
        let differing = complaint(|it| it["maker"]["client_id"] = "another".into());
        assert_eq!(differing, "edge.client_ids and maker.client_id differ");
        let short = complaint(|it| it["seal"]["keys"]["k1"] = "c2hvcnQ=".into());
        assert_eq!(short, "seal.keys.k1 is not the base64 of 32 bytes");
        let ring = complaint(|it| it["edge"]["primary"] = "k7".into());
        assert_eq!(ring, "edge.primary names no key of `keys`");
        assert_eq!(
            complaint(|it| it["maker"]["client_id"] = "".into()),
            "maker.client_id is empty"
        );
        let line = complaint(|it| it["maker"]["client_secret"] = "a\nb".into());
        assert_eq!(line, "maker.client_secret holds a line break or another control character");
        assert_eq!(complaint(same), "edge.api_keys[1].id is that of another key, too");
        let hash = complaint(|it| it["edge"]["api_keys"][0]["sha256"] = "ab".into());
        assert_eq!(hash, "edge.api_keys[0].sha256 is not 64 hexadecimal digits");
        let scope = complaint(|it| it["edge"]["api_keys"][0]["scopes"] = json!(["reed"]));
        assert!(
            scope.starts_with("edge.api_keys[0].scopes holds what is no scope; scopes are read")
        );
        let end = complaint(|it| it["edge"]["api_keys"][0]["expires_at"] = "2027".into());
        assert!(end.starts_with("edge.api_keys[0].expires_at is neither a time"), "{end}");
    }

    #[test]
    fn a_name_that_is_misspelt_is_refused_and_all_problems_are_named_at_once() {
        let both = complaint(|it| {
            it["maker"]["certficate"] = Value::Null;
            it["maker"]["brands"] = json!({"fiat": {"client_id": "x", "client_secret": "y"}});
        });

        assert_eq!(
            both,
            "maker.certficate is unknown; known are client_id, client_secret, certificate, private_key, ca, \
             brands; maker.brands.fiat is no brand of the maker"
        );
    }

    #[test]
    fn a_certificate_without_its_key_is_refused_and_without_both_there_is_no_identity() {
        let now = "2026-12-01T00:00:00Z".parse().unwrap();
        let mut half = secrets();
        half["maker"]["certificate"] = "x".into();
        half["maker"]["ca"] = "y".into();

        assert_eq!(identity(&secrets(), now).unwrap(), None);
        let problems = identity(&half, now).unwrap_err().to_string();
        assert!(problems.starts_with("maker.private_key is missing"), "{problems}");
        assert!(problems.contains("; maker.ca is not PEM"), "{problems}");
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
