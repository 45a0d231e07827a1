//! For tests: a listener on loopback that gives prepared answers, with or without TLS, and
//! remembers what it was asked.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;
use url::Url;

use futures_util::future::BoxFuture;

use super::{Again, Call, Client, Maker, MakerSecret, Permission, Settings};

/// The listener.
pub(super) struct Stub {
    pub(super) url: Url,
    asked: Arc<Mutex<Vec<String>>>,
    /// The end-entity certificates that clients showed.
    pub(super) shown: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// An answer of this status, with these header lines (each ended by CRLF) and this body.
pub(super) fn answer(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// A success with JSON.
pub(super) fn json(body: &str) -> String {
    answer(200, "content-type: application/hal+json\r\n", body)
}

impl Stub {
    /// Gives each connection one of the answers, in order, and the last one for ever. An empty
    /// answer is silence.
    pub(super) async fn start(answers: Vec<String>) -> Self {
        Self::serve(answers, None).await
    }

    /// The same over TLS.
    pub(super) async fn start_tls(answers: Vec<String>, tls: rustls::ServerConfig) -> Self {
        Self::serve(answers, Some(TlsAcceptor::from(Arc::new(tls)))).await
    }

    async fn serve(answers: Vec<String>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let address = listener.local_addr().unwrap();
        let url = format!("{scheme}://{address}").parse().unwrap();
        let (asked, shown) = (Arc::default(), Arc::default());
        let stub = Self { url, asked: Arc::clone(&asked), shown: Arc::clone(&shown) };
        tokio::spawn(async move {
            let mut next = answers.first().cloned().unwrap();
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let Some(tls) = &tls else {
                    talk(tcp, &asked, &next).await;
                    next = following(&answers, &asked);
                    continue;
                };
                match tls.accept(tcp).into_fallible().await {
                    Ok(stream) => {
                        let certificates = stream.get_ref().1.peer_certificates();
                        let first = certificates.and_then(|all| all.first()).unwrap();
                        shown.lock().unwrap().push(first.to_vec());
                        talk(stream, &asked, &next).await;
                        next = following(&answers, &asked);
                    }
                    // Closing at once would overtake the alert.
                    Err((_, mut tcp)) => drop(tcp.read_to_end(&mut Vec::new()).await),
                }
            }
        });
        stub
    }

    /// What was asked: requests in full.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// A maker whose API, B2B API and identity providers are all here, below paths of their own.
    pub(super) fn settings(&self) -> Settings {
        let at = |path: &str| self.url.join(path).unwrap();
        Settings::new(at("/api"), at("/b2b"), |brand| at(&format!("/{brand}")))
    }

    /// A client of that maker.
    pub(super) fn client(&self) -> Client {
        maker(self.settings()).with_credentials(&Arc::new(secret())).unwrap()
    }
}

fn following(answers: &[String], asked: &Mutex<Vec<String>>) -> String {
    let index = asked.lock().unwrap().len().min(answers.len() - 1);
    answers[index].clone()
}

async fn talk(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    asked: &Mutex<Vec<String>>,
    answer: &str,
) {
    let mut request = Vec::new();
    while !is_complete(&request) {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
    }
    asked.lock().unwrap().push(String::from_utf8(request).unwrap());
    if answer.is_empty() {
        // Until the client gives up.
        drop(stream.read_to_end(&mut Vec::new()).await);
    }
    drop(stream.write_all(answer.as_bytes()).await);
    drop(stream.shutdown().await);
}

fn is_complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    body.len() >= length.unwrap_or(0)
}

/// Credentials without a certificate.
pub(super) fn secret() -> MakerSecret {
    serde_json::from_str(r#"{"client_id":"us","client_secret":"seeded/secret"}"#).unwrap()
}

/// A maker that may always be called.
pub(super) fn maker(settings: Settings) -> Maker {
    Maker::new(settings, Arc::new(Always))
}

#[derive(Debug)]
struct Always;

impl Permission for Always {
    fn allows<'a>(&'a self, _: Call<'a>) -> BoxFuture<'a, bool> {
        Box::pin(async { true })
    }

    fn limited<'a>(&'a self, _: &'a str, _: Again) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}
