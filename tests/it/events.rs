//! What the operator is told of cars: what changed, once, under one id.

use accessing_party::{Effect, Operation as Db, Rule};
use jiff::SignedDuration;
use serde_json::Value;
use simulator::Change;
use tests::{ACCOUNT, CAR, Moment, World, each_death};

/// Lets minutes pass, then runs the schedule that fetches.
async fn fetch_after(world: &World, minutes: i64) {
    world.clock.advance(SignedDuration::from_mins(minutes));
    // It may fail under an unkind database: the next run goes on.
    let _ = world.try_run("fetch").await;
    world.settle().await;
}

async fn park(world: &World) {
    world.park();
    fetch_after(world, 40).await;
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_with_both_values_and_without_the_place() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    fetch_after(&world, 10).await;
    park(&world).await;
    let before = world.told(&id, "vehicle.state.changed").await.len();

    world.maker().touch_car(CAR, Change::BatteryLevel(41.0)).unwrap();
    world.maker().touch_car(CAR, Change::Moved { latitude: 48.25, longitude: 2.25 }).unwrap();
    fetch_after(&world, 40).await;

    let news = world.told(&id, "vehicle.state.changed").await.split_off(before);
    let changes: Vec<_> =
        news.iter().flat_map(|what| what["changes"].as_array().unwrap()).collect();
    let of = |name: &str| {
        let found = changes.iter().find(|change| change["field"] == name);
        found.copied().cloned().unwrap_or_default()
    };
    let level = of("electric.level");
    assert!((number(&level["new"]) - 41.0).abs() < 5.0, "{level}");
    assert!((number(&level["old"]) - number(&level["new"])).abs() > f64::EPSILON, "{level}");
    assert_eq!(level["unit"], "%");
    assert!(level["observed_at"].is_string());
    let place = changes.iter().find(|change| change["withheld"] == true);
    let place = place.expect("that it moved is told");
    assert!(place.get("old").is_some_and(Value::is_null), "{place}");
    assert!(place.get("new").is_some_and(Value::is_null), "{place}");
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
    let before = (world.told(&id, started).await.len(), world.told(&id, ended).await.len());

    world.maker().touch_car(CAR, Change::Charging(true)).unwrap();
    for _ in 0..3 {
        fetch_after(&world, 11).await;
    }
    let begun = world.told(&id, started).await.split_off(before.0);
    assert_eq!(begun.len(), 1, "{begun:?}");
    assert!(number(&begun[0]["level"]) >= 30.0, "{begun:?}");
    assert_eq!(world.told(&id, ended).await.len(), before.1);

    world.maker().touch_car(CAR, Change::Charging(false)).unwrap();
    for _ in 0..3 {
        fetch_after(&world, 40).await;
    }
    let over = world.told(&id, ended).await.split_off(before.1);
    assert_eq!(over.len(), 1, "{over:?}");
    assert_eq!(over[0]["status"], "stopped");
    assert!(number(&over[0]["level"]) > number(&begun[0]["level"]), "{over:?}");
}

const RAISED: &str = "vehicle.alert.raised";
const CLEARED: &str = "vehicle.alert.cleared";
const COMPLETED: &str = "vehicle.trip.completed";

/// What was told of named things, each as its type and the maker's id, sorted.
async fn things(world: &World, id: &str) -> Vec<(String, String)> {
    let mut things = Vec::new();
    for (kind, name) in [(RAISED, "alert"), (CLEARED, "alert"), (COMPLETED, "trip")] {
        let all = world.told(id, kind).await;
        things.extend(all.iter().map(|what| (kind.into(), what[name].as_str().unwrap().into())));
    }
    things.sort();
    things
}

/// What must have been told of named things: what began or ended since, as the API lists it.
async fn due(world: &World, id: &str, since: &str) -> Vec<(String, String)> {
    let car = format!("/v1/enrollments/{id}/vehicles/{CAR}");
    let mut due = Vec::new();
    let cases = [
        ("alerts", RAISED, "started_at"),
        ("alerts", CLEARED, "ended_at"),
        ("trips", COMPLETED, "stopped_at"),
    ];
    for (list, kind, time) in cases {
        let mut next = String::new();
        loop {
            let page = world.patiently("GET", &format!("{car}/{list}?limit=100{next}"), None).await;
            for item in page.body["items"].as_array().unwrap() {
                if item[time].as_str().is_some_and(|at| at >= since) {
                    due.push((kind.to_owned(), item["id"].as_str().unwrap().to_owned()));
                }
            }
            let Some(cursor) = page.body["next"].as_str() else { break };
            next = format!("&cursor={cursor}");
        }
    }
    due.sort();
    due
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_before_the_enrollment_is_no_news_and_what_comes_after_is_told_once() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    let since = world.now().to_string();
    fetch_after(&world, 1).await;
    let trips = format!("/v1/enrollments/{id}/vehicles/{CAR}/trips");
    assert!(!world.read(&trips).await["items"].as_array().unwrap().is_empty());
    assert!(things(&world, &id).await.is_empty(), "two months of old trips are no news");

    for _ in 0..24 * 5 {
        fetch_after(&world, 60).await;
    }
    // Whatever ended just now is read with the next look at its kind.
    let things = things(&world, &id).await;
    assert!(things.iter().filter(|(kind, _)| kind == COMPLETED).count() > 3, "{things:?}");
    assert_eq!(things, due(&world, &id, &since).await);
    let trip = &world.told(&id, COMPLETED).await[0];
    assert!(number(&trip["distance_km"]) > 0.0 && number(&trip["duration_s"]) > 0.0, "{trip}");
    assert!(trip["started_at"].as_str() < trip["stopped_at"].as_str(), "{trip}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warning_is_told_when_it_comes_and_when_it_goes_however_long_it_held() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    fetch_after(&world, 10).await;
    let mine = async |kind| {
        let mut all = world.told(&id, kind).await;
        all.retain(|what| what["kind"] == "risk_of_ice" && what["severity"] == "warning");
        all
    };

    world.maker().touch_car(CAR, Change::AlertRaised("RiskOfIce".into())).unwrap();
    for _ in 0..50 {
        fetch_after(&world, 60).await;
    }
    assert_eq!((mine(RAISED).await.len(), mine(CLEARED).await.len()), (1, 0));

    world.maker().touch_car(CAR, Change::AlertCleared("RiskOfIce".into())).unwrap();
    for _ in 0..10 {
        fetch_after(&world, 60).await;
    }
    let (raised, cleared) = (mine(RAISED).await, mine(CLEARED).await);
    assert_eq!((raised.len(), cleared.len()), (1, 1));
    assert_eq!(raised[0]["alert"], cleared[0]["alert"]);
    assert!(raised[0]["ended_at"].is_null() && cleared[0]["ended_at"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_unkind_database_nothing_is_told_twice_and_nothing_lost() {
    for seed in 1..=2 {
        let world = World::unkind(seed).await;
        world.cloud.faults().calm(true);
        let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
        let since = world.now().to_string();
        fetch_after(&world, 1).await;
        world.cloud.faults().calm(false);
        world.maker().touch_car(CAR, Change::AlertRaised("RiskOfIce".into())).unwrap();
        for _ in 0..14 {
            fetch_after(&world, 60).await;
        }
        assert!(!world.cloud.faults().strikes().is_empty());
        world.cloud.faults().calm(true);
        for _ in 0..8 {
            fetch_after(&world, 60).await;
        }

        let things = things(&world, &id).await;
        assert!(things.len() > 1, "{seed}: {things:?}");
        assert_eq!(things, due(&world, &id, &since).await, "{seed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_dies_loses_no_news_and_tells_none_twice() {
    let story = async |moment: Moment| {
        let world = World::start().await;
        let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
        let since = world.now().to_string();
        fetch_after(&world, 1).await;
        fetch_after(&world, 14 * 60).await;
        world.maker().touch_car(CAR, Change::AlertRaised("RiskOfIce".into())).unwrap();
        if moment.during(&world, fetch_after(&world, 180)).await.is_none() {
            return false;
        }
        for _ in 0..8 {
            fetch_after(&world, 60).await;
        }

        let things = things(&world, &id).await;
        assert!(things.len() > 1, "{moment:?}: {things:?}");
        assert_eq!(things, due(&world, &id, &since).await, "{moment:?}");
        true
    };

    let deaths = each_death("fetch", &[Db::TransactWriteItems], story).await;
    assert!(deaths >= 4, "{deaths}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_car_that_falls_silent_is_told_once_and_once_more_when_it_speaks() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    fetch_after(&world, 10).await;
    let count = async || {
        let stale = world.told(&id, "vehicle.data.stale").await;
        (stale.len(), world.told(&id, "vehicle.data.fresh").await.len())
    };
    // The maker answers, but tells the same old state.
    let held = world.now();
    world.maker().edit_car(CAR, |car| car.parked_since = Some(held)).unwrap();
    for _ in 0..27 {
        fetch_after(&world, 6 * 60).await;
    }
    assert_eq!(count().await, (0, 0), "not yet a week");

    for _ in 0..12 {
        fetch_after(&world, 6 * 60).await;
    }
    assert_eq!(count().await, (1, 0));
    let stale = &world.told(&id, "vehicle.data.stale").await[0];
    assert!(stale["last_seen"].as_str().unwrap() <= held.to_string().as_str(), "{stale}");

    world.maker().edit_car(CAR, |car| car.parked_since = None).unwrap();
    for _ in 0..8 {
        fetch_after(&world, 6 * 60).await;
    }
    assert_eq!(count().await, (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_is_told_once_whenever_the_fetch_dies() {
    for effect in [Effect::DieBefore, Effect::DieAfter] {
        let world = World::start().await;
        let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
        fetch_after(&world, 10).await;
        let held = world.now();
        world.maker().edit_car(CAR, |car| car.parked_since = Some(held)).unwrap();
        for _ in 0..27 {
            fetch_after(&world, 6 * 60).await;
        }
        let death = Rule::once(effect).of("fetch").at(Db::TransactWriteItems);
        world.cloud.faults().next(death);
        let mut waited = 0;
        while world.cloud.faults().pending() > 0 && waited < 60 {
            fetch_after(&world, 60).await;
            waited += 1;
        }
        assert_eq!(world.cloud.faults().pending(), 0, "{effect:?}");
        for _ in 0..48 {
            fetch_after(&world, 60).await;
        }
        assert_eq!(world.told(&id, "vehicle.data.stale").await.len(), 1, "{effect:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn that_few_calls_are_left_is_told_once_a_day() {
    let world = World::start().await;
    world.enroll("user-1", "peugeot", "peugeot-alex").await;
    world.pass(SignedDuration::from_hours(2)).await;
    let told = || {
        let told = world.cloud.bus().received().into_iter();
        told.filter(|event| event["type"] == "quota.low").collect::<Vec<_>>()
    };
    assert!(told().is_empty());
    let calls = u32::try_from(world.maker().all_calls().values().sum::<u64>()).unwrap();

    world.maker().configure(|settings| settings.rate_limit_day = calls + calls / 10 + 2);
    world.pass(SignedDuration::from_hours(6)).await;

    let told = told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0]["data"]["percent_left"].as_u64().unwrap() < 20);
    assert!(told[0].get("subject").is_none() && told[0]["data"].get("enrollment").is_none());
}
