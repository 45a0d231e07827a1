//! Against a listener on this machine: what is asked, and what is refused.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

/// Answers one request so; gives what was asked.
async fn answering(answer: String) -> (SocketAddr, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut text = vec![0; 8192];
        let length = stream.read(&mut text).await.unwrap();
        // Whoever asked may have gone before the end.
        let _ = stream.write_all(answer.as_bytes()).await;
        String::from_utf8_lossy(&text[..length]).into_owned()
    });
    (addr, asked)
}

async fn post(addresses: Addresses, url: &str) -> Result<StatusCode, PostError> {
    let secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned().into()];
    let message = Message {
        id: "evt_1",
        at: Timestamp::from_second(1_614_265_330).unwrap(),
        body: r#"{"test": 2432232314}"#.to_owned(),
        replayed: false,
        secrets: &secrets,
    };
    Webhooks::new(addresses).post(&url.parse().unwrap(), message).await
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let head = "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n";
    let (addr, asked) = answering(head.to_owned()).await;

    let posted = post(Addresses::Private, &format!("http://{addr}/hook")).await;

    assert!(matches!(posted, Err(PostError::Status(StatusCode::TEMPORARY_REDIRECT))), "{posted:?}");
    let asked = asked.await.unwrap();
    assert!(asked.starts_with("POST /hook HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("webhook-timestamp: 1614265330\r\n"), "{asked}");
    assert!(!asked.contains("webhook-replayed"), "{asked}");
}

#[tokio::test]
async fn of_a_long_answer_next_to_nothing_is_read() {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: 90000000\r\n\r\n{}", "a".repeat(4096));
    let (addr, _asked) = answering(head).await;

    post(Addresses::Private, &format!("http://{addr}/")).await.unwrap();
}

#[tokio::test]
async fn an_address_of_this_machine_is_refused_by_name_and_by_number() {
    for url in ["https://127.0.0.1/", "https://localhost/", "https://[::1]/"] {
        let posted = post(Addresses::Public, url).await;
        assert!(matches!(posted, Err(PostError::Address(_))), "{url}: {posted:?}");
    }

    // A name that looks like any other, until it is resolved at connection.
    let client = build(Addresses::Public).unwrap();
    let sent = client.post("https://localhost/").send().await;
    assert!(matches!(classify(sent.unwrap_err()), PostError::Address(Some(_))));
}

#[tokio::test]
async fn an_error_does_not_name_the_address() {
    let posted = post(Addresses::Private, "http://127.0.0.1:1/secret-path").await;

    let error = posted.unwrap_err();
    assert_eq!(error.word(), "refused");
    assert!(!format!("{error:?}").contains("secret-path"), "{error:?}");
}

#[tokio::test]
async fn every_way_to_fail_has_a_word_of_its_own() {
    let refused = post(Addresses::Private, "http://127.0.0.1:1/").await;
    let (plain, _asked) = answering("HTTP/1.1 400 Bad Request\r\n\r\n".into()).await;
    let no_tls = post(Addresses::Private, &format!("https://{plain}/")).await;
    let (silent, _asked) = answering(String::new()).await;
    let closed = post(Addresses::Private, &format!("http://{silent}/")).await;
    let (denied, _asked) =
        answering("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n".into()).await;
    let denied = post(Addresses::Private, &format!("http://{denied}/")).await;
    let nameless = post(Addresses::Private, "http://nowhere.invalid/").await;

    let word = |posted: Result<_, PostError>| posted.unwrap_err().word();
    assert_eq!(
        [refused, no_tls, closed, denied, nameless].map(word),
        ["refused", "tls", "closed", "status_401", "dns"]
    );
}
