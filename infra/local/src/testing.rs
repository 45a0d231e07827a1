//! What the tests of this crate share: a cloud in memory, and a client that signs by hand, so that
//! each single answer can be looked at, before any SDK tries again.

use std::time::Duration;

use aws_lc_rs::{digest, hmac};
use data_encoding::HEXLOWER;
use secrecy::ExposeSecret;
use serde_json::Value;
use shared::{Clock, stellantis::tls};

use crate::{
    clock::ManualClock,
    cloud::{Cloud, CloudOptions},
    faults::Faults,
    front::{AccessKey, Operation},
};

pub(crate) fn manual_clock() -> ManualClock {
    ManualClock::at("2026-03-02T06:00:00Z".parse().unwrap())
}

pub(crate) async fn cloud(faults: Faults) -> Cloud {
    Cloud::start(options(&manual_clock(), faults)).await.unwrap()
}

pub(crate) fn options(clock: &ManualClock, faults: Faults) -> CloudOptions {
    let mut options = CloudOptions::manual(clock.clock());
    options.faults = faults;
    options
}

pub(crate) fn http() -> reqwest::Client {
    let timeouts =
        tls::Timeouts { connect: Duration::from_secs(3), total: Duration::from_secs(30) };
    tls::plain_client("tests", timeouts).unwrap()
}

/// Calls the front in a function's name.
pub(crate) struct Caller {
    http: reqwest::Client,
    url: String,
    key: AccessKey,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    /// The error's name without its namespace.
    pub(crate) fn kind(&self) -> &str {
        self.body["__type"].as_str().unwrap_or_default().rsplit('#').next().unwrap()
    }
}

impl Caller {
    pub(crate) fn new(cloud: &Cloud, function: &str) -> Self {
        Self { http: http(), url: cloud.front_url(), key: cloud.access_key(function) }
    }

    /// Speaks to another cloud, with the key of its own.
    pub(crate) fn address(&mut self, cloud: &Cloud) {
        self.url = cloud.front_url();
    }

    /// The answer, or none if the connection was dropped.
    pub(crate) async fn call(&self, operation: Operation, body: Value) -> Option<Answer> {
        let answer = self.request(operation, &body.to_string()).send().await.ok()?;
        let status = answer.status().as_u16();
        let text = answer.text().await.ok()?;
        Some(Answer { status, body: serde_json::from_str(&text).unwrap_or_default() })
    }

    /// A call that is done.
    pub(crate) async fn done(&self, operation: Operation, body: Value) -> Value {
        let answer = self.call(operation, body).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    pub(crate) fn request(&self, operation: Operation, body: &str) -> reqwest::RequestBuilder {
        let host = self.url.trim_start_matches("http://");
        let prefix = match operation.service().name() {
            "dynamodb" => "DynamoDB_20120810",
            "sqs" => "AmazonSQS",
            "events" => "AWSEvents",
            other => other,
        };
        let target = format!("{prefix}.{}", operation.name());
        let date = Clock::system().now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let scope = format!("{}/local-1/{}/aws4_request", &date[..8], operation.service().name());
        let canonical = format!(
            "POST\n/\n\nhost:{host}\nx-amz-date:{date}\nx-amz-target:{target}\n\nhost;x-amz-date;x-amz-target\n{}",
            sha256(body)
        );
        let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", sha256(&canonical));
        let first = format!("AWS4{}", self.key.secret.expose_secret()).into_bytes();
        let key = scope.split('/').fold(first, |key, part| sign(&key, part));
        let signature = HEXLOWER.encode(&sign(&key, &to_sign));
        let id = &self.key.id;
        self.http
            .post(&self.url)
            .header("x-amz-date", date)
            .header("x-amz-target", target)
            .header(
                "authorization",
                format!(
                    "AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders=host;x-amz-date;x-amz-target, \
                     Signature={signature}"
                ),
            )
            .body(body.to_owned())
    }
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn sha256(text: &str) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}
