//! API Gateway's stand-in: the template's routes on loopback, each request made an event and each
//! answer made HTTP again, with the gateway's limits.

mod event;
mod routes;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use data_encoding::HEXLOWER_PERMISSIVE;
use http_body_util::{BodyExt, Limited};
use serde_json::json;
use shared::{Clock, random};

use self::{
    event::Around,
    routes::{Match, Routes, Stopwatch},
};
use crate::{front::Names, functions::Functions, template::Route};

/// Request line and headers together
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>).
const HEADERS: usize = 10 << 10;
const BODY: usize = 10 << 20;

/// The gateway.
pub(crate) struct Gateway {
    pub(crate) names: Names,
    pub(crate) functions: Arc<Functions>,
    pub(crate) clock: Clock,
    /// Whether the world reaches us by https.
    pub(crate) https: bool,
    /// Whether the routes' rates hold.
    pub(crate) throttled: bool,
    routes: Routes,
    running: Stopwatch,
}

impl Gateway {
    pub(crate) fn new(
        names: Names,
        functions: Arc<Functions>,
        clock: Clock,
        routes: impl Iterator<Item = (String, Route)>,
    ) -> Self {
        let (routes, running) = (Routes::new(routes), Stopwatch::start());
        Self { names, functions, clock, https: false, throttled: true, routes, running }
    }

    pub(crate) fn router(self) -> Router {
        Router::new().fallback(entry).with_state(Arc::new(self))
    }
}

/// The gateway's own errors have this body.
fn message(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({"message": text}))).into_response()
}

async fn entry(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(source): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (watch, method, id) = (Stopwatch::start(), request.method().clone(), random::id());
    let (route, mut response) = gateway.answer(request, source, &id).await;
    let (route, status) = (route.unwrap_or("-"), response.status().as_u16());
    let duration_ms = u64::try_from(watch.passed().as_millis()).unwrap_or(u64::MAX);
    // The route's key and never the path, which holds VINs and ids.
    tracing::info!(target: "access", route, %method, status, duration_ms, request.id = id, "request");
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert("apigw-requestid", id);
    }
    response
}

impl Gateway {
    /// The key of the route that fits, and the answer.
    async fn answer(
        &self,
        request: Request,
        source: SocketAddr,
        id: &str,
    ) -> (Option<&str>, Response) {
        let headers = request.headers();
        if !self.names.addressed(headers) || !self.names.same_origin(headers) {
            return (None, message(StatusCode::FORBIDDEN, "Forbidden"));
        }
        let (parts, body) = request.into_parts();
        let path = percent_decoded(parts.uri.path());
        let found = path.as_deref().and_then(|path| self.routes.find(parts.method.as_str(), path));
        let (Some(path), Some(found)) = (&path, found) else {
            return (None, message(StatusCode::NOT_FOUND, "Not Found"));
        };
        let response = if head_size(&parts) > HEADERS {
            message(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large")
        } else if let Some(wait) = self.throttled_for(&found) {
            let limited = message(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests");
            ([(header::RETRY_AFTER, wait.to_string())], limited).into_response()
        } else {
            match Limited::new(body, BODY).collect().await {
                Ok(body) => {
                    self.forward(&parts, &body.to_bytes(), path, &found, (source, id)).await
                }
                Err(_) => message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            }
        };
        (Some(&found.entry.key), response)
    }

    /// For how many seconds a route admits nobody, if it does not admit this request.
    fn throttled_for(&self, found: &Match<'_>) -> Option<u64> {
        if self.throttled { found.entry.admits(self.running.passed()).err() } else { None }
    }

    async fn forward(
        &self,
        parts: &Parts,
        body: &[u8],
        path: &str,
        found: &Match<'_>,
        (source, request_id): (SocketAddr, &str),
    ) -> Response {
        let event = event::event(
            parts,
            body,
            &Around {
                route: &found.entry.key,
                parameters: &found.parameters,
                path,
                source: source.ip(),
                https: self.https,
                now: self.clock.now(),
                request_id,
            },
        );
        match self.functions.invoke(&found.entry.function, event).await {
            Ok(answer) => event::response(answer).unwrap_or_else(|| {
                message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }),
            Err(error) => {
                tracing::error!(function = found.entry.function, error = %error, "no answer");
                let (status, text) = match error {
                    crate::functions::InvokeError::TimedOut => {
                        (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
                    }
                    _ => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
                };
                message(status, text)
            }
        }
    }
}

fn head_size(parts: &Parts) -> usize {
    let headers = |headers: &HeaderMap| -> usize {
        headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
    };
    parts.method.as_str().len() + parts.uri.to_string().len() + headers(&parts.headers)
}

/// HTTP APIs hand the path on decoded. None: it is not UTF-8.
fn percent_decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.split_at_checked(2).filter(|_| *first == b'%');
        let decoded =
            hex.and_then(|(hex, tail)| Some((HEXLOWER_PERMISSIVE.decode(hex).ok()?, tail)));
        if let Some((byte, tail)) = decoded {
            bytes.extend(byte);
            rest = tail;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests;
