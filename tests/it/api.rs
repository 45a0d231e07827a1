//! What every operation of the API has in common: whose request it was, what it refuses, in which
//! order it lists, and that it says why as soon as it is known.

use std::time::Duration;

use accessing_party::Drive;
use serde_json::{Value, json};
use simulator::{Fault, FaultKind, Operation};
use tests::{ACCOUNT, CAR, World, minutes};

/// Far below the twenty seconds that a caller waits for an answer that does not come.
const AT_ONCE: Duration = Duration::from_secs(10);

async fn running() -> World {
    World::with(|options| options.streams = Drive::Running).await
}

async fn at_once(world: &World, method: &str, path: &str) -> tests::Answer {
    let asked = tokio::time::timeout(AT_ONCE, world.api(method, path, None)).await;
    asked.expect("the reason is known at once")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_and_every_problem_names_its_request() {
    let world = World::start().await;

    let list = world.api("GET", "/v1/enrollments", None).await;
    let missing = "/v1/enrollments/enr_00000000000000000000000000";
    let problem = world.api("GET", missing, None).await;
    let other = world.api("GET", missing, None).await;

    let id = |answer: &tests::Answer| answer.headers["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(id(&list), list.headers["apigw-requestid"].to_str().unwrap());
    assert_eq!(problem.body["request_id"], id(&problem));
    assert_eq!(problem.body["detail"], "There is no such enrollment, or it was erased.");
    assert_ne!(id(&problem), id(&other));
    assert_eq!(problem.headers["content-type"], "application/problem+json");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_that_an_operation_does_not_have_is_refused_by_name() {
    let world = World::start().await;
    let mut asked = 0;
    for ask in world.all_asks().await.iter().filter(|ask| ask.method == "GET") {
        let answer = world.api("GET", &format!("{}?surprise=1", ask.path), None).await;
        let problem = (answer.status, &answer.body["field"]);
        assert_eq!(problem, (400, &json!("surprise")), "{}", ask.path);
        asked += 1;
    }
    assert!(asked > 15, "{asked}");
    let odd = world.api("GET", "/v1/webhooks?%3Cscript%3E=1", None).await;
    assert_eq!((odd.status, &odd.body["field"]), (400, &json!("query")));
    assert!(!odd.body.to_string().contains("script"), "{}", odd.body);
}

/// The ids of all pages of a list.
async fn ids(world: &World, list: &str, limit: usize) -> Vec<String> {
    let (mut all, mut next) = (Vec::new(), String::new());
    for _ in 0..100 {
        let page = world.read(&format!("{list}&limit={limit}{next}")).await;
        let items = page["items"].as_array().unwrap();
        all.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next"].as_str() else { return all };
        next = format!("&cursor={cursor}");
    }
    panic!("a list without an end: {list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_enrollments_are_listed_by_the_time_of_their_last_change_from_either_end() {
    let world = World::start().await;
    let first = world.enroll("user-1", "peugeot", ACCOUNT).await;
    let mut wanted = vec![first];
    for user in 2..8 {
        world.clock.advance(minutes(1));
        wanted.push(world.begin_enrollment(&format!("user-{user}"), "opel").await.id);
    }
    let since = world.now();
    world.clock.advance(minutes(1));
    // It moves to the end of the list, and to another status.
    let moved = wanted.remove(2);
    let erased = world.api("DELETE", &format!("/v1/enrollments/{moved}"), None).await;
    assert_eq!(erased.status, 202);
    wanted.push(moved.clone());

    for limit in [1, 2, 3, 100] {
        assert_eq!(ids(&world, "/v1/enrollments?order=asc", limit).await, wanted, "{limit}");
        let mut newest = ids(&world, "/v1/enrollments?order=desc", limit).await;
        newest.reverse();
        assert_eq!(newest, wanted, "{limit}");
    }
    let list = format!("/v1/enrollments?updated_since={since}");
    assert_eq!(ids(&world, &list, 2).await, wanted[5..], "the last one begun, and the one erased");
    let list = format!("/v1/enrollments?updated_since={since}&status=begun");
    assert_eq!(ids(&world, &list, 2).await, wanted[5..6]);
    let sideways = world.api("GET", "/v1/enrollments?order=sideways", None).await;
    assert_eq!((sideways.status, &sideways.body["field"]), (400, &json!("order")));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_cars_are_listed_and_what_befell_one_from_either_end() {
    let world = World::start().await;
    let one = world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.begin_enrollment("user-2", "opel").await;
    let two = world.enroll("user-3", "citroen", "citroen-dominique").await;
    world.pass(tests::hours(48)).await;

    let cars = world.read("/v1/vehicles").await["items"].as_array().unwrap().clone();
    for id in [&one, &two] {
        assert!(cars.iter().any(|car| car["enrollment"] == id.as_str()), "{cars:?}");
    }
    let (mut paged, mut next) = (Vec::new(), String::new());
    loop {
        let page = world.read(&format!("/v1/vehicles?limit=1{next}")).await;
        paged.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next"].as_str() else { break };
        next = format!("&cursor={cursor}");
    }
    assert_eq!(paged, cars);
    let later = world.now() + minutes(1);
    let seen = world.read(&format!("/v1/vehicles?updated_since={later}")).await;
    assert_eq!(seen["items"], json!([]));
    for list in ["history", "trips", "alerts"] {
        let path = format!("/v1/enrollments/{one}/vehicles/{CAR}/{list}");
        let oldest = world.read(&path).await["items"].as_array().unwrap().clone();
        let last = world.read(&format!("{path}?order=desc&limit=1")).await["items"][0].clone();
        assert!(oldest.len() > 1 && oldest.contains(&last), "{list}: {last}");
        assert_ne!(oldest[0], last, "{list}");
        let future = world.read(&format!("{path}?from=2030-01-01T00:00:00Z")).await;
        assert_eq!(future, json!({"items": [], "next": null}));
        let turned = format!("{path}?from=2026-03-03T00:00:00Z&to=2026-03-02T00:00:00Z");
        assert_eq!(world.api("GET", &turned, None).await.status, 422);
    }
    let level = format!("/v1/enrollments/{one}/vehicles/{CAR}/history?fields=electric.level");
    assert_eq!(world.read(&level).await["items"][0]["unit"], "%");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_says_why_there_is_no_data_as_soon_as_that_is_known() {
    let world = running().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.run("fetch").await;
    let car = format!("/v1/enrollments/{id}/vehicles/{CAR}");
    let before = world.read(&car).await["poll"].clone();
    assert!(before["last_error"].is_null() && before["last_polled_at"].is_string(), "{before}");

    for (kind, status, word) in [
        (FaultKind::Status(500), 502, "maker_down"),
        (FaultKind::Html, 502, "maker_down"),
        (FaultKind::BrokenJson, 502, "maker_down"),
        (FaultKind::Detour, 502, "maker_down"),
        (FaultKind::RetryAfter(120), 503, "limited"),
    ] {
        // A request within the same half minute shares the answer.
        world.clock.advance(minutes(1));
        world.maker().fault(Fault::once(Operation::Status, kind.clone()));
        let answer = at_once(&world, "POST", &format!("{car}/refresh")).await;
        assert_eq!((answer.status, &answer.body["type"]), (status, &json!(word)), "{kind:?}");
        assert!(answer.headers.contains_key("retry-after"), "{kind:?}");
        let poll = world.read(&car).await["poll"].clone();
        assert_eq!(poll["last_error"]["why"], word, "{poll}");
        assert!(poll["last_polled_at"].as_str() > before["last_polled_at"].as_str(), "{poll}");
    }
    world.clock.advance(minutes(3));

    assert_eq!(at_once(&world, "POST", &format!("{car}/refresh")).await.status, 200);
    assert_eq!(world.read(&car).await["poll"]["last_error"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_is_gone_is_a_conflict_that_says_to_ask_the_driver_every_time() {
    let world = running().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.run("fetch").await;
    let refresh = format!("/v1/enrollments/{id}/vehicles/{CAR}/refresh");
    world.maker().withdraw(ACCOUNT);
    world.clock.advance(tests::hours(2));

    for time in 0..3 {
        let answer = at_once(&world, "POST", &refresh).await;
        assert_eq!(answer.status, 409, "{time}: {}", answer.body);
        assert_eq!(answer.body["type"], "reauthorization_required", "{time}");
        let advice = answer.body["detail"].as_str().unwrap();
        assert!(advice.contains("ask the driver to consent again"), "{time}: {advice}");
        world.clock.advance(minutes(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_answer_is_for_now_and_says_when_to_try_again() {
    use accessing_party::{Effect, Operation as Db, Rule};

    let world = World::start().await;
    let down = Rule::once(Effect::Unavailable).of("api").at(Db::Query).times(1000);
    world.cloud.faults().next(down);

    let answer = world.api("GET", "/v1/enrollments", None).await;

    assert_eq!((answer.status, &answer.body["type"]), (503, &json!("unavailable")));
    assert_eq!(answer.headers["retry-after"], "5");
}
