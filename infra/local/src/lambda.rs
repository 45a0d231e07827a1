//! A function's code, called with the JSON that AWS would send it. What `lambda_http` keeps for
//! itself (its `Adapter` is hidden from the documentation) is used in this file and nowhere else.

use std::{future::Future, pin::Pin, sync::Arc};

use axum::Router;
use lambda_http::{Adapter, Service, request::LambdaRequest};
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::Value;
use shared::{App, gateway};

/// An invocation under way. It stays on one thread: the runtime asks no more of a handler.
pub type Invocation = Pin<Box<dyn Future<Output = Result<Value, Diagnostic>>>>;

/// How a function is called.
#[derive(Clone, Copy)]
pub enum Code {
    /// Behind the gateway.
    Http(fn(Arc<App>) -> Router),
    /// Woken by a schedule or a stream.
    Event(fn(Arc<App>, LambdaEvent<Value>) -> Invocation),
}

/// A function that has started: what stays warm between invocations.
#[derive(Clone)]
pub(crate) enum Warm {
    Http(Router),
    Event(Arc<App>, fn(Arc<App>, LambdaEvent<Value>) -> Invocation),
}

impl Code {
    pub(crate) fn start(self, app: Arc<App>) -> Warm {
        match self {
            Self::Http(router) => Warm::Http(router(app)),
            Self::Event(handler) => Warm::Event(app, handler),
        }
    }
}

impl Warm {
    pub(crate) fn invoke(self, event: LambdaEvent<Value>) -> Invocation {
        match self {
            Self::Http(router) => Box::pin(http(router, event)),
            Self::Event(app, handler) => handler(app, event),
        }
    }
}

async fn http(router: Router, event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let request: LambdaRequest =
        serde_json::from_value(event.payload).map_err(|error| failed(&error))?;
    let response = Adapter::from(gateway::service(router))
        .call(LambdaEvent::new(request, event.context))
        .await;
    let response = response.unwrap_or_else(|impossible| match impossible {});
    serde_json::to_value(response).map_err(|error| failed(&error))
}

fn failed(error: &serde_json::Error) -> Diagnostic {
    Diagnostic { error_type: "Runtime.InvalidPayload".to_owned(), error_message: error.to_string() }
}
