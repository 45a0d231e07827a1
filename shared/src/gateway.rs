//! How a function behind the API gateway is served: `lambda_http` takes the requests; the answers,
//! all of them UTF-8 and whole, are handed over as they are. (Its own way for `axum` decodes every
//! charset there is, and carries the tables for that.)

use std::{
    convert::Infallible,
    future::{Future, ready},
    pin::Pin,
};

use axum::{Router, body::to_bytes, http::StatusCode};
use lambda_http::{
    Body, IntoResponse, Request, RequestExt, Response, Service, request::RequestContext, service_fn,
};
use tracing::Instrument;

use crate::http::with_request_id;

pub use lambda_http::Error;

/// Serves the gateway's requests for as long as the process lives.
///
/// # Errors
/// When the Lambda runtime can't be reached.
pub async fn serve(router: Router) -> Result<(), Error> {
    lambda_http::run(service(router)).await
}

/// What [`serve`] serves, for whoever brings the requests by other means.
#[must_use]
pub fn service(
    router: Router,
) -> impl Service<Request, Response = Answer, Error = Infallible, Future: Send> {
    service_fn(move |request: Request| {
        let mut router = router.clone();
        async move {
            let id = request_id(&request);
            let span = tracing::info_span!("request", request.id = id);
            let Ok(response) = router.call(request).instrument(span).await;
            Ok(Answer::of(with_request_id(response, &id)).await)
        }
    })
}

/// The id that the gateway gave a request; it stands in the gateway's own log, too.
fn request_id(request: &Request) -> String {
    let id = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.request_id.clone(),
        _ => None,
    };
    id.unwrap_or_else(crate::random::id)
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer(Response<Body>);

impl Answer {
    async fn of(response: axum::response::Response) -> Self {
        let (mut parts, body) = response.into_parts();
        let body = if let Ok(bytes) = to_bytes(body, usize::MAX).await {
            String::from_utf8(bytes.into())
                .map_or_else(|error| Body::Binary(error.into_bytes()), Body::Text)
        } else {
            parts.status = StatusCode::INTERNAL_SERVER_ERROR;
            Body::Empty
        };
        Self(Response::from_parts(parts, body))
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        Box::pin(ready(self.0))
    }
}
