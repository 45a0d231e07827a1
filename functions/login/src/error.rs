use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use shared::{http::Problem, page::WayBack, secrets::SecretError};
use url::Url;

/// Why a login does not begin. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A parameter is missing or wrong.
    #[error("a parameter is wrong")]
    Parameter(Problem),
    /// The link is forged, or cut short.
    #[error("the login link is not one of ours")]
    Ticket,
    /// The link's time is over.
    #[error("the login link has expired")]
    Expired {
        /// Where it came from.
        back: Option<Url>,
    },
    /// Without a ticket only where everybody may begin.
    #[error("a login link of the operator's is needed")]
    Closed,
    /// The secret can't be read.
    #[error("the edge secret can't be used")]
    Secret(#[from] SecretError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = match &self {
            Self::Parameter(problem) => problem.clone(),
            Self::Ticket => Problem::new(StatusCode::BAD_REQUEST, "invalid_ticket")
                .field("ticket")
                .detail("The link is incomplete or was not made here. Ask for a new one."),
            Self::Expired { .. } => Problem::new(StatusCode::GONE, "expired_ticket")
                .field("ticket")
                .detail("The link's time is over. Ask for a new one."),
            Self::Closed => Problem::new(StatusCode::FORBIDDEN, "ticket_required")
                .field("ticket")
                .detail("Begin with the link that POST /v1/enrollments gives."),
            Self::Secret(error) => Problem::internal(error),
        };
        let mut response = problem.into_response();
        if let Self::Expired { back: Some(back) } = self {
            response.extensions_mut().insert(WayBack(back));
        }
        response
    }
}
