//! AWS's errors in JSON.

use dynoxide::DynoxideError;
use serde_json::{Map, Value};

use super::{Operation, Service};

/// A call is refused.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The error's name, after a `#`.
    pub kind: String,
    /// For people.
    pub message: String,
    more: Map<String, Value>,
}

impl Refusal {
    /// An error of this name.
    #[must_use]
    pub fn new(status: u16, kind: &str, message: &str) -> Self {
        Self { status, kind: kind.to_owned(), message: message.to_owned(), more: Map::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }

    /// The role does not allow it.
    pub(crate) fn denied(function: &str, action: &str, resource: &str) -> Self {
        let message = format!("the role of {function} does not allow {action} on {resource}");
        Self::new(400, "com.amazon.coral.service#AccessDeniedException", &message)
    }

    pub(crate) fn serialization() -> Self {
        Self::new(400, "com.amazon.coral.service#SerializationException", "not JSON")
    }

    pub(crate) fn throttled(operation: Operation) -> Self {
        let kind = match operation.service() {
            Service::DynamoDb => {
                "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
            }
            Service::SecretsManager | Service::Sqs | Service::EventBridge => {
                "com.amazon.coral.availability#ThrottlingException"
            }
        };
        Self::new(400, kind, "too many requests, ordered by a fault")
    }

    pub(crate) fn unavailable() -> Self {
        Self::new(500, "com.amazonaws.dynamodb.v20120810#InternalServerError", "ordered by a fault")
    }

    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %error, "the local database failed");
        Self::new(
            500,
            "com.amazonaws.dynamodb.v20120810#InternalServerError",
            "the local database failed",
        )
    }

    /// dynoxide words its errors as DynamoDB does.
    pub(crate) fn of(error: &DynoxideError) -> Self {
        let body: Value = serde_json::from_str(&error.to_json()).unwrap_or_default();
        let mut more = body.as_object().cloned().unwrap_or_default();
        more.retain(|name, _| !matches!(name.as_str(), "__type" | "message" | "Message"));
        Self {
            status: error.status_code(),
            kind: error.error_type().to_owned(),
            message: error.to_string(),
            more,
        }
    }

    pub(super) fn body(self) -> String {
        let mut body = self.more;
        body.insert("__type".to_owned(), self.kind.into());
        // DynamoDB writes one or the other, by error; the SDKs read both.
        body.insert("message".to_owned(), self.message.clone().into());
        body.insert("Message".to_owned(), self.message.into());
        Value::Object(body).to_string()
    }
}
