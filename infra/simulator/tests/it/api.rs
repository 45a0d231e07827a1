//! Who may call the API, for what, how often, and in what shape it refuses.

use std::time::Duration;

use reqwest::header;
use serde_json::json;
use simulator::{Brand, Operation};

use crate::support::{EVERYTHING, Maker, Reply, Session};

const ALEX: &str = "peugeot-alex";

fn names(body: &serde_json::Value) -> Vec<&str> {
    body.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn the_gateway_wants_client_id_token_and_the_tokens_own_realm() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, EVERYTHING).await;
    let url = format!("{}/user", maker.simulator.api_url());
    let known = format!("{url}?client_id={}", maker.client_id);
    let bearer = format!("Bearer {}", session.token);
    let cases = [
        (&url, bearer.as_str(), "clientsB2CPeugeot", "Invalid client id or secret."),
        (&known, "", "clientsB2CPeugeot", "Token is invalid"),
        (&known, "Bearer made-up", "clientsB2CPeugeot", "Token is invalid"),
        (&known, session.token.as_str(), "clientsB2CPeugeot", "Token is invalid"),
        (&known, bearer.as_str(), "clientsB2COpel", "Token is invalid"),
        (&known, bearer.as_str(), "", "Token is invalid"),
    ];

    for (url, authorization, realm, message) in cases {
        let mut request = maker.http.get(url.as_str());
        if !authorization.is_empty() {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        if !realm.is_empty() {
            request = request.header("x-introspect-realm", realm);
        }
        let reply = Reply::read(request.send().await.unwrap()).await;

        assert_eq!(reply.status, 401);
        let expected =
            json!({"httpCode": "401", "httpMessage": "Unauthorized", "moreInformation": message});
        assert_eq!(reply.json(), expected);
    }
    assert_eq!(session.get("/user").await.status, 200);
    assert_eq!(session.get("/elsewhere").await.json()["httpCode"], "404");
}

#[tokio::test]
async fn an_access_token_dies_after_its_time() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, EVERYTHING).await;

    maker.advance(Duration::from_secs(3598));
    assert_eq!(session.get("/user").await.status, 200);
    maker.advance(Duration::from_secs(1));
    assert_eq!(session.get("/user").await.status, 401);
}

#[tokio::test]
async fn documents_come_only_as_what_they_are() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, EVERYTHING).await;
    let car = session.car().await;
    let (hal, geo) = ("application/hal+json", "application/vnd.geo+json");
    let status = format!("/user/vehicles/{car}/status");
    let position = format!("/user/vehicles/{car}/lastPosition");

    for (path, accept, expected) in [
        (&status, hal, 200),
        (&status, "text/html, application/hal+json;q=0.8", 200),
        (&status, "*/*", 200),
        (&status, "application/json", 406),
        (&status, geo, 406),
        (&position, hal, 406),
        (&position, geo, 200),
    ] {
        let reply = session.get_as(path, accept).await;
        assert_eq!(reply.status, expected, "{accept}");
        if expected == 406 {
            assert_eq!(reply.json()["code"], 40600);
        }
    }
    assert_eq!(session.get_as(&position, geo).await.header("content-type"), geo);
}

#[tokio::test]
async fn another_users_car_is_forbidden_and_an_unknown_one_not_found() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, EVERYTHING).await;
    let world = maker.simulator.world();
    let foreign = world.vehicle_id("opel-alex", "W0VZRHPY6M6000003").unwrap();

    let foreign = session.get(&format!("/user/vehicles/{foreign}/status")).await;
    let unknown = session.get(&format!("/user/vehicles/{}/status", "0".repeat(128))).await;

    assert_eq!((foreign.status, &foreign.json()["code"]), (403, &json!(40300)));
    assert_eq!((unknown.status, &unknown.json()["code"]), (404, &json!(40400)));
    assert_eq!(names(&unknown.json()), ["code", "message", "timestamp", "uuid"]);
}

#[tokio::test]
async fn scopes_decide_what_an_answer_holds() {
    let maker = Maker::start().await;
    let vin = "VR3UHZKXZPT000208";
    let car = maker.simulator.world().vehicle_id(ALEX, vin).unwrap();
    let status = format!("/user/vehicles/{car}/status");

    let telemetry = maker.access(ALEX, "openid data:telemetry").await.get(&status).await.json();
    assert_eq!(telemetry["lastPosition"], json!(null));
    assert!(telemetry["odometer"].is_object() && telemetry["energies"].is_array());

    let position = maker.access(ALEX, "data:position").await.get(&status).await.json();
    assert_eq!(names(&position), ["_links", "createdAt", "lastPosition", "updatedAt"]);

    let narrow = maker.access(ALEX, "data:telemetry:vehicle:energies").await;
    assert_eq!(
        names(&narrow.get(&status).await.json()),
        ["_links", "createdAt", "energies", "updatedAt"]
    );

    let none = maker.access(ALEX, "openid").await;
    for rest in ["status", "trips", "alerts", "alarms", "collisions", "maintenance", "telemetry"] {
        let reply = none.get(&format!("/user/vehicles/{car}/{rest}")).await;
        assert_eq!((reply.status, &reply.json()["code"]), (403, &json!(40300)), "{rest}");
    }
    assert_eq!(
        names(&none.get("/user").await.json()),
        ["_embedded", "_links", "createdAt", "updatedAt"]
    );
    let named = maker.access(ALEX, "profile email").await.get("/user").await.json();
    assert_eq!((&named["firstName"], &named["lastName"]), (&json!("Alex"), &json!("Martin")));
    assert!(named["email"].is_string());
}

#[tokio::test]
async fn positions_in_trips_and_alerts_need_their_scope() {
    let maker = Maker::start().await;
    let with = maker.access(ALEX, EVERYTHING).await;
    let without = maker.access(ALEX, "data:trip data:alert").await;
    let car = with.car().await;

    for (list, field) in [("trips", "startPosition"), ("alerts", "startPosition")] {
        let path = format!("/user/vehicles/{car}/{list}");
        assert!(with.get(&path).await.json()["_embedded"][list][0][field].is_object(), "{list}");
        assert!(without.get(&path).await.json()["_embedded"][list][0][field].is_null(), "{list}");
    }
    let trips = with.get(&format!("/user/vehicles/{car}/trips")).await.json();
    let trip = crate::support::field(&trips["_embedded"]["trips"][0], "id");
    let way = format!("/user/vehicles/{car}/trips/{trip}/wayPoints");
    assert_eq!(with.get(&way).await.status, 200);
    assert_eq!(without.get(&way).await.status, 403);
}

#[tokio::test]
async fn every_answer_tells_what_is_left_and_a_burst_ends_with_its_second() {
    let maker = Maker::start_with(|options| {
        options.rate_limit_burst = 3;
        options.rate_limit_day = 5;
    })
    .await;
    let session = maker.access(ALEX, EVERYTHING).await;

    let first = session.get("/user").await;
    assert_eq!(first.header("x-ratelimit-limit-1"), "5");
    assert_eq!(first.header("x-ratelimit-remaining-1"), "4");
    assert_eq!(first.header("x-ratelimit-limit-2"), "3");
    assert_eq!(first.header("x-ratelimit-remaining-2"), "2");
    session.get("/user").await;
    session.get("/user").await;
    let burst = session.get("/user").await;
    assert_eq!((burst.status, burst.header("retry-after")), (429, "1"));
    assert_eq!(burst.json()["httpCode"], "429");

    maker.advance(Duration::from_secs(1));
    assert_eq!(session.get("/user").await.status, 200);
    maker.advance(Duration::from_secs(1));
    assert_eq!(session.get("/user/vehicles/x/status").await.status, 404);
    maker.advance(Duration::from_hours(1));
    let other = maker.access(ALEX, EVERYTHING).await;
    let day = other.get("/user").await;
    assert_eq!((day.status, day.header("x-ratelimit-remaining-1")), (429, "0"));
    // The first call of the day was 3602 seconds ago.
    assert_eq!(day.header("retry-after"), (86_400 - 3602).to_string());
    assert_eq!(day.header("x-ratelimit-reset"), day.header("retry-after"));
}

#[tokio::test]
async fn extensions_are_given_as_asked_and_unknown_ones_refused() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, EVERYTHING).await;
    let all = "/user/vehicles?extension=branding&extension=pictures&extension=onboardCapabilities";

    let vehicle = &session.get(all).await.json()["_embedded"]["vehicles"][0];

    let extension = &vehicle["_embedded"]["extension"];
    assert_eq!(names(extension), ["branding", "onboardCapabilities", "pictures"]);
    assert_eq!(extension["branding"]["brand"], "Peugeot");
    assert_eq!(vehicle["motorization"], "Electric");
    let car = session.car().await;
    let plain = session.get(&format!("/user/vehicles/{car}")).await.json();
    assert!(plain.get("_embedded").is_none());
    let refused = session.get(&format!("/user/vehicles/{car}?extension=horoscope")).await;
    assert_eq!((refused.status, &refused.json()["code"]), (400, &json!(40000)));
}

#[tokio::test]
async fn the_business_api_answers_by_vin_and_realm_without_a_token() {
    let maker = Maker::start().await;
    let ask = async |vin: &str, realm: &str| {
        let url = format!(
            "{}/vehicle/{vin}?client_id={}&extension=onboardCapabilities",
            maker.simulator.b2b_url(),
            maker.client_id
        );
        let request = maker.http.get(url).header("x-introspect-realm", realm);
        Reply::read(request.send().await.unwrap()).await
    };

    let known = ask("VR3UHZKXZPT000208", Brand::Peugeot.realm()).await;
    let capabilities = &known.json()["_embedded"]["extension"]["onboardCapabilities"];
    assert!(capabilities["data"].as_array().unwrap().contains(&json!("data:telemetry")));
    assert_eq!(capabilities["remote"]["charging"]["supported"], true);
    assert_eq!(known.header("x-ratelimit-limit-1"), "1000000");

    assert_eq!(ask("VR3UHZKXZPT000208", Brand::Opel.realm()).await.status, 404);
    assert_eq!(ask("VR3UHZKXZPT999999", Brand::Peugeot.realm()).await.json()["code"], 40400);
    assert_eq!(ask("NOVIN", Brand::Peugeot.realm()).await.status, 400);
    assert_eq!(maker.simulator.world().calls(Operation::Eligibility), 4);
}

#[tokio::test]
async fn a_token_of_one_brand_says_nothing_at_another() {
    let maker = Maker::start().await;
    let peugeot = maker.access(ALEX, EVERYTHING).await;

    let elsewhere = Session { maker: &maker, brand: Brand::Citroen, token: peugeot.token };

    assert_eq!(elsewhere.get("/user").await.status, 401);
}
