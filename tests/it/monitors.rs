//! Rules: declared once, put on every car that can have them, and true to what they say.

mod places;

use jiff::SignedDuration;
use serde_json::{Value, json};
use simulator::{Change, Door, Fault, FaultKind, Operation, RunState};
use tests::{ACCOUNT, CAR, World};

const THERMIC: &str = "VF3CCHMZ6FW000301";

async fn sweep(world: &World) {
    // It may fail under an unkind database: the next run goes on.
    let _ = world.try_run("act").await;
    world.settle().await;
}

/// Lets a quarter of an hour pass, longer than a rule takes to reach its cars.
async fn spread(world: &World) {
    for _ in 0..3 {
        world.clock.advance(SignedDuration::from_mins(5));
        sweep(world).await;
    }
}

/// Declares a rule; returns its id.
async fn declare(world: &World, rule: Value) -> String {
    let answer = world.patiently("POST", "/v1/monitors", Some(rule)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    world.settle().await;
    answer.body["id"].as_str().unwrap().to_owned()
}

fn ready(when: Value) -> Value {
    let mut rule = json!({"name": when["use"]});
    rule["when"] = when;
    rule
}

/// How a rule stands on a car, and why.
async fn standing(world: &World, id: &str, vin: &str, rule: &str) -> String {
    let page = world.read(&format!("/v1/enrollments/{id}/vehicles/{vin}/monitors")).await;
    let mut items = page["items"].as_array().unwrap().iter();
    let Some(item) = items.find(|item| item["monitor"] == rule) else { return "none".to_owned() };
    match item["why"].as_str() {
        Some(why) => format!("{} {why}", item["state"].as_str().unwrap()),
        None => item["state"].as_str().unwrap().to_owned(),
    }
}

async fn park(world: &World) {
    world.park();
    world.run("refresh").await;
    sweep(world).await;
}

async fn touch(world: &World, change: Change) {
    world.clock.advance(SignedDuration::from_mins(1));
    world.maker().touch_car(CAR, change).unwrap();
    world.maker().run_events().await;
}

/// How often the maker sent something of this rule's monitor.
fn sent(world: &World, rule: &str) -> usize {
    let monitors = world.maker().monitors();
    let monitor = monitors.iter().find(|monitor| monitor.label == rule).expect("a monitor");
    let deliveries = world.maker().deliveries();
    let told = deliveries.iter().any(|delivery| delivery.body.contains(&monitor.id));
    assert_eq!(told, monitor.fired > 0, "what fires is sent: {rule}");
    usize::try_from(monitor.fired).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_ready_made_rule_becomes_active_and_really_triggers() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    park(&world).await;
    touch(&world, Change::BatteryLevel(60.0)).await;
    touch(&world, Change::Plugged(false)).await;
    touch(&world, Change::Moved { latitude: 48.5, longitude: 2.5 }).await;
    let door = |open| Change::Door { door: Door::Trunk, open };
    let circle = json!({"circle": {"latitude": 48.5, "longitude": 2.5, "radius_km": 2}});
    let place = |word: &str| {
        let mut when = circle.clone();
        when["use"] = json!(word);
        when
    };
    let stories = [
        (json!({"use": "left_place"}), vec![Change::Moved { latitude: 49.5, longitude: 2.5 }]),
        (json!({"use": "entered_place"}), vec![Change::Moved { latitude: 48.5, longitude: 2.5 }]),
        (json!({"use": "door_open_while_parked"}), vec![door(true)]),
        (json!({"use": "charging_started"}), vec![Change::Charging(true)]),
        (json!({"use": "charging_ended"}), vec![Change::Charging(false)]),
        (json!({"use": "battery_below", "level": 20}), vec![Change::BatteryLevel(12.0)]),
        (json!({"use": "alert_raised"}), vec![Change::AlertRaised("RiskOfIce".into())]),
        (
            json!({"use": "alert_raised", "kinds": ["FuelLevelLow"]}),
            vec![Change::AlertRaised("FuelLevelLow".into())],
        ),
    ];
    for (when, changes) in stories {
        let called = when["use"].as_str().unwrap().to_owned();
        let when = if called.ends_with("place") { place(&called) } else { when };
        let rule = declare(&world, ready(when)).await;
        sweep(&world).await;
        assert_eq!(standing(&world, &id, CAR, &rule).await, "active", "{called}");
        assert_eq!(sent(&world, &rule), 0, "{called}: what holds already is no news");

        for change in changes {
            touch(&world, change).await;
        }

        assert_eq!(sent(&world, &rule), 1, "{called}");
        let gone = world.api("DELETE", &format!("/v1/monitors/{rule}"), None).await;
        assert_eq!(gone.status, 204);
        world.settle().await;
        sweep(&world).await;
        assert!(world.maker().monitors().is_empty(), "{called}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drive_at_night_and_a_change_of_privacy_are_told() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    // Every hour is night to this one, so that the next drive is one.
    let night = declare(
        &world,
        ready(json!({"use": "moved_at_night", "night": {"from": "00:00", "until": "00:00"}})),
    )
    .await;
    let privacy = declare(&world, ready(json!({"use": "privacy_changed"}))).await;
    spread(&world).await;
    assert_eq!(standing(&world, &id, CAR, &night).await, "active");
    assert_eq!(standing(&world, &id, CAR, &privacy).await, "active");

    let (start, stop) = world.maker().drives(CAR, world.now(), 2)[1];
    world.clock.advance_to(start + SignedDuration::from_mins(1));
    world.maker().run_events().await;
    world.clock.advance_to(stop + SignedDuration::from_mins(1));
    world.maker().run_events().await;
    assert!(sent(&world, &night) >= 1);
    world.maker().edit_car(CAR, |car| car.privacy = simulator::Privacy::Geolocation).unwrap();
    touch(&world, Change::Woken).await;
    assert_eq!(sent(&world, &privacy), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_car_or_consent_that_does_not_offer_it_says_why() {
    let world = World::start().await;
    let battery = declare(&world, ready(json!({"use": "battery_below", "level": 20}))).await;
    let place = declare(
        &world,
        ready(json!({"use": "left_place", "circle": {"latitude": 48.5, "longitude": 2.5, "radius_km": 2}})),
    )
    .await;
    let scopes = json!(["openid", "data:telemetry"]);
    let id = world.enroll_with("user-1", "peugeot", "peugeot-camille", &scopes).await;
    spread(&world).await;

    assert_eq!(standing(&world, &id, THERMIC, &battery).await, "unsupported capability");
    assert_eq!(standing(&world, &id, THERMIC, &place).await, "unsupported scope");
    let of_rule = world.read(&format!("/v1/monitors/{battery}/vehicles")).await;
    let mut states: Vec<_> = of_rule["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["vin"].as_str().unwrap(), item["state"].as_str().unwrap()))
        .collect();
    states.sort_unstable();
    assert_eq!(states, [(THERMIC, "unsupported"), ("VF3M45GFUPS000308", "active")]);
    assert_eq!(world.maker().monitors().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_rule_changes_its_monitor_and_one_behind_our_back_is_healed() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    let mut rule = ready(json!({"use": "battery_below", "level": 20}));
    rule["target"] = json!({"car": {"enrollment": id, "vin": CAR}});
    let mon = declare(&world, rule.clone()).await;
    let first = world.maker().monitors()[0].clone();
    assert_eq!(first.parameter["triggerParam"]["triggers"][0]["data"]["value"], json!(["20"]));

    rule["when"]["level"] = json!(35);
    world.maker().fault(Fault::once(Operation::MonitorUpdate, FaultKind::LostAnswer));
    let changed = world.api("PUT", &format!("/v1/monitors/{mon}"), Some(rule.clone())).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    world.settle().await;
    assert_eq!(standing(&world, &id, CAR, &mon).await, "pending");
    spread(&world).await;
    let second = world.maker().monitors()[0].clone();
    assert_eq!(second.id, first.id);
    assert_eq!(second.parameter["triggerParam"]["triggers"][0]["data"]["value"], json!(["35"]));
    assert_eq!(standing(&world, &id, CAR, &mon).await, "active");
    assert_eq!(
        world.maker().calls(Operation::MonitorUpdate),
        1,
        "what it says is seen, not said twice"
    );

    world.maker().set_run_state(&first.id, RunState::Failed).unwrap();
    world.clock.advance(SignedDuration::from_hours(25));
    sweep(&world).await;
    assert_eq!(world.maker().monitors()[0].status, RunState::Running);
    world.maker().lose_monitor(&first.id).unwrap();
    world.clock.advance(SignedDuration::from_hours(25));
    sweep(&world).await;
    assert_eq!(world.maker().monitors().len(), 1);

    world.api("DELETE", &format!("/v1/enrollments/{id}"), None).await;
    world.settle().await;
    sweep(&world).await;
    assert_eq!(world.status(&id).await, "erased");
    assert_eq!(world.api("GET", &format!("/v1/monitors/{mon}"), None).await.status, 404);
    // Its rules go with it.
    world.assert_nowhere(&[CAR, &mon]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_never_makes_a_second_monitor_even_under_an_unkind_database() {
    for seed in 1..=2 {
        let world = World::unkind(seed).await;
        world.maker().fault(Fault::once(Operation::MonitorCreate, FaultKind::LostAnswer));
        let mon = declare(&world, ready(json!({"use": "charging_started"}))).await;
        let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
        for _ in 0..4 {
            spread(&world).await;
        }

        assert_eq!(world.maker().monitors().len(), 1, "seed {seed}");
        assert_eq!(standing(&world, &id, CAR, &mon).await, "active", "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_car_has_five_monitors_and_the_sixth_waits_for_room() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    let mut rules = Vec::new();
    for level in 1..=6 {
        world.clock.advance(SignedDuration::from_secs(1));
        rules.push(declare(&world, ready(json!({"use": "battery_below", "level": level}))).await);
    }
    spread(&world).await;
    assert_eq!(world.maker().monitors().len(), 5);
    for rule in &rules[..5] {
        assert_eq!(standing(&world, &id, CAR, rule).await, "active");
    }
    assert_eq!(standing(&world, &id, CAR, &rules[5]).await, "failed too_many");

    world.api("DELETE", &format!("/v1/monitors/{}", rules[2]), None).await;
    world.settle().await;
    spread(&world).await;

    assert_eq!(standing(&world, &id, CAR, &rules[2]).await, "none");
    assert_eq!(standing(&world, &id, CAR, &rules[5]).await, "active");
    assert_eq!(world.maker().monitors().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_for_whom_it_names_and_reaches_a_car_that_comes_later() {
    let world = World::start().await;
    let kim = world.enroll("user-kim", "opel", "opel-kim").await;
    let alex = world.enroll("user-alex", "peugeot", ACCOUNT).await;
    let mut rule = ready(json!({"use": "charging_started"}));
    rule["target"] = json!({"user_ref": "user-kim"});
    let mon = declare(&world, rule).await;
    spread(&world).await;
    assert_eq!(standing(&world, &kim, "VXKUHZKXZP4000011", &mon).await, "active");
    assert_eq!(standing(&world, &alex, CAR, &mon).await, "none");
    let all = declare(&world, ready(json!({"use": "privacy_changed"}))).await;
    spread(&world).await;
    assert_eq!(standing(&world, &alex, CAR, &all).await, "active");

    // Kim sells; the car's monitors there are no longer ours, and the buyer's begin.
    let buyer = world.enroll("user-buyer", "opel", "opel-alex").await;
    world.maker().sell("VXKUHZKXZP4000011", "opel-alex").unwrap();
    for _ in 0..27 {
        world.clock.advance(SignedDuration::from_hours(1));
        world.run("fetch").await;
    }
    spread(&world).await;
    assert_eq!(standing(&world, &buyer, "VXKUHZKXZP4000011", &all).await, "active");
    assert_eq!(standing(&world, &buyer, "VXKUHZKXZP4000011", &mon).await, "none");
    let of_rule = world.read(&format!("/v1/monitors/{mon}/vehicles")).await;
    assert_eq!(of_rule["items"], json!([]), "{of_rule}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_about_places_is_for_a_key_that_may_know_them() {
    let world = World::start().await;
    let circle = json!({"latitude": 48.85, "longitude": 2.35, "radius_km": 1});
    let home = json!({"zone": {"transition": "in", "circle": circle}});
    let places = [
        ready(json!({"use": "entered_place", "circle": circle})),
        json!({"name": "home", "when": {"bool_exp": "home", "triggers": {"home": home}}}),
        json!({"name": "where", "when": {"use": "charging_started"}, "extend": ["vehicle.position"]}),
    ];
    let mut known = Vec::new();
    for rule in &places {
        known.push(declare(&world, rule.clone()).await);
    }
    let charging = declare(&world, ready(json!({"use": "charging_ended"}))).await;

    world.narrow_key(&["admin", "read"]);

    for (id, rule) in known.iter().zip(&places) {
        let path = format!("/v1/monitors/{id}");
        for answer in [
            world.api("POST", "/v1/monitors", Some(rule.clone())).await,
            world.api("GET", &path, None).await,
            world.api("PUT", &path, Some(ready(json!({"use": "charging_ended"})))).await,
            world.api("PUT", &format!("/v1/monitors/{charging}"), Some(rule.clone())).await,
        ] {
            let problem = (answer.status, answer.body["type"].as_str());
            assert_eq!(problem, (403, Some("insufficient_scope")), "{rule}");
        }
    }
    let seen = world.read("/v1/monitors").await;
    let seen: Vec<_> = seen["items"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!(seen, [&json!(charging)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_declares_one_rule() {
    let world = World::start().await;
    let declare = async |name: &str| {
        let rule = json!({"name": name, "when": {"use": "charging_started"}});
        world.post_once("once", "/v1/monitors", rule).await
    };

    let (one, again) = (declare("charging").await, declare("charging").await);
    let other = declare("another").await;

    assert_eq!((one.status, again.status), (201, 201), "{}", one.body);
    assert_eq!(one.body, again.body);
    assert_eq!((other.status, &other.body["type"]), (409, &json!("idempotency_key_reused")));
    assert_eq!(world.read("/v1/monitors").await["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_may_not_say_is_refused_by_field_and_nothing_is_stored() {
    let world = World::start().await;
    let wrong = [
        (json!({"name": "", "when": {"use": "charging_started"}}), "name"),
        (json!({"name": "a", "when": {"use": "charging_started"}, "refresh_s": 59}), "refresh_s"),
        (json!({"name": "a", "when": {"use": "battery_below", "level": 0}}), "when.level"),
        (
            json!({"name": "a", "when": {"bool_exp": "a", "triggers": {"a": {"data": {"data": "privacy.state", "op": "lower_than", "value": ["None"]}}}}}),
            "when.triggers.a.data.op",
        ),
        (
            json!({"name": "a", "when": {"bool_exp": "a | b", "triggers": {"a": {"data": {"data": "privacy.state", "op": "on_change"}}}}}),
            "when.bool_exp",
        ),
    ];
    let unknown = json!({"name": "a", "when": {"use": "nothing"}});
    assert_eq!(world.api("POST", "/v1/monitors", Some(unknown)).await.status, 400);
    for (rule, field) in wrong {
        let answer = world.api("POST", "/v1/monitors", Some(rule.clone())).await;
        assert_eq!(answer.status, 422, "{rule}");
        assert_eq!(answer.body["field"], field, "{}", answer.body);
    }
    let car = json!({"name": "a", "when": {"use": "charging_started"}, "target": {"car": {"enrollment": "enr_00000000000000000000000000", "vin": CAR}}});
    assert_eq!(world.api("POST", "/v1/monitors", Some(car)).await.status, 404);
    assert_eq!(world.read("/v1/monitors").await["items"], json!([]));

    let mon = declare(&world, ready(json!({"use": "charging_started"}))).await;
    let mut other = ready(json!({"use": "charging_started"}));
    other["target"] = json!({"user_ref": "user-1"});
    let moved = world.api("PUT", &format!("/v1/monitors/{mon}"), Some(other)).await;
    assert_eq!((moved.status, &moved.body["field"]), (422, &json!("target")));
    let listed = world.read("/v1/monitors").await;
    assert_eq!(listed["items"][0]["id"], mon.as_str());
    assert_eq!(listed["items"][0]["when"], json!({"use": "charging_started"}));
}
