//! Consenting again: what was granted now counts, the cars wake, and the operator's backend learns
//! which enrollment it is. Whoever disconnects can connect again at once.

use serde_json::{Value, json};
use simulator::{Fault, FaultKind, Operation};
use tests::{ACCOUNT, Begun, CAR, RETURN_TO, World, browser, hours, minutes, query};
use url::Url;

async fn begin(world: &World, wish: Value) -> Begun {
    let mut all = json!({"user_ref": "user-1", "brand": "peugeot"});
    all.as_object_mut().unwrap().extend(wish.as_object().unwrap().clone());
    let answer = world.api("POST", "/v1/enrollments", Some(all)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    Begun {
        id: answer.body["id"].as_str().unwrap().to_owned(),
        login_url: answer.body["login_url"].as_str().unwrap().parse().unwrap(),
    }
}

/// A consent through such a link: where the browser ends.
async fn consent(world: &World, begun: &Begun) -> Url {
    let mut driver = browser();
    let mut link = begun.login_url.clone();
    if link.path() == "/start" {
        let page = driver.get(&link).await.unwrap();
        let (_, rest) = page.body.split_once("class=\"action\" href=\"").expect("a button");
        link = world.url(&rest.split('"').next().unwrap().replace("&#38;", "&"));
    }
    let back = world.consent(&mut driver, &link, ACCOUNT).await;
    driver.get(&back).await.unwrap().location.unwrap()
}

fn in_session(scopes: &[&str]) -> Value {
    json!({"return_to": RETURN_TO, "scopes": scopes})
}

fn by_page() -> Value {
    json!({"confirm": "page", "account_label": "my own"})
}

async fn enrollment(world: &World, id: &str) -> Value {
    world.read(&format!("/v1/enrollments/{id}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_disconnects_can_connect_again_at_once_while_the_old_data_is_being_erased() {
    for by in [in_session(&["data:telemetry"]), by_page()] {
        let world = World::start().await;
        let old = world.enroll("user-1", "peugeot", ACCOUNT).await;
        // The maker does not revoke now: the erasure takes its time.
        world.maker().fault(Fault::times(Operation::Revoke, 3, FaultKind::Status(503)));
        world.api("DELETE", &format!("/v1/enrollments/{old}"), None).await;
        world.settle().await;
        assert_eq!(world.status(&old).await, "erasing");

        let begun = begin(&world, by).await;
        let ended = consent(&world, &begun).await;
        if let Some(confirmation) = query(&ended, "confirmation") {
            let answer = world.confirm(&begun.id, &confirmation).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        world.settle().await;
        assert_eq!(world.status(&begun.id).await, "active", "{ended}");
        // Three tries that fail, each later than the one before.
        world.pass(hours(3)).await;

        assert_eq!(world.status(&old).await, "erased");
        assert_eq!(world.status(&begun.id).await, "active");
        assert_eq!(world.maker().live_grants(ACCOUNT), 1);
        // The identity is the new one's now.
        let third = begin(&world, in_session(&["data:telemetry"])).await;
        let ended = consent(&world, &third).await;
        assert_eq!(query(&ended, "enrollment").as_deref(), Some(begun.id.as_str()));
        assert_eq!(enrollment(&world, &third.id).await["merged_into"], begun.id.as_str());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_consent_tells_the_backend_which_enrollment_it_is_and_asks_for_no_confirmation() {
    let world = World::start().await;
    let older = world.enroll("user-1", "peugeot", ACCOUNT).await;
    let begun = begin(&world, in_session(&["data:telemetry"])).await;
    let mut driver = browser();
    let back = world.consent(&mut driver, &begun.login_url, ACCOUNT).await;

    let ended = driver.get(&back).await.unwrap().location.unwrap();
    let again = driver.get(&back).await.unwrap().location.unwrap();

    assert_eq!(query(&ended, "outcome").as_deref(), Some("connected"));
    assert_eq!(query(&ended, "enrollment"), Some(older.clone()));
    assert_eq!(query(&ended, "confirmation"), None, "there is nothing to confirm");
    assert_eq!(again, ended, "a repeated callback says the same");
    assert_eq!(enrollment(&world, &begun.id).await["merged_into"], older.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_new_consent_grants_counts_for_rules_views_and_commands_and_what_it_does_not() {
    let world = World::start().await;
    let id = world.enroll_with("user-1", "peugeot", ACCOUNT, &json!(["data:telemetry"])).await;
    let circle = json!({"latitude": 48.5, "longitude": 2.5, "radius_km": 2});
    let rule = json!({"name": "home", "when": {"use": "left_place", "circle": circle}});
    let rule = world.api("POST", "/v1/monitors", Some(rule)).await.body;
    let rule = rule["id"].as_str().unwrap().to_owned();
    world.pass(minutes(20)).await;
    let watch = async |world: &World| {
        let page = world.read(&format!("/v1/enrollments/{id}/vehicles/{CAR}/monitors")).await;
        let mut items = page["items"].as_array().unwrap().iter();
        items.find(|item| item["monitor"] == rule.as_str()).cloned().unwrap_or_default()
    };
    assert_eq!(watch(&world).await["why"], "scope", "{rule}");

    let more = ["openid", "data:telemetry", "data:position", "remote:horn:write"];
    consent(&world, &begin(&world, in_session(&more)).await).await;
    world.settle().await;

    let now = enrollment(&world, &id).await;
    assert_eq!(now["scopes"], json!(more), "{now}");
    assert_eq!(watch(&world).await["state"], "active");
    let car = world.read(&format!("/v1/enrollments/{id}/vehicles/{CAR}")).await;
    assert_ne!(car["state"]["position"]["missing"], "scope", "{car}");
    consent(&world, &begin(&world, in_session(&["openid", "data:telemetry"])).await).await;
    world.settle().await;

    assert_eq!(watch(&world).await["why"], "scope");
    assert_eq!(enrollment(&world, &id).await["scopes"], json!(["openid", "data:telemetry"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_consent_wakes_cars_that_rested_and_asks_for_what_it_adds() {
    let world = World::start().await;
    let id = world.enroll_with("user-1", "peugeot", ACCOUNT, &json!(["data:telemetry"])).await;
    world.maker().withdraw(ACCOUNT);
    world.pass(hours(26)).await;
    assert_eq!(world.status(&id).await, "reauthorization_required");
    let (status, trips) =
        (world.maker().calls(Operation::Status), world.maker().calls(Operation::Trips));

    let more = ["openid", "data:telemetry", "data:trip", "data:alert"];
    consent(&world, &begin(&world, in_session(&more)).await).await;
    world.settle().await;

    assert_eq!(world.status(&id).await, "active");
    assert_eq!(world.maker().calls(Operation::Status), status + 1);
    assert!(world.maker().calls(Operation::Trips) > trips);
    let trips = world.read(&format!("/v1/enrollments/{id}/vehicles/{CAR}/trips")).await;
    assert!(!trips["items"].as_array().unwrap().is_empty(), "{trips}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cars_wake_by_a_new_consent_even_while_the_maker_does_not_list_them() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.maker().withdraw(ACCOUNT);
    world.pass(hours(26)).await;
    assert_eq!(world.status(&id).await, "reauthorization_required");
    let asked = world.maker().calls(Operation::Status);
    world.maker().fault(Fault::once(Operation::Vehicles, FaultKind::Status(503)));

    consent(&world, &begin(&world, in_session(&["data:telemetry"])).await).await;
    world.settle().await;
    world.run("fetch").await;

    assert!(world.maker().calls(Operation::Status) > asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_a_link_vouched_for_is_confirmed_by_the_backend_with_a_new_consent() {
    let world = World::start().await;
    let first = begin(&world, by_page()).await;
    consent(&world, &first).await;
    world.settle().await;
    assert_eq!(enrollment(&world, &first.id).await["confirmed_by"], "link");

    let second = begin(&world, in_session(&["data:telemetry"])).await;
    let ended = consent(&world, &second).await;
    let (id, confirmation) =
        (query(&ended, "enrollment").unwrap(), query(&ended, "confirmation").unwrap());
    assert_eq!(id, first.id);
    let body = json!({"user_ref": "user-2", "confirmation": confirmation});
    let wrong = world.api("POST", &format!("/v1/enrollments/{id}/confirm"), Some(body)).await;
    assert_eq!(wrong.status, 403, "{}", wrong.body);
    assert_eq!(world.confirm(&id, "wrong").await.status, 403);
    let answer = world.confirm(&id, &confirmation).await;

    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body["confirmed_by"], "backend");
    assert_eq!(world.confirm(&id, &confirmation).await.status, 409, "once");
    world.pass(minutes(20)).await;
    assert_eq!(world.status(&id).await, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_links_of_one_user_both_used_the_second_confirmation_renews_the_first() {
    let world = World::revoking().await;
    let (one, first) = world.enroll_unconfirmed("user-1", "peugeot", ACCOUNT).await;
    let begun = begin(&world, in_session(&["openid", "data:position"])).await;
    let second = consent(&world, &begun).await;
    let two = query(&second, "enrollment").unwrap();
    assert_eq!(two, begun.id, "nobody has confirmed either");

    let confirmed = world.confirm(&one, &query(&first, "confirmation").unwrap()).await;
    assert_eq!(confirmed.body["status"], "active");
    let merged = world.confirm(&two, &query(&second, "confirmation").unwrap()).await;
    world.settle().await;

    assert_eq!(merged.status, 200, "{}", merged.body);
    assert_eq!(merged.body["status"], "merged");
    assert_eq!(merged.body["merged_into"], one.as_str());
    assert_eq!(enrollment(&world, &one).await["scopes"], json!(["openid", "data:position"]));
    world.pass(hours(1)).await;
    assert_eq!(world.maker().live_grants(ACCOUNT), 1, "the first one's is revoked");
    // The grant has gone over: its end is told of the enrollment that lives by it.
    let grants = world.items("Grants").await;
    assert_eq!(grants.len(), 1);
    assert_eq!(grants[0]["enrollment"]["S"], one.as_str());
    world.maker().withdraw(ACCOUNT);
    world.pass(hours(26)).await;
    assert_eq!(world.status(&one).await, "reauthorization_required");
}
