//! The Lambda's entry.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::gateway::Error> {
    let app = shared::App::from_environment(notify::NEEDS)?;
    shared::gateway::serve(notify::router(app)).await
}
