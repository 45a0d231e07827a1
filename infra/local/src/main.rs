//! The whole service on one machine, and the tools around it. See `--help`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    accessing_party::cli::main().await
}
