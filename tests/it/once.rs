//! Each event reaches the bus and the endpoint once, as long as nothing fails and nobody dies.
//!
//! `cargo test` plays two days of four cars, `DAYS=30 cargo test …` the whole month.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::json;
use simulator::{Account, Brand, Car, CarKind, Change};
use tests::{Luck, Receiver, World, setting};

/// Four drivers with a car each, one of which charges and burns.
async fn drivers(world: &World) -> Vec<String> {
    let mut vins = Vec::new();
    for number in 0..4 {
        let brand = Brand::ALL[number];
        let account = format!("{brand}-once-{number}");
        world.maker().add_account(Account::new(&account, brand, "Robin", "Weber"));
        let kind = [CarKind::Electric, CarKind::Hybrid][number % 2];
        let vin = format!("VR3NCTHXZPT{number:06}");
        world.maker().add_car(&account, Car::new(&vin, brand, kind, "told of once")).unwrap();
        world.enroll(&account, &brand.to_string(), &account).await;
        vins.push(vin);
    }
    vins
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_twice_where_nothing_fails() {
    let days: i64 = setting("DAYS").unwrap_or(2);
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    let wish = json!({"url": receiver.url()});
    assert_eq!(world.api("POST", "/v1/webhooks", Some(wish)).await.status, 201);
    let vins = drivers(&world).await;
    let mut luck = Luck::new(7);

    for _ in 0..days * 24 {
        // Several changes of one car at once are several events of one partition.
        let vin = luck.pick(&vins).clone();
        let level = 20.0 + f64::from(u32::try_from(luck.below(60)).unwrap());
        world.maker().touch_car(&vin, Change::BatteryLevel(level)).unwrap();
        world.maker().touch_car(&vin, Change::Locked(luck.once_in(2))).unwrap();
        world.clock.advance(SignedDuration::from_hours(1));
        world.run_all().await;
    }

    let mut on_bus: BTreeMap<String, usize> = BTreeMap::new();
    for event in world.cloud.bus().received() {
        *on_bus.entry(event["id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let twice = on_bus.values().filter(|times| **times > 1).count();
    let posts = receiver.posted();
    println!(
        "{days} days: {} events on the bus, {twice} of them twice; {} posts",
        on_bus.len(),
        posts.len()
    );
    assert!(on_bus.len() > 40, "{}", on_bus.len());
    assert_eq!(twice, 0);
    let mut posted: Vec<&str> = posts.iter().map(|post| post.id.as_str()).collect();
    posted.sort_unstable();
    assert!(posted.is_sorted_by(|one, next| one < next), "an event was posted twice");
    assert!(on_bus.keys().all(|id| posted.binary_search(&id.as_str()).is_ok()));
    assert!(world.cloud.faults().strikes().is_empty());
}
