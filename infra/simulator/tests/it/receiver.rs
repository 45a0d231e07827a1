//! A webhook that keeps what it gets and answers as it is told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
};
use serde_json::Value;
use tokio::{net::TcpListener, sync::Notify};

/// What arrived.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) headers: HeaderMap,
    pub(crate) query: String,
    pub(crate) text: String,
}

#[derive(Clone, Default)]
pub(crate) struct Receiver {
    target: String,
    got: Arc<Mutex<Vec<Got>>>,
    /// Answers to come; 200 when there are none.
    answers: Arc<Mutex<VecDeque<u16>>>,
    news: Arc<Notify>,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = format!("http://{}/hook", listener.local_addr().unwrap());
        let this = Self { target, ..Self::default() };
        let router = Router::new().fallback(take).with_state(this.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        this
    }

    pub(crate) fn target(&self) -> &str {
        &self.target
    }

    pub(crate) fn answer(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    /// What arrived since the last time.
    pub(crate) fn take(&self) -> Vec<Got> {
        std::mem::take(&mut *self.got.lock().unwrap())
    }

    /// What arrives first, within half a minute of real time.
    pub(crate) async fn first(&self) -> Vec<Got> {
        let wait = tokio::time::timeout(Duration::from_secs(30), self.news.notified());
        wait.await.expect("something arrives");
        self.take()
    }

    /// The same as JSON.
    pub(crate) fn messages(&self) -> Vec<Value> {
        self.take().iter().map(Got::json).collect()
    }
}

async fn take(
    State(receiver): State<Receiver>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let got = Got { headers, query: query.unwrap_or_default(), text };
    receiver.got.lock().unwrap().push(got);
    receiver.news.notify_one();
    let status = receiver.answers.lock().unwrap().pop_front().unwrap_or(200);
    StatusCode::from_u16(status).unwrap()
}
