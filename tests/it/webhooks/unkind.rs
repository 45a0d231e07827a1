//! Death at any step, and a database that is unkind: nothing lost, nothing under two ids.

use std::time::Duration;

use accessing_party::{Effect, Operation as Db, Rule};
use jiff::SignedDuration;
use serde_json::json;
use shared::clock::Budget;
use tests::{Moment, Receiver, World, each_death};

use super::{ACCOUNT, begin, hook, ids, in_order, sweep, told};

const STEPS: [Db; 6] =
    [Db::TransactWriteItems, Db::UpdateItem, Db::DeleteItem, Db::Query, Db::GetItem, Db::PutEvents];

#[tokio::test(flavor = "multi_thread")]
async fn a_death_of_deliver_at_any_step_loses_nothing_and_tells_none_under_two_ids() {
    let story = async |moment: Moment| {
        let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
        hook(&world, &receiver, json!({})).await;
        let begun = moment.during(&world, async {
            let mut begun = Vec::new();
            for user in ["user-1", "user-2"] {
                begun.push(begin(&world, user).await);
                world.settle().await;
            }
            begun
        });
        let Some(begun) = begun.await else { return false };
        for _ in 0..2 {
            world.clock.advance(SignedDuration::from_mins(2));
            sweep(&world).await;
        }

        let begun: Vec<&str> = begun.iter().map(String::as_str).collect();
        let all = told(&world, &begun).await;
        assert_eq!(all.len(), 2, "{moment:?}");
        assert_eq!(ids(&receiver.taken()), all, "{moment:?}");
        let bus = world.cloud.bus().received();
        let on_bus = |id: &String| bus.iter().any(|event| event["id"] == id.as_str());
        assert!(all.iter().all(on_bus), "{moment:?}");
        world.assert_nowhere(&["LANE#", "EVT#"]).await;
        true
    };

    let deaths = each_death("deliver", &STEPS, story).await;
    assert!(deaths >= 20, "{deaths}");
}

/// A look at the car, and whatever follows. A run that fails leaves its work due.
async fn look(world: &World, minutes: i64) {
    world.clock.advance(SignedDuration::from_mins(minutes));
    for function in ["refresh", "fetch", "deliver"] {
        let _ = world.try_run(function).await;
    }
    let _ = world.cloud.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_unkind_database_everything_arrives_in_order_under_its_own_id() {
    for seed in 1..=2 {
        let (world, receiver) = (World::unkind(seed).await, Receiver::start().await.unwrap());
        world.cloud.faults().calm(true);
        hook(&world, &receiver, json!({})).await;
        let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
        world.cloud.faults().calm(false);
        for turn in 0..24 {
            // Down every third hour.
            receiver.answer(if turn / 3 % 3 == 2 { 503 } else { 200 });
            look(&world, 20).await;
        }
        assert!(!world.cloud.faults().strikes().is_empty());
        world.cloud.faults().calm(true);
        receiver.answer(200);
        for _ in 0..6 {
            look(&world, 90).await;
        }

        let taken = receiver.taken();
        let all = told(&world, &[&id]).await;
        assert!(all.len() > 6, "{seed}: {}", all.len());
        assert_eq!(ids(&taken), all, "{seed}");
        assert!(in_order(&taken), "{seed}");
        let mut bus: Vec<String> = world
            .cloud
            .bus()
            .received()
            .iter()
            .map(|event| event["id"].as_str().unwrap().to_owned())
            .collect();
        bus.sort();
        bus.dedup();
        assert_eq!(bus, all, "{seed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bus_did_not_take_is_offered_again() {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    hook(&world, &receiver, json!({})).await;
    let down = Rule::once(Effect::Unavailable).of("deliver").at(Db::PutEvents);
    world.cloud.faults().next(down.times(8));
    let id = begin(&world, "user-1").await;
    world.settle().await;
    let all = told(&world, &[&id]).await;
    assert_eq!(ids(&receiver.taken()), all, "the endpoint does not wait for the bus");
    assert!(world.cloud.bus().received().is_empty());

    world.cloud.faults().clear();
    world.clock.advance(SignedDuration::from_mins(2));
    sweep(&world).await;
    let bus = world.cloud.bus().received();
    assert_eq!(bus.len(), 1);
    assert_eq!(bus[0]["id"], all[0].as_str());
    let left = world.text_of("Outbox").await;
    assert!(!left.contains("BUS#"), "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_hangs_holds_up_itself_alone() {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    hook(&world, &receiver, json!({})).await;
    let hangs = Rule::once(Effect::Hang).of("deliver").at(Db::PutEvents).times(40);
    world.cloud.faults().next(hangs);

    let quick = Budget::lasting(Duration::from_secs(8));
    let mut begun = Vec::new();
    for user in ["user-1", "user-2", "user-3", "user-4"] {
        begun.push(begin(&world, user).await);
        world.settle().await;
    }
    // It is waited for once, not for each event.
    assert!(!quick.is_over());
    let begun: Vec<&str> = begun.iter().map(String::as_str).collect();
    let all = told(&world, &begun).await;
    assert_eq!(ids(&receiver.taken()), all);

    world.cloud.faults().clear();
    world.clock.advance(SignedDuration::from_mins(2));
    sweep(&world).await;
    let bus = world.cloud.bus().received();
    let mut on_bus: Vec<&str> = bus.iter().map(|event| event["id"].as_str().unwrap()).collect();
    on_bus.sort_unstable();
    assert_eq!(on_bus, all);
}
