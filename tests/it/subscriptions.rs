//! One subscription an enrollment at the maker, whatever happens: made, healed, renewed, erased.

use jiff::SignedDuration;
use serde_json::json;
use simulator::{CallbackView, Fault, FaultKind, Operation, RunState};
use tests::{ACCOUNT, CAR, Moment, WRITES, World, each_death, undone};

const OFF: fn(&mut accessing_party::CloudOptions) = |options| {
    options.parameters.insert("Notifications".into(), "off".into());
};

/// Lets hours pass, then sweeps.
async fn sweep_after(world: &World, hours: i64) {
    world.clock.advance(SignedDuration::from_hours(hours));
    sweep(world).await;
}

async fn sweep(world: &World) {
    // It may fail under an unkind database: the next run goes on.
    let _ = world.try_run("act").await;
    world.settle().await;
}

/// The one callback of an enrollment; there must be no other in the whole world.
fn only(world: &World, id: &str) -> CallbackView {
    let callbacks = world.maker().callbacks();
    assert_eq!(callbacks.len(), 1, "{callbacks:?}");
    let label = callbacks[0].label.clone().unwrap();
    assert!(label.starts_with(id), "{label}");
    callbacks[0].clone()
}

async fn state(world: &World, id: &str) -> String {
    let enrollment = world.read(&format!("/v1/enrollments/{id}")).await;
    let view = &enrollment["subscription"];
    match view["why"].as_str() {
        Some(why) => format!("{} {why}", view["state"].as_str().unwrap()),
        None => view["state"].as_str().unwrap_or("none").to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrollment_is_subscribed_once_and_its_address_is_a_secret() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;

    let callback = only(&world, &id);
    assert_eq!(callback.status, RunState::Running);
    assert!(callback.target.contains(&format!("/notifications/{id}.")), "{}", callback.target);
    assert_eq!(state(&world, &id).await, "active");
    for _ in 0..3 {
        sweep_after(&world, 25).await;
    }
    assert_eq!(only(&world, &id).id, callback.id);
    assert_eq!(world.maker().calls(Operation::CallbackCreate), 1);
    let path = callback.target.rsplit('/').next().unwrap().to_owned();
    world.assert_nowhere(&[&path]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_never_makes_a_second_subscription() {
    let world = World::start().await;
    world.maker().fault(Fault::once(Operation::CallbackCreate, FaultKind::LostAnswer));
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    let callback = only(&world, &id);
    assert_eq!(state(&world, &id).await, "pending maker_down");

    sweep_after(&world, 1).await;

    assert_eq!(only(&world, &id).id, callback.id);
    assert_eq!(state(&world, &id).await, "active");
    assert_eq!(world.maker().calls(Operation::CallbackCreate), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_or_is_paused_at_the_maker_runs_again_and_the_cars_are_asked() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    let callback = only(&world, &id);
    for status in [RunState::Failed, RunState::Paused] {
        world.maker().set_run_state(&callback.id, status).unwrap();
        world.run("fetch").await;
        sweep_after(&world, 25).await;

        assert_eq!(only(&world, &id).status, RunState::Running, "{status:?}");
        assert_eq!(only(&world, &id).id, callback.id);
        let asked = world.maker().calls(Operation::Status);
        world.run("fetch").await;
        assert!(world.maker().calls(Operation::Status) > asked, "{status:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_gone_is_made_anew_and_what_was_missed_is_fetched() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    sweep_after(&world, 25).await;
    world.run("fetch").await;
    let old = only(&world, &id);
    world.maker().lose_callback(&old.id).unwrap();
    sweep_after(&world, 25).await;

    assert_ne!(only(&world, &id).id, old.id);
    assert_eq!(state(&world, &id).await, "active");
    let kinds = [Operation::Status, Operation::Alerts, Operation::Trips];
    let before = kinds.map(|kind| world.maker().calls(kind));
    world.run("fetch").await;
    let after = kinds.map(|kind| world.maker().calls(kind));
    assert!(
        after.iter().zip(before).all(|(after, before)| *after > before),
        "{before:?} {after:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_thirty_days_the_address_is_another_one() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    let old = only(&world, &id);
    for _ in 0..29 {
        sweep_after(&world, 24).await;
        world.run("refresh").await;
    }
    assert_eq!(only(&world, &id).target, old.target, "for thirty days it stays");

    world.maker().fault(Fault::once(Operation::CallbackUpdate, FaultKind::LostAnswer));
    for _ in 0..3 {
        sweep_after(&world, 24).await;
        world.run("refresh").await;
    }

    let new = only(&world, &id);
    assert_eq!(new.id, old.id);
    assert_ne!(new.target, old.target);
    assert_eq!(
        world.maker().calls(Operation::CallbackUpdate),
        1,
        "a lost answer is found, not asked"
    );
    assert_eq!(state(&world, &id).await, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maker_that_is_down_or_refuses_is_asked_again() {
    let world = World::start().await;
    world.maker().fault(Fault::times(Operation::Callbacks, 2, FaultKind::Status(503)));
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    assert_eq!(state(&world, &id).await, "pending maker_down");
    sweep_after(&world, 1).await;
    sweep_after(&world, 1).await;
    assert_eq!(state(&world, &id).await, "active");

    let plan = FaultKind::Answer {
        status: 401,
        content_type: "application/json".into(),
        body: json!({"httpCode": "401", "httpMessage": "Unauthorized", "moreInformation": "Not registered to plan"}).to_string(),
    };
    world.maker().fault(Fault::once(Operation::Callbacks, plan));
    sweep_after(&world, 25).await;
    assert_eq!(state(&world, &id).await, "unsupported plan");
    world.run("refresh").await;
    let asked = world.maker().calls(Operation::Callbacks);
    for day in 1..=8 {
        world.run("refresh").await;
        sweep_after(&world, 24).await;
        let again = world.maker().calls(Operation::Callbacks) > asked;
        assert_eq!(again, day >= 7, "not every day: {day}");
    }
    assert_eq!(state(&world, &id).await, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_deletes_the_subscription_before_it_revokes() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    only(&world, &id);
    world.maker().fault(Fault::once(Operation::CallbackDelete, FaultKind::Status(503)));

    world.api("DELETE", &format!("/v1/enrollments/{id}"), None).await;
    world.settle().await;
    assert_eq!(world.maker().live_grants(ACCOUNT), 1, "it is needed to delete");
    sweep_after(&world, 1).await;

    assert!(world.maker().callbacks().is_empty());
    assert_eq!(world.maker().live_grants(ACCOUNT), 0);
    let erasure = world.read(&format!("/v1/enrollments/{id}/erasure")).await;
    assert_eq!(erasure["subscription"], "confirmed", "{erasure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_of_an_enrollment_that_is_no_more_is_deleted_and_a_strangers_left() {
    let world = World::start().await;
    let first = world.enroll("user-1", "peugeot", ACCOUNT).await;
    let second = world.enroll("user-2", "peugeot", ACCOUNT).await;
    assert_eq!(world.maker().callbacks().len(), 2, "one each, in one account");
    // The maker can't be asked for longer than an erasure waits.
    world.maker().fault(Fault::times(Operation::Callbacks, 100, FaultKind::Status(503)));
    world.api("DELETE", &format!("/v1/enrollments/{first}"), None).await;
    world.settle().await;
    for _ in 0..9 {
        sweep_after(&world, 20).await;
        sweep(&world).await;
        world.run("refresh").await;
    }
    assert_eq!(world.status(&first).await, "erased");
    let erasure = world.read(&format!("/v1/enrollments/{first}/erasure")).await;
    assert_eq!(erasure["subscription"], "unconfirmed", "{erasure}");
    assert_eq!(world.maker().callbacks().len(), 2);
    world.maker().clear_faults();

    sweep_after(&world, 26).await;

    only(&world, &second);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_notifications_nothing_is_subscribed() {
    let world = World::with(OFF).await;
    world.enroll("user-1", "peugeot", ACCOUNT).await;
    sweep_after(&world, 25).await;

    assert!(world.maker().callbacks().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unkind_database_and_a_maker_on_a_bad_day_leave_one_subscription() {
    for seed in 1..=3 {
        let world = World::unkind(seed).await;
        let mut luck = tests::Luck::new(seed);
        let kind = undone(&mut luck);
        world.maker().fault(Fault::once(Operation::CallbackCreate, kind));
        world.maker().fault(Fault::once(Operation::CallbackCreate, FaultKind::LostAnswer).after(1));
        let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
        for _ in 0..6 {
            sweep_after(&world, 1).await;
        }

        only(&world, &id);
        assert_eq!(state(&world, &id).await, "active", "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_at_any_step_leaves_one_subscription_with_its_monitor() {
    let story = async |moment: Moment| {
        let world = World::start().await;
        let rule = json!({"name": "low", "when": {"use": "battery_below", "level": 20}});
        assert_eq!(world.api("POST", "/v1/monitors", Some(rule)).await.status, 201);
        world.settle().await;
        let (id, ended) = world.enroll_unconfirmed("user-1", "peugeot", ACCOUNT).await;
        let confirmed = moment.during(&world, async {
            world.confirm(&id, &tests::query(&ended, "confirmation").unwrap()).await;
            world.settle().await;
        });
        if confirmed.await.is_none() {
            return false;
        }
        for _ in 0..3 {
            world.clock.advance(SignedDuration::from_mins(10));
            sweep(&world).await;
        }

        only(&world, &id);
        assert_eq!(state(&world, &id).await, "active", "{moment:?}");
        let monitors = world.maker().monitors();
        assert_eq!(monitors.len(), 1, "{moment:?}");
        assert_eq!(monitors[0].vin, CAR, "{moment:?}");
        let seen = world.read(&format!("/v1/enrollments/{id}/vehicles/{CAR}/monitors")).await;
        assert_eq!(seen["items"][0]["state"], "active", "{moment:?}: {seen}");
        true
    };

    let deaths = each_death("act", &WRITES, story).await;
    println!("{deaths} deaths of a subscription");
    assert!(deaths >= 10, "{deaths}");
}

fn edit(operation: Operation, at: &str, value: Option<serde_json::Value>) -> Fault {
    Fault::times(operation, 10_000, FaultKind::Edit { at: at.to_owned(), value })
}

async fn days(world: &World, days: i64) {
    for _ in 0..days * 4 {
        sweep_after(world, 6).await;
        let _ = world.try_run("refresh").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_known_by_its_id_where_no_label_is_shown() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    let label = edit(Operation::Callbacks, "/_embedded/callbacks/*/label", None);
    world.maker().fault(label);

    days(&world, 8).await;

    assert_eq!(world.maker().callbacks().len(), 1);
    assert_eq!(state(&world, &id).await, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_whose_ids_come_back_otherwise_do_not_pile_up() {
    for answer_has_id in [true, false] {
        let world = World::start().await;
        // Whatever the list shows, it is not what was made.
        let empty = FaultKind::Answer {
            status: 200,
            content_type: "application/hal+json".to_owned(),
            body: json!({"total": 0}).to_string(),
        };
        if !answer_has_id {
            world.maker().fault(edit(Operation::CallbackCreate, "/callbackId", None));
        }
        world.maker().fault(Fault::times(Operation::Callbacks, 10_000, empty));
        let id = world.enroll("user-1", "peugeot", ACCOUNT).await;

        days(&world, 10).await;

        let made = world.maker().callbacks().len();
        assert!((1..=3).contains(&made), "{made}");
        assert_eq!(state(&world, &id).await, "failed unrecognised");
        assert_eq!(world.status(&id).await, "active");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_an_id_is_looked_after_tomorrow_and_not_every_ten_minutes() {
    let world = World::start().await;
    world.maker().fault(edit(Operation::CallbackCreate, "/callbackId", None));
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    assert_eq!(state(&world, &id).await, "failed unreadable");

    for _ in 0..18 {
        sweep_after(&world, 1).await;
    }

    assert_eq!(world.maker().calls(Operation::CallbackCreate), 1);
}
