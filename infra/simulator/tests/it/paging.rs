//! Collections: pages, ranges, filters.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::{EVERYTHING, Maker, Session, field};

const ALEX: &str = "peugeot-alex";
const HAL: &str = "application/hal+json";

/// Follows `next` to the end; what each page held.
async fn walk(session: &Session<'_>, first: &str, name: &str) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut page = session.get(first).await.json();
    loop {
        pages.push(page["_embedded"][name].as_array().unwrap().clone());
        let Some(next) = page["_links"]["next"]["href"].as_str() else {
            return pages;
        };
        assert!(!next.contains("client_id"), "links come without client_id");
        page = session.call(next, HAL).await.json();
        assert_eq!(page["currentPage"], pages.len() + 1);
    }
}

#[tokio::test]
async fn following_next_gives_every_trip_once_newest_first() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, EVERYTHING).await;
    let trips = format!("/user/vehicles/{}/trips", session.car().await);
    let total = session.get(&trips).await.json()["total"].as_u64().unwrap();

    let pages = walk(&session, &format!("{trips}?pageSize=7"), "trips").await;

    assert!(total > 60, "{total} trips in two months");
    assert_eq!(pages.len() as u64, total.div_ceil(7));
    let starts: Vec<String> = pages.iter().flatten().map(|trip| field(trip, "startedAt")).collect();
    let distinct: BTreeSet<&String> = starts.iter().collect();
    assert_eq!(distinct.len() as u64, total);
    assert!(starts.is_sorted_by(|one, next| one > next));
    let today: Timestamp = maker.simulator.world().now();
    let oldest: Timestamp = starts.last().unwrap().parse().unwrap();
    assert!(today.as_second() - oldest.as_second() <= 60 * 86_400);
}

#[tokio::test]
async fn pages_begun_stay_still_while_new_trips_come() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, EVERYTHING).await;
    let trips = format!("/user/vehicles/{}/trips?pageSize=20", session.car().await);
    let first = session.get(&trips).await.json();

    maker.advance(Duration::from_hours(12));
    let session = maker.access(ALEX, EVERYTHING).await;
    let second = session.call(first["_links"]["next"]["href"].as_str().unwrap(), HAL).await.json();

    assert_eq!(second["total"], first["total"]);
    let last_of_first = field(&first["_embedded"]["trips"][19], "startedAt");
    let first_of_second = field(&second["_embedded"]["trips"][0], "startedAt");
    assert!(first_of_second < last_of_first);
    assert!(session.get(&trips).await.json()["total"].as_u64() > first["total"].as_u64());
}

#[tokio::test]
async fn a_page_token_works_alone_and_only_where_it_was_made() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, EVERYTHING).await;
    let trips = format!("/user/vehicles/{}/trips", session.car().await);
    let first = session.get(&format!("{trips}?pageSize=5&distance=1-")).await.json();
    let next = url::Url::parse(first["_links"]["next"]["href"].as_str().unwrap()).unwrap();
    let (_, token) = next.query_pairs().find(|(name, _)| name == "pageToken").unwrap();

    let alone = session.get(&format!("{trips}?pageToken={token}")).await.json();
    let linked = session.call(next.as_str(), HAL).await.json();
    assert_eq!(alone["_embedded"], linked["_embedded"]);
    assert_eq!(alone["_embedded"]["trips"].as_array().unwrap().len(), 5);

    let alerts = trips.replace("trips", "alerts");
    assert_eq!(session.get(&format!("{alerts}?pageToken={token}")).await.status, 400);
    assert_eq!(session.get(&format!("{trips}?pageToken=x{token}")).await.status, 400);
    let other = maker.access("peugeot-camille", EVERYTHING).await;
    assert_eq!(other.get(&format!("{trips}?pageToken={token}")).await.status, 400);
}

#[tokio::test]
async fn sizes_and_ranges_are_kept_within_bounds() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, EVERYTHING).await;
    let car = session.car().await;
    let get = async |rest: &str| session.get(&format!("/user/vehicles/{car}/{rest}")).await;

    for wrong in [
        "trips?pageSize=61",
        "trips?pageSize=0",
        "trips?pageSize=-1",
        "trips?indexRange=9-0",
        "trips?indexRange=a",
        "trips?timestamps=yesterday/",
        "trips?distance=far-",
        "trips?states=Odd",
        "alarms?type=vehicle",
        "telemetry?type=vehicle.soul",
        "telemetry?pageSize=2001",
    ] {
        let reply = get(wrong).await;
        assert_eq!((reply.status, &reply.json()["code"]), (400, &json!(40000)), "{wrong}");
    }
    let ten = get("trips?indexRange=0-9").await.json();
    assert_eq!((&ten["total"], &ten["totalPage"]), (&json!(10), &json!(1)));
    let all = get("trips").await.json();
    let rest = get("trips?indexRange=10-").await.json();
    assert_eq!(all["total"].as_u64().unwrap() - 10, rest["total"].as_u64().unwrap());
    assert_eq!(all["_embedded"]["trips"][10], rest["_embedded"]["trips"][0]);
    let beyond = get("trips?indexRange=100000-").await.json();
    assert_eq!((&beyond["total"], &beyond["_embedded"]["trips"]), (&json!(0), &json!([])));
    let many = get("telemetry?pageSize=2000").await.json();
    assert_eq!(many["_embedded"]["telemetries"].as_array().unwrap().len(), 2000);
}

#[tokio::test]
async fn filters_let_through_what_they_name() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, EVERYTHING).await;
    let car = session.car().await;
    let get = async |rest: &str| session.get(&format!("/user/vehicles/{car}/{rest}")).await.json();
    let all = get("trips").await;
    let one = &all["_embedded"]["trips"][3];
    let start = field(one, "startedAt");

    let exact = get(&format!("trips?timestamps={start}/{start}")).await;
    assert_eq!(exact["_embedded"]["trips"], json!([one]));

    let long = get("trips?distance=15-").await;
    assert!(long["total"].as_u64() < all["total"].as_u64());
    let trips = long["_embedded"]["trips"].as_array().unwrap();
    assert!(trips.iter().all(|trip| trip["distance"].as_f64().unwrap() >= 14.9));

    let armed = get("alarms?type=vehicle.alarm.status").await;
    let armed: Vec<String> = armed["_embedded"]["alarms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|alarm| field(&alarm["status"], "activation"))
        .collect();
    assert!(armed.windows(2).all(|pair| pair[0] != pair[1]), "armed and disarmed by turns");
    let triggers = get("alarms?type=vehicle.alarm.trigger").await;
    let alarms = triggers["_embedded"]["alarms"].as_array().unwrap();
    assert!(alarms.iter().all(|alarm| alarm["trigger"].is_object()));

    let telemetry = get("telemetry?type=vehicle.energies&extension=location&pageSize=3").await;
    let message = &telemetry["_embedded"]["telemetries"][0];
    assert!(message["vehicle"]["energies"].is_array() && message["environment"].is_null());
    assert!(message["vehicle"]["odometer"].is_null());
    assert!(message["_embedded"]["extension"]["location"].is_object());
}

#[tokio::test]
async fn vehicles_come_in_pages_too_and_an_empty_account_is_an_empty_list() {
    let maker = Maker::start().await;
    let two = maker.access("peugeot-camille", EVERYTHING).await;
    let empty = maker.access("peugeot-nobody", EVERYTHING).await;
    let bare = maker.access("opel-nobody", EVERYTHING).await;

    assert_eq!(walk(&two, "/user/vehicles?pageSize=1", "vehicles").await.len(), 2);
    let found = two.get("/user/vehicles?vinPrefix=VF3C").await.json();
    assert_eq!(found["total"], 1);
    let none = empty.get("/user/vehicles").await.json();
    assert_eq!((&none["total"], &none["_embedded"]["vehicles"]), (&json!(0), &json!([])));
    let bare = bare.get("/user/vehicles").await.json();
    assert!(bare.get("_embedded").is_none() && bare.get("total").is_none());
}
