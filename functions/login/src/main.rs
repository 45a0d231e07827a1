//! The Lambda's entry.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::gateway::Error> {
    let app = shared::App::from_environment(login::NEEDS)?;
    app.prepare_secrets();
    shared::gateway::serve(login::router(app)).await
}
