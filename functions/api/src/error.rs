use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use shared::{domain::enrollment::InvalidTransition, http::Problem, secrets::SecretError, store};
use utoipa::{
    Modify,
    openapi::{
        OpenApi, Ref, RefOr, ResponseBuilder,
        content::ContentBuilder,
        path::{Operation, PathItem},
    },
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
    NotFound,
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
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = match &self {
            Self::Key => Problem::new(StatusCode::UNAUTHORIZED, "invalid_key")
                .detail("Send `Authorization: Bearer ap_…` with a key that is valid now."),
            Self::Scope(scope) => Problem::new(StatusCode::FORBIDDEN, "insufficient_scope")
                .detail(format!("This key lacks the scope `{scope}`.")),
            Self::Request(problem) => problem.clone(),
            Self::NotFound => Problem::new(StatusCode::NOT_FOUND, "not_found"),
            Self::State(error) => {
                Problem::new(StatusCode::CONFLICT, "wrong_state").detail(error.to_string())
            }
            Self::Conflict => Problem::new(StatusCode::CONFLICT, "conflict").detail(
                "Another request changed it at the same moment. Read it again and decide anew.",
            ),
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

/// Describes errors: what each of them is sent as, and those that every operation may give.
pub(crate) struct Problems;

const CONTENT_TYPE: &str = "application/problem+json";

impl Modify for Problems {
    fn modify(&self, document: &mut OpenApi) {
        for path in document.paths.paths.values_mut() {
            let PathItem { get, put, post, delete, patch, .. } = path;
            for operation in [get, put, post, delete, patch].into_iter().flatten() {
                describe(operation);
            }
        }
    }
}

fn describe(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    let errors = responses.iter_mut().filter(|(status, _)| status.as_str() >= "400");
    for (_, response) in errors {
        if let RefOr::T(response) = response {
            let content = std::mem::take(&mut response.content);
            response.content =
                content.into_values().map(|content| (CONTENT_TYPE.to_owned(), content)).collect();
        }
    }
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response = ResponseBuilder::new()
        .description("No valid key (401), a key without the scope (403), too much (413, 429), or a fault of ours (5xx)")
        .content(CONTENT_TYPE, content);
    responses.insert("default".to_owned(), response.build().into());
}
