use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use shared::{
    domain::enrollment::{InvalidTransition, Status},
    http::Problem,
    secrets::SecretError,
    store,
};

/// Why a request was not done. A problem's `type` is stable.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No key, or none of ours, or one whose time is over.
    #[error("the API key is not valid")]
    Key,
    /// The key lacks this scope.
    #[error("the API key lacks the scope {0}")]
    Scope(&'static str),
    /// Something of the request is wrong.
    #[error("the request is wrong")]
    Request(Problem),
    /// There is no such thing, or not any more.
    #[error("not found")]
    NotFound(Thing),
    /// Not in the state that the thing is in.
    #[error("not possible in this state")]
    State(#[from] InvalidTransition),
    /// Another request changed it at the same moment.
    #[error("changed at the same moment")]
    Conflict,
    /// The database failed.
    #[error("the store failed")]
    Store(#[source] store::Error),
    /// A secret can't be used.
    #[error("a secret can't be used")]
    Secret(#[from] SecretError),
}

/// What can be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// What the path names.
    Path,
    /// An enrollment; or its data is not shown any more.
    Enrollment,
    /// A car of an enrollment.
    Vehicle,
    /// A monitor of the operator's.
    Monitor,
    /// An endpoint of the operator's.
    Webhook,
    /// A command.
    Remote,
    /// A notification in quarantine.
    Message,
    /// An erasure.
    Erasure,
}

impl Thing {
    const fn missing(self) -> &'static str {
        match self {
            Self::Path => "There is nothing at this path.",
            Self::Enrollment => "There is no such enrollment, or it was erased.",
            Self::Vehicle => "This enrollment has no such vehicle, or not any more.",
            Self::Monitor => "There is no such monitor, or not any more.",
            Self::Webhook => "There is no such webhook endpoint, or not any more.",
            Self::Remote => {
                "There is no such command to this vehicle, or it is older than 30 days."
            }
            Self::Message => "There is no such notification in quarantine, or not any more.",
            Self::Erasure => "No erasure of this enrollment was asked for.",
        }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Conflict => Self::Conflict,
            error => Self::Store(error),
        }
    }
}

impl Error {
    /// A field that is missing or wrong, and what would be right.
    pub(crate) fn invalid(field: &str, wanted: impl std::fmt::Display) -> Self {
        Self::Request(Problem::invalid(field, wanted))
    }

    /// A field that can be read, and does not go with the others, this deployment or this moment.
    pub(crate) fn unprocessable(field: &str, wanted: impl std::fmt::Display) -> Self {
        Self::Request(Problem::unprocessable(field, wanted))
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = match &self {
            Self::Key => Problem::new(StatusCode::UNAUTHORIZED, "invalid_key")
                .detail("Send `Authorization: Bearer ap_…` with a key that is valid now."),
            Self::Scope(scope) => Problem::new(StatusCode::FORBIDDEN, "insufficient_scope")
                .detail(format!("This key lacks the scope `{scope}`.")),
            Self::Request(problem) => problem.clone(),
            Self::NotFound(thing) => {
                Problem::new(StatusCode::NOT_FOUND, "not_found").detail(thing.missing())
            }
            Self::State(InvalidTransition { from: Status::ReauthorizationRequired }) => {
                Problem::new(StatusCode::CONFLICT, "reauthorization_required").detail(
                    "The consent was withdrawn, or has ended: ask the driver to consent again, \
                     with a link of POST /v1/enrollments for the same user_ref and brand.",
                )
            }
            Self::State(error) => {
                Problem::new(StatusCode::CONFLICT, "wrong_state").detail(error.to_string())
            }
            Self::Conflict => Problem::new(StatusCode::CONFLICT, "conflict").detail(
                "Another request changed it at the same moment. Read it again and decide anew.",
            ),
            Self::Store(store::Error::Database(_)) | Self::Secret(SecretError::Unavailable(..)) => {
                Problem::unavailable(&self)
            }
            Self::Store(_) | Self::Secret(_) => Problem::internal(&self),
        };
        let unauthorized = problem.status == 401;
        let mut response = problem.into_response();
        if unauthorized {
            let challenge = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
