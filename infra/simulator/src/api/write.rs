//! What `POST`, `PUT` and `DELETE` have in common: a body to read, a refusal that says what is
//! wrong with it, an answer with a status of its own.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{OriginalUri, RawPathParams, RawQuery},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{
    callbacks::BadCallback,
    gate::{self, Call, Media},
    refusal::{Refusal, backend},
    remotes::BadRemote,
};
use crate::{App, events::rule::BadRule, faults, operation::Operation, world::callbacks::RunState};

/// An answer.
pub(super) struct Done {
    pub(super) status: StatusCode,
    /// None with 204.
    pub(super) body: Option<Value>,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotDone {
    #[error("refused")]
    Refused(Refusal),
    #[error("the body must be JSON, and say so")]
    MediaType,
    #[error("the body is no JSON")]
    Json(#[source] serde_json::Error),
    #[error("the status must be Running or Paused, and nothing else be said")]
    Status(#[source] serde_json::Error),
    #[error("the callback is wrong: {0}")]
    Callback(#[from] BadCallback),
    #[error("the monitor is wrong: {0}")]
    Rule(#[from] BadRule),
    #[error("the remote is wrong: {0}")]
    Remote(#[from] BadRemote),
    #[error("the callback is not for that: see its type")]
    Kind,
    #[error("a maximum of 5 monitors can be associated to a vehicle, client and user")]
    TooManyMonitors,
}

impl From<Refusal> for NotDone {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl NotDone {
    fn answer(&self, now: Timestamp) -> Response {
        let (status, code) = match self {
            Self::Refused(refusal) => return refusal.answer(now),
            Self::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, 41_500),
            _ => (StatusCode::BAD_REQUEST, 40_000),
        };
        let body = backend(code, &format!("Invalid parameter: {self}"), now);
        let content = [(header::CONTENT_TYPE, "application/json")];
        (status, content, body.to_string()).into_response()
    }
}

/// What an operation that writes does with a call and its body.
pub(super) type Handler = fn(&Call<'_>, &Body<'_>) -> Result<Done, NotDone>;

/// A body, not yet read.
pub(super) struct Body<'a> {
    headers: &'a HeaderMap,
    bytes: &'a [u8],
}

impl Body<'_> {
    pub(super) fn json(&self) -> Result<Value, NotDone> {
        let media = self.headers.get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok());
        let media = media.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !["application/json", "application/hal+json"].contains(&media) {
            return Err(NotDone::MediaType);
        }
        serde_json::from_slice(self.bytes).map_err(NotDone::Json)
    }

    /// `{"status": "Running"}` or `"Paused"`: what a client may set.
    pub(super) fn status(&self) -> Result<RunState, NotDone> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Setter {
            status: Wanted,
        }
        #[derive(Deserialize)]
        enum Wanted {
            Running,
            Paused,
        }
        let setter: Setter = serde_json::from_value(self.json()?).map_err(NotDone::Status)?;
        Ok(match setter.status {
            Wanted::Running => RunState::Running,
            Wanted::Paused => RunState::Paused,
        })
    }
}

pub(super) fn done(status: StatusCode, body: Value) -> Done {
    Done { status, body: Some(body) }
}

/// One operation that writes, behind its faults and the gateway.
pub(super) fn write(
    app: &Arc<App>,
    method: MethodFilter,
    operation: Operation,
    handler: Handler,
) -> MethodRouter {
    let app = Arc::clone(app);
    on(
        method,
        async move |OriginalUri(uri): OriginalUri,
                    ids: RawPathParams,
                    RawQuery(query): RawQuery,
                    headers: HeaderMap,
                    bytes: Bytes| {
            let query = query.unwrap_or_default();
            if operation == Operation::RemoteSend {
                app.world.note_remote_post(uri.path(), &bytes);
            }
            faults::meet(&app, operation, false, || async {
                let now = app.world.now();
                gate::pass(&app, &uri, &ids, &query, &headers, Media::Hal, |call| {
                    let answer = handler(call, &Body { headers: &headers, bytes: &bytes });
                    Ok(answer.map_or_else(|refused| refused.answer(now), Done::into_response))
                })
            })
            .await
        },
    )
}

impl Done {
    fn into_response(self) -> Response {
        match self.body {
            Some(body) => {
                let content = [(header::CONTENT_TYPE, Media::Hal.name())];
                (self.status, content, body.to_string()).into_response()
            }
            None => self.status.into_response(),
        }
    }
}
