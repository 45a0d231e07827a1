//! The Lambda's entry.

use std::sync::Arc;

use lambda_runtime::{Error, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = shared::App::from_environment(fetch::NEEDS)?;
    app.prepare_store();
    app.prepare_secrets();
    run(service_fn(|event| fetch::handler(Arc::clone(&app), event))).await
}
