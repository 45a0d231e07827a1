//! Cars as they are: sold, renamed, silent, private, and read by those who may.

use std::collections::BTreeSet;

use accessing_party::Drive;
use jiff::SignedDuration;
use serde_json::{Value, json};
use simulator::{Change, Fault, FaultKind, Operation};
use tests::{CAR, World, minutes};

const MOKKA: &str = "VXKUHZKXZP4000011";

/// The schedule that fetches, so often, with an hour between.
async fn fetch_for(world: &World, hours: i64) {
    for _ in 0..hours {
        world.clock.advance(SignedDuration::from_hours(1));
        world.run("fetch").await;
    }
    world.settle().await;
}

async fn state(world: &World, id: &str, vin: &str) -> Value {
    world.read(&format!("/v1/enrollments/{id}/vehicles/{vin}")).await
}

async fn cars(world: &World, id: &str) -> Vec<Value> {
    let page = world.read(&format!("/v1/enrollments/{id}/vehicles")).await;
    page["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sold_car_leaves_the_seller_and_is_fetched_for_the_buyer_alone() {
    let world = World::start().await;
    let seller = world.enroll("user-1", "opel", "opel-kim").await;
    fetch_for(&world, 1).await;
    assert_eq!(cars(&world, &seller).await[0]["vin"], MOKKA);

    world.maker().sell(MOKKA, "opel-alex").unwrap();
    fetch_for(&world, 26).await;

    assert!(cars(&world, &seller).await.is_empty());
    let gone = world.api("GET", &format!("/v1/enrollments/{seller}/vehicles/{MOKKA}"), None).await;
    assert_eq!(gone.status, 404, "{}", gone.body);
    assert!(world.event_types(&seller).await.contains(&"vehicle.removed".to_owned()));
    let calls = world.maker().calls(Operation::Status);
    fetch_for(&world, 30).await;
    assert_eq!(world.maker().calls(Operation::Status), calls, "fetched no more");

    let buyer = world.enroll("user-2", "opel", "opel-alex").await;
    fetch_for(&world, 1).await;
    let seen = world.read(&format!("/v1/vehicles?vin={MOKKA}")).await;
    assert_eq!(seen["items"].as_array().unwrap().len(), 1, "{seen}");
    assert_eq!(seen["items"][0]["enrollment"], buyer.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_car_that_another_enrollment_has_too_is_told_of_to_whom_it_came_second() {
    let world = World::start().await;
    let seller = world.enroll("user-1", "opel", "opel-kim").await;
    world.maker().sell(MOKKA, "opel-alex").unwrap();

    let buyer = world.enroll("user-2", "opel", "opel-alex").await;

    let shared = "vehicle.shared".to_owned();
    assert!(world.event_types(&buyer).await.contains(&shared));
    assert!(!world.event_types(&seller).await.contains(&shared));
}

#[tokio::test(flavor = "multi_thread")]
async fn old_data_says_that_the_maker_is_down_while_it_is() {
    for operation in [Operation::Status, Operation::Refresh] {
        let world = World::start().await;
        let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;
        fetch_for(&world, 1).await;
        let reasons = async || {
            let state = state(&world, &id, CAR).await["state"].clone();
            let blocks = state.as_object().unwrap().values();
            blocks.map(|block| block["stale"].clone()).collect::<Vec<_>>()
        };
        assert!(!reasons().await.contains(&json!("maker_down")), "{operation:?}");

        world.maker().fault(Fault::times(operation, 1000, FaultKind::Status(503)));
        fetch_for(&world, 6).await;
        assert!(reasons().await.contains(&json!("maker_down")), "{operation:?}");
        world.maker().clear_faults();
        fetch_for(&world, 2).await;
        assert!(!reasons().await.contains(&json!("maker_down")), "{operation:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_a_car_is_told_as_such_and_looked_at_again() {
    let world = World::start().await;
    for (user, account) in [("user-1", "peugeot-nobody"), ("user-2", "opel-nobody")] {
        let id = world.enroll(user, account.split('-').next().unwrap(), account).await;

        let enrollment = world.read(&format!("/v1/enrollments/{id}")).await;
        assert_eq!(enrollment["status"], "active", "{account}");
        assert_eq!(enrollment["reason"], "no_vehicle", "{account}");
        assert_eq!(enrollment["vehicles"], 0, "{account}");
        assert!(cars(&world, &id).await.is_empty());
    }
    let asked = world.maker().calls(Operation::Vehicles);
    world.clock.advance(SignedDuration::from_hours(25));
    // First the renewal: beside it, a look would have to wait.
    for function in ["refresh", "act"] {
        world.run(function).await;
    }
    assert_eq!(world.maker().calls(Operation::Vehicles), asked + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_car_just_found_says_not_fetched_yet_until_the_maker_has_answered_for_it() {
    let world = World::start().await;
    // The first look comes with the consent.
    world.maker().fault(Fault::times(Operation::Status, 9, FaultKind::Status(500)));
    let id = world.enroll("user-1", "ds", "ds-sacha").await;
    let vin = "VR1UCYHZSPW000003";
    let reasons = |car: &Value| -> BTreeSet<String> {
        let blocks = car["state"].as_object().unwrap();
        blocks.values().map(|block| block["missing"].as_str().unwrap().to_owned()).collect()
    };

    let found = reasons(&state(&world, &id, vin).await);
    assert!(found.contains("not_fetched_yet") && !found.contains("never_reported"), "{found:?}");
    fetch_for(&world, 1).await;
    assert_eq!(reasons(&state(&world, &id, vin).await), found, "a failure is no answer");
    world.maker().clear_faults();
    fetch_for(&world, 26).await;

    let asked = reasons(&state(&world, &id, vin).await);
    assert!(asked.contains("never_reported") && !asked.contains("not_fetched_yet"), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_driver_hides_is_missing_for_privacy_and_what_was_never_told_is_named_so() {
    let world = World::start().await;
    let private = world.enroll("user-1", "peugeot", "peugeot-camille").await;
    let silent = world.enroll("user-2", "ds", "ds-sacha").await;
    let missing = world.enroll("user-3", "citroen", "citroen-dominique").await;
    let shy = world.enroll("user-4", "vauxhall", "vauxhall-alex").await;
    fetch_for(&world, 3).await;
    // A car whose account's grant was just being renewed for another one is looked at by now.
    world.clock.advance(minutes(10));
    world.run("fetch").await;

    for (id, vin) in [(&private, "VF3M45GFUPS000308"), (&shy, "W0LPE6EC9FG000012")] {
        let position = &state(&world, id, vin).await["state"]["position"];
        let why = (&position["missing"], &position["stale"]);
        assert!(why.0 == "privacy" || why.1 == "privacy", "{vin}: {position}");
    }
    for (id, vin) in [(&silent, "VR1UCYHZSPW000003"), (&missing, "VR7ATTENTPL000009")] {
        let car = state(&world, id, vin).await;
        assert!(car["last_seen"].is_null(), "{car}");
        for (name, block) in car["state"].as_object().unwrap() {
            assert!(block["values"].as_object().unwrap().is_empty(), "{vin} {name}: {block}");
            assert!(block["missing"].is_string(), "{vin} {name}: {block}");
        }
        let blocks = car["state"].as_object().unwrap();
        assert!(blocks.values().any(|block| block["missing"] == "never_reported"), "{car}");
    }
    assert_eq!(cars(&world, &missing).await.len(), 2, "its silence costs the other car nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn places_are_shown_to_a_key_that_may_read_them_and_to_no_other() {
    let world = World::with(|options| {
        options.parameters.insert("PositionHistory".into(), "true".into());
    })
    .await;
    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;
    fetch_for(&world, 48).await;
    let car = format!("/v1/enrollments/{id}/vehicles/{CAR}");
    let lists = ["history", "trips", "alerts"].map(|list| format!("{car}/{list}?limit=100"));
    let tells = |page: &str| page.contains("latitude") || page.contains("\"position.");
    let place = state(&world, &id, CAR).await["state"]["position"]["values"].clone();
    assert!(!place.as_object().unwrap().is_empty(), "{place}");
    for list in &lists {
        let page = world.read(list).await.to_string();
        assert!(tells(&page), "{list}: {page}");
    }

    world.narrow_key(&["read", "enroll"]);

    let narrow = world.read(&car).await;
    assert!(narrow["state"].get("position").is_none(), "{narrow}");
    assert!(narrow["state"]["electric"]["values"]["level"]["value"].is_number());
    for list in &lists {
        let page = world.read(list).await;
        assert!(
            !page["items"].as_array().unwrap().is_empty() && !tells(&page.to_string()),
            "{page}"
        );
    }
    let erase = world.api("DELETE", &format!("/v1/enrollments/{id}"), None).await;
    assert_eq!((erase.status, erase.body["type"].as_str()), (403, Some("insufficient_scope")));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_looks_in_one_second_both_are_in_the_history() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;
    fetch_for(&world, 3).await;
    let car = format!("/v1/enrollments/{id}/vehicles/{CAR}");
    let now = world.now();

    for change in [Change::BatteryLevel(31.0), Change::Locked(false)] {
        world.maker().touch_car(CAR, change).unwrap();
        world.look(&id).await;
    }

    assert_eq!(world.now(), now);
    let history = world.read(&format!("{car}/history?from={now}&limit=100")).await.to_string();
    assert!(history.contains("electric.level") && history.contains("locked"), "{history}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_user_was_not_asked_for_is_missing_for_its_scope() {
    let world = World::start().await;
    let scopes = json!(["openid", "data:telemetry"]);
    let id = world.enroll_with("user-1", "peugeot", "peugeot-alex", &scopes).await;
    fetch_for(&world, 3).await;

    let car = state(&world, &id, CAR).await;
    assert_eq!(car["state"]["position"]["missing"], "scope", "{car}");
    let level = &car["state"]["electric"]["values"]["level"];
    assert!(level["value"].is_number() && level["observed_at"].is_string(), "{car}");
    let trips = world.read(&format!("/v1/enrollments/{id}/vehicles/{CAR}/trips")).await;
    assert_eq!(trips["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_two_days_there_are_changes_journeys_and_warnings_and_pages_of_them() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;
    fetch_for(&world, 48).await;
    let car = format!("/v1/enrollments/{id}/vehicles/{CAR}");

    for list in ["history", "trips", "alerts"] {
        let page = world.read(&format!("{car}/{list}?limit=100")).await;
        assert!(!page["items"].as_array().unwrap().is_empty(), "{list}: {page}");
    }
    let levels = world.read(&format!("{car}/history?fields=electric.level&limit=100")).await;
    let levels = levels["items"].as_array().unwrap();
    assert!(!levels.is_empty() && levels.iter().all(|item| item["field"] == "electric.level"));
    let (whole, one_by_one) = (pages(&world, &car, 100).await, pages(&world, &car, 1).await);
    assert!(whole.len() > 2);
    assert_eq!(whole, one_by_one);
    let forged = world.api("GET", &format!("{car}/trips?cursor=forged"), None).await;
    assert_eq!((forged.status, &forged.body["field"]), (422, &json!("cursor")));
    for wrong in ["limit=0", "limit=x", "from=yesterday", "limit=1&limit=2"] {
        let answer = world.api("GET", &format!("{car}/trips?{wrong}"), None).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_history_looks_on_for_what_is_wanted_and_says_where_it_gave_up() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;
    fetch_for(&world, 48).await;
    let list = format!("/v1/enrollments/{id}/vehicles/{CAR}/history");
    let whole = history(&world, &format!("{list}?limit=100")).await.concat();
    let names: BTreeSet<_> =
        whole.iter().map(|change| change["field"].as_str().unwrap().to_owned()).collect();
    assert!(names.len() > 5, "{names:?}");

    for name in &names {
        let found = history(&world, &format!("{list}?fields={name}&limit=5")).await;
        let wanted: Vec<_> =
            whole.iter().filter(|change| change["field"] == name.as_str()).cloned().collect();
        assert_eq!(found.concat(), wanted, "{name}");
        let (_, followed) = found.split_last().unwrap();
        assert!(followed.iter().all(|page| !page.is_empty()), "{name}: {found:?}");
    }

    // No car on electricity ever tells it.
    let nothing = history(&world, &format!("{list}?fields=hydrogen.level&limit=1")).await;
    let moments = history(&world, &format!("{list}?limit=1")).await.len();
    assert!(nothing.concat().is_empty() && nothing.len() > 1, "{nothing:?}");
    assert!(nothing.len() <= moments / 10 + 1, "{} pages of {moments}", nothing.len());
    for wrong in ["electric.levels", "electric.level,", "electric", "Electric.level"] {
        let refused = world.api("GET", &format!("{list}?fields={wrong}"), None).await;
        assert_eq!((refused.status, &refused.body["field"]), (400, &json!("fields")), "{wrong}");
    }
}

/// All pages of a list.
async fn history(world: &World, list: &str) -> Vec<Vec<Value>> {
    let (mut all, mut next) = (Vec::new(), String::new());
    for _ in 0..500 {
        let page = world.read(&format!("{list}{next}")).await;
        all.push(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next"].as_str() else { return all };
        next = format!("&cursor={cursor}");
    }
    panic!("a list without an end: {list}");
}

/// All journeys, by pages of this size.
async fn pages(world: &World, car: &str, limit: usize) -> Vec<Value> {
    let (mut all, mut next) = (Vec::new(), String::new());
    for _ in 0..500 {
        let page = world.read(&format!("{car}/trips?limit={limit}{next}")).await;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit);
        all.extend(items.clone());
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => return all,
        }
    }
    panic!("pages without end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_now_answers_with_what_the_maker_just_told() {
    let world = World::with(|options| options.streams = Drive::Running).await;
    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;
    fetch_for(&world, 1).await;
    world.clock.advance(SignedDuration::from_hours(3));
    let calls = world.maker().calls(Operation::Status);

    let path = format!("/v1/enrollments/{id}/vehicles/{CAR}/refresh");
    let answer = world.api("POST", &path, None).await;

    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.body["vin"], CAR);
    assert!(world.maker().calls(Operation::Status) > calls);
    let other = format!("/v1/enrollments/{id}/vehicles/{MOKKA}/refresh");
    assert_eq!(world.api("POST", &other, None).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_for_one_car_within_half_a_minute_shares_one_answer_of_the_maker() {
    let world = World::with(|options| options.streams = Drive::Running).await;
    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;
    fetch_for(&world, 1).await;
    let calls = world.maker().calls(Operation::Status);
    let path = format!("/v1/enrollments/{id}/vehicles/{CAR}/refresh");

    let all = futures_util::future::join_all((0..5).map(|_| world.api("POST", &path, None))).await;

    assert!(all.iter().all(|answer| answer.status == 200), "{all:?}");
    assert_eq!(world.maker().calls(Operation::Status), calls + 1);
    world.clock.advance(SignedDuration::from_secs(30));
    assert_eq!(world.api("POST", &path, None).await.status, 200);
    assert_eq!(world.maker().calls(Operation::Status), calls + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_car_whose_id_changes_at_the_maker_goes_on_under_its_vin() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;
    fetch_for(&world, 1).await;
    let before = world.maker().vehicle_id("peugeot-alex", CAR);

    world.maker().change_vehicle_id(CAR).unwrap();
    assert_ne!(world.maker().vehicle_id("peugeot-alex", CAR), before);
    let told = state(&world, &id, CAR).await["last_seen"].clone();
    fetch_for(&world, 12).await;

    let later = state(&world, &id, CAR).await["last_seen"].clone();
    assert!(later.as_str() > told.as_str(), "{told} {later}");
    assert_eq!(cars(&world, &id).await.len(), 1);
    assert!(!world.event_types(&id).await.contains(&"vehicle.removed".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_look_that_failed_is_tried_again_within_the_hour() {
    let world = World::start().await;
    world.maker().fault(Fault::once(Operation::Status, FaultKind::Status(500)));
    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;
    assert!(world.maker().pending_faults().is_empty());

    fetch_for(&world, 1).await;

    assert!(state(&world, &id, CAR).await["last_seen"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn first_look_whose_trips_fail_keeps_what_it_read_and_says_so() {
    let world = World::start().await;
    world.maker().fault(Fault::times(Operation::Trips, 9, FaultKind::Status(500)));
    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;

    let car = state(&world, &id, CAR).await;

    assert!(car["last_seen"].is_string());
    assert_eq!(car["poll"]["last_error"]["why"], "maker_down", "{}", car["poll"]);
    let items = world.items("Records").await;
    let stored = items.iter().find(|item| item["sk"]["S"] == format!("CAR#{CAR}")).unwrap();
    assert!(stored["body"]["S"].as_str().unwrap().contains("status_hash"), "{stored}");
}
