//! The AWS SDK over the project's one HTTP client: one TLS stack, one set of root certificates,
//! and no second pool of connections.

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, OnceLock},
};

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpConnector,
        },
        interceptors::context::InterceptorContext,
        orchestrator::{HttpRequest, HttpResponse},
        result::{ConnectorError, SdkError},
        retries::classifiers::{ClassifyRetry, RetryAction},
        runtime_components::RuntimeComponents,
    },
    http::Response,
};
use aws_smithy_types::{
    body::SdkBody,
    error::metadata::ProvideErrorMetadata,
    retry::{ReconnectMode, RetryConfig},
    timeout::TimeoutConfig,
};
use http_body_util::BodyExt;
use secrecy::ExposeSecret;
use serde::Deserialize;

use crate::config::Aws;

/// What we keep of an SDK error. The SDK's own `Debug` prints items, and so tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AwsError {
    /// No answer: not reached, timed out, or cut off. Whatever was asked may have been done.
    #[error("no answer")]
    NoAnswer,
    /// The service refused, by this code of its own.
    #[error("refused: {0}")]
    Refused(String),
}

impl AwsError {
    /// Whether the service is ill, rather than unwilling.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        let ill = ["Internal", "Unavailable", "Throttl", "TooManyRequests"];
        match self {
            Self::NoAnswer => true,
            Self::Refused(code) => ill.iter().any(|word| code.contains(word)),
        }
    }

    /// Keeps the error's code and nothing of its content.
    pub fn from_sdk<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Self {
        match error {
            SdkError::ServiceError(service) => {
                Self::Refused(service.err().code().unwrap_or("unknown").to_owned())
            }
            SdkError::ConstructionFailure(_) => Self::Refused("RequestNotBuilt".to_owned()),
            _ => Self::NoAnswer,
        }
    }
}

/// The parts that every SDK client here is built from.
pub struct Parts {
    region: String,
    credentials: Credentials,
    http: OurHttp,
    retry: RetryConfig,
    timeouts: TimeoutConfig,
}

impl Parts {
    pub(crate) fn new(aws: &Aws, http: reqwest::Client) -> Self {
        let session = aws.session_token.as_ref().map(|token| token.expose_secret().to_owned());
        let secret = aws.secret_access_key.expose_secret();
        Self {
            region: aws.region.clone(),
            credentials: Credentials::from_keys(&aws.access_key_id, secret, session),
            http: OurHttp(http),
            // A connection that broke is dropped by the pool of `reqwest`; the SDK has no hold on it.
            retry: RetryConfig::standard()
                .with_max_attempts(4)
                .with_reconnect_mode(ReconnectMode::ReuseAllConnections),
            timeouts: TimeoutConfig::builder()
                .operation_timeout(std::time::Duration::from_secs(8))
                .operation_attempt_timeout(std::time::Duration::from_secs(3))
                .build(),
        }
    }
}

/// A client of the SDK, built by the first use of it, or ahead of that by `App::prepare_…`. A function
/// that uses none of a service neither carries the service's code nor takes the time to build a
/// client, which parses what AWS says of all its regions.
pub struct Lazy<C> {
    /// Clones share it: one builds it for all.
    client: Arc<OnceLock<C>>,
    parts: Arc<Parts>,
    endpoint: Option<String>,
}

impl<C> Lazy<C> {
    pub(crate) fn new(parts: &Arc<Parts>, endpoint: Option<&String>) -> Self {
        Self { client: Arc::default(), parts: Arc::clone(parts), endpoint: endpoint.cloned() }
    }
}

impl<C: Service> Lazy<C> {
    /// Builds it ahead of its first use.
    pub(crate) fn prepare(&self) {
        let _: &C = self;
    }
}

impl<C: Service> Deref for Lazy<C> {
    type Target = C;

    fn deref(&self) -> &C {
        self.client.get_or_init(|| C::build(&self.parts, self.endpoint.as_deref()))
    }
}

impl<C> Clone for Lazy<C> {
    fn clone(&self) -> Self {
        let (client, parts) = (Arc::clone(&self.client), Arc::clone(&self.parts));
        Self { client, parts, endpoint: self.endpoint.clone() }
    }
}

impl<C> fmt::Debug for Lazy<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lazy").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// A client of the SDK, as [`Lazy`] builds it.
pub trait Service: Sized {
    #[doc(hidden)]
    fn build(parts: &Parts, endpoint: Option<&str>) -> Self;
}

/// The same lines for each service.
macro_rules! services {
    ($($sdk:ident),*) => {
        $(impl Service for $sdk::Client {
            fn build(parts: &Parts, endpoint: Option<&str>) -> Self {
                let mut config = $sdk::Config::builder()
                    .behavior_version($sdk::config::BehaviorVersion::v2026_01_12())
                    .region($sdk::config::Region::new(parts.region.clone()))
                    .credentials_provider(parts.credentials.clone())
                    .http_client(parts.http.clone())
                    .retry_config(parts.retry.clone())
                    .retry_classifier(MetTransaction)
                    .timeout_config(parts.timeouts.clone());
                config.set_endpoint_url(endpoint.map(str::to_owned));
                Self::from_conf(config.build())
            }
        })*
    };
}
services!(aws_sdk_dynamodb, aws_sdk_eventbridge, aws_sdk_secretsmanager, aws_sdk_sqs);

/// A single write that meets a transaction on its item is refused and was not done. The SDK takes that
/// for final, though it is over in a moment.
#[derive(Debug)]
pub(crate) struct MetTransaction;

impl ClassifyRetry for MetTransaction {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(response) = context.response() else { return RetryAction::NoActionIndicated };
        if response.status().as_u16() != 400 {
            return RetryAction::NoActionIndicated;
        }
        let body = response.body().bytes().unwrap_or_default();
        let error: Option<ErrorBody> = serde_json::from_slice(body).ok();
        match error.as_ref().and_then(|error| error.kind.rsplit('#').next()) {
            Some("TransactionConflictException") => RetryAction::throttling_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "a write that met a transaction"
    }
}

/// The one field of `DynamoDB`'s errors that is read.
#[derive(Deserialize)]
struct ErrorBody<'a> {
    #[serde(rename = "__type", borrow)]
    kind: std::borrow::Cow<'a, str>,
}

/// `reqwest` as the SDK's connector.
#[derive(Debug, Clone)]
pub(crate) struct OurHttp(reqwest::Client);

impl HttpClient for OurHttp {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for OurHttp {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move { send(client, request).await })
    }
}

async fn send(
    client: reqwest::Client,
    request: HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(ConnectorError::user)?.to_bytes();
    let request = http::Request::from_parts(head, reqwest::Body::from(body));
    let request =
        request.try_into().map_err(|error: reqwest::Error| ConnectorError::user(error.into()))?;
    let answer = client.execute(request).await.map_err(classify)?;
    let answer: http::Response<reqwest::Body> = answer.into();
    Response::try_from(answer.map(SdkBody::from_body_1_x))
        .map_err(|error| ConnectorError::other(error.into(), None))
}

fn classify(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}
