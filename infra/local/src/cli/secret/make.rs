//! Making a secrets file, and putting another certificate into it.

use std::{
    fs,
    io::{self, BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
    process::Command,
};

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::{SecretError, judged, save, say, say_identity};
use crate::{
    credentials::{check, new_secrets},
    folder::{FolderError, pretty, read_private, read_secrets, write_new},
};

#[derive(Debug, Args)]
pub(in crate::cli) struct NewArgs {
    /// The client id that the maker gave you (it is no secret)
    #[arg(long)]
    pub(super) client_id: String,
    /// A file that holds the client secret, instead of asking
    #[arg(long, value_name = "FILE")]
    pub(super) client_secret_file: Option<PathBuf>,
    /// The client certificate that the maker issued (PEM)
    #[arg(long, value_name = "FILE", requires = "private_key")]
    pub(super) certificate: Option<PathBuf>,
    /// Its private key (PEM), as `csr` made it
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(super) private_key: Option<PathBuf>,
    /// The maker's own authority (PEM)
    #[arg(long, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// The new file
    #[arg(long, default_value = "secrets.json")]
    pub(super) out: PathBuf,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CertificateArgs {
    pub(super) file: PathBuf,
    /// The client certificate that the maker issued (PEM)
    #[arg(long, value_name = "FILE")]
    pub(super) certificate: PathBuf,
    /// Its private key (PEM), as `csr` made it
    #[arg(long, value_name = "FILE")]
    pub(super) private_key: PathBuf,
}

pub(super) fn new(args: &NewArgs) -> Result<(), SecretError> {
    if args.out.exists() {
        return Err(FolderError::Exists(args.out.clone()).into());
    }
    let client_secret = match &args.client_secret_file {
        Some(file) => SecretString::from(read_private(file)?.trim().to_owned()),
        None => ask("Client secret: ").map_err(SecretError::Ask)?,
    };
    if client_secret.expose_secret().is_empty() {
        return Err(SecretError::Empty);
    }
    let mut secrets = new_secrets(&args.client_id, &client_secret);
    put(&mut secrets, "certificate", args.certificate.as_deref().map(read_pem))?;
    put(&mut secrets, "private_key", args.private_key.as_deref().map(read_key))?;
    put(&mut secrets, "ca", args.ca.as_deref().map(read_pem))?;
    check(&secrets)?;
    let identity = judged(&args.out, &secrets)?;
    write_new(&args.out, &pretty(&secrets))?;
    say(format_args!(
        "{} is made. It holds the key that seals tokens: lost, every driver must",
        args.out.display()
    ));
    say("consent again.");
    say_identity(identity.as_ref());
    say("Next: accessing-party secret api-key --help");
    Ok(())
}

pub(super) fn certificate(args: &CertificateArgs) -> Result<(), SecretError> {
    let mut secrets = read_secrets(&args.file)?;
    put(&mut secrets, "certificate", Some(read_pem(&args.certificate)))?;
    put(&mut secrets, "private_key", Some(read_key(&args.private_key)))?;
    let identity = judged(&args.file, &secrets)?;
    save(&args.file, &secrets)?;
    say_identity(identity.as_ref());
    say("Put `maker` to AWS (secret split); functions use it within five minutes.");
    Ok(())
}

fn put(
    secrets: &mut Map<String, Value>,
    name: &str,
    text: Option<Result<String, SecretError>>,
) -> Result<(), SecretError> {
    if let (Some(text), Some(maker)) = (text.transpose()?, secrets.get_mut("maker")) {
        maker[name] = text.into();
    }
    Ok(())
}

fn read_pem(path: &Path) -> Result<String, SecretError> {
    fs::read_to_string(path).map_err(|source| match source.kind() {
        io::ErrorKind::InvalidData => SecretError::Binary(path.to_owned()),
        _ => FolderError::Io { path: path.to_owned(), source }.into(),
    })
}

fn read_key(path: &Path) -> Result<String, SecretError> {
    match read_private(path) {
        Err(FolderError::Io { path, source }) if source.kind() == io::ErrorKind::InvalidData => {
            Err(SecretError::Binary(path))
        }
        read => Ok(read?),
    }
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
