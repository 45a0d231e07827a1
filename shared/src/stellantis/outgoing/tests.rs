use proptest::prelude::*;

use super::*;
use crate::stellantis::testing::{Stub, answer, json, secret};

fn settings() -> Settings {
    let url = |text: &str| text.parse::<Url>().unwrap();
    Settings::new(
        url("https://api.example/connectedcar/v4"),
        url("https://b2b.example/connectedcar/v3"),
        |brand| url(&format!("https://{}", brand.idp_host())),
    )
}

fn token() -> SecretString {
    "seeded-token".into()
}

fn client_credential(brand: Brand) -> Credential<'static> {
    let basic = HeaderValue::from_static("Basic c2VlZGVk");
    let (form, urgency) = (b"code=seeded-code".to_vec(), Urgency::Normal);
    Credential::Client { brand, basic, form, urgency }
}

fn goes(url: &str, credential: Credential<'_>) -> bool {
    let Ok(url) = url.parse() else { return false };
    attach(&settings(), url, HeaderMap::new(), credential).is_some()
}

#[test]
fn a_token_goes_to_the_api_alone() {
    let token = token();
    let goes = |url| goes(url, Credential::Bearer(&token, Ask::Read));

    assert!(goes("https://api.example/connectedcar/v4/user?client_id=x"));
    assert!(goes("https://api.example/connectedcar/v4"));
    for url in [
        "http://api.example/connectedcar/v4/user",
        "https://api.example:8443/connectedcar/v4/user",
        "https://api.example/connectedcar/v44/user",
        "https://api.example/connectedcar/v4/../../steal",
        "https://api.example/connectedcar/v4/%2e%2e/%2e%2e/steal",
        "https://api.example.evil.example/connectedcar/v4/user",
        "https://api.example@evil.example/connectedcar/v4/user",
        "https://user@api.example/connectedcar/v4/user",
        "https://idpcvs.peugeot.com/connectedcar/v4/user",
        "https://b2b.example/connectedcar/v4/user",
        "file:///connectedcar/v4/user",
    ] {
        assert!(!goes(url), "{url}");
    }
}

#[test]
fn a_client_secret_goes_to_its_own_brand_alone() {
    let peugeot = "https://idpcvs.peugeot.com/am/oauth2/access_token";

    assert!(goes(peugeot, client_credential(Brand::Peugeot)));
    assert!(!goes(peugeot, client_credential(Brand::Citroen)));
    assert!(!goes("https://api.example/connectedcar/v4", client_credential(Brand::Peugeot)));
    assert!(!goes(peugeot, Credential::Certificate));
}

#[test]
fn what_is_attached_is_marked_as_sensitive() {
    let token = token();
    let url = "https://api.example/connectedcar/v4/user".parse().unwrap();

    let request =
        attach(&settings(), url, HeaderMap::new(), Credential::Bearer(&token, Ask::Read)).unwrap();

    assert_eq!(request.headers()["authorization"], "Bearer seeded-token");
    assert!(!format!("{request:?}").contains("seeded"));
}

#[test]
fn tls_may_be_missing_on_loopback_alone() {
    for (url, safe) in [
        ("http://127.0.0.1:9000/x", true),
        ("http://[::1]/x", true),
        ("http://localhost:1/x", true),
        ("http://localhost.evil.example/x", false),
        ("http://10.0.0.1/x", false),
        ("https://10.0.0.1/x", true),
        ("ftp://localhost/x", false),
    ] {
        assert_eq!(is_safe(&url.parse().unwrap()), safe, "{url}");
    }
}

/// Addresses that look like the maker's in every way that a confused parser could fall for.
fn addresses() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        Just("api.example".to_owned()),
        Just("idpcvs.peugeot.com".to_owned()),
        Just("idpcvs.opel.com".to_owned()),
        Just("b2b.example".to_owned()),
        "[a-z.@:\\\\#?%0-9]{0,24}",
        "(api\\.example|idpcvs\\.opel\\.com)[.@:\\\\#?%/0-9a-z]{0,12}",
    ];
    let scheme = prop_oneof![Just("https"), Just("http"), Just("HTTPS"), Just("ftp")];
    let path = prop_oneof![
        Just("/connectedcar/v4/user".to_owned()),
        Just("/am/oauth2/access_token".to_owned()),
        "(/[a-z.%2eE\\\\]{0,8}){0,4}",
    ];
    (scheme, host, path).prop_map(|(scheme, host, path)| format!("{scheme}://{host}{path}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_address_makes_another_origin_get_a_credential(address in addresses()) {
        let Ok(url) = address.parse::<Url>() else { return Ok(()) };
        // Judged by another parser than the one under test.
        let authority = url.as_str().parse::<http::Uri>().ok().and_then(|uri| {
            (uri.scheme_str() == Some("https")).then(|| uri.authority().cloned()).flatten()
        });
        let is = |host: &str| {
            authority.as_ref().is_some_and(|authority| authority.as_str() == host)
        };
        let token = token();
        let api = goes(&address, Credential::Bearer(&token, Ask::Read));
        let b2b = goes(&address, Credential::Certificate);
        prop_assert!(!api || is("api.example"));
        prop_assert!(!b2b || is("b2b.example"));
        for brand in Brand::ALL {
            let identity = goes(&address, client_credential(brand));
            prop_assert!(!identity || is(brand.idp_host()));
        }
    }
}

async fn fetch(stub: &Stub, settings: &Settings) -> Result<Reply, Cause> {
    let timeouts = settings.timeouts;
    let http = crate::stellantis::tls::maker_client(&secret(), "test/1", timeouts).unwrap();
    let url = stub.url.join("/api/x").unwrap();
    send(&http, settings, url, HeaderMap::new(), Credential::Bearer(&token(), Ask::Read)).await
}

#[tokio::test]
async fn an_answer_over_the_limit_is_cut_off() {
    let stub = Stub::start(vec![json(&"x".repeat(LONGEST_BODY + 1))]).await;

    assert_eq!(fetch(&stub, &stub.settings()).await.err(), Some(Cause::TooLarge));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let stub = Stub::start(vec![answer(302, "location: /api/elsewhere\r\n", "")]).await;

    let reply = fetch(&stub, &stub.settings()).await.ok().unwrap();

    assert_eq!(reply.status, StatusCode::FOUND);
    assert_eq!(stub.asked().len(), 1);
}

#[tokio::test]
async fn silence_ends_with_the_time_out() {
    let stub = Stub::start(vec![String::new()]).await;
    let mut settings = stub.settings();
    settings.timeouts.total = Duration::from_millis(80);

    let cause = fetch(&stub, &settings).await.err();

    assert_eq!(cause, Some(Cause::Timeout));
}

#[tokio::test]
async fn a_broken_answer_may_have_arrived_and_no_connection_has_not() {
    let stub = Stub::start(vec!["HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab".to_owned()]).await;
    let broken = fetch(&stub, &stub.settings()).await.err().unwrap();
    let mut nobody = stub.settings();
    nobody.api_url = "http://127.0.0.1:1/api".parse().unwrap();
    let http = reqwest_client();
    let url = nobody.api_url.clone();
    let none =
        send(&http, &nobody, url, HeaderMap::new(), Credential::Bearer(&token(), Ask::Read)).await;

    assert_eq!(broken, Cause::Broken);
    assert!(broken.may_have_arrived());
    assert_eq!(none.err(), Some(Cause::Connect));
    assert!(!Cause::Connect.may_have_arrived());
}

fn reqwest_client() -> reqwest::Client {
    crate::stellantis::tls::plain_client("test/1", crate::stellantis::Timeouts::default()).unwrap()
}
