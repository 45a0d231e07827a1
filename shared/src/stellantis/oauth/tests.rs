//! Against a listener: what goes out, what comes back.

use super::*;
use crate::stellantis::testing::{Stub, answer};

const TOKENS: &str = r#"{"access_token":"seeded-a","refresh_token":"seeded-r","expires_in":3599,
    "token_type":"Bearer","id_token":"seeded-i","scope":"openid"}"#;
/// `us:seeded/secret`, both form-encoded first.
const BASIC: &str = "authorization: Basic dXM6c2VlZGVkJTJGc2VjcmV0\r\n";

async fn exchange(stub: &Stub) -> Result<TokenSet, TokenError> {
    let redirect_uri = "https://own.example/callback/ds".parse().unwrap();
    let (code, verifier) = ("seeded-code".into(), "seeded-verifier".into());
    stub.client().exchange(Brand::Ds, code, &redirect_uri, verifier).await
}

async fn renew(stub: &Stub) -> Result<TokenSet, TokenError> {
    stub.client().renew(Brand::Opel, &"seeded-old".into(), Urgency::Normal).await
}

#[tokio::test]
async fn a_code_is_exchanged_as_the_maker_documents_it() {
    let stub = Stub::start(vec![answer(200, "content-type: application/json\r\n", TOKENS)]).await;

    let set = exchange(&stub).await.unwrap();

    assert_eq!(set.access_token.expose_secret(), "seeded-a");
    assert_eq!(set.refresh_token.unwrap().expose_secret(), "seeded-r");
    let request = &stub.asked()[0];
    assert!(request.starts_with("POST /ds/am/oauth2/access_token HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(BASIC), "{request}");
    assert!(request.contains("content-type: application/x-www-form-urlencoded\r\n"));
    let form = request.split_once("\r\n\r\n").unwrap().1;
    insta::assert_snapshot!(
        form,
        @"grant_type=authorization_code&code=seeded-code&code_verifier=seeded-verifier&redirect_uri=https%3A%2F%2Fown.example%2Fcallback%2Fds"
    );
}

#[tokio::test]
async fn a_renewal_names_the_realm_in_the_query() {
    let stub = Stub::start(vec![answer(200, "content-type: text/plain\r\n", TOKENS)]).await;

    let set = renew(&stub).await.unwrap();

    assert_eq!(set.refresh_token.unwrap().expose_secret(), "seeded-r");
    let request = &stub.asked()[0];
    let expected = "POST /opel/am/oauth2/access_token?realm=clientsB2COpel HTTP/1.1\r\n";
    assert!(request.starts_with(expected), "{request}");
    assert!(request.ends_with("\r\n\r\ngrant_type=refresh_token&refresh_token=seeded-old"));
}

#[tokio::test]
async fn a_revocation_names_the_token_both_ways() {
    let stub = Stub::start(vec![answer(200, "", "")]).await;

    stub.client().revoke(Brand::Vauxhall, &"seeded-old".into()).await.unwrap();

    let request = &stub.asked()[0];
    let expected = "POST /vauxhall/am/oauth2/token/revoke?realm=clientsB2CVauxhall HTTP/1.1\r\n";
    assert!(request.starts_with(expected), "{request}");
    assert!(request.contains(BASIC), "{request}");
    let form = request.split_once("\r\n\r\n").unwrap().1;
    insta::assert_snapshot!(
        form,
        @"token=seeded-old&token_type_hint=refresh_token&refresh_token=seeded-old"
    );
}

#[tokio::test]
async fn a_dead_grant_is_told_from_everything_that_will_pass() {
    let dead = r#"{"error":"invalid_grant","error_description":"seeded"}"#;
    let detour = "location: /am/oauth2c/OAuthProxy.jsp\r\n";
    let stub = Stub::start(vec![
        answer(400, "content-type: application/json\r\n", dead),
        answer(302, detour, ""),
        answer(200, "content-type: text/html\r\n", "<html>"),
        answer(200, "content-type: application/json\r\n", r#"{"access_token":"#),
        answer(200, "content-type: application/json\r\n", r#"{"access_token":null}"#),
    ]);
    let stub = stub.await;

    assert_eq!(renew(&stub).await.unwrap_err(), TokenError::InvalidGrant);
    for cause in [Cause::Redirect, Cause::NotJson, Cause::Malformed, Cause::Malformed] {
        assert_eq!(renew(&stub).await.unwrap_err(), cause.into());
    }
    assert_eq!(stub.asked().len(), 5);
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_shows_no_token() {
    let body = r#"{"access_token":["seeded-a"],"refresh_token":"seeded-r"}"#;
    let stub = Stub::start(vec![answer(200, "content-type: application/json\r\n", body)]).await;

    let error = renew(&stub).await.unwrap_err();

    assert!(!format!("{error:?} {error}").contains("seeded"));
    assert!(error.may_have_acted());
}
