//! Stops, pauses and time: what holds a call to the maker back, and for how long.

use std::{sync::Arc, time::Duration};

use accessing_party::{Effect, Operation as Db, Rule};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use shared::{
    App, Config,
    clock::Budget,
    tokens,
    visit::{self, Visit},
};
use simulator::{Account, Brand, Car, CarKind, Fault, FaultKind, Operation};
use tests::{ACCOUNT, World, hours, minutes};

/// What a walk works on at once.
const AT_ONCE: u64 = 8;

/// So many drivers with a car each.
async fn fleet(world: &World, drivers: usize) -> Vec<String> {
    let mut enrollments = Vec::new();
    for number in 0..drivers {
        let account = format!("driver-{number}");
        world.maker().add_account(Account::new(&account, Brand::Peugeot, "Robin", "Weber"));
        let vin = format!("VR3LMTHXZPT{number:06}");
        let car = Car::new(&vin, Brand::Peugeot, CarKind::Electric, "of the fleet");
        world.maker().add_car(&account, car).unwrap();
        enrollments.push(world.enroll(&account, "peugeot", &account).await);
    }
    enrollments
}

/// The parts that a function would have, with the rights of `act`.
fn app(world: &World) -> Arc<App> {
    let (key, front) = (world.cloud.access_key("act"), world.cloud.front_url());
    let maker = world.cloud.simulator().unwrap();
    let (idp, api) = (maker.idp_url(), maker.api_url());
    let variable = |name: &str| {
        let value = match name {
            "PUBLIC_URL" => world.cloud.public_url(),
            "GRANTS_TABLE" => "Grants",
            "RECORDS_TABLE" => "Records",
            "OUTBOX_TABLE" => "Outbox",
            "MAKER_SECRET_ID" => "maker",
            "SEAL_SECRET_ID" => "seal",
            "IDP_URL" => &idp,
            "API_URL" => &api,
            "AWS_REGION" => "eu-west-1",
            "AWS_ACCESS_KEY_ID" => &key.id,
            "AWS_SECRET_ACCESS_KEY" => key.secret.expose_secret(),
            "OPERATOR_NAME" => "Test",
            "METRICS" => "off",
            _ if name.starts_with("AWS_ENDPOINT_URL") => &front,
            _ => return None,
        };
        Some(value.to_owned())
    };
    App::new(Config::from_lookup(&variable, &[]).unwrap(), world.clock.clock()).unwrap()
}

async fn switch(world: &World, stopped: Value) {
    let answer = world.api("PUT", "/v1/control", Some(json!({ "stopped": stopped }))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

fn calls(world: &World) -> u64 {
    world.maker().all_calls().values().sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_ends_what_a_run_has_not_begun_yet() {
    let world = World::start().await;
    fleet(&world, 12).await;
    world.clock.advance(minutes(15));
    let before = calls(&world);
    let limited = Fault { operation: None, skip: 0, times: 1, kind: FaultKind::RetryAfter(3600) };
    world.maker().fault(limited);

    world.run("fetch").await;

    let made = calls(&world) - before;
    assert!((1..=AT_ONCE).contains(&made), "{made} calls, though the first one was refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_seen_by_a_run_that_has_begun_already() {
    let world = Arc::new(World::start().await);
    fleet(&world, 12).await;
    world.clock.advance(minutes(15));
    let before = calls(&world);
    for _ in 0..AT_ONCE {
        world.maker().fault(Fault { operation: None, skip: 0, times: 1, kind: FaultKind::Hold });
    }
    let run = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.run("fetch").await }
    });
    world.maker().wait_until_held(usize::try_from(AT_ONCE).unwrap()).await;

    switch(&world, json!(["peugeot"])).await;
    world.clock.advance(tests::seconds(11));
    world.maker().release();
    run.await.unwrap();

    assert_eq!(calls(&world) - before, AT_ONCE);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_calls_are_stopped_or_paused_nothing_is_written_and_all_goes_on_afterwards() {
    for paused in [false, true] {
        let world = World::start().await;
        let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
        // Another user's: of a brand that goes on, where one is stopped.
        world.pass(minutes(30)).await;
        if paused {
            let limit = FaultKind::RetryAfter(19 * 3600);
            world.maker().fault(Fault { operation: None, skip: 0, times: 1, kind: limit });
            world.pass(minutes(30)).await;
        } else {
            switch(&world, json!(["peugeot"])).await;
        }
        let usage = world.cloud.usage();
        usage.reset();
        let before = calls(&world);

        world.pass(hours(18)).await;

        assert_eq!(calls(&world), before, "{:?}", world.maker().all_calls());
        for function in ["refresh", "fetch", "act"] {
            let written = usage.of(function).written;
            assert!(written < f64::EPSILON, "{function} wrote {written} units, {paused}");
        }
        switch(&world, json!([])).await;
        world.pass(hours(3)).await;
        assert!(calls(&world) > before);
        assert_eq!(world.status(&id).await, "active");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_waits_for_the_switch_too() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", "peugeot-nobody").await;
    let (unconfirmed, _) = world.enroll_unconfirmed("user-2", "peugeot", ACCOUNT).await;
    switch(&world, json!(["peugeot"])).await;
    let before = calls(&world);

    assert_eq!(world.api("DELETE", &format!("/v1/enrollments/{id}"), None).await.status, 202);
    world.settle().await;
    world.pass(hours(2)).await;

    assert_eq!(calls(&world), before, "{:?}", world.maker().all_calls());
    assert_eq!(world.maker().live_grants(ACCOUNT), 1);
    switch(&world, json!([])).await;
    world.pass(hours(3)).await;
    assert_eq!(world.maker().live_grants(ACCOUNT), 0);
    assert_eq!(world.status(&id).await, "erased");
    assert_eq!(world.status(&unconfirmed).await, "erased");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_a_revocation_is_heeded_like_any_other() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", "peugeot-nobody").await;
    world.maker().fault(Fault::once(Operation::Revoke, FaultKind::RetryAfter(3600)));

    world.api("DELETE", &format!("/v1/enrollments/{id}"), None).await;
    world.settle().await;

    let control = world.read("/v1/control").await;
    assert_eq!(control["paused"].as_array().unwrap().len(), 1, "{control}");
    let before = calls(&world);
    world.pass(minutes(50)).await;
    assert_eq!(calls(&world), before);
    world.pass(hours(3)).await;
    assert_eq!(world.status(&id).await, "erased");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_wait_that_the_maker_asks_for_lets_a_refresh_token_end() {
    // Without a car nobody but the schedule uses the grant; what goes unused for 22 hours ends.
    let account = "peugeot-nobody";
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", account).await;
    let idle = Duration::from_hours(22);
    world.maker().configure(|settings| settings.refresh_idle = Some(idle));
    world.maker().fault(Fault::once(Operation::Refresh, FaultKind::RetryAfter(86_400)));

    // By the ten minutes: by the hour the one in which it must be renewed could be missed.
    for _ in 0..5 {
        world.pass(hours(6)).await;
    }

    assert!(world.maker().pending_faults().is_empty());
    let grant = world.maker().grants(account)[0].clone();
    assert_eq!((grant.ended, grant.renewals > 0), (None, true), "{grant:?}");
    assert_eq!(world.status(&id).await, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maker_that_refuses_every_token_has_a_grant_renewed_once_and_not_at_each_look() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.clock.advance(minutes(20));
    world.maker().fault(Fault::times(Operation::Status, 20, FaultKind::Status(401)));

    for _ in 0..3 {
        world.look(&id).await;
        world.clock.advance(minutes(2));
    }

    assert_eq!(world.maker().calls(Operation::Refresh), 1);
    world.maker().clear_faults();
    world.look(&id).await;
    assert!(world.maker().calls(Operation::Refresh) <= 1);
    assert_eq!(world.status(&id).await, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_confirmed_ends_though_many_subscriptions_are_due_before_it() {
    let world = Arc::new(World::start().await);
    fleet(&world, 9).await;
    world.clock.advance(hours(25));
    world.enroll_unconfirmed("user-2", "peugeot", ACCOUNT).await;
    world.clock.advance(minutes(16));
    world.maker().fault(Fault::times(Operation::Callbacks, 9, FaultKind::Hold));

    let run = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.run("act").await }
    });
    world.maker().wait_until_held(usize::try_from(AT_ONCE).unwrap()).await;

    assert_eq!(world.maker().live_grants(ACCOUNT), 0, "it is ended before any of them");
    world.maker().release();
    run.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_back_hides_nothing_that_is_due_behind_it() {
    let world = World::start().await;
    // More than one page of a shard; none of them is a grant that anybody could renew.
    let due_at = world.now().as_second().to_string();
    for number in 0..501 {
        let grant = json!({"pk": {"S": format!("gr_{number}")}, "shard": {"S": "refresh#00"}, "due_at": {"N": due_at}});
        world.cloud.put_item("Grants", grant).await.unwrap();
    }

    assert_eq!(world.run("refresh").await["found"], 501);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_whose_answer_there_may_be_no_time_to_write() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    let (app, before) = (app(&world), calls(&world));
    let found = app.store.enrollment(&id.parse().unwrap(), world.now()).await.unwrap().unwrap();

    let budget = Budget::lasting(Duration::from_secs(14));
    let mut visit = Visit::begin(&app, &found.value, budget).await.unwrap();
    let looked = visit.discover(found.version).await;

    let refused = matches!(looked, Err(visit::Error::Token(tokens::Error::NotNow)));
    assert!(refused, "{looked:?}");
    assert_eq!(calls(&world), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_took_long_leave_no_time_to_begin_a_renewal() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.clock.advance(hours(2));
    let app = app(&world);
    let found = app.store.enrollment(&id.parse().unwrap(), world.now()).await.unwrap().unwrap();
    let grant = found.value.grant.unwrap();
    // Enough to begin with, and not any more once a secret that hangs was waited for.
    let hangs = Rule::once(Effect::Hang).of("act").at(Db::GetSecretValue);
    world.cloud.faults().next(hangs);

    let renewed =
        tokens::access(&app, &grant, None, Budget::lasting(Duration::from_secs(32))).await;

    assert!(matches!(renewed, Err(tokens::Error::NotNow)), "{renewed:?}");
    assert_eq!(world.maker().calls(Operation::Refresh), 0);
    let stored = app.store.grant(&grant).await.unwrap().unwrap();
    assert_eq!((stored.open_intents, stored.lease_until), (0, 0));
}
