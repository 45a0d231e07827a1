//! Events to a real receiver: signed, in order, whatever fails in between.

mod endpoints;
mod failing;
mod looking;
mod reference;
mod unkind;

use std::collections::BTreeMap;

use accessing_party::Drive;
use jiff::SignedDuration;
use serde_json::{Value, json};
use simulator::Change;
use tests::{ACCOUNT, CAR, Posted, Receiver, World};

/// An endpoint: its id and its secret.
struct Hook {
    id: String,
    secret: String,
}

async fn hook(world: &World, receiver: &Receiver, filter: Value) -> Hook {
    let mut wish = json!({"url": receiver.url()});
    wish.as_object_mut().unwrap().extend(filter.as_object().unwrap().clone());
    let answer = world.api("POST", "/v1/webhooks", Some(wish)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let text = |name: &str| answer.body[name].as_str().unwrap().to_owned();
    Hook { id: text("id"), secret: text("secret") }
}

async fn sweep(world: &World) {
    world.run("deliver").await;
}

/// What was told so far of every enrollment: ids by subject, in their order.
async fn told(world: &World, ids: &[&str]) -> Vec<String> {
    let mut told = Vec::new();
    for id in ids {
        told.extend(world.events(id).await.iter().map(|it| it["id"].as_str().unwrap().to_owned()));
    }
    told.sort();
    told
}

/// The ids of posts, each once, sorted.
fn ids(posted: &[Posted]) -> Vec<String> {
    let mut ids: Vec<String> = posted.iter().map(|it| it.id.clone()).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// Whether in every lane what came first stands first, by its first arrival.
fn in_order(posted: &[Posted]) -> bool {
    let mut lanes: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for one in posted {
        let lane = lanes.entry(one.subject()).or_default();
        if !lane.iter().any(|(id, _)| *id == one.id) {
            lane.push((&one.id, one.event["time"].as_str().unwrap()));
        }
    }
    lanes.values().all(|lane| lane.is_sorted_by_key(|(_, time)| *time))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_reaches_endpoint_and_bus_signed_and_under_one_id() {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    let hook = hook(&world, &receiver, json!({})).await;

    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.pass(SignedDuration::from_hours(2)).await;

    let taken = receiver.taken();
    let all = told(&world, &[&id]).await;
    assert!(all.len() > 4, "{all:?}");
    assert_eq!(ids(&taken), all);
    assert_eq!(taken.len(), all.len(), "nothing twice where nothing fails");
    assert!(in_order(&taken));
    let kinds: Vec<&str> = taken.iter().map(Posted::kind).collect();
    let own: Vec<&str> = kinds.iter().copied().filter(|it| it.starts_with("enrollment.")).collect();
    assert_eq!(own, ["enrollment.begun", "enrollment.completed", "enrollment.confirmed"]);
    assert!(kinds.contains(&"vehicle.discovered") && kinds.contains(&"vehicle.state.changed"));
    for one in &taken {
        assert!(one.is_signed_with(&hook.secret), "{one:?}");
        assert_eq!(one.content_type, "application/cloudevents+json");
        assert_eq!(one.event["id"], one.id.as_str());
        assert!(!one.replayed && one.event.get("replayed").is_none());
    }
    let mut forged = taken[0].clone();
    forged.body = forged.body.replace("specversion", "specversiom");
    assert!(!forged.is_signed_with(&hook.secret));

    // The bus may hear of one twice, by the stream and by the sweep: it promises no more itself.
    let mut bus: Vec<_> = world.cloud.bus().received();
    bus.sort_by_key(|event| event["id"].as_str().unwrap().to_owned());
    bus.dedup_by_key(|event| event["id"].clone());
    let mut posted: Vec<_> = taken.into_iter().map(|one| one.event).collect();
    posted.sort_by_key(|event| event["id"].as_str().unwrap().to_owned());
    assert_eq!(bus, posted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_lets_through_what_it_names_and_nothing_else() {
    let world = World::start().await;
    let (types, user, enrollment) = (
        Receiver::start().await.unwrap(),
        Receiver::start().await.unwrap(),
        Receiver::start().await.unwrap(),
    );
    let first = world.enroll("user-1", "peugeot", ACCOUNT).await;
    hook(&world, &types, json!({"types": ["vehicle.*", "enrollment.begun"]})).await;
    hook(&world, &user, json!({"user_ref": "user-2"})).await;
    hook(&world, &enrollment, json!({"enrollment": first})).await;

    let second = world.enroll("user-2", "opel", "opel-kim").await;
    world.pass(SignedDuration::from_mins(30)).await;

    let kinds = types.taken();
    assert!(kinds.iter().any(|it| it.kind() == "enrollment.begun"));
    assert!(kinds.iter().any(|it| it.kind() == "vehicle.discovered"));
    assert!(!kinds.iter().any(|it| it.kind() == "enrollment.confirmed"));
    assert_eq!(ids(&user.taken()), told(&world, &[&second]).await);
    assert!(enrollment.taken().iter().all(|it| it.event["data"]["enrollment"] == first.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn places_go_to_the_endpoint_that_asked_for_them() {
    let world = World::with(|options| {
        options.parameters.insert("PositionHistory".into(), "true".into());
    })
    .await;
    let (with, without) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
    hook(&world, &with, json!({"positions": true})).await;
    hook(&world, &without, json!({})).await;

    world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.pass(SignedDuration::from_hours(3)).await;

    let text = |receiver: &Receiver| format!("{:?}", receiver.taken());
    assert_eq!(ids(&with.taken()), ids(&without.taken()));
    assert!(text(&with).contains("latitude"));
    assert!(!text(&without).contains("latitude") && text(&without).contains("withheld"));
    assert!(!format!("{:?}", world.cloud.bus().received()).contains("latitude"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_erased_user_is_sent_but_that_he_is_erased() {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    let hook = hook(&world, &receiver, json!({})).await;
    let path = format!("/v1/webhooks/{}", hook.id);
    let off = world.api("PATCH", &path, Some(json!({"enabled": false}))).await;
    assert_eq!((off.status, &off.body["state"]), (200, &json!("disabled")), "{}", off.body);
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.pass(SignedDuration::from_hours(1)).await;
    let waiting = world.text_of("Outbox").await;
    assert!(waiting.contains("SEND#") && waiting.contains(CAR));

    let erased = world.api("DELETE", &format!("/v1/enrollments/{id}"), None).await;
    assert_eq!(erased.status, 202);
    world.settle().await;
    world.pass(SignedDuration::from_mins(30)).await;
    assert_eq!(world.status(&id).await, "erased");
    world.assert_nowhere(&[CAR]).await;

    world.api("PATCH", &path, Some(json!({"enabled": true}))).await;
    world.pass(SignedDuration::from_mins(10)).await;
    let taken = receiver.taken();
    assert_eq!(taken.iter().map(Posted::kind).collect::<Vec<_>>(), ["enrollment.erased"]);
    assert!(taken[0].is_signed_with(&hook.secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_a_lane_when_an_erasure_begins_is_not_sent_any_more() {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    hook(&world, &receiver, json!({})).await;
    receiver.answer(503);
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    let tried = receiver.posted().len();
    assert!(tried > 0);

    // The erasure has begun, and `act` has not come to it yet.
    world.api("DELETE", &format!("/v1/enrollments/{id}"), None).await;
    receiver.answer(200);
    world.clock.advance(SignedDuration::from_mins(10));
    sweep(&world).await;

    assert_eq!(receiver.posted().len(), tried, "{:?}", receiver.taken());
}

/// An enrollment that is begun is an event already.
async fn begin(world: &World, user: &str) -> String {
    world.begin_enrollment(user, "peugeot").await.id
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_in_one_second_is_sent_in_the_order_in_which_it_happened() {
    let world = World::with(|options| options.streams = Drive::Running).await;
    let receiver = Receiver::start().await.unwrap();
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.pass(SignedDuration::from_hours(1)).await;
    hook(&world, &receiver, json!({})).await;
    receiver.answer(503);
    let (now, before) = (world.now(), told(&world, &[&id]).await);
    let mut happened = Vec::new();
    for change in [
        Change::BatteryLevel(31.0),
        Change::Locked(false),
        Change::Moved { latitude: 48.5, longitude: 2.5 },
        Change::Preconditioning(true),
    ] {
        world.maker().touch_car(CAR, change).unwrap();
        world.look(&id).await;
        let told = told(&world, &[&id]).await;
        happened.extend(
            told.into_iter()
                .filter(|id| !before.contains(id) && !happened.contains(id))
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(world.now(), now);
    assert!(happened.len() >= 4, "{happened:?}");
    world.settle().await;

    receiver.answer(204);
    for _ in 0..10 {
        world.clock.advance(SignedDuration::from_mins(1));
        sweep(&world).await;
    }

    let sent: Vec<_> = receiver.taken().iter().map(|one| one.id.clone()).collect();
    assert_eq!(sent, happened);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_carries_the_time_of_the_receiver_however_fast_the_clock_runs() {
    let world = World::with(|options| {
        options.clock = accessing_party::clock::running(tests::START.parse().unwrap(), 60);
        options.streams = Drive::Running;
    })
    .await;
    let receiver = Receiver::start().await.unwrap();
    let hook = hook(&world, &receiver, json!({})).await;

    begin(&world, "user-1").await;
    world.settle().await;

    // The tolerance of the reference implementation: five minutes.
    let now = shared::Clock::system().now();
    let taken = receiver.taken();
    let signed: i64 = taken[0].timestamp.parse().unwrap();
    assert!((now.as_second() - signed).abs() < 300, "{signed} {now}");
    assert!(taken[0].is_signed_with(&hook.secret));
    let time = taken[0].event["time"].as_str().unwrap();
    assert!(time.starts_with("2026-03-02T06:"), "what is told has the time of the cars: {time}");
}
