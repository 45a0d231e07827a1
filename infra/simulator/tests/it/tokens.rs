//! Codes, renewals and revocation: once, rotating, unforgiving.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use reqwest::header;
use serde_json::Value;
use simulator::{Brand::Opel, Brand::Peugeot, EndReason, Operation};

use crate::support::{EVERYTHING, Maker, REDIRECT, Reply, SECRET, VERIFIER, field};

const ALEX: &str = "peugeot-alex";

fn claims(tokens: &Value) -> Value {
    let token = field(tokens, "id_token");
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap()).unwrap()
}

fn error(reply: &Reply) -> (u16, String) {
    (reply.status, field(&reply.json(), "error"))
}

fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

#[tokio::test]
async fn a_code_becomes_opaque_tokens_and_an_id_token_that_names_nonce_and_client() {
    let maker = Maker::start().await;
    let code = maker.code(ALEX, "openid data:telemetry").await;

    let reply = maker.exchange(Peugeot, &code).await;

    assert_eq!((reply.status, reply.header("cache-control")), (200, "no-store"));
    let tokens = reply.json();
    assert_eq!(tokens["expires_in"], 3599);
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["scope"], "openid data:telemetry");
    assert_eq!(field(&tokens, "access_token").len(), 36);
    assert_eq!(field(&tokens, "refresh_token").len(), 36);
    let claims = claims(&tokens);
    assert_eq!(claims["iss"], maker.idp(Peugeot, ""));
    assert_eq!(claims["aud"], maker.client_id);
    assert_eq!(claims["azp"], maker.client_id);
    assert_eq!(claims["nonce"], "the nonce");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
}

#[tokio::test]
async fn the_subject_is_one_for_an_account_and_another_for_another() {
    let maker = Maker::start().await;

    let first = claims(&maker.tokens(ALEX, "openid").await);
    let again = claims(&maker.tokens(ALEX, "openid").await);
    let other = claims(&maker.tokens("peugeot-camille", "openid").await);

    assert_eq!(first["sub"], again["sub"]);
    assert_ne!(first["sub"], other["sub"]);
}

#[tokio::test]
async fn without_openid_there_is_no_id_token() {
    let maker = Maker::start().await;

    assert_eq!(maker.tokens(ALEX, "data:telemetry").await["id_token"], Value::Null);
}

#[tokio::test]
async fn a_client_that_does_not_prove_itself_gets_401_and_a_challenge() {
    let maker = Maker::start().await;
    let url = maker.idp(Peugeot, "/access_token");
    let code = maker.code(ALEX, "openid").await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("client_id", maker.client_id.as_str()),
        ("client_secret", SECRET),
    ];

    let in_the_body = maker.post(&url, &form).await;
    maker.simulator.world().accept_client_secrets(&["another"]);
    let with_a_wrong_secret = maker.client_post(&url, &form).await;
    maker.simulator.world().accept_client_secrets(&["another", SECRET]);
    let with_one_of_two = maker.client_post(&url, &form).await;

    for refused in [in_the_body, with_a_wrong_secret] {
        assert_eq!(error(&refused), (401, "invalid_client".to_owned()));
        assert!(refused.header("www-authenticate").starts_with("Basic"));
    }
    // The refused attempts did not spend the code.
    assert_eq!(with_one_of_two.status, 200);
}

#[tokio::test]
async fn a_code_used_twice_ends_the_grant_it_gave() {
    let maker = Maker::start().await;
    let code = maker.code(ALEX, EVERYTHING).await;
    let tokens = maker.exchange(Peugeot, &code).await.json();

    let second = maker.exchange(Peugeot, &code).await;

    assert_eq!(error(&second), invalid_grant());
    let refreshed = maker.renew(Peugeot, &field(&tokens, "refresh_token")).await;
    assert_eq!(error(&refreshed), invalid_grant());
    let grants = maker.simulator.world().grants(ALEX);
    assert_eq!(grants[0].ended, Some(EndReason::CodeReused));
}

#[tokio::test]
async fn a_code_dies_after_sixty_seconds() {
    let maker = Maker::start().await;
    let (early, late) = (maker.code(ALEX, "openid").await, maker.code(ALEX, "openid").await);

    maker.advance(Duration::from_secs(59));
    assert_eq!(maker.exchange(Peugeot, &early).await.status, 200);
    maker.advance(Duration::from_secs(1));
    assert_eq!(error(&maker.exchange(Peugeot, &late).await), invalid_grant());
}

#[tokio::test]
async fn an_exchange_must_match_its_request_in_verifier_address_and_brand() {
    let maker = Maker::start().await;
    let wrong = "wrong-verifier-wrong-verifier-wrong-verifier";
    let cases = [
        (Peugeot, REDIRECT, Some(wrong)),
        (Peugeot, REDIRECT, None),
        (Peugeot, "http://127.0.0.1:8080/callback", Some(VERIFIER)),
        (Opel, REDIRECT, Some(VERIFIER)),
    ];

    for (brand, redirect_uri, verifier) in cases {
        let code = maker.code(ALEX, "openid").await;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", redirect_uri),
        ];
        form.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        let reply = maker.client_post(&maker.idp(brand, "/access_token"), &form).await;
        assert_eq!(error(&reply), invalid_grant(), "{brand} {redirect_uri} {verifier:?}");
        // Any attempt spends it.
        assert_eq!(error(&maker.exchange(Peugeot, &code).await), invalid_grant());
    }
    assert_eq!(maker.simulator.world().live_grants(ALEX), 0);
}

#[tokio::test]
async fn a_verifier_without_a_challenge_is_refused() {
    let maker = Maker::start().await;
    let plain = [("code_challenge", ""), ("code_challenge_method", "")];
    let page = maker.authorize(Peugeot, &plain).await;
    let code = maker.press(&page, ALEX, "accept").await.sent("code").unwrap();

    assert_eq!(error(&maker.exchange(Peugeot, &code).await), invalid_grant());
}

#[tokio::test]
async fn a_renewal_rotates_and_an_old_token_that_comes_again_ends_the_grant() {
    let maker = Maker::start().await;
    let first = field(&maker.tokens(ALEX, EVERYTHING).await, "refresh_token");

    let renewed = maker.renew(Peugeot, &first).await.json();
    let second = field(&renewed, "refresh_token");
    assert_ne!(first, second);
    assert_eq!(renewed["scope"], EVERYTHING);
    assert_eq!(claims(&renewed)["nonce"], Value::Null);

    assert_eq!(error(&maker.renew(Peugeot, &first).await), invalid_grant());
    assert_eq!(error(&maker.renew(Peugeot, &second).await), invalid_grant());
    let world = maker.simulator.world();
    assert_eq!(world.reuse_kills(), 1);
    assert_eq!(world.grants(ALEX)[0].ended, Some(EndReason::RefreshReused));
    assert_eq!(world.grants(ALEX)[0].renewals, 1);
    assert_eq!(world.calls(Operation::Refresh), 3);
}

#[tokio::test]
async fn within_a_grace_an_old_token_still_works() {
    let maker = Maker::start().await;
    let grace = Duration::from_mins(1);
    maker.simulator.world().configure(|settings| settings.refresh_grace = Some(grace));
    let first = field(&maker.tokens(ALEX, "openid").await, "refresh_token");
    let second = field(&maker.renew(Peugeot, &first).await.json(), "refresh_token");

    maker.advance(grace);
    assert_eq!(maker.renew(Peugeot, &first).await.status, 200);
    assert_eq!(maker.renew(Peugeot, &second).await.status, 200);
    maker.advance(Duration::from_secs(1));
    assert_eq!(error(&maker.renew(Peugeot, &first).await), invalid_grant());
    assert_eq!(maker.simulator.world().live_grants(ALEX), 0);
}

#[tokio::test]
async fn without_rotation_a_renewal_leaves_the_refresh_token_out() {
    let maker = Maker::start().await;
    maker.simulator.world().configure(|settings| settings.rotate = false);
    let token = field(&maker.tokens(ALEX, "openid").await, "refresh_token");

    assert_eq!(maker.renew(Peugeot, &token).await.json()["refresh_token"], Value::Null);
    assert_eq!(maker.renew(Peugeot, &token).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_dies_of_thirty_idle_hours_and_not_of_age() {
    let maker = Maker::start().await;
    let mut token = field(&maker.tokens(ALEX, "openid").await, "refresh_token");

    for _ in 0..40 {
        maker.advance(Duration::from_hours(29));
        token = field(&maker.renew(Peugeot, &token).await.json(), "refresh_token");
    }
    maker.advance(Duration::from_hours(30));

    assert_eq!(maker.simulator.world().grants(ALEX)[0].ended, Some(EndReason::Idle));
    assert_eq!(error(&maker.renew(Peugeot, &token).await), invalid_grant());
}

#[tokio::test]
async fn a_refresh_token_is_good_at_its_own_brand_only() {
    let maker = Maker::start().await;
    let token = field(&maker.tokens(ALEX, "openid").await, "refresh_token");

    assert_eq!(error(&maker.renew(Opel, &token).await), invalid_grant());
    assert_eq!(maker.renew(Peugeot, &token).await.status, 200);
}

#[tokio::test]
async fn a_token_that_never_was_is_counted_and_harms_nobody() {
    let maker = Maker::start().await;
    maker.tokens(ALEX, "openid").await;

    assert_eq!(error(&maker.renew(Peugeot, "made-up").await), invalid_grant());

    let world = maker.simulator.world();
    assert_eq!((world.unknown_tokens(), world.live_grants(ALEX)), (1, 1));
}

#[tokio::test]
async fn revoking_a_refresh_token_by_either_name_ends_its_access_tokens_too() {
    let maker = Maker::start().await;
    let url = format!("{}?realm={}", maker.idp(Peugeot, "/token/revoke"), Peugeot.realm());

    for name in ["token", "refresh_token"] {
        let tokens = maker.tokens(ALEX, EVERYTHING).await;
        let (access, refresh) = (field(&tokens, "access_token"), field(&tokens, "refresh_token"));
        let session = crate::support::Session { maker: &maker, brand: Peugeot, token: access };
        assert_eq!(session.get("/user").await.status, 200);

        assert_eq!(maker.client_post(&url, &[(name, &refresh)]).await.status, 200);
        // Again: what is dead already is no error (RFC 7009 §2.2).
        assert_eq!(maker.client_post(&url, &[(name, &refresh)]).await.status, 200);

        assert_eq!(session.get("/user").await.status, 401);
        assert_eq!(error(&maker.renew(Peugeot, &refresh).await), invalid_grant());
    }
    let ended: Vec<_> = maker.simulator.world().grants(ALEX).iter().map(|g| g.ended).collect();
    assert_eq!(ended, [Some(EndReason::Revoked); 2]);
}

#[tokio::test]
async fn revoking_an_access_token_leaves_the_grant_alive() {
    let maker = Maker::start().await;
    let tokens = maker.tokens(ALEX, EVERYTHING).await;
    let access = field(&tokens, "access_token");
    let url = maker.idp(Peugeot, "/token/revoke");

    assert_eq!(maker.client_post(&url, &[("token", &access)]).await.status, 200);

    let session = crate::support::Session { maker: &maker, brand: Peugeot, token: access };
    assert_eq!(session.get("/user").await.status, 401);
    assert_eq!(maker.renew(Peugeot, &field(&tokens, "refresh_token")).await.status, 200);
    assert_eq!(error(&maker.client_post(&url, &[]).await), (400, "invalid_request".to_owned()));
    assert_eq!(maker.post(&url, &[("token", "x")]).await.status, 401);
}

#[tokio::test]
async fn the_realm_is_optional_but_must_be_the_brands_own() {
    let maker = Maker::start().await;
    let url = maker.idp(Peugeot, "/access_token");
    let token = field(&maker.tokens(ALEX, "openid").await, "refresh_token");
    let form = |realm| [("grant_type", "refresh_token"), ("refresh_token", token.as_str()), realm];

    let foreign = maker.client_post(&url, &form(("realm", "clientsB2COpel"))).await;
    let twice = format!("{url}?realm=clientsB2CPeugeot");
    let twice = maker.client_post(&twice, &form(("realm", "clientsB2CPeugeot"))).await;
    let own = maker.client_post(&url, &form(("realm", "clientsB2CPeugeot"))).await;

    assert_eq!(error(&foreign), (400, "invalid_request".to_owned()));
    assert_eq!(error(&twice), (400, "invalid_request".to_owned()));
    assert_eq!(own.status, 200);
}

#[tokio::test]
async fn parameters_may_all_be_in_the_query() {
    let maker = Maker::start().await;
    let token = field(&maker.tokens(ALEX, "openid").await, "refresh_token");
    let query =
        crate::support::encode(&[("grant_type", "refresh_token"), ("refresh_token", &token)]);

    let url = format!("{}?{query}", maker.idp(Peugeot, "/access_token"));

    assert_eq!(maker.client_post(&url, &[]).await.status, 200);
}

#[tokio::test]
async fn unknown_grant_types_missing_parameters_and_json_bodies_are_refused() {
    let maker = Maker::start().await;
    let url = maker.idp(Peugeot, "/access_token");

    let none = maker.client_post(&url, &[]).await;
    let password = maker.client_post(&url, &[("grant_type", "password")]).await;
    let codeless = maker.client_post(&url, &[("grant_type", "authorization_code")]).await;
    let token = field(&maker.tokens(ALEX, "openid").await, "refresh_token");
    let json = maker
        .http
        .post(&url)
        .basic_auth(&maker.client_id, Some("a+secret%2C+with%3A+signs"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(format!("grant_type=refresh_token&refresh_token={token}"));
    let json = Reply::read(json.send().await.unwrap()).await;

    assert_eq!(error(&none), (400, "invalid_request".to_owned()));
    assert_eq!(error(&password), (400, "unsupported_grant_type".to_owned()));
    assert_eq!(error(&codeless), (400, "invalid_request".to_owned()));
    assert_eq!(error(&json), (400, "invalid_request".to_owned()));
    assert_eq!(maker.get(&url).await.status, 405);
}

#[tokio::test]
async fn a_consent_withdrawn_at_the_maker_ends_every_grant_of_the_account() {
    let maker = Maker::start().await;
    let one = field(&maker.tokens(ALEX, "openid").await, "refresh_token");
    let other = field(&maker.tokens("peugeot-camille", "openid").await, "refresh_token");
    maker.tokens(ALEX, "openid").await;

    assert_eq!(maker.simulator.world().withdraw(ALEX), 2);

    assert_eq!(error(&maker.renew(Peugeot, &one).await), invalid_grant());
    assert_eq!(maker.renew(Peugeot, &other).await.status, 200);
    assert_eq!(maker.simulator.world().grants(ALEX)[0].ended, Some(EndReason::Withdrawn));
}

#[tokio::test]
async fn grants_outlive_a_restart_and_the_file_holds_no_token() {
    let folder = std::env::temp_dir().join(format!("simulator-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("maker.json");
    let before = Maker::start_with(|options| options.state = Some(file.clone())).await;
    let tokens = before.tokens(ALEX, EVERYTHING).await;
    let (access, refresh) = (field(&tokens, "access_token"), field(&tokens, "refresh_token"));
    before.simulator.world().sell("VXKUHZKXZP4000011", "opel-alex").unwrap();
    before.simulator.shutdown().await;

    let after = Maker::start_with(|options| options.state = Some(file.clone())).await;

    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains(&access) && !text.contains(&refresh));
    let session = crate::support::Session { maker: &after, brand: Peugeot, token: access };
    assert_eq!(session.get("/user").await.status, 200);
    assert_eq!(after.renew(Peugeot, &refresh).await.status, 200);
    assert_eq!(after.simulator.world().cars("opel-alex").len(), 2);
    std::fs::remove_dir_all(&folder).unwrap();
}
