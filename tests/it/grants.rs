//! What keeps a refresh token alive, whatever happens around it.

use accessing_party::{Effect, Operation as Db, Rule};
use serde_json::json;
use simulator::{Fault, FaultKind, Operation};
use tests::{ACCOUNT, World, hours, minutes};

async fn enrolled() -> (World, String) {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    (world, id)
}

async fn assert_alive(world: &World, id: &str) {
    assert_eq!(world.status(id).await, "active");
    assert_eq!(world.maker().live_grants(ACCOUNT), 1);
    assert_eq!(world.maker().reuse_kills(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_runs_at_once_renew_a_grant_once() {
    let (world, id) = enrolled().await;
    world.clock.advance(hours(25));
    let before = world.maker().calls(Operation::Refresh);

    let mut runs = tokio::task::JoinSet::new();
    let world = std::sync::Arc::new(world);
    for turn in 0..20 {
        let world = std::sync::Arc::clone(&world);
        let function = if turn % 2 == 0 { "refresh" } else { "fetch" };
        runs.spawn(async move { world.run(function).await });
    }
    runs.join_all().await;

    assert_eq!(world.maker().calls(Operation::Refresh), before + 1);
    assert_alive(&world, &id).await;
    // Who came while it was being renewed comes again.
    world.pass(minutes(10)).await;
    assert_eq!(world.maker().calls(Operation::Refresh), before + 1);
    let vehicle = world.read(&format!("/v1/enrollments/{id}/vehicles/VR3UHZKXZPT000208")).await;
    assert!(vehicle["last_seen"].is_string(), "{vehicle}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_survives_the_loss_of_any_answer_of_the_database() {
    for skip in 0..4 {
        let (world, id) = enrolled().await;
        world.clock.advance(hours(25));
        let lost = Rule::once(Effect::LostAnswer).of("refresh").at(Db::UpdateItem).after(skip);
        world.cloud.faults().next(lost);

        world.run("refresh").await;

        let (struck, calls) =
            (world.cloud.faults().pending() == 0, world.maker().calls(Operation::Refresh));
        assert!(struck || skip > 1, "a renewal writes twice");
        assert_eq!(calls, 1, "after {skip} writes");
        world.cloud.faults().clear();
        world.pass(hours(27)).await;
        assert_alive(&world, &id).await;
        if !struck {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_takes_no_writes_costs_no_tokens_for_a_queue_keeps_them() {
    let (world, id) = enrolled().await;
    world.clock.advance(hours(25));
    let refused = Rule::once(Effect::Unavailable).of("refresh").at(Db::UpdateItem).after(1);
    world.cloud.faults().next(refused.times(40));

    world.run("refresh").await;
    assert_eq!(world.maker().calls(Operation::Refresh), 1);
    world.cloud.faults().clear();
    let second = world.run("refresh").await;

    assert_eq!(second["rescued"], 1, "{second}");
    world.pass(hours(27)).await;
    assert_alive(&world, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_a_look_renewed_on_request_are_kept_there_too() {
    let world = World::with(|options| {
        // Nothing but the look needs a token then.
        options.parameters.insert("Notifications".into(), "off".into());
    })
    .await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.clock.advance(hours(25));
    let refused = Rule::once(Effect::Unavailable).of("act").at(Db::UpdateItem).after(1);
    world.cloud.faults().next(refused.times(40));

    world.look(&id).await;
    world.cloud.faults().clear();

    assert_eq!(world.maker().calls(Operation::Refresh), 1);
    assert_eq!(world.run("refresh").await["rescued"], 1);
    world.pass(hours(27)).await;
    assert_alive(&world, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_tokens_wait_in_the_rescue_queue_nobody_uses_the_dead_one() {
    let (world, id) = enrolled().await;
    world.clock.advance(hours(25));
    let refused = Rule::once(Effect::Unavailable).of("fetch").at(Db::UpdateItem).after(2);
    world.cloud.faults().next(refused.times(40));
    world.run("fetch").await;
    assert_eq!(world.maker().calls(Operation::Refresh), 1);
    world.cloud.faults().clear();

    // The lease has run out; the queue hides what it holds, as it does while another run has it.
    world.clock.advance(minutes(4));
    world
        .cloud
        .faults()
        .next(Rule::once(Effect::Unavailable).of("refresh").at(Db::ReceiveMessage).times(40));
    world.run("fetch").await;
    let failed = world.try_run("refresh").await;
    world.cloud.faults().clear();

    assert!(failed.is_err(), "a queue that fails is told");
    assert_eq!(world.maker().calls(Operation::Refresh), 1);
    assert_eq!(world.run("refresh").await["rescued"], 1);
    world.pass(hours(27)).await;
    assert_alive(&world, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_whose_answer_the_maker_lost_ends_the_grant_by_that_name() {
    let (world, id) = enrolled().await;
    world.maker().fault(Fault::once(Operation::Refresh, FaultKind::LostAnswer));

    world.pass(hours(26)).await;

    let enrollment = world.read(&format!("/v1/enrollments/{id}")).await;
    assert_eq!(enrollment["status"], "reauthorization_required");
    assert_eq!(enrollment["reason"], "lost_answer");
    let told = world.told(&id, "enrollment.reauthorization_required").await;
    assert!(told.len() == 1 && told[0]["reason"] == "lost_answer", "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maker_that_grants_grace_loses_nothing_with_an_answer() {
    let (world, id) = enrolled().await;
    world.maker().configure(|settings| {
        settings.refresh_grace = Some(std::time::Duration::from_hours(1));
    });
    world.maker().fault(Fault::once(Operation::Refresh, FaultKind::LostAnswer));

    world.pass(hours(50)).await;

    assert_alive(&world, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maker_that_limits_is_left_alone_for_as_long_as_it_says() {
    let (world, id) = enrolled().await;
    // Its access token has ended, and there is time before the refresh token does.
    world.clock.advance(hours(2));
    world.maker().fault(Fault::once(Operation::Refresh, FaultKind::RetryAfter(7200)));

    world.run("fetch").await;
    let all = |world: &World| world.maker().all_calls().values().sum::<u64>();
    let calls = all(&world);
    world.pass(hours(1)).await;
    assert_eq!(all(&world), calls, "paused");
    world.pass(hours(2)).await;

    assert!(all(&world) > calls);
    assert_alive(&world, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maker_that_fails_all_night_is_asked_again_and_no_grant_is_lost() {
    for kind in [FaultKind::Status(500), FaultKind::Html, FaultKind::Oauth("invalid_client".into())]
    {
        let (world, id) = enrolled().await;
        world.clock.advance(hours(20));
        world.maker().fault(Fault::times(Operation::Refresh, 8, kind.clone()));

        world.pass(hours(30)).await;

        assert_eq!(world.maker().pending_faults().len(), 0, "{kind:?}");
        assert_alive(&world, &id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unkind_database_costs_no_grant_in_three_days() {
    let mut all = tokio::task::JoinSet::new();
    for seed in 1..=3 {
        all.spawn(three_days(seed));
    }
    all.join_all().await;
}

/// The schedules run every three hours only: each run asks every shard.
async fn three_days(seed: u64) {
    let world = World::unkind(seed).await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    for _ in 0..24 {
        world.clock.advance(hours(3));
        for function in ["refresh", "fetch", "act"] {
            // A run that fails leaves its items due.
            let _ = world.try_run(function).await;
        }
        world.settle().await;
    }
    assert!(!world.cloud.faults().strikes().is_empty(), "seed {seed}");
    assert_eq!(world.maker().reuse_kills(), 0, "seed {seed}");
    assert_eq!(world.maker().live_grants(ACCOUNT), 1, "seed {seed}");
    assert_eq!(world.status(&id).await, "active", "seed {seed}");
    assert!(world.maker().grants(ACCOUNT)[0].renewals >= 2, "seed {seed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_worker_that_never_runs_is_told_by_the_one_that_does() {
    let world = World::with(|options| options.shards = "2".parse().unwrap()).await;
    // The second of two workers has the second shard.
    let due_at = world.now().as_second().to_string();
    let grant = json!({"pk": {"S": "gr_1"}, "shard": {"S": "refresh#01"}, "due_at": {"N": due_at}});
    world.cloud.put_item("Grants", grant).await.unwrap();
    world.clock.advance(hours(3));

    let first = world.cloud.invoke("refresh", json!({"worker": 0, "workers": 2})).await.unwrap();
    let second = world.cloud.invoke("refresh", json!({"worker": 1, "workers": 2})).await.unwrap();

    assert_eq!((&first["found"], &first["waits"]), (&json!(0), &json!(3 * 3600)), "{first}");
    assert_eq!((&second["found"], &second["waits"]), (&json!(1), &json!(3 * 3600)), "{second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_on_the_same_folder_goes_on_with_the_same_grant() {
    let folder = std::env::temp_dir().join(format!("restart-{}", shared::random::id()));
    let world = World::with(|options| options.data = Some(folder.clone())).await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    let clock = world.clock.clone();
    world.cloud.shutdown().await;

    let world = World::with(|options| options.data = Some(folder.clone())).await;
    world.clock.advance_to(clock.now() + hours(25));
    world.run("refresh").await;
    world.settle().await;

    assert_alive(&world, &id).await;
    assert_eq!(world.maker().grants(ACCOUNT)[0].renewals, 1);
    world.cloud.shutdown().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_invalid_grant_gets_a_second_opinion_before_the_tokens_are_deleted() {
    let (world, id) = enrolled().await;
    world.clock.advance(hours(25));
    let dead = FaultKind::Oauth("invalid_grant".to_owned());
    world.maker().fault(Fault::once(Operation::Refresh, dead.clone()));
    world.run("refresh").await;
    assert_eq!(world.status(&id).await, "active");
    let asked = world.maker().calls(Operation::Refresh);
    world.clock.advance(minutes(5));
    for function in ["refresh", "fetch"] {
        world.run(function).await;
    }
    assert_eq!(world.maker().calls(Operation::Refresh), asked, "not before ten minutes");

    world.clock.advance(minutes(6));
    world.run("refresh").await;
    assert_alive(&world, &id).await;

    world.clock.advance(hours(25));
    world.maker().fault(Fault::times(Operation::Refresh, 2, dead));
    for _ in 0..2 {
        world.run("refresh").await;
        world.clock.advance(minutes(11));
    }
    assert_eq!(world.status(&id).await, "reauthorization_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_called_html_are_kept() {
    let world = World::start().await;
    for operation in [Operation::Token, Operation::Refresh] {
        let kind = FaultKind::ContentType("text/html;charset=UTF-8".to_owned());
        world.maker().fault(Fault::times(operation, 2, kind));
    }
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.clock.advance(hours(25));
    world.run("refresh").await;

    assert_alive(&world, &id).await;
    assert_eq!(world.maker().calls(Operation::Refresh), 1);
}
