//! All that is held of an enrollment can be had, whatever became of it and of its cars.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{World, browser};

const E208: &str = "VR3UHZKXZPT000208";
const MOKKA: &str = "VXKUHZKXZP4000011";

async fn fetch_for(world: &World, hours: i64) {
    for _ in 0..hours {
        world.clock.advance(SignedDuration::from_hours(1));
        world.cloud.invoke("fetch", json!({"worker": 0, "workers": 1})).await.unwrap();
    }
    world.settle().await;
}

fn of_kind<'a>(export: &'a [Value], kind: &str) -> Vec<&'a Value> {
    export.iter().filter(|item| item["kind"] == kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_car_did_is_exported_though_it_left_the_account() {
    let world = World::start().await;
    let seller = world.enroll("user-1", "opel", "opel-kim").await;
    fetch_for(&world, 30).await;
    let before = world.export(&seller, 100).await;
    assert_eq!(of_kind(&before, "vehicle")[0]["vehicle"]["vin"], MOKKA);

    world.maker().sell(MOKKA, "opel-alex").unwrap();
    fetch_for(&world, 26).await;

    let after = world.export(&seller, 100).await;
    assert!(of_kind(&after, "vehicle").is_empty());
    for kind in ["changes", "trip", "alert"] {
        let (before, after) = (of_kind(&before, kind), of_kind(&after, kind));
        assert!(after.iter().all(|item| item["vin"] == MOKKA), "{kind}");
        // Trips and alerts of a month ago are over since.
        assert_eq!(before.is_empty(), after.is_empty(), "{kind}");
    }
    let (changes, kept) = (of_kind(&before, "changes"), of_kind(&after, "changes"));
    assert!(!changes.is_empty() && changes.iter().all(|item| kept.contains(item)));
    let events = of_kind(&after, "event");
    let removed = json!("vehicle.removed");
    assert!(events.iter().any(|item| item["event"]["type"] == removed), "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_to_nothing_or_waits_is_exported_and_what_is_being_erased_is_not() {
    let world = World::start().await;
    let (waiting, _) = world.enroll_unconfirmed("user-1", "peugeot", "peugeot-alex").await;
    let declined = world.begin_enrollment("user-2", "opel").await;
    let mut browser = browser();
    let back = world.refuse(&mut browser, &declined.login_url, "opel-kim").await;
    browser.get(&back).await.unwrap();
    let begun = world.begin_enrollment("user-3", "ds").await.id;

    for (id, user, status, told) in [
        (&waiting, "user-1", "awaiting_confirmation", "enrollment.completed"),
        (&declined.id, "user-2", "declined", "enrollment.declined"),
        (&begun, "user-3", "begun", "enrollment.begun"),
    ] {
        let export = world.export(id, 100).await;
        let enrollment = &export[0]["enrollment"];
        assert_eq!(
            (&enrollment["user_ref"], &enrollment["status"]),
            (&json!(user), &json!(status))
        );
        assert_eq!(enrollment["consent"].is_object(), status == "awaiting_confirmation");
        let told = json!(told);
        assert!(export.iter().any(|item| item["event"]["type"] == told), "{export:?}");
    }

    let erased = world.api("DELETE", &format!("/v1/enrollments/{waiting}"), None).await;
    assert_eq!(erased.status, 202);
    let path = format!("/v1/enrollments/{waiting}/export");
    assert_eq!(world.api("GET", &path, None).await.status, 404);
    world.settle().await;
    assert_eq!(world.status(&waiting).await, "erased");
    assert_eq!(world.api("GET", &path, None).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_comes_in_pages_of_any_size_with_everything_once() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;
    world.enroll("user-2", "peugeot", "peugeot-alex").await;
    let rule = json!({"name": "full", "when": {"use": "charging_ended"},
        "target": {"car": {"enrollment": id, "vin": E208}}});
    assert_eq!(world.api("POST", "/v1/monitors", Some(rule)).await.status, 201);
    fetch_for(&world, 48).await;
    world.run_all().await;

    let whole = world.export(&id, 100).await;
    let parts = world.export(&id, 7).await;

    assert_eq!(parts, whole);
    let kinds: BTreeSet<_> = whole.iter().map(|item| item["kind"].as_str().unwrap()).collect();
    for kind in ["enrollment", "rule", "vehicle", "changes", "trip", "alert", "event"] {
        assert!(kinds.contains(kind), "{kind}: {kinds:?}");
    }
    assert!(!json!(whole).to_string().contains("user-2"));
    let first = world.read(&format!("/v1/enrollments/{id}/export")).await;
    let cursor = first["next"].as_str().unwrap();
    let foreign = format!("/v1/enrollments?user_ref=user-1&cursor={cursor}");
    assert_eq!(world.api("GET", &foreign, None).await.status, 422);
    world.narrow_key(&["read"]);
    let narrow = world.api("GET", &format!("/v1/enrollments/{id}/export"), None).await;
    assert_eq!((narrow.status, &narrow.body["type"]), (403, &json!("insufficient_scope")));
}
