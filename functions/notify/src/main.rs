//! The Lambda's entry.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let app = shared::App::from_environment(notify::NEEDS)?;
    lambda_http::run(notify::router(app)).await
}
