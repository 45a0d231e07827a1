//! The command line.

mod csr;
mod journey;
mod run;
mod secret;

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

pub use self::run::RunArgs;

/// Connect drivers' cars of Peugeot, Citroën, DS, Opel and Vauxhall, and keep them connected.
///
/// Without a command, runs the whole service on this machine, with a simulated car maker.
#[derive(Debug, Parser)]
#[command(name = "accessing-party", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play the whole story, from a login link to an erased user, and say what each step proved
    Journey(journey::JourneyArgs),
    /// Make a private key and the certificate request that the maker wants
    Csr(csr::CsrArgs),
    /// Make, check and rotate the secrets
    #[command(subcommand)]
    Secret(secret::SecretCommand),
}

/// Does what the arguments say.
pub async fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        None => run::run(cli.run).await.map_err(|error| error.to_string()),
        Some(Command::Journey(args)) => {
            journey::journey(args).await.map_err(|error| error.to_string())
        }
        Some(Command::Csr(args)) => csr::csr(&args).map_err(|error| error.to_string()),
        Some(Command::Secret(command)) => {
            secret::secret(command).map_err(|error| error.to_string())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            let _ = writeln!(std::io::stderr(), "accessing-party: {message}");
            ExitCode::FAILURE
        }
    }
}

/// One line for the person at the terminal. A closed terminal is no reason to stop.
fn say(line: impl std::fmt::Display) {
    // Written past the test harness, which would not hold it back.
    if !cfg!(test) {
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}

/// Logs on standard error, so that what is said stays readable.
fn log(filter: &Targets) {
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_filter(filter.clone());
    // A second subscriber, in a test, is no problem.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}
