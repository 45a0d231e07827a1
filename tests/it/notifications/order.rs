//! The order in which messages come, how often and in what company, changes nothing.

use futures_util::{StreamExt, stream};
use tests::{Luck, setting};

use super::*;

/// So many messages of a week's last days, by all monitors' names: levels, charging, the odometer.
fn messages(inbox: &Inbox, count: i64) -> Vec<Value> {
    let start = inbox.world.now() - SignedDuration::from_hours(48);
    let literal = |data: &str, text: String| json!({"data": data, "value": {"type": "string", "body": {"literalValue": text}}});
    let message = |index: i64| {
        let date = start + SignedDuration::from_secs(index * 80);
        let mut message = inbox.message_at(date, 20 + index % 60);
        let status = if index % 7 < 3 { "InProgress" } else { "Stopped" };
        let more = match index % 5 {
            0 => literal("vehicle.energy.charging.status", status.into()),
            1 => literal("vehicle.odometer", (10_000 + index).to_string()),
            2 => literal("vehicle.energy.electric.autonomy", (100 + index % 80).to_string()),
            3 => literal("vehicle.kinetic.moving", (index % 2 == 0).to_string()),
            _ => literal("vehicle.trip.distance", index.to_string()),
        };
        message["monitorEvent"]["values"].as_array_mut().unwrap().push(more);
        if index % 9 == 0 {
            let at = date - SignedDuration::from_secs(30);
            let energy = json!({"type": "Electric", "level": 90 - index % 60, "autonomy": 250,
                "createdAt": at.to_string()});
            let status = json!({"energies": [energy]});
            message["monitorEvent"]["extensions"] =
                json!([{"type": "vehicle.status", "body": [{"status": status}]}]);
        }
        message
    };
    (0..count).map(message).collect()
}

/// Everything that a car's state says, but for what belongs to its enrollment.
async fn state(inbox: &Inbox) -> Value {
    inbox.car().await["state"].clone()
}

async fn ids(inbox: &Inbox, kind: &str) -> BTreeSet<String> {
    let events = inbox.told(kind).await;
    events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn shuffled_repeated_and_batched_they_leave_the_same_as_in_order_once() {
    let count: i64 = setting("NOTIFICATIONS").unwrap_or(300);
    let (straight, mixed) = (Inbox::open().await, Inbox::open().await);
    // The first look came with the consent: what was before it changes nothing.
    for inbox in [&straight, &mixed] {
        inbox.world.clock.advance(SignedDuration::from_hours(50));
    }
    let in_order = messages(&straight, count);
    for some in in_order.chunks(50) {
        for message in some {
            straight.deliver(message).await;
        }
        // What lies in one partition is digested in the order in which it was put.
        straight.world.settle().await;
    }

    let mut all = messages(&mixed, count);
    let expected = mixed.ids_of(&all);
    let mut luck = Luck::new(7);
    let repeated: Vec<_> = (0..all.len() / 4).map(|_| luck.pick(&all).clone()).collect();
    all.extend(repeated);
    let mut below = |bound: usize| usize::try_from(luck.below(bound as u64)).unwrap();
    for index in (1..all.len()).rev() {
        let other = below(index + 1);
        all.swap(index, other);
    }
    let mut posts = Vec::new();
    while !all.is_empty() {
        let size = if below(3) == 0 { 1 + below(60) } else { 1 };
        let batch = all.split_off(all.len() - size.min(all.len()));
        posts.push(if batch.len() == 1 { batch[0].clone() } else { json!(batch) });
    }
    for some in posts.chunks(40) {
        let sent = stream::iter(some).map(|post| mixed.deliver(post)).buffer_unordered(4);
        sent.collect::<Vec<_>>().await;
        mixed.world.settle().await;
    }

    assert_eq!(mixed.undone().await + straight.undone().await, 0);
    assert_eq!(state(&mixed).await, state(&straight).await);
    assert_eq!(mixed.triggered().await, expected);
    assert_eq!(straight.triggered().await, straight.ids_of(&in_order));
    assert_eq!(expected.len(), in_order.len());
    // What changed nothing, coming late, is no change; what did has the id of its message.
    let changed = ids(&mixed, "vehicle.state.changed").await;
    assert_eq!(changed.len(), mixed.told("vehicle.state.changed").await.len());
    let most = ids(&straight, "vehicle.state.changed").await.len();
    assert!(most >= changed.len() && most > in_order.len() / 5, "{most}");
    println!(
        "{count} notifications in {} posts: {} changes told in order, {} mixed",
        posts.len(),
        most,
        changed.len()
    );
}
