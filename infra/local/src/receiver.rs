//! An endpoint of the operator's: takes what is posted, or refuses it, and remembers.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_lc_rs::hmac;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use data_encoding::BASE64;
use serde_json::Value;
use tokio::net::TcpListener;

/// A listener on a free port of this machine.
pub struct Receiver {
    url: String,
    memory: Arc<Mutex<Memory>>,
}

#[derive(Default)]
struct Memory {
    status: u16,
    hangs: bool,
    delay: Duration,
    posted: Vec<Posted>,
}

/// One post.
#[derive(Debug, Clone)]
pub struct Posted {
    /// The header `webhook-id`.
    pub id: String,
    /// The header `webhook-timestamp`.
    pub timestamp: String,
    /// The header `webhook-signature`.
    pub signature: String,
    /// The header `content-type`.
    pub content_type: String,
    /// Whether it is marked as sent again.
    pub replayed: bool,
    /// As it came.
    pub body: String,
    /// The `CloudEvent`.
    pub event: Value,
    /// Whether it was answered with success.
    pub taken: bool,
}

impl Receiver {
    /// Starts one that takes everything.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let memory = Arc::new(Mutex::new(Memory { status: 200, ..Memory::default() }));
        let router = Router::new().fallback(take).with_state(Arc::clone(&memory));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, memory })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How it answers from now on.
    pub fn answer(&self, status: u16) {
        self.memory().status = status;
    }

    /// Whether it leaves whoever asks without an answer.
    pub fn hang(&self, hangs: bool) {
        self.memory().hangs = hangs;
    }

    /// How long it takes to answer.
    pub fn delay(&self, delay: Duration) {
        self.memory().delay = delay;
    }

    /// All that was posted.
    #[must_use]
    pub fn posted(&self) -> Vec<Posted> {
        self.memory().posted.clone()
    }

    /// What was taken, in the order in which it came.
    #[must_use]
    pub fn taken(&self) -> Vec<Posted> {
        self.posted().into_iter().filter(|posted| posted.taken).collect()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        lock(&self.memory)
    }
}

fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::disallowed_methods, reason = "who is slow takes real time")]
async fn take(
    State(memory): State<Arc<Mutex<Memory>>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let text = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let (hangs, delay) = {
        let mut memory = lock(&memory);
        let taken = !memory.hangs && (200..300).contains(&memory.status);
        memory.posted.push(Posted {
            id: text("webhook-id"),
            timestamp: text("webhook-timestamp"),
            signature: text("webhook-signature"),
            content_type: text("content-type"),
            replayed: text("webhook-replayed") == "true",
            event: serde_json::from_slice(&body).unwrap_or_default(),
            body: String::from_utf8_lossy(&body).into_owned(),
            taken,
        });
        (memory.hangs, memory.delay)
    };
    tokio::time::sleep(delay).await;
    if hangs {
        std::future::pending::<()>().await;
    }
    StatusCode::from_u16(lock(&memory).status).unwrap_or_default()
}

impl Posted {
    /// The type.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.event["type"].as_str().unwrap_or_default()
    }

    /// What the lane is about.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.event["subject"].as_str().unwrap_or_default()
    }

    /// Whether one of the signatures was made with this secret (Standard Webhooks: HMAC-SHA256
    /// over id, time and body).
    #[must_use]
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = secret.strip_prefix("whsec_").and_then(|key| BASE64.decode(key.as_bytes()).ok());
        let Some(key) = key else { return false };
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let text = format!("{}.{}.{}", self.id, self.timestamp, self.body);
        let codes = self.signature.split(' ').filter_map(|signature| signature.strip_prefix("v1,"));
        let mut codes = codes.filter_map(|code| BASE64.decode(code.as_bytes()).ok());
        codes.any(|code| hmac::verify(&key, text.as_bytes(), &code).is_ok())
    }
}
