//! What is on its way when the world changes: an erasure waits for it or refuses it, and nothing
//! that can fail stands between the maker's answer and its place.

use std::{sync::Arc, time::Duration};

use accessing_party::{Effect, Operation as Db, Rule};
use serde_json::{Value, json};
use simulator::{Fault, FaultKind, Operation};
use tests::{ACCOUNT, CAR, World, browser, hours, minutes};

/// Starts a run whose call to the maker is answered and held back.
async fn held(
    world: &Arc<World>,
    function: &'static str,
    operation: Operation,
) -> tokio::task::JoinHandle<()> {
    world.maker().fault(Fault::once(operation, FaultKind::Hold));
    let run = tokio::spawn({
        let world = Arc::clone(world);
        async move {
            // Whether it ends well is not the point.
            let _ = world.try_run(function).await;
        }
    });
    let asked = tokio::time::timeout(Duration::from_secs(30), world.maker().wait_until_held(1));
    asked.await.expect("the maker was not asked");
    run
}

async fn erase(world: &World, id: &str) {
    let answer = world.api("DELETE", &format!("/v1/enrollments/{id}"), None).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    world.settle().await;
}

async fn assert_erased(world: &World, id: &str) {
    for _ in 0..3 {
        world.clock.advance(minutes(10));
        world.run_all().await;
    }
    assert_eq!(world.status(id).await, "erased");
    assert!(world.items("Grants").await.is_empty());
    assert_eq!(world.maker().live_grants(ACCOUNT), 0);
    world.assert_nowhere(&[CAR, "user-1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_in_flight_brings_nothing_of_an_erased_car_back() {
    // Journeys and warnings have no version of an older item to fail by: only the anchor stands
    // against them.
    for operation in [Operation::Status, Operation::Trips, Operation::Alerts] {
        let world = Arc::new(World::start().await);
        let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
        // Everything is due again: the first look came with the consent.
        world.clock.advance(hours(6));
        let look = held(&world, "fetch", operation).await;

        erase(&world, &id).await;
        assert_eq!(world.status(&id).await, "erased", "a look holds no lease");
        world.maker().release();
        look.await.unwrap();

        assert_erased(&world, &id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_waits_for_a_renewal_in_flight_and_revokes_what_it_brought() {
    let world = Arc::new(World::start().await);
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.clock.advance(hours(25));
    let renewal = held(&world, "refresh", Operation::Refresh).await;

    erase(&world, &id).await;
    assert_eq!(world.status(&id).await, "erasing");
    assert_eq!(world.maker().live_grants(ACCOUNT), 1);
    world.maker().release();
    renewal.await.unwrap();

    assert_erased(&world, &id).await;
    let ended = world.maker().grants(ACCOUNT)[0].ended;
    assert_eq!(ended, Some(simulator::EndReason::Revoked), "by its newest token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discovery_in_flight_finds_no_car_for_an_erased_user() {
    let world = Arc::new(World::start().await);
    let (id, ended) = world.enroll_unconfirmed("user-1", "peugeot", ACCOUNT).await;
    world.confirm(&id, &tests::query(&ended, "confirmation").unwrap()).await;
    world.clock.advance(minutes(3));
    let discovery = held(&world, "act", Operation::Vehicles).await;

    // Another run erases while the first one waits.
    let answer = world.api("DELETE", &format!("/v1/enrollments/{id}"), None).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    // The subscription may be in somebody's hands for a moment: then the next run erases.
    for _ in 0..5 {
        world.run("act").await;
        if world.status(&id).await == "erased" {
            break;
        }
        world.clock.advance(minutes(2));
    }
    assert_eq!(world.status(&id).await, "erased");
    world.maker().release();
    discovery.await.unwrap();

    assert_erased(&world, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_comes_back_to_an_erased_enrollment_leaves_no_grant_anywhere() {
    let world = Arc::new(World::start().await);
    let begun = world.begin_enrollment("user-1", "peugeot").await;
    let mut browser = browser();
    let back = world.consent(&mut browser, &begun.login_url, ACCOUNT).await;
    world.maker().fault(Fault::once(Operation::Token, FaultKind::Hold));
    let login = tokio::spawn(async move { browser.get(&back).await.unwrap() });
    world.maker().wait_until_held(1).await;

    erase(&world, &begun.id).await;
    assert_eq!(world.status(&begun.id).await, "erased");
    world.maker().release();
    let page = login.await.unwrap();

    assert_eq!(page.status, 303, "{}", page.body);
    assert!(tests::query(page.location.as_ref().unwrap(), "confirmation").is_none());
    assert_erased(&world, &begun.id).await;
}

/// The one grant as it is stored.
async fn grant(world: &World) -> Value {
    let grants = world.items("Grants").await;
    assert_eq!(grants.len(), 1);
    grants.into_iter().next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_fail_once_the_maker_has_answered_cost_no_token() {
    let world = Arc::new(World::start().await);
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.clock.advance(hours(25));
    let renewal = held(&world, "refresh", Operation::Refresh).await;

    // Every cached secret is too old from now on, and none can be read.
    world.clock.advance(minutes(10));
    let down = Rule::once(Effect::Unavailable).at(Db::GetSecretValue).times(1000);
    world.cloud.faults().next(down);
    world.maker().release();
    renewal.await.unwrap();
    assert_eq!(grant(&world).await["version"]["N"], "2", "stored all the same");
    assert_eq!(grant(&world).await["open_intents"]["N"], "0");
    world.cloud.faults().clear();

    world.clock.advance(hours(21));
    world.run_all().await;
    assert_eq!(world.status(&id).await, "active");
    assert_eq!((world.maker().reuse_kills(), world.maker().grants(ACCOUNT)[0].renewals), (0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_fail_before_the_call_leave_no_open_intent_behind() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.clock.advance(hours(25));
    let down = Rule::once(Effect::Unavailable).of("refresh").at(Db::GetSecretValue).times(1000);
    world.cloud.faults().next(down);

    world.run("refresh").await;

    assert_eq!(world.maker().calls(Operation::Refresh), 0);
    let stored = grant(&world).await;
    assert_eq!(
        (&stored["open_intents"]["N"], &stored["lease_until"]["N"]),
        (&json!("0"), &json!("0"))
    );
    world.cloud.faults().clear();
    // So the next thing that the maker says is believed.
    world.maker().withdraw(ACCOUNT);
    for _ in 0..2 {
        world.clock.advance(minutes(10));
        world.run("refresh").await;
    }
    let enrollment = world.read(&format!("/v1/enrollments/{id}")).await;
    assert_eq!(enrollment["reason"], "withdrawn", "{enrollment}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_renewal_itself_ends_a_withdrawn_grant_whose_account_has_no_car() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", "peugeot-nobody").await;
    world.maker().withdraw("peugeot-nobody");
    world.clock.advance(hours(23));

    world.run("refresh").await;
    assert_eq!(world.status(&id).await, "active", "once is not believed");
    world.clock.advance(minutes(10));
    world.run("refresh").await;

    assert_eq!(world.status(&id).await, "reauthorization_required");
    assert!(world.cloud.usage().of("refresh").denied.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_keeps_its_name_though_the_database_fails_when_the_maker_tells_it() {
    let world = Arc::new(World::start().await);
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.maker().withdraw(ACCOUNT);
    world.clock.advance(hours(25));
    let renewal = held(&world, "refresh", Operation::Refresh).await;

    let down = Rule::once(Effect::Unavailable).of("refresh").at(Db::GetItem).times(1000);
    world.cloud.faults().next(down);
    world.maker().release();
    renewal.await.unwrap();
    assert_eq!(world.status(&id).await, "active", "nothing could be read");
    assert_eq!(grant(&world).await["open_intents"]["N"], "0", "but the maker did answer");
    world.cloud.faults().clear();

    for _ in 0..2 {
        world.clock.advance(hours(1));
        world.run_all().await;
    }
    let enrollment = world.read(&format!("/v1/enrollments/{id}")).await;
    assert_eq!(
        (&enrollment["status"], &enrollment["reason"]),
        (&json!("reauthorization_required"), &json!("withdrawn"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maker_that_is_down_after_the_confirmation_is_asked_for_the_cars_until_it_answers() {
    let world = World::start().await;
    world.maker().fault(Fault::times(Operation::Vehicles, 60, FaultKind::Status(503)));
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;

    for _ in 0..6 {
        world.clock.advance(hours(1));
        world.run_all().await;
    }
    assert_eq!(world.status(&id).await, "active");
    world.maker().clear_faults();
    for _ in 0..4 {
        world.clock.advance(hours(1));
        world.run_all().await;
    }

    let cars = world.read(&format!("/v1/enrollments/{id}/vehicles")).await;
    assert_eq!(cars["items"].as_array().unwrap().len(), 1, "{cars}");
}
