//! Trips and warnings that come late, stay open, or lack a time: none is lost, none is told twice.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulator::{Change, Fault, FaultKind, Operation, Unconnected};
use tests::{ACCOUNT, CAR, World, hours, minutes};

async fn fetch_for(world: &World, duration: SignedDuration) {
    let end = world.now() + duration;
    while world.now() < end {
        world.clock.advance(hours(1));
        world.run("fetch").await;
    }
    world.settle().await;
}

async fn list(world: &World, id: &str, kind: &str) -> Vec<Value> {
    let (mut all, mut next) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/enrollments/{id}/vehicles/{CAR}/{kind}?limit=100{next}");
        let page = world.read(&path).await;
        all.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next"].as_str() else { return all };
        next = format!("&cursor={cursor}");
    }
}

async fn enrolled(days: &str) -> (World, String) {
    let world = World::with(|options| {
        options.parameters.insert("Notifications".into(), "off".into());
        options.parameters.insert("HistoryDays".into(), days.into());
    })
    .await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    (world, id)
}

fn trip_at(trips: &[Value], start: Timestamp) -> Option<&Value> {
    trips.iter().find(|trip| trip["started_at"] == start.to_string().as_str())
}

/// The car parks without a connection: its last drive comes in days later, behind newer ones that
/// another way brought.
#[tokio::test(flavor = "multi_thread")]
async fn a_trip_that_is_uploaded_late_is_neither_lost_nor_told_twice() {
    let (world, id) = enrolled("30").await;
    fetch_for(&world, hours(30)).await;
    let drives = world.maker().drives(CAR, world.now(), 3);
    let (start, stop) = drives[0];
    let late = drives[1].1 + hours(30);
    let garage = Unconnected { from: start - minutes(1), until: stop + minutes(1), sent_at: late };
    world.maker().edit_car(CAR, |car| car.unconnected.push(garage)).unwrap();

    fetch_for(&world, late.duration_since(world.now()) - hours(1)).await;
    let before = list(&world, &id, "trips").await;
    assert!(trip_at(&before, start).is_none(), "not uploaded yet");
    assert!(trip_at(&before, drives[1].0).is_some(), "a newer one is there");
    fetch_for(&world, hours(8)).await;

    let trips = list(&world, &id, "trips").await;
    assert_eq!(trip_at(&trips, start).expect("the late one")["done"], true);
    let told = world.told(&id, "vehicle.trip.completed").await;
    let of_it = told.iter().filter(|it| it["started_at"] == start.to_string().as_str());
    assert_eq!(of_it.count(), 1);
}

/// A drive is listed while it lasts; its end comes a day later.
#[tokio::test(flavor = "multi_thread")]
async fn a_trip_that_was_seen_pending_is_told_when_it_ends() {
    let (world, id) = enrolled("30").await;
    fetch_for(&world, hours(30)).await;
    let (start, stop) = world.maker().drives(CAR, world.now(), 1)[0];
    // The garage is entered in the middle of the drive.
    let from = start + (stop.duration_since(start) / 2);
    let until = stop + hours(31);
    let garage = Unconnected { from, until, sent_at: until };
    world.maker().edit_car(CAR, |car| car.unconnected.push(garage)).unwrap();

    fetch_for(&world, from.duration_since(world.now()) + hours(6)).await;
    let trips = list(&world, &id, "trips").await;
    assert_eq!(trip_at(&trips, start).expect("the pending one")["done"], false);
    fetch_for(&world, until.duration_since(world.now()) + hours(8)).await;

    let trips = list(&world, &id, "trips").await;
    assert_eq!(trip_at(&trips, start).unwrap()["done"], true);
    let told = world.told(&id, "vehicle.trip.completed").await;
    let of_it = told.iter().filter(|it| it["started_at"] == start.to_string().as_str());
    assert_eq!(of_it.count(), 1);
}

/// A warning that holds for longer than history is kept is told as over.
#[tokio::test(flavor = "multi_thread")]
async fn a_warning_that_outlasts_its_history_is_told_as_over_once() {
    for days in ["1", "0"] {
        let (world, id) = enrolled(days).await;
        fetch_for(&world, hours(2)).await;
        world.maker().touch_car(CAR, Change::AlertRaised("OilLevelLow".to_owned())).unwrap();
        fetch_for(&world, hours(75)).await;
        let of_it = async |what: &str| {
            let told = world.told(&id, what).await;
            told.iter().filter(|it| it["kind"] == "oil_level_low").count()
        };
        assert_eq!(of_it("vehicle.alert.raised").await, 1, "{days} days");

        world.maker().touch_car(CAR, Change::AlertCleared("OilLevelLow".to_owned())).unwrap();
        fetch_for(&world, hours(60)).await;

        assert_eq!(of_it("vehicle.alert.cleared").await, 1, "{days} days");
        assert_eq!(of_it("vehicle.alert.raised").await, 1, "{days} days");
        let kept = list(&world, &id, "alerts").await;
        assert!(kept.iter().all(|alert| alert["kind"] != "oil_level_low"), "it is over for long");
    }
}

fn edit(operation: Operation, at: &str, value: Option<Value>) -> Fault {
    Fault::times(operation, 100_000, FaultKind::Edit { at: at.to_owned(), value })
}

/// The reference allows a trip without a beginning.
#[tokio::test(flavor = "multi_thread")]
async fn a_trip_without_a_beginning_is_kept_once() {
    for missing in [&["startedAt"][..], &["startedAt", "createdAt", "updatedAt", "stoppedAt"][..]] {
        let (world, id) = enrolled("30").await;
        let trip = |n: u32| {
            let at = "2026-03-01T08:00:00Z";
            let mut trip = json!({"id": format!("t{n}"), "startedAt": at, "createdAt": at,
                "updatedAt": at, "stoppedAt": at, "distance": 5.0, "done": true});
            for name in missing {
                trip.as_object_mut().unwrap().remove(*name);
            }
            trip
        };
        let body = json!({"total": 2, "_embedded": {"trips": [trip(1), trip(2)]}});
        let kind = FaultKind::Answer {
            status: 200,
            content_type: "application/hal+json".to_owned(),
            body: body.to_string(),
        };
        world.maker().fault(Fault::times(Operation::Trips, 100_000, kind));

        fetch_for(&world, hours(24)).await;

        // Beside those that the first look brought, which came with the consent.
        let kept = list(&world, &id, "trips").await;
        let kept: Vec<_> = kept.iter().filter(|it| it["id"] == "t1" || it["id"] == "t2").collect();
        assert_eq!(kept.len(), 2, "{missing:?}");
    }
}

/// A maker that gives one id to every warning.
#[tokio::test(flavor = "multi_thread")]
async fn warnings_of_one_id_are_told_apart_by_their_beginning() {
    let (world, id) = enrolled("30").await;
    fetch_for(&world, hours(2)).await;
    let same = Some(json!("the-one-id"));
    world.maker().fault(edit(Operation::Alerts, "/_embedded/alerts/*/id", same));
    for kind in ["OilLevelLow", "RiskOfIce"] {
        world.maker().touch_car(CAR, Change::AlertRaised(kind.to_owned())).unwrap();
        fetch_for(&world, hours(3)).await;
    }

    let events = world.events(&id).await;
    let of = |kind: &str| {
        let own = events.iter().filter(|it| {
            it["what"]["type"] == "vehicle.alert.raised" && it["what"]["kind"] == kind
        });
        own.map(|it| it["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (oil, ice) = (of("oil_level_low"), of("risk_of_ice"));
    assert_eq!((oil.len(), ice.len()), (1, 1));
    assert_ne!(oil, ice);
}

/// What is read again costs no more calls and no more writes.
#[tokio::test(flavor = "multi_thread")]
async fn a_week_that_is_read_again_is_one_page_and_no_write() {
    let (world, _) = enrolled("30").await;
    fetch_for(&world, hours(24 * 12)).await;
    world.park();
    fetch_for(&world, hours(5)).await;
    let calls = || {
        let maker = world.maker();
        maker.calls(Operation::Trips) + maker.calls(Operation::Alerts)
    };
    let entries = async || {
        let items = world.cloud.items("Records").await.unwrap();
        let is_entry = |item: &Value| {
            let sk = item["sk"]["S"].as_str().unwrap();
            sk.starts_with("TRIP#") || sk.starts_with("CAR#")
        };
        items.into_iter().filter(is_entry).collect::<Vec<_>>().len()
    };
    let (before, known) = (calls(), entries().await);
    world.cloud.usage().reset();

    fetch_for(&world, hours(3)).await;

    assert!(calls() - before <= 4, "an hour apart for alerts, three for trips: a page each");
    assert_eq!(entries().await, known);
}
