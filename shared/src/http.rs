//! What every answer of ours has in common: its headers, and the one body of an error.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use crate::causes::causes;

/// The header that names a request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Seconds after which what did not answer may do so again.
const RETRY_AFTER: u32 = 5;

/// An error as every function tells it: `application/problem+json` (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Problem {
    /// What kind of problem: stable, for programs.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What to do about this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The field or parameter at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub field: Option<Box<str>>,
    /// The id of the request, by which our logs know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub request_id: Option<Box<str>>,
    /// After how many seconds to try again: the header `Retry-After`.
    #[serde(skip)]
    pub retry_after_s: Option<u32>,
}

/// An error that the gateway before us gives by itself.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct GatewayError {
    /// What is wrong, in a few words.
    pub message: String,
}

impl Problem {
    /// A problem of this status; `kind` is a stable word such as `unknown_brand`.
    #[must_use]
    pub fn new(status: StatusCode, kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            title: kind.replace('_', " "),
            status: status.as_u16(),
            detail: None,
            field: None,
            request_id: None,
            retry_after_s: None,
        }
    }

    /// With advice.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// With the field at fault.
    #[must_use]
    pub fn field(self, field: impl Into<Box<str>>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// With the time after which to try again.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    /// A field that is missing or wrong, and what would be right.
    #[must_use]
    pub fn invalid(field: &str, wanted: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request")
            .field(field)
            .detail(wanted.to_string())
    }

    /// A request that can be read and can't be done: a field does not go with the others, or not
    /// with this deployment or this moment.
    #[must_use]
    pub fn unprocessable(field: &str, wanted: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable")
            .field(field)
            .detail(wanted.to_string())
    }

    /// Our own fault. The answer never says why; the log does, once.
    #[must_use]
    pub fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %error, causes = ?causes(error), "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error")
            .detail("This is our fault. Nothing was changed that a new try could not finish.")
    }

    /// What we need does not answer now. The answer never says what; the log does, once.
    #[must_use]
    pub fn unavailable(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %error, causes = ?causes(error), "a request failed for now");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable")
            .detail("Not possible just now. Nothing was changed that a new try could not finish.")
            .retry_after(RETRY_AFTER)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        // Whoever knows the request's id adds it.
        response.extensions_mut().insert(self);
        response
    }
}

/// Names the request in what answers it: in a header and, if it is a problem, in its body.
#[must_use]
pub fn with_request_id(mut response: Response, id: &str) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let named = Problem { request_id: Some(id.into()), ..problem };
        *response.body_mut() = Json(named).into_response().into_body();
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

const CSP: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
                   frame-ancestors 'none'";

/// Adds what every answer carries to a browser or a program. A handler's own value stays.
#[expect(clippy::unused_async, reason = "a middleware is")]
pub async fn secure(mut response: Response, https: bool) -> Response {
    let headers = response.headers_mut();
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, CSP),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if https {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

/// The fallback of every router.
#[expect(clippy::unused_async, reason = "a handler is")]
pub async fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found").detail("There is nothing at this path.")
}

/// For a known path asked by a wrong method.
#[expect(clippy::unused_async, reason = "a handler is")]
pub async fn method_not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed")
        .detail("Use a method that the header `Allow` names.")
}

/// Parses a query string into pairs; a parameter given twice, or bytes that are no UTF-8, is an
/// error (RFC 6749 §3.1).
///
/// # Errors
/// A [`Problem`] that names the parameter.
pub fn query_once(
    raw: Option<&str>,
) -> Result<std::collections::BTreeMap<String, String>, Problem> {
    let mut found = std::collections::BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
        if name.contains('\u{fffd}') || value.contains('\u{fffd}') {
            return Err(Problem::invalid("query", "expected UTF-8"));
        }
        if found.insert(name.to_string(), value.into_owned()).is_some() {
            return Err(Problem::invalid(&name, "given twice"));
        }
    }
    Ok(found)
}
