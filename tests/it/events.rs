//! What the operator is told of cars: what changed, once, under one id.

use jiff::SignedDuration;
use serde_json::{Value, json};
use simulator::Change;
use tests::World;

const ACCOUNT: &str = "peugeot-alex";
const CAR: &str = "VR3UHZKXZPT000208";

/// Lets minutes pass, then runs the schedule that fetches.
async fn fetch_after(world: &World, minutes: i64) {
    world.clock.advance(SignedDuration::from_mins(minutes));
    // It may fail under an unkind database: the next run goes on.
    let _ = world.cloud.invoke("fetch", json!({"worker": 0, "workers": 1})).await;
    world.settle().await;
}

/// Goes to the beginning of a long rest, so that a touch of the car holds.
async fn park(world: &World) {
    let drives = world.maker().drives(CAR, world.now(), 20);
    let long = |pair: &&[(jiff::Timestamp, jiff::Timestamp)]| {
        pair[1].0.duration_since(pair[0].1) > SignedDuration::from_hours(8)
    };
    let (_, stop) = drives.windows(2).find(long).unwrap()[0];
    world.clock.advance_to(stop + SignedDuration::from_mins(10));
    fetch_after(world, 40).await;
}

/// The events of one type, oldest first, each with what it says.
async fn told(world: &World, id: &str, kind: &str) -> Vec<Value> {
    let events = world.events(id).await.into_iter();
    events
        .map(|event| event["what"]["M"].clone())
        .filter(|what| what["type"]["S"] == kind)
        .collect()
}

fn number(value: &Value) -> f64 {
    value["N"].as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_with_both_values_and_without_the_place() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    fetch_after(&world, 10).await;
    park(&world).await;
    let before = told(&world, &id, "vehicle.state.changed").await.len();

    world.maker().touch_car(CAR, Change::BatteryLevel(41.0)).unwrap();
    world.maker().touch_car(CAR, Change::Moved { latitude: 48.25, longitude: 2.25 }).unwrap();
    fetch_after(&world, 40).await;

    let news = told(&world, &id, "vehicle.state.changed").await.split_off(before);
    let changes: Vec<_> =
        news.iter().flat_map(|what| what["changes"]["L"].as_array().unwrap()).collect();
    let of = |name: &str| {
        let mut found = changes.iter().filter(|change| change["M"]["field"]["S"] == name);
        found.next().map(|change| change["M"].clone()).unwrap_or_default()
    };
    let level = of("electric.level");
    assert!((number(&level["new"]) - 41.0).abs() < 5.0, "{level}");
    assert!((number(&level["old"]) - number(&level["new"])).abs() > f64::EPSILON, "{level}");
    assert_eq!(level["unit"]["S"], "%");
    assert!(level["observed_at"]["S"].is_string());
    let place = changes.iter().find(|change| change["M"]["withheld"]["BOOL"] == true);
    let place = place.expect("that it moved is told");
    assert_eq!(
        (&place["M"]["old"]["NULL"], &place["M"]["new"]["NULL"]),
        (&json!(true), &json!(true))
    );
    let all = format!("{:?}", world.events(&id).await);
    assert!(!all.contains("latitude") && !all.contains("48.25"), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_is_told_when_it_begins_and_when_it_ends() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    fetch_after(&world, 10).await;
    park(&world).await;
    world.maker().touch_car(CAR, Change::BatteryLevel(30.0)).unwrap();
    world.maker().touch_car(CAR, Change::Plugged(false)).unwrap();
    fetch_after(&world, 40).await;
    let (started, ended) = ("vehicle.charging.started", "vehicle.charging.ended");
    let before = (told(&world, &id, started).await.len(), told(&world, &id, ended).await.len());

    world.maker().touch_car(CAR, Change::Charging(true)).unwrap();
    for _ in 0..3 {
        fetch_after(&world, 11).await;
    }
    let begun = told(&world, &id, started).await.split_off(before.0);
    assert_eq!(begun.len(), 1, "{begun:?}");
    assert!(number(&begun[0]["level"]) >= 30.0, "{begun:?}");
    assert_eq!(told(&world, &id, ended).await.len(), before.1);

    world.maker().touch_car(CAR, Change::Charging(false)).unwrap();
    for _ in 0..3 {
        fetch_after(&world, 40).await;
    }
    let over = told(&world, &id, ended).await.split_off(before.1);
    assert_eq!(over.len(), 1, "{over:?}");
    assert_eq!(over[0]["status"]["S"], "stopped");
    assert!(number(&over[0]["level"]) > number(&begun[0]["level"]), "{over:?}");
}
