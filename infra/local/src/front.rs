//! AWS's endpoints on loopback: one listener for tables, secrets, queues and the bus, as the SDKs speak to
//! them. Whoever calls must hold this run's key; no browser does.

mod caller;
mod guard;
mod keys;
mod operation;
mod refusal;
mod signature;
mod usage;

use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;
use shared::Clock;

use self::signature::{Credential, SignatureError};
pub(crate) use self::{caller::Caller, guard::Names};
pub use self::{
    keys::{AccessKey, Keys},
    operation::{Operation, Service},
    refusal::Refusal,
    usage::{Usage, UsageOf},
};
use crate::{
    bus::Bus,
    database::{Reply, Tables},
    faults::{Call, Effect, Faults},
    queue::Queues,
    secrets::SecretStore,
    template::Policy,
};

/// DynamoDB takes bodies of up to 16 MB.
const BODY: usize = 16 << 20;

/// Everything behind the listener.
pub(crate) struct Front {
    pub(crate) names: Names,
    pub(crate) keys: Keys,
    pub(crate) policies: BTreeMap<String, Policy>,
    pub(crate) tables: Tables,
    pub(crate) secrets: SecretStore,
    pub(crate) queues: Queues,
    pub(crate) bus: Bus,
    pub(crate) faults: Faults,
    pub(crate) usage: Usage,
}

impl Front {
    pub(crate) fn router(self: Arc<Self>) -> Router {
        Router::new().fallback(entry).with_state(self)
    }

    pub(crate) fn names(addr: SocketAddr) -> Names {
        Names::of(addr)
    }
}

async fn entry(State(front): State<Arc<Front>>, request: Request) -> Response {
    let headers = request.headers();
    if !front.names.addressed(headers) || headers.contains_key(header::ORIGIN) {
        return (StatusCode::FORBIDDEN, "this listener answers programs on this machine only\n")
            .into_response();
    }
    if request.method() != Method::POST || request.uri().path() != "/" {
        return StatusCode::NOT_FOUND.into_response();
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY).collect().await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let (service, outcome) = front.answer(&parts, &body.to_bytes()).await;
    match outcome {
        Ok(body) => response(service, StatusCode::OK, body.to_string()),
        Err(Failure::Refused(refusal)) => {
            let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
            response(service, status, refusal.body())
        }
        Err(Failure::Lost) => lost(),
    }
}

fn response(service: Service, status: StatusCode, body: String) -> Response {
    let id = shared::random::id();
    let headers =
        [(header::CONTENT_TYPE.as_str(), service.media_type()), ("x-amzn-requestid", &id)];
    (status, headers, body).into_response()
}

/// An answer whose body fails at once, upon which the server drops the connection.
fn lost() -> Response {
    let failure = Err::<&str, _>(io::Error::from(io::ErrorKind::ConnectionAborted));
    Response::new(Body::from_stream(futures_util::stream::iter([failure])))
}

/// No answer as asked for.
enum Failure {
    Refused(Refusal),
    /// The connection drops.
    Lost,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<SignatureError> for Failure {
    fn from(error: SignatureError) -> Self {
        let kind = match error {
            SignatureError::Missing => {
                "com.amazon.coral.service#MissingAuthenticationTokenException"
            }
            SignatureError::UnknownKey => "com.amazon.coral.service#UnrecognizedClientException",
            SignatureError::Mismatch | SignatureError::Stale => {
                "com.amazon.coral.service#InvalidSignatureException"
            }
        };
        Self::Refused(Refusal::new(400, kind, &error.to_string()))
    }
}

impl Front {
    async fn answer(&self, parts: &Parts, body: &[u8]) -> (Service, Result<Value, Failure>) {
        let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        let Some(operation) = target.and_then(Operation::of_target) else {
            let kind = "com.amazon.coral.service#UnknownOperationException";
            return (Service::DynamoDb, Err(Refusal::new(400, kind, "unknown operation").into()));
        };
        (operation.service(), self.identified(parts, body, operation).await)
    }

    async fn identified(
        &self,
        parts: &Parts,
        body: &[u8],
        operation: Operation,
    ) -> Result<Value, Failure> {
        let credential = Credential::read(&parts.headers)?;
        let holder = self.keys.holder(credential.key_id).ok_or(SignatureError::UnknownKey)?;
        credential.verify(parts, body, &holder.secret, Clock::system().now())?;
        if credential.service != operation.service().name() {
            return Err(SignatureError::Mismatch.into());
        }
        if holder.dead {
            return Err(Failure::Lost);
        }
        let body: Value = serde_json::from_slice(body).map_err(|_| Refusal::serialization())?;
        self.authorised(&holder.function, operation, body).await
    }

    async fn authorised(
        &self,
        function: &str,
        operation: Operation,
        body: Value,
    ) -> Result<Value, Failure> {
        let (tables, index) = match operation.service() {
            Service::DynamoDb => Tables::subject(operation, &body),
            _ => (Vec::new(), false),
        };
        if let Err(refusal) = self.allowed(function, operation, &body) {
            tracing::warn!(function, operation = operation.name(), "refused: {}", refusal.message);
            self.usage.denied(function, &refusal.message);
            return Err(refusal.into());
        }
        let struck = self.faults.strike(&Call { function, operation, tables: &tables, index });
        let effect = struck.map(|(effect, _)| effect);
        match effect {
            Some(Effect::DieBefore) => return Err(self.dead(function)),
            Some(Effect::Hang) => return std::future::pending().await,
            Some(Effect::Throttled) => return Err(Refusal::throttled(operation).into()),
            Some(Effect::Unavailable) => return Err(Refusal::unavailable().into()),
            _ => (),
        }
        let done = self.done(function, operation, body, struck).await;
        match effect {
            Some(Effect::DieAfter) => Err(self.dead(function)),
            Some(Effect::LostAnswer) => Err(Failure::Lost),
            _ => Ok(done?),
        }
    }

    fn allowed(&self, function: &str, operation: Operation, body: &Value) -> Result<(), Refusal> {
        let none = Policy::default();
        let policy = self.policies.get(function).unwrap_or(&none);
        let caller = Caller { function, policy, usage: &self.usage };
        match operation.service() {
            Service::DynamoDb => self.tables.authorise(&caller, operation, body),
            Service::SecretsManager => self.secrets.authorise(&caller, body),
            Service::Sqs => self.queues.authorise(&caller, operation, body),
            Service::EventBridge => self.bus.authorise(&caller, body),
        }
    }

    async fn done(
        &self,
        function: &str,
        operation: Operation,
        body: Value,
        struck: Option<(Effect, u64)>,
    ) -> Result<Value, Refusal> {
        let result = match operation.service() {
            Service::DynamoDb => self.tables.call(operation, body, struck).await,
            Service::SecretsManager => self.secrets.call(&body).map(free),
            Service::Sqs => self.queues.call(operation, &body).await.map(free),
            Service::EventBridge => Ok(free(self.bus.call(&body))),
        };
        if let Err(refusal) = &result
            && refusal.kind.ends_with("#ValidationException")
        {
            // A mistake in the code that asks, which its own error does not tell.
            tracing::warn!(function, operation = operation.name(), "invalid: {}", refusal.message);
        }
        self.usage.count(function, operation, result.as_ref().map(|reply| reply.units).ok());
        Ok(result?.body)
    }

    fn dead(&self, function: &str) -> Failure {
        self.keys.bury(function);
        self.faults.kill(function);
        Failure::Lost
    }
}

fn free(body: Value) -> Reply {
    Reply { body, units: 0.0 }
}

#[cfg(test)]
mod tests;
