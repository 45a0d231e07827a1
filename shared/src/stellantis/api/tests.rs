use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::{
    domain::vehicle::VehicleAddress,
    stellantis::testing::{Stub, answer, json},
};

const VIN: &str = "VF3ABCDE0FG123456";
const NO_DATA: &str = r#"{"code":40499,"uuid":"u","message":"m","timestamp":"t"}"#;

fn now() -> Timestamp {
    "2026-01-02T00:00:00Z".parse().unwrap()
}

fn car() -> VehicleAddress {
    "abc123".parse().unwrap()
}

fn vehicles(vin: &str, next: Option<&str>) -> String {
    let links = next.map(|href| json!({"next": {"href": href}}));
    let vehicle = json!({"id": "abc123", "vin": vin, "motorization": "Electric"});
    json(&json!({"_links": links, "_embedded": {"vehicles": [vehicle]}}).to_string())
}

/// Calls with a token, against prepared answers.
macro_rules! call {
    ($stub:expr, |$api:ident| $call:expr) => {{
        let (client, token) = ($stub.client(), "seeded-token".into());
        let $api = client.api(Brand::Peugeot, &token);
        $call.await
    }};
}

#[tokio::test]
async fn a_call_carries_what_the_maker_demands() {
    let stub = Stub::start(vec![json("{}")]).await;

    call!(stub, |api| api.status(&car(), now())).unwrap();

    let request = &stub.asked()[0];
    assert!(request.starts_with("GET /api/user/vehicles/abc123/status?client_id=us HTTP/1.1"));
    assert!(request.contains("authorization: Bearer seeded-token\r\n"));
    assert!(request.contains("x-introspect-realm: clientsB2CPeugeot\r\n"));
    assert!(request.contains("accept: application/hal+json\r\n"));
    assert!(request.contains("user-agent: accessing-party/"));
}

#[tokio::test]
async fn an_answer_brings_the_limits_along() {
    let headers = "content-type: application/json\r\nx-ratelimit-remaining-1: 7\r\n";
    let stub = Stub::start(vec![answer(200, headers, "{}"), answer(404, headers, NO_DATA)]).await;

    for expected in [true, false] {
        let answer = call!(stub, |api| api.status(&car(), now())).unwrap();
        assert_eq!(answer.value.is_some(), expected);
        assert_eq!(answer.quota.unwrap().day.unwrap().remaining, 7);
    }
}

#[tokio::test]
async fn the_last_position_is_asked_for_as_what_it_is() {
    let body = r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[2.5,48.5]}}"#;
    let stub = Stub::start(vec![answer(200, "content-type: application/vnd.geo+json\r\n", body)]);
    let stub = stub.await;

    let answer = call!(stub, |api| api.last_position(&car(), now())).unwrap();

    assert_eq!(answer.value.unwrap().readings().count(), 1);
    assert!(stub.asked()[0].contains("accept: application/vnd.geo+json\r\n"));
}

#[tokio::test]
async fn a_listing_follows_its_pages_at_our_own_address_alone() {
    let second = "VF3ABCDE0FG654321";
    let stub = Stub::start(vec![
        vehicles(VIN, Some("https://evil.example/x?pageToken=p2&indexRange=1-&foo=bar")),
        vehicles(second, None),
    ]);
    let stub = stub.await;

    let answer = call!(stub, |api| api.vehicles(&[Extension::Branding])).unwrap();

    let vins: Vec<_> = answer.value.found.iter().map(|car| car.vin.as_str()).collect();
    assert_eq!(vins, [VIN, second]);
    let expected =
        "GET /api/user/vehicles?client_id=us&extension=branding&pageToken=p2&indexRange=1- ";
    assert!(stub.asked()[1].starts_with(expected), "{}", stub.asked()[1]);
}

#[tokio::test]
async fn a_listing_ends_when_a_page_repeats_itself() {
    let next = "/user/vehicles?pageToken=same";
    let stub = Stub::start(vec![vehicles(VIN, Some(next))]).await;

    let answer = call!(stub, |api| api.vehicles(&[])).unwrap();

    assert_eq!(answer.value.found.len(), 1);
    assert_eq!(stub.asked().len(), 2);
}

#[tokio::test]
async fn a_listing_ends_after_two_hundred_pages() {
    let page = |n: usize| vehicles(VIN, Some(&format!("?pageToken={n}")));
    let stub = Stub::start((0..300).map(page).collect()).await;

    call!(stub, |api| api.vehicles(&[])).unwrap();

    assert_eq!(stub.asked().len(), 200);
}

#[tokio::test]
async fn refused_extensions_are_dropped_and_that_is_told() {
    let refused = answer(400, "", r#"{"code":40000,"message":"Invalid parameter"}"#);
    let stub = Stub::start(vec![refused, vehicles(VIN, None)]).await;

    let answer = call!(stub, |api| api.vehicles(&[Extension::OnboardCapabilities])).unwrap();

    assert!(answer.value.extensions_refused);
    assert_eq!(answer.value.found.len(), 1);
    assert!(!stub.asked()[1].contains("extension"));
}

#[tokio::test]
async fn an_extension_that_is_refused_takes_no_other_along() {
    use Extension::{Branding, OnboardCapabilities};
    let refused = answer(422, "", r#"{"code":42200,"message":"no"}"#);
    let stub = Stub::start(vec![refused, vehicles(VIN, None)]).await;

    let answer = call!(stub, |api| api.vehicles(&[OnboardCapabilities, Branding])).unwrap();

    assert!(answer.value.extensions_refused && answer.value.found.len() == 1);
    let asked = stub.asked();
    assert!(asked[0].contains("extension=onboardCapabilities&extension=branding"), "{asked:?}");
    assert!(!asked[1].contains("onboardCapabilities") && asked[1].contains("extension=branding"));
}

#[tokio::test]
async fn a_list_that_is_not_whole_says_so() {
    let list = |vehicles: &str, total: u32| {
        json(&format!(r#"{{"total":{total},"_embedded":{{"vehicles":{vehicles}}}}}"#))
    };
    let one = format!(r#"{{"id":"a","vin":"{VIN}"}}"#);
    for (body, unread) in [
        (list(&format!("[{one}]"), 1), 0),
        (list(&format!("[{one},{one}]"), 2), 0),
        (list(&format!("[{one}]"), 3), 2),
        (list(&format!(r#"[{one},{{"id":"b"}},7]"#), 1), 2),
        (list(r#""none""#, 0), 1),
        (list("[]", 0), 0),
    ] {
        let stub = Stub::start(vec![body]).await;
        let answer = call!(stub, |api| api.vehicles(&[])).unwrap();
        assert_eq!(answer.value.unread, unread);
    }
}

#[tokio::test]
async fn ids_may_be_numbers() {
    let list = json(r#"{"_embedded":{"callbacks":[{"id":7},{"callbackId":"x/y"},{"no":"id"}]}}"#);
    let stub = Stub::start(vec![list, json(r#"{"callbackId":4711}"#)]).await;

    let listed = call!(stub, |api| api.callbacks()).unwrap().value;
    let ids: Vec<_> = listed.items.iter().map(|callback| callback.id.as_str()).collect();
    assert_eq!((ids, listed.unread), (vec!["7", "x/y"], 1));
    let (target, secret) = ("https://a.example".to_owned().into(), "s".to_owned().into());
    let wanted = Wanted { label: "l", target: &target, secret: &secret };
    let made = call!(stub, |api| api.create_callback(&wanted)).unwrap().value;
    assert_eq!(made.as_str(), "4711");
}

#[tokio::test]
async fn an_account_without_vehicles_is_an_empty_list() {
    let empty = r#"{"_links":{},"total":0}"#;
    let stub = Stub::start(vec![json(empty), answer(404, "", NO_DATA), json("[]")]).await;

    for _ in 0..2 {
        assert!(call!(stub, |api| api.vehicles(&[])).unwrap().value.found.is_empty());
    }
    let malformed = call!(stub, |api| api.vehicles(&[])).unwrap_err();
    assert!(matches!(malformed, ApiError::Transient { cause: Cause::Malformed, .. }));
}

#[tokio::test]
async fn broken_json_and_bottomless_json_are_transient() {
    let deep = "[".repeat(100_000);
    let stub = Stub::start(vec![json(r#"{"a":"#), json(&deep)]).await;

    for _ in 0..2 {
        let error = call!(stub, |api| api.status(&car(), now())).unwrap_err();
        assert!(matches!(error, ApiError::Transient { cause: Cause::Malformed, .. }));
    }
}

#[tokio::test]
async fn a_page_for_people_is_no_answer_whatever_its_status() {
    let html = answer(200, "content-type: text/html\r\n", "<html>maintenance</html>");
    let stub = Stub::start(vec![html]).await;

    let error = call!(stub, |api| api.status(&car(), now())).unwrap_err();

    assert!(matches!(error, ApiError::Transient { cause: Cause::NotJson, .. }));
}

#[tokio::test]
async fn events_are_listed_for_a_period() {
    let trips = r#"{"_embedded":{"trips":[{"id":"t1"},{"no":"id"}]}}"#;
    let collisions = r#"{"_embedded":{"Collisions":[{"id":"c1"}]}}"#;
    let stub = Stub::start(vec![json(trips), json(collisions)]).await;
    let period = Period::since("2026-01-01T00:00:00Z".parse().unwrap());

    let query = TripQuery { period, ..TripQuery::default() };
    let trips = call!(stub, |api| api.trips(&car(), &query)).unwrap();
    let collisions = call!(stub, |api| api.collisions(&car(), period)).unwrap();

    assert_eq!((trips.value.len(), collisions.value.len()), (1, 1));
    let expected = "timestamps=2026-01-01T00%3A00%3A00Z%2F ";
    assert!(stub.asked()[0].contains(expected), "{}", stub.asked()[0]);
}

#[tokio::test]
async fn eligibility_shows_no_token() {
    let capabilities = json!({"data": ["data:telemetry"], "remote": {
        "door": {"supported": true}, "horn": {"supported": false}}});
    let body = json!({"vin": VIN, "_embedded": {"extension": {
        "onboardCapabilities": capabilities}}});
    let stub = Stub::start(vec![json(&body.to_string())]).await;

    let answer = stub.client().eligibility(Brand::Opel, &VIN.parse().unwrap()).await.unwrap();

    let capabilities = answer.value.unwrap();
    assert!(capabilities.produces("data:telemetry:vehicle:doorsState"));
    assert_eq!(capabilities.remotes.into_iter().collect::<Vec<_>>(), ["door"]);
    let request = &stub.asked()[0];
    let expected = format!("GET /b2b/vehicle/{VIN}?client_id=us&extension=onboardCapabilities ");
    assert!(request.starts_with(&expected));
    assert!(request.contains("x-introspect-realm: clientsB2COpel\r\n"));
    assert!(!request.contains("authorization"));
}
