//! The keys for one's own API.

use std::path::PathBuf;

use clap::Args;
use secrecy::ExposeSecret;
use serde_json::Value;
use shared::Clock;

use super::{SecretError, save, say};
use crate::{
    credentials::{NewApiKey, SCOPES, add_api_key, revoke_api_key},
    folder::read_secrets,
};

/// What every change of a key's comes with.
const WHEN: &str = "A service that runs on this machine knows it within five minutes; on AWS, five minutes after \
                    `edge` was put there (secret split).";

#[derive(Debug, Args)]
pub(in crate::cli) struct ApiKeyArgs {
    /// The secrets file it is added to
    #[arg(long, default_value = "secrets.json")]
    pub(super) file: PathBuf,
    /// What you call it: a name that no other key has
    #[arg(long)]
    pub(super) name: String,
    /// What it may do; none implies another
    #[arg(long, value_delimiter = ',', required = true, value_parser = clap::builder::PossibleValuesParser::new(SCOPES))]
    pub(super) scopes: Vec<String>,
    /// When it ends, such as 2027-01-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(super) expires_at: Option<jiff::Timestamp>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ApiKeysArgs {
    /// The secrets file
    #[arg(long, default_value = "secrets.json")]
    pub(super) file: PathBuf,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RevokeArgs {
    /// The key's name or id, as `secret api-keys` shows them
    pub(super) key: String,
    /// The secrets file
    #[arg(long, default_value = "secrets.json")]
    pub(super) file: PathBuf,
}

pub(super) fn add(args: &ApiKeyArgs) -> Result<(), SecretError> {
    let mut secrets = read_secrets(&args.file)?;
    let wanted = NewApiKey { name: &args.name, scopes: &args.scopes, expires_at: args.expires_at };
    let key = add_api_key(&mut secrets, wanted, Clock::system().now())?;
    save(&args.file, &secrets)?;
    say("The key, which is shown this once and kept nowhere:");
    say(key.expose_secret());
    say(WHEN);
    Ok(())
}

pub(super) fn list(args: &ApiKeysArgs) -> Result<(), SecretError> {
    let secrets = read_secrets(&args.file)?;
    let now = Clock::system().now();
    let keys = secrets["edge"]["api_keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    if keys.is_empty() {
        say("There is no key yet: accessing-party secret api-key --help");
    }
    for key in keys {
        say(line(key, now));
    }
    Ok(())
}

/// A key in a line: id, name, until when, and what it may do. Nothing of it is secret.
fn line(key: &Value, now: jiff::Timestamp) -> String {
    let text = |name: &str| key[name].as_str().unwrap_or_default();
    let end = text("expires_at").parse::<jiff::Timestamp>().ok();
    let end = match end {
        Some(end) if end <= now => format!("ended {end}"),
        Some(end) => format!("ends {end}"),
        None => "never ends".to_owned(),
    };
    let scopes: Vec<_> =
        key["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    format!("{}  {:<24}  {end:<26}  {}", text("id"), text("name"), scopes.join(","))
}

pub(super) fn revoke(args: &RevokeArgs) -> Result<(), SecretError> {
    let mut secrets = read_secrets(&args.file)?;
    let name = revoke_api_key(&mut secrets, &args.key)?;
    save(&args.file, &secrets)?;
    say(format_args!("The key {name} is taken out. {WHEN}"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_listed_with_its_end_and_without_its_hash() {
        let key = serde_json::json!({"id": "id1", "name": "backend", "sha256": "abcdef",
            "scopes": ["read", "enroll"], "expires_at": "2027-01-01T00:00:00Z"});
        let at = |time: &str| line(&key, time.parse().unwrap());

        assert!(at("2026-12-01T00:00:00Z").contains("ends 2027-01-01T00:00:00Z"));
        assert!(at("2027-01-01T00:00:00Z").contains("ended 2027"));
        assert!(at("2026-12-01T00:00:00Z").ends_with("read,enroll"));
        assert!(!at("2026-12-01T00:00:00Z").contains("abcdef"));
    }
}
