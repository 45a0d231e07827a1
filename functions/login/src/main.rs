//! The Lambda's entry.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let app = shared::App::from_environment(login::NEEDS)?;
    lambda_http::run(login::router(app)).await
}
