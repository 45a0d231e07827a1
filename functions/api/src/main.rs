//! The Lambda's entry.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::gateway::Error> {
    let app = shared::App::from_environment(api::NEEDS)?;
    app.config.require_public_url()?;
    app.prepare_store();
    app.prepare_secrets();
    shared::gateway::serve(api::router(app)).await
}
