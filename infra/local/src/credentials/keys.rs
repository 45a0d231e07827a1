//! The operator's API keys in `edge`: added, listed, revoked.

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::{SecretsError, new_api_key};

/// An API key to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewApiKey<'a> {
    /// What the operator calls it.
    pub name: &'a str,
    /// What it may do.
    pub scopes: &'a [String],
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// Adds a key to the secrets, and gives it in plain.
///
/// # Errors
/// Its name is empty or taken, its end has passed, or `edge` is not well-formed.
pub fn add_api_key(
    secrets: &mut Map<String, Value>,
    wanted: NewApiKey<'_>,
    now: Timestamp,
) -> Result<SecretString, SecretsError> {
    let name = wanted.name.trim();
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(SecretsError::KeyName);
    }
    if let Some(end) = wanted.expires_at.filter(|end| *end <= now) {
        return Err(SecretsError::KeyEnded(end));
    }
    let keys = records(secrets)?;
    if keys.iter().any(|key| key["name"] == name) {
        return Err(SecretsError::KeyNameTaken(name.to_owned()));
    }
    let expires_at = wanted.expires_at.map(|time| time.to_string());
    let (key, record) = new_api_key("live", name, wanted.scopes, expires_at.as_deref());
    keys.push(record);
    Ok(key)
}

/// Takes a key out, by its id or its name. Returns its name.
///
/// # Errors
/// There is none, or several have that name.
pub fn revoke_api_key(
    secrets: &mut Map<String, Value>,
    which: &str,
) -> Result<String, SecretsError> {
    let keys = records(secrets)?;
    let of = |field: &str| -> Vec<usize> {
        let found = keys.iter().enumerate().filter(|(_, key)| key[field] == which);
        found.map(|(index, _)| index).collect()
    };
    let (by_id, by_name) = (of("id"), of("name"));
    let found = if by_id.is_empty() { by_name } else { by_id };
    match found[..] {
        [index] => Ok(keys.remove(index)["name"].as_str().unwrap_or_default().to_owned()),
        [] => Err(SecretsError::NoSuchKey(which.to_owned())),
        _ => Err(SecretsError::SeveralKeys(which.to_owned())),
    }
}

fn records(secrets: &mut Map<String, Value>) -> Result<&mut Vec<Value>, SecretsError> {
    let edge = secrets.get_mut("edge").and_then(Value::as_object_mut);
    let edge = edge.ok_or(SecretsError::Malformed("edge"))?;
    let keys = edge.entry("api_keys").or_insert_with(|| Value::Array(Vec::new()));
    keys.as_array_mut().ok_or(SecretsError::Malformed("edge"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::{check, new_secrets};

    fn wanted(name: &str) -> NewApiKey<'_> {
        NewApiKey { name, scopes: &[], expires_at: None }
    }

    fn now() -> Timestamp {
        "2026-12-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_key_is_added_under_a_name_of_its_own_and_revoked_by_it_or_its_id() {
        let mut secrets = new_secrets("client", &"secret".into());
        add_api_key(&mut secrets, wanted("backend"), now()).unwrap();
        add_api_key(&mut secrets, wanted("reports"), now()).unwrap();
        check(&secrets).unwrap();

        let id = secrets["edge"]["api_keys"][1]["id"].as_str().unwrap().to_owned();
        assert_eq!(revoke_api_key(&mut secrets, &id).unwrap(), "reports");
        assert_eq!(revoke_api_key(&mut secrets, "backend").unwrap(), "backend");
        assert_eq!(secrets["edge"]["api_keys"], serde_json::json!([]));
        let none = revoke_api_key(&mut secrets, "backend");
        assert!(matches!(none, Err(SecretsError::NoSuchKey(_))));
    }

    #[test]
    fn a_name_that_is_empty_or_taken_and_an_end_that_has_passed_are_refused() {
        let mut secrets = new_secrets("client", &"secret".into());
        add_api_key(&mut secrets, wanted("backend"), now()).unwrap();

        for name in ["", " ", "a\nb"] {
            let made = add_api_key(&mut secrets, wanted(name), now());
            assert!(matches!(made, Err(SecretsError::KeyName)), "{name:?}");
        }
        for name in ["backend", " backend "] {
            let made = add_api_key(&mut secrets, wanted(name), now());
            assert!(matches!(made, Err(SecretsError::KeyNameTaken(_))), "{name:?}");
        }
        let ended = NewApiKey { expires_at: Some(now()), ..wanted("late") };
        let made = add_api_key(&mut secrets, ended, now());
        assert!(matches!(made, Err(SecretsError::KeyEnded(_))));
        assert_eq!(secrets["edge"]["api_keys"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn of_two_keys_of_one_name_none_is_revoked_by_it() {
        let mut secrets = new_secrets("client", &"secret".into());
        for _ in 0..2 {
            let (_, record) = new_api_key("live", "twin", &[], None);
            secrets["edge"]["api_keys"].as_array_mut().unwrap().push(record);
        }

        let revoked = revoke_api_key(&mut secrets, "twin");

        assert!(matches!(revoked, Err(SecretsError::SeveralKeys(_))));
    }
}
