//! The Lambda's entry.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::gateway::Error> {
    let app = shared::App::from_environment(notify::NEEDS)?;
    app.prepare_store();
    app.prepare_secrets();
    shared::gateway::serve(notify::router(app)).await
}
