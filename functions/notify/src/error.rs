use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use shared::{http::Problem, inbox, secrets::SecretError, store};

/// Why a notification was not taken. The maker sends it again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is none of ours, or no more. Nothing was read or written.
    #[error("not an address of ours")]
    Address,
    /// The body is longer than any of the maker's, or broke off.
    #[error("the body can't be read")]
    Body,
    /// Not all of it was written.
    #[error("not everything was written")]
    Inbox(#[from] inbox::Error),
    /// The database failed.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// The edge secret can't be used.
    #[error("the edge secret can't be used")]
    Secret(#[from] SecretError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = match &self {
            Self::Address => Problem::new(StatusCode::NOT_FOUND, "not_found"),
            Self::Body => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_not_read"),
            Self::Inbox(_) | Self::Store(_) | Self::Secret(_) => Problem::internal(&self),
        };
        problem.into_response()
    }
}
