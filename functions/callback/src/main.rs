//! The Lambda's entry.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), shared::gateway::Error> {
    let app = shared::App::from_environment(callback::NEEDS)?;
    shared::gateway::serve(callback::router(app)).await
}
