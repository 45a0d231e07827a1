//! `secret`: all secrets as one file; never a secret in an argument, which every process on
//! the machine can read.

mod keys;
mod make;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value};
use shared::Clock;

use super::say;
use crate::{
    credentials::{Identity, SecretsError, check, identity, rotate},
    folder::{FolderError, pretty, read_secrets, replace, write_new},
};

#[derive(Debug, Subcommand)]
pub(super) enum SecretCommand {
    /// Make a secrets file; asks for the client secret without showing it
    New(make::NewArgs),
    /// Say what is wrong with a secrets file, and until when its certificate is valid
    Check(FileArgs),
    /// Replace the client certificate and its key
    Certificate(make::CertificateArgs),
    /// Add a key to a ring, or with --promote seal with the newest one
    Rotate(RotateArgs),
    /// Add a key for your own API and show it once
    ApiKey(keys::ApiKeyArgs),
    /// List the keys for your own API
    ApiKeys(keys::ApiKeysArgs),
    /// Take a key for your own API out
    Revoke(keys::RevokeArgs),
    /// Write the secrets apart, and print the commands that put them to AWS
    Split(SplitArgs),
}

#[derive(Debug, Args)]
pub(super) struct FileArgs {
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct RotateArgs {
    file: PathBuf,
    #[arg(long, value_enum)]
    ring: Ring,
    /// Seal with the newest key; five minutes after it was added and put to AWS
    #[arg(long)]
    promote: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Ring {
    Seal,
    Edge,
    Webhooks,
}

#[derive(Debug, Args)]
pub(super) struct SplitArgs {
    file: PathBuf,
    /// The stack
    #[arg(long, default_value = "accessing-party")]
    stack: String,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum SecretError {
    #[error(transparent)]
    File(#[from] FolderError),
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    #[error("the client secret can't be read: {0}")]
    Ask(#[source] std::io::Error),
    #[error("no client secret was given")]
    Empty,
    #[error("{} is not PEM, but binary; openssl x509 -inform der -in {} makes it of DER", .0.display(), .0.display())]
    Binary(PathBuf),
}

pub(super) fn secret(command: SecretCommand) -> Result<(), SecretError> {
    match command {
        SecretCommand::New(args) => make::new(&args),
        SecretCommand::Check(FileArgs { file }) => look(&file),
        SecretCommand::Certificate(args) => make::certificate(&args),
        SecretCommand::Rotate(args) => turn(&args),
        SecretCommand::ApiKey(args) => keys::add(&args),
        SecretCommand::ApiKeys(args) => keys::list(&args),
        SecretCommand::Revoke(args) => keys::revoke(&args),
        SecretCommand::Split(args) => split(&args),
    }
}

fn look(file: &Path) -> Result<(), SecretError> {
    let secrets = read_secrets(file)?;
    let identity = judged(file, &secrets)?;
    say(format_args!("{} is well-formed and private.", file.display()));
    say_identity(identity.as_ref());
    Ok(())
}

/// The identity in secrets of this file, if they hold one that can be used.
fn judged(file: &Path, secrets: &Map<String, Value>) -> Result<Option<Identity>, FolderError> {
    identity(secrets, Clock::system().now())
        .map_err(|source| FolderError::Secrets { path: file.to_owned(), source })
}

fn say_identity(identity: Option<&Identity>) {
    match identity {
        Some(identity) => say(format_args!("Client certificate: {identity}.")),
        None => say("There is no client certificate: the real maker refuses calls without one."),
    }
}

fn turn(args: &RotateArgs) -> Result<(), SecretError> {
    let mut secrets = read_secrets(&args.file)?;
    let name = match args.ring {
        Ring::Seal => "seal",
        Ring::Edge => "edge",
        Ring::Webhooks => "webhooks",
    };
    let id = rotate(&mut secrets, name, args.promote)?;
    save(&args.file, &secrets)?;
    if args.promote && matches!(args.ring, Ring::Webhooks) {
        say(format_args!(
            "{name} makes new secrets from {id} from now on. Those of endpoints stay what they are: rotate each \
             (POST /v1/webhooks/…/rotate) before an older key is taken out."
        ));
    } else if args.promote {
        say(format_args!(
            "{name} seals with {id} from now on; what older keys sealed still opens."
        ));
    } else {
        say(format_args!(
            "{name} has the key {id}. Put it to AWS, wait five minutes, then run this with --promote."
        ));
    }
    Ok(())
}

fn split(args: &SplitArgs) -> Result<(), SecretError> {
    let secrets = read_secrets(&args.file)?;
    let parts = [
        ("maker", "MakerSecretArn"),
        ("seal", "SealSecretArn"),
        ("edge", "EdgeSecretArn"),
        ("webhooks", "WebhooksSecretArn"),
    ]
    .map(|(name, output)| (args.file.with_extension(format!("{name}.json")), name, output));
    // All or none: what is printed must be there, and be of these secrets.
    if let Some((there, ..)) = parts.iter().find(|(part, ..)| part.exists()) {
        return Err(FolderError::Exists(there.clone()).into());
    }
    for (part, name, _) in &parts {
        let value = secrets.get(*name).cloned().unwrap_or_default();
        write_new(part, &value.to_string())?;
    }
    say("Put them to AWS, then delete these files. Functions read them within five minutes.");
    for (part, _, output) in &parts {
        let query = format!("Stacks[0].Outputs[?OutputKey=='{output}'].OutputValue");
        say(format_args!(
            "  aws secretsmanager put-secret-value --secret-string file://{} --secret-id \"$(aws cloudformation \
             describe-stacks --stack-name {} --query \"{query}\" --output text)\"",
            part.display(),
            args.stack
        ));
    }
    Ok(())
}

fn save(file: &Path, secrets: &Map<String, Value>) -> Result<(), SecretError> {
    check(secrets)?;
    Ok(replace(file, &pretty(secrets))?)
}

#[cfg(test)]
mod tests;
