//! Death, silence and a database's bad days lose nothing and tell nothing twice.

use accessing_party::Operation as Db;
use tests::{Moment, each_death, each_seed};

use super::*;

const STEPS: [Db; 5] =
    [Db::UpdateItem, Db::PutItem, Db::TransactWriteItems, Db::DeleteItem, Db::GetItem];

#[tokio::test(flavor = "multi_thread")]
async fn streams_stopped_for_three_days_lose_nothing() {
    let inbox = Inbox::open().await;
    let mut sent = Vec::new();
    for hour in 0..72 {
        let message = inbox.message(5, 20 + hour % 50);
        assert_eq!(inbox.send(&message).await, 200);
        sent.push(message);
        inbox.world.clock.advance(SignedDuration::from_hours(1));
    }
    assert!(inbox.triggered().await.is_empty());

    for _ in 0..5 {
        inbox.sweep(2).await.unwrap();
    }

    assert_eq!(inbox.triggered().await, inbox.ids_of(&sent));
    assert_eq!(inbox.undone().await, 0);
    assert_eq!(inbox.level().await, json!(41.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_anywhere_loses_nothing_and_tells_nothing_twice() {
    let mut deaths = 0;
    for function in ["notify", "digest"] {
        deaths += each_death(function, &STEPS, dies).await;
    }
    println!("{deaths} deaths of notify and digest");
    assert!(deaths >= 12, "{deaths}");
}

/// One death; whether it came.
async fn dies(moment: Moment) -> bool {
    let inbox = Inbox::open().await;
    let mut hint = inbox.message(9, 70);
    hint["attributes"][1]["value"] = json!("wrong");
    let messages = [inbox.message(7, 21), inbox.message(5, 19)];
    let batch = json!([messages[0], hint, messages[1]]);

    let came = moment.during(&inbox.world, async {
        inbox.deliver(&batch).await;
        inbox.world.settle().await;
    });
    let came = came.await.is_some();
    inbox.deliver(&batch).await;
    for _ in 0..3 {
        inbox.sweep(3).await.unwrap();
        inbox.world.settle().await;
    }

    assert_eq!(inbox.triggered().await, inbox.ids_of(&messages), "{moment:?}");
    assert_eq!(inbox.told("vehicle.monitor.triggered").await.len(), 2, "{moment:?}");
    assert_eq!(inbox.undone().await, 0, "{moment:?}");
    assert_eq!(inbox.level().await, json!(19.0), "{moment:?}");
    came
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unkind_database_loses_nothing() {
    each_seed("an_unkind_database", (3, 20), under_an_unkind_database).await;
}

async fn under_an_unkind_database(seed: u64) {
    let world = World::unkind(seed).await;
    world.cloud.faults().calm(true);
    let inbox = Inbox::of(world).await;
    let sent: Vec<_> = (0..30).map(|index| inbox.message(600 - index * 10, 20 + index)).collect();
    inbox.world.cloud.faults().calm(false);
    for batch in sent.chunks(7) {
        inbox.deliver(&json!(batch)).await;
        inbox.world.settle().await;
    }
    for _ in 0..4 {
        // It may fail: the next goes on.
        let _ = inbox.sweep(3).await;
        inbox.world.settle().await;
    }
    inbox.world.cloud.faults().calm(true);
    for _ in 0..3 {
        inbox.sweep(5).await.unwrap();
    }

    assert_eq!(inbox.triggered().await, inbox.ids_of(&sent), "seed {seed}");
    assert_eq!(inbox.told("vehicle.monitor.triggered").await.len(), sent.len(), "seed {seed}");
    assert_eq!(inbox.level().await, json!(49.0), "seed {seed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_six_megabytes_is_kept_in_parts_and_digested() {
    let inbox = Inbox::open().await;
    let mut message = inbox.message(5, 19);
    // What does not compress.
    let mut noise = String::new();
    while noise.len() < 5_500_000 {
        noise.push_str(&shared::random::id());
    }
    message["monitorEvent"]["extensions"] =
        json!([{"type": "vehicle.telemetry", "body": [{"telemetry": noise}]}]);

    assert_eq!(inbox.send(&message).await, 200);
    assert!(inbox.items("PART#").await.len() > 5);
    inbox.world.settle().await;

    assert_eq!(inbox.triggered().await, inbox.ids_of([&message]));
    assert!(inbox.items("PART#").await.is_empty(), "they go with it");
    let too_long = " ".repeat((6 << 20) + 1);
    assert_eq!(inbox.send_to(&inbox.path, &too_long).await, 413);
}
