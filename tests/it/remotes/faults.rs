//! A command is never sent twice, whatever fails, dies, or answers nothing.

use accessing_party::{Effect, Faults, Operation as Db, Rule};
use serde_json::json;
use simulator::{Fate, Fault, FaultKind, Operation};
use tests::{Luck, each_seed};

use super::{Garage, horn};

/// One command after another, each with a fault of the database at another moment.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_or_dies_at_any_write_of_act_it_is_sent_once_at_most() {
    let effects = [
        Effect::DieBefore,
        Effect::DieAfter,
        Effect::LostAnswer,
        Effect::Throttled,
        Effect::Unavailable,
        Effect::Conflict,
    ];
    let garage = Garage::open().await;
    let (mut struck, mut sent, mut unsent) = (0, 0, 0);
    for effect in effects {
        for db in [Db::TransactWriteItems, Db::PutItem, Db::UpdateItem, Db::DeleteItem] {
            for skip in 0.. {
                // Once, and for as long as anybody tries.
                let faults = garage.world.cloud.faults();
                let times = if skip % 2 == 0 { 1 } else { 40 };
                let rule = Rule::once(effect).of("act").at(db).after(skip / 2).times(times);
                faults.next(rule);
                garage.world.maker().next_remote(Fate::Success);
                let once = format!("{effect:?} {db:?} {skip}");
                let remote = garage.command(&once, &horn()).await;
                garage.world.settle().await;
                let untouched = times == 1 && faults.pending() == 1;
                faults.clear();
                let ended = garage.settled(&remote).await;
                let posts = garage.posted(&remote);
                assert!(posts <= 1, "{once}: {posts} {ended}");
                match posts {
                    1 => assert_eq!(ended["outcome"], "success", "{once}: {ended}"),
                    _ => assert!(
                        ended["state"] == "expired" || ended["state"] == "unknown",
                        "{once}: {ended}"
                    ),
                }
                sent += posts;
                unsent += 1 - posts;
                if untouched {
                    break;
                }
                struck += 1;
            }
        }
    }
    println!("{struck} moments: {sent} sent, {unsent} never");
    assert!(struck >= 12 && sent > 0 && unsent > 0, "{struck} {sent} {unsent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_maker_answers_or_does_not_it_is_asked_and_not_told_again() {
    let garage = Garage::open().await;
    let html = FaultKind::Answer {
        status: 202,
        content_type: "application/json".into(),
        body: "{}".into(),
    };
    // What comes instead of an answer, whether it was done, and how it must end.
    let cases = [
        (FaultKind::LostAnswer, "success"),
        (FaultKind::Status(500), "unknown"),
        (FaultKind::Status(503), "unknown"),
        (FaultKind::Timeout, "unknown"),
        (FaultKind::Html, "unknown"),
        (FaultKind::BrokenJson, "unknown"),
        (FaultKind::Detour, "unknown"),
        (html, "unknown"),
        (FaultKind::Status(400), "refused"),
        (FaultKind::Status(401), "refused"),
        (FaultKind::Status(403), "missing_rights"),
        (FaultKind::Status(404), "refused"),
        (FaultKind::RetryAfter(1), "limited"),
    ];
    for (index, (kind, expected)) in cases.into_iter().enumerate() {
        garage.world.maker().fault(Fault::once(Operation::RemoteSend, kind.clone()));
        garage.world.maker().next_remote(Fate::Success);
        let remote = garage.command(&index.to_string(), &horn()).await;
        garage.world.settle().await;
        let first = garage.read(&remote).await;
        let ended = garage.settled(&remote).await;

        assert_eq!(garage.posted(&remote), 1, "{kind:?}: {ended}");
        let end = [&ended["failure_cause"], &ended["outcome"], &ended["state"]];
        let end = end.into_iter().find(|word| word.is_string()).unwrap();
        assert_eq!(end, expected, "{kind:?}: {ended}");
        if matches!(expected, "success" | "unknown") {
            assert_eq!(first["state"], "unknown", "{kind:?}: {first}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_before_it_is_sent_is_tried_again_while_it_is_of_use() {
    let garage = Garage::open().await;
    garage.world.maker().fault(Fault::once(Operation::Remotes, FaultKind::Status(503)));
    let remote = garage.command("one", &horn()).await;
    garage.world.settle().await;
    assert_eq!(garage.read(&remote).await["state"], "requested");

    garage.wait(11).await;

    assert_eq!(garage.read(&remote).await["state"], "accepted");
    assert_eq!(garage.posted(&remote), 1);
    // A token that is refused is renewed before, and not with, the command.
    garage.settled(&remote).await;
    garage.world.clock.advance(tests::minutes(20));
    garage.world.maker().fault(Fault::once(Operation::Remotes, FaultKind::Status(401)));
    let remote = garage.command("two", &horn()).await;
    garage.world.settle().await;
    assert_eq!(garage.read(&remote).await["state"], "accepted");
    assert_eq!(garage.posted(&remote), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_car_under_a_new_address_is_looked_up_before_it_is_commanded() {
    let garage = Garage::open().await;
    garage.world.maker().change_vehicle_id(super::CAR).unwrap();

    let remote = garage.command("one", &horn()).await;
    garage.world.settle().await;

    assert_eq!(garage.read(&remote).await["state"], "accepted");
    assert_eq!(garage.posted(&remote), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_see_to_it_at_once_send_it_once() {
    let garage = Garage::open().await;
    for round in 0..5 {
        garage.world.maker().next_remote(Fate::Success);
        let remote = garage.command(&format!("round {round}"), &horn()).await;
        let settle = garage.world.settle();
        tokio::join!(garage.act(), garage.act(), garage.act(), garage.act(), settle);
        let ended = garage.settled(&remote).await;
        assert_eq!(garage.posted(&remote), 1, "{ended}");
        assert_eq!(ended["outcome"], "success", "{ended}");
    }
}

/// A day of commands in the weather of a seed. Returns how many were sent, and how many were not.
async fn play(seed: u64) -> (usize, usize) {
    let garage = Garage::with(|options| options.faults = Faults::seeded(seed)).await;
    let mut luck = Luck::new(seed);
    let mut remotes = Vec::new();
    for round in 0..4 {
        if luck.once_in(2) {
            let operations = [Operation::RemoteSend, Operation::Remote, Operation::Remotes];
            garage.world.spoil(&mut luck, &operations);
            garage.world.lose_answer(&mut luck, &operations);
        }
        if luck.once_in(3) {
            let effect = *luck.pick(&[Effect::DieBefore, Effect::DieAfter, Effect::LostAnswer]);
            let skip = usize::try_from(luck.below(3)).unwrap();
            let rule = Rule::once(effect).of("act").at(Db::TransactWriteItems).after(skip);
            garage.world.cloud.faults().next(rule);
        }
        for action in [horn(), json!({"lights": {"on": true}}), json!({"wake_up": {}})] {
            for _ in 0..5 {
                let answer = garage.ask(&format!("{round} {action}"), &action).await;
                if answer.status == 202 {
                    remotes.push(answer.body["id"].as_str().unwrap().to_owned());
                    break;
                }
                assert!(answer.status >= 500 || answer.status == 409, "{}", answer.body);
            }
        }
        tokio::join!(garage.act(), garage.act(), garage.world.settle());
        for _ in 0..12 {
            garage.wait(200).await;
        }
    }
    garage.world.cloud.faults().clear();
    garage.world.cloud.faults().calm(true);
    garage.world.maker().clear_faults();
    remotes.sort();
    remotes.dedup();
    for remote in &remotes {
        let ended = garage.settled(remote).await;
        let told = garage.told(remote).await;
        let mut once = told.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), told.len(), "told twice: {told:?} {ended}");
    }
    for (remote, posts) in garage.posts() {
        assert_eq!(posts, 1, "{remote}: {:?}", garage.read(&remote).await);
    }
    for (function, usage) in garage.world.cloud.usage().all() {
        assert!(usage.denied.is_empty(), "{function}: {:?}", usage.denied);
    }
    let sent = garage.posts().len();
    (sent, remotes.len() - sent)
}

/// `SEEDS=40 cargo test …` plays forty.
#[tokio::test(flavor = "multi_thread")]
async fn in_no_weather_is_a_command_sent_or_told_twice() {
    let games = each_seed("in_no_weather", (6, 20), play).await;
    let (mut sent, mut unsent) = (0, 0);
    for (here, not) in games {
        sent += here;
        unsent += not;
    }
    println!("{sent} sent once, {unsent} never");
    assert!(sent > 0);
}
