//! `secret`: all secrets as one file; never a secret in an argument, which every process on
//! the machine can read.

use std::{
    fs,
    io::{self, BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
    process::Command,
};

use clap::{Args, Subcommand, ValueEnum};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::say;
use crate::{
    credentials::{SCOPES, SecretsError, check, new_api_key, new_secrets, rotate},
    folder::{FolderError, pretty, read_secrets, replace, write_new},
};

#[derive(Debug, Subcommand)]
pub(super) enum SecretCommand {
    /// Make a secrets file; asks for the client secret without showing it
    New(NewArgs),
    /// Say what is wrong with a secrets file
    Check(FileArgs),
    /// Add a key to a ring, or with --promote seal with the newest one
    Rotate(RotateArgs),
    /// Add a key for your own API and show it once
    ApiKey(ApiKeyArgs),
    /// Write the secrets apart, and print the commands that put them to AWS
    Split(SplitArgs),
}

#[derive(Debug, Args)]
pub(super) struct NewArgs {
    /// The client id that the maker gave you (it is no secret)
    #[arg(long)]
    client_id: String,
    /// A file that holds the client secret, instead of asking
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// The client certificate that the maker issued (PEM)
    #[arg(long, value_name = "FILE", requires = "private_key")]
    certificate: Option<PathBuf>,
    /// Its private key (PEM), as `csr` made it
    #[arg(long, value_name = "FILE", requires = "certificate")]
    private_key: Option<PathBuf>,
    /// The maker's own authority (PEM)
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The new file
    #[arg(long, default_value = "secrets.json")]
    out: PathBuf,
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
pub(super) struct ApiKeyArgs {
    /// The secrets file it is added to
    #[arg(long, default_value = "secrets.json")]
    file: PathBuf,
    /// What you call it
    #[arg(long)]
    name: String,
    /// What it may do; none implies another
    #[arg(long, value_delimiter = ',', required = true, value_parser = clap::builder::PossibleValuesParser::new(SCOPES))]
    scopes: Vec<String>,
    /// When it ends, such as 2027-01-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    expires_at: Option<jiff::Timestamp>,
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
    Ask(#[source] io::Error),
    #[error("no client secret was given")]
    Empty,
}

pub(super) fn secret(command: SecretCommand) -> Result<(), SecretError> {
    match command {
        SecretCommand::New(args) => new(&args),
        SecretCommand::Check(FileArgs { file }) => {
            read_secrets(&file, true)?;
            say(format_args!("{} is well-formed and private.", file.display()));
            Ok(())
        }
        SecretCommand::Rotate(args) => turn(&args),
        SecretCommand::ApiKey(args) => api_key(&args),
        SecretCommand::Split(args) => split(&args),
    }
}

fn new(args: &NewArgs) -> Result<(), SecretError> {
    let client_secret = match &args.client_secret_file {
        Some(file) => SecretString::from(read(file)?.trim().to_owned()),
        None => ask("Client secret: ").map_err(SecretError::Ask)?,
    };
    if client_secret.expose_secret().is_empty() {
        return Err(SecretError::Empty);
    }
    let mut secrets = new_secrets(&args.client_id, &client_secret);
    let files =
        [("certificate", &args.certificate), ("private_key", &args.private_key), ("ca", &args.ca)];
    for (name, file) in files {
        if let (Some(file), Some(maker)) = (file, secrets.get_mut("maker")) {
            maker[name] = read(file)?.into();
        }
    }
    check(&secrets)?;
    write_new(&args.out, &pretty(&secrets))?;
    say(format_args!(
        "{} is made. It holds the key that seals tokens: lost, every driver must",
        args.out.display()
    ));
    say("consent again. Next: accessing-party secret api-key --help");
    Ok(())
}

fn turn(args: &RotateArgs) -> Result<(), SecretError> {
    let mut secrets = read_secrets(&args.file, true)?;
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

fn api_key(args: &ApiKeyArgs) -> Result<(), SecretError> {
    let mut secrets = read_secrets(&args.file, true)?;
    let expires_at = args.expires_at.map(|time| time.to_string());
    let (key, record) = new_api_key("live", &args.name, &args.scopes, expires_at.as_deref());
    let keys = secrets
        .get_mut("edge")
        .and_then(|edge| edge.get_mut("api_keys"))
        .and_then(Value::as_array_mut);
    if let Some(keys) = keys {
        keys.push(record);
    } else if let Some(edge) = secrets.get_mut("edge") {
        edge["api_keys"] = vec![record].into();
    }
    save(&args.file, &secrets)?;
    say("The key, which is shown this once and kept nowhere:");
    say(key.expose_secret());
    Ok(())
}

fn split(args: &SplitArgs) -> Result<(), SecretError> {
    let secrets = read_secrets(&args.file, true)?;
    say("Put them to AWS, then delete these files:");
    for (name, output) in [
        ("maker", "MakerSecretArn"),
        ("seal", "SealSecretArn"),
        ("edge", "EdgeSecretArn"),
        ("webhooks", "WebhooksSecretArn"),
    ] {
        let part = args.file.with_extension(format!("{name}.json"));
        let value = secrets.get(name).cloned().unwrap_or_default();
        write_new(&part, &value.to_string())?;
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

fn read(path: &Path) -> Result<String, FolderError> {
    fs::read_to_string(path).map_err(|source| FolderError::Io { path: path.to_owned(), source })
}

/// Reads a line, without showing it if a person types.
fn ask(question: &str) -> io::Result<SecretString> {
    let person = io::stdin().is_terminal();
    if person {
        io::stderr().write_all(question.as_bytes())?;
        Command::new("stty").arg("-echo").status()?;
    }
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    if person {
        Command::new("stty").arg("echo").status()?;
        io::stderr().write_all(b"\n")?;
    }
    read?;
    Ok(line.trim().to_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secrets_file_is_made_given_a_key_rotated_and_split_and_stays_private() {
        let folder = std::env::temp_dir().join(format!("accessing-party-{}", shared::random::id()));
        fs::create_dir(&folder).unwrap();
        let (file, given) = (folder.join("secrets.json"), folder.join("given"));
        fs::write(&given, "client-secret\n").unwrap();

        new(&NewArgs {
            client_id: "client".into(),
            client_secret_file: Some(given),
            certificate: None,
            private_key: None,
            ca: None,
            out: file.clone(),
        })
        .unwrap();
        let args = ApiKeyArgs {
            file: file.clone(),
            name: "app".into(),
            scopes: vec!["read".into()],
            expires_at: None,
        };
        api_key(&args).unwrap();
        turn(&RotateArgs { file: file.clone(), ring: Ring::Seal, promote: false }).unwrap();
        turn(&RotateArgs { file: file.clone(), ring: Ring::Seal, promote: true }).unwrap();
        turn(&RotateArgs { file: file.clone(), ring: Ring::Webhooks, promote: false }).unwrap();
        split(&SplitArgs { file: file.clone(), stack: "stack".into() }).unwrap();

        let secrets = read_secrets(&file, true).unwrap();
        assert_eq!(secrets["maker"]["client_secret"], "client-secret");
        assert_eq!(secrets["seal"]["primary"], "k2");
        assert_eq!(secrets["edge"]["api_keys"][0]["name"], "app");
        let part = folder.join("secrets.seal.json");
        assert_eq!(fs::metadata(part).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_dir_all(folder).unwrap();
    }
}
