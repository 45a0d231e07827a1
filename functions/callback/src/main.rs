//! The Lambda's entry.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::gateway::Error> {
    let app = shared::App::from_environment(callback::NEEDS)?;
    app.prepare_store();
    app.prepare_secrets();
    shared::gateway::serve(callback::router(app)).await
}
