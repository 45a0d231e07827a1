//! Refusals in the shapes of the two that refuse: the gateway and the backend behind it.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{random, time::rfc3339};

/// Why a call got no data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Gateway: no such application.
    UnknownClient,
    /// Gateway: no such token, or it expired, or the realm is not its own.
    Token,
    /// Gateway: over a limit for so many seconds.
    TooMany { seconds: u32 },
    /// Gateway: no such address.
    NoResource,
    /// Backend: a parameter makes no sense.
    InvalidParameter(&'static str),
    /// Backend: an array is written in another way than the description wants.
    Array(&'static str),
    /// Backend: the answer would be of a kind that was not asked for.
    NotAcceptable,
    /// Backend: the user did not grant that.
    Scope,
    /// Backend: somebody else's car.
    Foreign,
    /// Backend: no such thing.
    Unknown,
    /// Backend: nothing known about this car.
    NoData,
    /// Backend or gateway: any other status, raised on demand.
    Raised(u16),
}

impl Refusal {
    /// The refusal that a status stands for.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            401 => Self::Token,
            403 => Self::Foreign,
            404 => Self::Unknown,
            429 => Self::TooMany { seconds: 1 },
            other => Self::Raised(other),
        }
    }

    fn status(self) -> u16 {
        match self {
            Self::UnknownClient | Self::Token => 401,
            Self::TooMany { .. } => 429,
            Self::NoResource | Self::Unknown | Self::NoData => 404,
            Self::InvalidParameter(_) => 400,
            Self::Array(_) => 422,
            Self::NotAcceptable => 406,
            Self::Scope | Self::Foreign => 403,
            Self::Raised(status) => status,
        }
    }

    /// The response, in the shape of whoever refuses.
    pub(crate) fn answer(self, now: Timestamp) -> Response {
        let status = self.status();
        let body = match self {
            Self::UnknownClient => gateway(status, "Unauthorized", "Invalid client id or secret."),
            Self::Token => gateway(status, "Unauthorized", "Token is invalid"),
            Self::TooMany { .. } => gateway(status, "Too Many Requests", "Rate Limit exceeded"),
            Self::NoResource => gateway(status, "Not Found", "No resources match requested URI"),
            Self::InvalidParameter(name) => {
                backend(40_000, &format!("Invalid parameter: {name}"), now)
            }
            Self::Array(name) => backend(42_200, &format!("Not an array: {name}"), now),
            Self::NotAcceptable => backend(40_600, "Not acceptable", now),
            Self::Scope => backend(40_300, "The scopes granted do not allow this", now),
            Self::Foreign => backend(40_300, "Forbidden", now),
            Self::Unknown => backend(40_400, "Resource not found", now),
            Self::NoData => backend(40_499, "No data available for such context.", now),
            Self::Raised(status) => backend(u32::from(status) * 100, "Raised on demand", now),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let content = [(header::CONTENT_TYPE, "application/json")];
        let mut response = (status, content, body.to_string()).into_response();
        if let Self::TooMany { seconds } = self {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            headers.insert("x-ratelimit-reset", HeaderValue::from(seconds));
        }
        response
    }
}

fn gateway(status: u16, message: &str, more: &str) -> Value {
    json!({
        "httpCode": status.to_string(),
        "httpMessage": message,
        "moreInformation": more,
    })
}

pub(super) fn backend(code: u32, message: &str, now: Timestamp) -> Value {
    json!({
        "code": code,
        "uuid": random::token(),
        "message": message,
        "timestamp": rfc3339(now),
    })
}
