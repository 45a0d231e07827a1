//! Remotes as documents: what is taken, what is refused, and how often it was sent.

use serde_json::{Value, json};
use simulator::{Fault, FaultKind, Operation};

use crate::support::{EVERYTHING, Maker, REMOTES, callback, field};

const ALEX: &str = "peugeot-alex";

fn door(state: &str) -> Value {
    json!({"door": {"state": state}})
}

#[tokio::test]
async fn remotes_with_other_than_one_sound_action_are_refused() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, REMOTES).await;
    let callback = session.subscribe("https://hooks.example/").await;
    let path = format!("/user/vehicles/{}/callbacks/{callback}/remotes", session.car().await);
    let air = |air: Value| json!({"preconditioning": {"airConditioning": air}});
    let charging = |charging: Value| json!({"charging": charging});
    let program =
        json!({"slot": 1, "enabled": true, "start": "PT7H", "occurence": {"day": ["Mon"]}});
    let wrong = [
        json!({}),
        json!({"label": "x"}),
        json!({"door": null}),
        json!({"door": {"state": "Locked"}, "horn": {"state": "Activated"}}),
        json!({"door": {"state": "locked"}}),
        json!({"door": {}}),
        json!({"door": {"state": "Locked"}, "boot": {}}),
        json!({"horn": {"state": "Loud"}}),
        json!({"lights": {"on": "true"}}),
        json!({"lights": {}}),
        json!({"wakeUp": {"action": "Sleep"}}),
        json!({"navigation": {"positions": []}}),
        json!({"navigation": {"positions": [{"type": "Point", "coordinates": [2.3]}]}}),
        json!({"navigation": {"positions": [{"type": "Point", "coordinates": [2.3, 148.8]}]}}),
        charging(json!({})),
        charging(json!({"immediate": true, "preferences": {"type": "Full"}})),
        charging(json!({"preferences": {"level": "Level9"}})),
        charging(json!({"schedule": {"nextDelayedTime": "soon"}})),
        charging(json!({"schedule": {}})),
        air(json!({})),
        air(json!({"immediate": "yes"})),
        air(json!({"programs": [{"slot": 5, "actionsType": "Delete"}]})),
        air(json!({"programs": [{"slot": 1, "start": "PT7H"}]})),
        air(json!({"programs": [program, program]})),
        json!({"door": {"state": "Locked"}, "attributes": [{"type": "Query", "key": "a", "value": "b"}]}),
    ];

    for body in wrong {
        let refused = session.post(&path, &body).await;
        assert_eq!((refused.status, &refused.json()["code"]), (400, &json!(40000)), "{body}");
    }
    for right in [
        air(json!({"programs": [program]})),
        air(json!({"programs": [{"slot": 2, "actionsType": "Delete"}], "immediate": false})),
        charging(json!({"schedule": {"nextDelayedTime": "2026-03-05T01:00:00+01:00"}})),
        charging(json!({"preferences": {"type": "Partial"}})),
        json!({"wakeUp": {}, "label": "hello"}),
    ] {
        assert_eq!(session.post(&path, &right).await.status, 202, "{right}");
    }
}

#[tokio::test]
async fn each_remote_wants_its_own_scope_and_a_callback_for_remotes() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, REMOTES).await;
    let callback_id = session.subscribe("https://hooks.example/").await;
    let car = session.car().await;
    let path = format!("/user/vehicles/{car}/callbacks/{callback_id}/remotes");
    let horn = maker.access(ALEX, "openid remote:horn:write").await;

    assert_eq!(horn.post(&path, &json!({"horn": {"state": "Activated"}})).await.status, 202);
    let refused = horn.post(&path, &door("Unlocked")).await;
    assert_eq!((refused.status, &refused.json()["code"]), (403, &json!(40300)));
    assert_eq!(horn.get(&path).await.status, 200);
    assert_eq!(maker.access(ALEX, EVERYTHING).await.get(&path).await.status, 403);
    let mut for_monitors = callback("https://hooks.example/");
    for_monitors["type"] = json!(["Monitor"]);
    let made = session.post("/user/callbacks", &for_monitors).await.json();
    let other = format!("/user/vehicles/{car}/callbacks/{}/remotes", field(&made, "callbackId"));
    assert_eq!(session.post(&other, &door("Unlocked")).await.status, 400);
    assert_eq!(session.get(&format!("{path}/00")).await.status, 404);
}

#[tokio::test]
async fn a_test_can_tell_how_often_an_action_was_posted_whatever_became_of_it() {
    let maker = Maker::start().await;
    let world = maker.simulator.world();
    let session = maker.access(ALEX, REMOTES).await;
    let callback = session.subscribe("https://hooks.example/").await;
    let path = format!("/user/vehicles/{}/callbacks/{callback}/remotes", session.car().await);
    let labelled = |label: &str| json!({"label": label, "door": {"state": "Unlocked"}});

    world.fault(Fault::once(Operation::RemoteSend, FaultKind::Status(500)));
    assert_eq!(session.post(&path, &labelled("one")).await.status, 500);
    assert!(world.remotes().is_empty());
    assert_eq!(world.remote_posts().len(), 1);
    session.post(&path, &labelled("one")).await;
    session.post(&path, &labelled("two")).await;

    let posts: Vec<usize> = world.remotes().iter().map(|remote| remote.posts).collect();
    assert_eq!(posts, [2, 1]);
    assert_eq!(world.calls(Operation::RemoteSend), 3);
}
