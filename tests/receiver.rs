//! An endpoint of the operator's: takes what is posted, or refuses it, and remembers.

use std::sync::{Arc, Mutex, MutexGuard};

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
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let memory = Arc::new(Mutex::new(Memory { status: 200, ..Memory::default() }));
        let router = Router::new().fallback(take).with_state(Arc::clone(&memory));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, memory }
    }

    /// Where it is.
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

    /// All that was posted.
    pub fn posted(&self) -> Vec<Posted> {
        self.memory().posted.clone()
    }

    /// What was taken, in the order in which it came.
    pub fn taken(&self) -> Vec<Posted> {
        self.posted().into_iter().filter(|posted| posted.taken).collect()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap()
    }
}

async fn take(
    State(memory): State<Arc<Mutex<Memory>>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let text = |name: &str| {
        let value = headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        value.unwrap_or_default()
    };
    let hangs = {
        let mut memory = memory.lock().unwrap();
        let taken = !memory.hangs && (200..300).contains(&memory.status);
        memory.posted.push(Posted {
            id: text("webhook-id"),
            timestamp: text("webhook-timestamp"),
            signature: text("webhook-signature"),
            content_type: text("content-type"),
            replayed: text("webhook-replayed") == "true",
            event: serde_json::from_slice(&body).unwrap(),
            body: String::from_utf8(body.to_vec()).unwrap(),
            taken,
        });
        memory.hangs
    };
    if hangs {
        std::future::pending::<()>().await;
    }
    let status = memory.lock().unwrap().status;
    StatusCode::from_u16(status).unwrap()
}

impl Posted {
    /// The type, without what is the same for all.
    pub fn kind(&self) -> &str {
        let kind = self.event["type"].as_str().unwrap();
        kind.strip_prefix("accessing-party.").unwrap().strip_suffix(".v1").unwrap()
    }

    /// What the lane is about.
    pub fn subject(&self) -> &str {
        self.event["subject"].as_str().unwrap()
    }

    /// Whether one of the signatures was made with this secret (Standard Webhooks: HMAC-SHA256
    /// over id, time and body).
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap().as_bytes()).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let text = format!("{}.{}.{}", self.id, self.timestamp, self.body);
        self.signature.split(' ').any(|signature| {
            let (version, code) = signature.split_once(',').unwrap();
            let code = BASE64.decode(code.as_bytes()).unwrap();
            version == "v1" && hmac::verify(&key, text.as_bytes(), &code).is_ok()
        })
    }
}
