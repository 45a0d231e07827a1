//! Faults on demand, over the handle and over HTTP.

use std::time::Duration;

use reqwest::header;
use serde_json::{Value, json};
use simulator::{Brand::Peugeot, Fault, FaultKind, Flaw, Operation};

use crate::support::{CONTROL, EVERYTHING, Maker, Reply, field};

const ALEX: &str = "peugeot-alex";

async fn control(maker: &Maker, path: &str, body: &Value) -> Reply {
    let request = maker
        .http
        .post(format!("http://{}/_control/{path}", maker.simulator.addr()))
        .header(header::AUTHORIZATION, format!("Bearer {CONTROL}"))
        .body(body.to_string());
    Reply::read(request.send().await.unwrap()).await
}

#[tokio::test]
async fn each_kind_of_fault_looks_as_it_does_at_the_maker() {
    let maker = Maker::start().await;
    let world = maker.simulator.world();
    let session = maker.access(ALEX, EVERYTHING).await;
    let fault = |kind| world.fault(Fault::once(Operation::Vehicles, kind));

    fault(FaultKind::Status(503));
    let down = session.get("/user/vehicles").await;
    assert_eq!((down.status, &down.json()["code"]), (503, &json!(50300)));

    fault(FaultKind::Status(401));
    let refused = session.get("/user/vehicles").await;
    assert_eq!((refused.status, &refused.json()["httpCode"]), (401, &json!("401")));

    fault(FaultKind::Html);
    let html = session.get("/user/vehicles").await;
    assert_eq!((html.status, html.header("content-type")), (200, "text/html; charset=utf-8"));

    fault(FaultKind::BrokenJson);
    let broken = session.get("/user/vehicles").await;
    assert!(serde_json::from_str::<Value>(&broken.text).is_err());

    fault(FaultKind::RetryAfter(17));
    let limited = session.get("/user/vehicles").await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, "17"));
    assert_eq!(limited.header("x-ratelimit-reset"), "17");

    fault(FaultKind::RefusedExtension);
    assert_eq!(session.get("/user/vehicles").await.status, 200);
    let extended = session.get("/user/vehicles?extension=branding").await;
    assert_eq!((extended.status, &extended.json()["code"]), (400, &json!(40000)));

    let answer = FaultKind::Answer {
        status: 200,
        content_type: "application/json".into(),
        body: "[]".into(),
    };
    fault(answer);
    assert_eq!(session.get("/user/vehicles").await.json(), json!([]));

    assert_eq!(session.get("/user/vehicles?extension=branding").await.status, 200);
    assert!(world.pending_faults().is_empty());
}

#[tokio::test]
async fn the_identity_provider_fails_in_its_own_way() {
    let maker = Maker::start().await;
    let world = maker.simulator.world();
    let token = field(&maker.tokens(ALEX, "openid").await, "refresh_token");

    world.fault(Fault::once(Operation::Refresh, FaultKind::Status(500)));
    let down = maker.renew(Peugeot, &token).await;
    assert_eq!((down.status, &down.json()["error"]), (500, &json!("server_error")));

    world.fault(Fault::once(Operation::Refresh, FaultKind::Detour));
    let detour = maker.renew(Peugeot, &token).await;
    assert_eq!((detour.status, detour.header("location")), (302, "/am/oauth2c/OAuthProxy.jsp"));

    world.fault(Fault::once(Operation::Refresh, FaultKind::Oauth("invalid_client".into())));
    assert_eq!(maker.renew(Peugeot, &token).await.status, 401);

    // None of them did the work.
    assert_eq!(maker.renew(Peugeot, &token).await.status, 200);
}

#[tokio::test]
async fn a_lost_answer_did_its_work() {
    let maker = Maker::start().await;
    let world = maker.simulator.world();
    let token = field(&maker.tokens(ALEX, "openid").await, "refresh_token");
    world.fault(Fault::once(Operation::Refresh, FaultKind::LostAnswer));
    let url = maker.idp(Peugeot, "/access_token");
    let request = maker
        .http
        .post(format!("{url}?grant_type=refresh_token&refresh_token={token}"))
        .basic_auth(&maker.client_id, Some("a+secret%2C+with%3A+signs"));

    let lost = match request.send().await {
        Err(error) => error,
        Ok(response) => response.bytes().await.unwrap_err(),
    };

    assert!(!lost.is_timeout());
    assert_eq!(world.grants(ALEX)[0].renewals, 1);
    assert_eq!(maker.renew(Peugeot, &token).await.status, 400);
}

#[tokio::test]
async fn a_time_out_hangs_and_does_no_work() {
    let maker = Maker::start().await;
    let world = maker.simulator.world();
    world.fault(Fault::once(Operation::Token, FaultKind::Timeout));
    let code = maker.code(ALEX, "openid").await;
    let request = maker
        .http
        .post(maker.idp(Peugeot, "/access_token"))
        .body("")
        .timeout(Duration::from_millis(100));

    assert!(request.send().await.unwrap_err().is_timeout());
    assert_eq!(maker.exchange(Peugeot, &code).await.status, 200);
}

#[tokio::test]
async fn a_held_answer_waits_for_its_release_though_the_work_is_done() {
    let maker = Maker::start().await;
    let world = maker.simulator.world().clone();
    let token = field(&maker.tokens(ALEX, "openid").await, "refresh_token");
    world.fault(Fault::once(Operation::Refresh, FaultKind::Hold));

    let meanwhile = async {
        world.wait_until_held(1).await;
        let renewals = world.grants(ALEX)[0].renewals;
        world.release();
        renewals
    };
    let (reply, renewals) = tokio::join!(maker.renew(Peugeot, &token), meanwhile);

    assert_eq!((reply.status, renewals), (200, 1));
}

#[tokio::test]
async fn id_tokens_have_the_flaw_that_was_ordered() {
    let maker = Maker::start().await;
    let world = maker.simulator.world();
    let mut seen = Vec::new();

    for flaw in [Flaw::Missing, Flaw::WrongNonce, Flaw::NoSubject, Flaw::WrongIssuer] {
        world.fault(Fault::once(Operation::Token, FaultKind::IdToken(flaw)));
        let tokens = maker.tokens(ALEX, "openid").await;
        seen.push(tokens["id_token"].as_str().map(str::to_owned));
    }
    let decoded: Vec<Value> = seen
        .into_iter()
        .map(|token| {
            let payload = token?.split('.').nth(1)?.to_owned();
            let bytes = data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?;
            serde_json::from_slice(&bytes).ok()
        })
        .map(|claims: Option<Value>| claims.unwrap_or_default())
        .collect();

    assert_eq!(decoded[0], Value::Null);
    assert_eq!(decoded[1]["nonce"], "another");
    assert_eq!(decoded[2]["sub"], Value::Null);
    assert_ne!(decoded[3]["iss"], maker.idp(Peugeot, ""));
}

#[tokio::test]
async fn a_shutdown_lets_go_of_hanging_and_held_calls() {
    let maker = Maker::start().await;
    let world = maker.simulator.world();
    world.fault(Fault::once(Operation::User, FaultKind::Timeout));
    world.fault(Fault::once(Operation::Vehicles, FaultKind::Hold));
    let base = maker.simulator.api_url();
    let hanging = tokio::spawn(maker.http.get(format!("{base}/user")).send());
    let held = tokio::spawn(maker.http.get(format!("{base}/user/vehicles")).send());
    while world.calls(Operation::User) == 0 {
        tokio::task::yield_now().await;
    }
    world.wait_until_held(1).await;

    tokio::time::timeout(Duration::from_secs(10), maker.simulator.shutdown()).await.unwrap();

    let body = match hanging.await.unwrap() {
        Ok(response) => response.bytes().await,
        Err(error) => Err(error),
    };
    assert!(body.is_err());
    assert_eq!(held.await.unwrap().unwrap().status(), 401);
}

#[tokio::test]
async fn faults_and_fate_can_be_ordered_over_http() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, EVERYTHING).await;
    let vin = "VR3UHZKXZPT000208";
    let before = session.car().await;

    let fault = json!({"operation": "status", "times": 2, "kind": {"status": 500}});
    assert_eq!(control(&maker, "fault", &fault).await.status, 204);
    assert_eq!(session.get(&format!("/user/vehicles/{before}/status")).await.status, 500);

    assert_eq!(control(&maker, "change-id", &json!({"vin": vin})).await.status, 204);
    assert_ne!(session.car().await, before);

    let privacy = json!({"vin": vin, "privacy": "geolocation"});
    assert_eq!(control(&maker, "privacy", &privacy).await.status, 204);

    let sale = json!({"vin": vin, "to": "peugeot-camille"});
    assert_eq!(control(&maker, "sell", &sale).await.status, 204);
    assert_eq!(control(&maker, "sell", &json!({"vin": vin, "to": "x"})).await.status, 404);
    assert_eq!(control(&maker, "sell", &json!({"vin": vin})).await.status, 400);

    let ended = control(&maker, "withdraw", &json!({"account": ALEX})).await;
    assert_eq!(ended.json(), json!({"ended": 1}));

    let state = maker
        .http
        .get(format!("http://{}/_control/state", maker.simulator.addr()))
        .header(header::AUTHORIZATION, format!("Bearer {CONTROL}"));
    let state = Reply::read(state.send().await.unwrap()).await;
    assert!(!state.text.contains(&session.token));
    let state = state.json();
    assert_eq!(state["grants"][0]["ended"], "withdrawn");
    assert_eq!(state["calls"]["status"], 1);
    assert_eq!(state["faults"][0]["times"], 1);
}
