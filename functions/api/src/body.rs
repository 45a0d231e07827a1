//! JSON in, with an error that names the field.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::{StatusCode, header},
};
use serde::de::DeserializeOwned;
use shared::http::Problem;

use crate::Error;

/// A body of a known shape, and its bytes.
pub(crate) struct Body<T> {
    pub(crate) value: T,
    pub(crate) bytes: Bytes,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let essence = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
        if essence != Some("application/json") {
            let problem =
                Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
            return Err(Error::Request(problem.detail("Send JSON as application/json.")));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|error| too_long(&error))?;
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Self { value, bytes }),
            // The parser quotes names and kinds, never a value of a secret kind: there is none.
            Err(error) => Err(Error::invalid("body", error)),
        }
    }
}

fn too_long(error: &BytesRejection) -> Error {
    let problem = Problem::new(error.status(), "body_not_read");
    Error::Request(problem.detail("At most 64 KiB are taken."))
}
