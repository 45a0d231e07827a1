//! A rule about a place tells where a car is by coming true.

use serde_json::json;
use simulator::Change;
use tests::{Receiver, World};

use super::{ACCOUNT, declare, park, ready, sweep, touch};

const TRIGGERED: &str = "vehicle.monitor.triggered";

#[tokio::test(flavor = "multi_thread")]
async fn that_a_rule_about_a_place_came_true_is_told_to_whoever_may_know_places() {
    let world = World::start().await;
    let (with, without) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
    for (receiver, positions) in [(&with, true), (&without, false)] {
        let hook = json!({"url": receiver.url(), "positions": positions, "types": [TRIGGERED]});
        assert_eq!(world.api("POST", "/v1/webhooks", Some(hook)).await.status, 201);
    }
    world.enroll("user-1", "peugeot", ACCOUNT).await;
    park(&world).await;
    touch(&world, Change::Moved { latitude: 48.5, longitude: 2.5 }).await;
    touch(&world, Change::BatteryLevel(60.0)).await;
    let circle = json!({"latitude": 48.5, "longitude": 2.5, "radius_km": 2});
    let place = declare(&world, ready(json!({"use": "left_place", "circle": circle}))).await;
    let level = declare(&world, ready(json!({"use": "battery_below", "level": 20}))).await;
    sweep(&world).await;

    touch(&world, Change::Moved { latitude: 49.5, longitude: 2.5 }).await;
    touch(&world, Change::BatteryLevel(12.0)).await;
    world.settle().await;

    let rules = |receiver: &Receiver| {
        let mut rules: Vec<String> = receiver
            .taken()
            .iter()
            .map(|it| it.event["data"]["monitor"].as_str().unwrap().to_owned())
            .collect();
        rules.sort();
        rules
    };
    let mut both = vec![place.clone(), level.clone()];
    both.sort();
    assert_eq!(rules(&with), both);
    let bus = format!("{:?}", world.cloud.bus().received());
    assert!(bus.contains(&level) && !bus.contains(&place), "{bus}");
    assert_eq!(rules(&without), [level]);
}
