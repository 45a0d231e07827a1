//! Death between any two steps: what is run again goes on, and nothing stays half done.

use accessing_party::Effect;
use tests::{ACCOUNT, CAR, Moment, WRITES, World, browser, each_death, hours, minutes, query};

/// The schedules, three times within half an hour: longer than any lease and any back-off.
async fn recover(world: &World) {
    for _ in 0..3 {
        world.clock.advance(minutes(10));
        for function in ["refresh", "fetch", "act", "digest"] {
            world.run(function).await;
        }
        world.settle().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_dies_goes_on_or_names_what_was_lost() {
    let story = async |moment: Moment| {
        let world = World::start().await;
        let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
        world.clock.advance(hours(25));
        let ended = moment.during(&world, world.try_run("refresh")).await;
        let Some(ended) = ended else { return false };
        assert!(ended.is_err());
        recover(&world).await;
        // What it died with may lie in the rescue queue: it is waited for, half an hour.
        world.clock.advance(minutes(40));
        recover(&world).await;
        world.clock.advance(hours(21));
        recover(&world).await;

        let enrollment = world.read(&format!("/v1/enrollments/{id}")).await;
        // Only where the maker's answer died with the process is there nothing to go on with.
        let answer_died = moment.effect == Effect::DieBefore && world.maker().reuse_kills() == 1;
        if answer_died {
            assert_eq!(enrollment["reason"], "lost_answer", "{moment:?}");
        } else {
            assert_eq!(enrollment["status"], "active", "{moment:?}");
            assert_eq!(world.maker().live_grants(ACCOUNT), 1, "{moment:?}");
        }
        true
    };

    let deaths = each_death("refresh", &WRITES, story).await;
    assert!(deaths >= 4, "{deaths}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_dies_is_done_again() {
    let story = async |moment: Moment| {
        let world = World::start().await;
        let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
        // It was polled when it was found.
        world.clock.advance(hours(3));
        let ended = moment.during(&world, world.try_run("fetch")).await;
        let Some(ended) = ended else { return false };
        assert!(ended.is_err());
        recover(&world).await;

        assert_eq!(world.status(&id).await, "active", "{moment:?}");
        let car = format!("/v1/enrollments/{id}/vehicles/{CAR}");
        let seen = world.read(&car).await;
        assert!(seen["last_seen"].is_string(), "{moment:?}: {seen}");
        // The claim was the write of the next look: journeys come at their own pace.
        world.clock.advance(hours(3));
        recover(&world).await;
        let trips = world.read(&format!("{car}/trips")).await;
        assert!(!trips["items"].as_array().unwrap().is_empty() || trips["next"].is_string());
        true
    };

    let deaths = each_death("fetch", &WRITES, story).await;
    assert!(deaths >= 4, "{deaths}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_dies_is_finished() {
    let story = async |moment: Moment| {
        let world = World::with_short_history().await;
        let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
        let erased = moment.during(&world, async {
            world.api("DELETE", &format!("/v1/enrollments/{id}"), None).await;
            world.settle().await;
        });
        if erased.await.is_none() {
            return false;
        }
        recover(&world).await;

        assert_eq!(world.status(&id).await, "erased", "{moment:?}");
        assert_eq!(world.maker().live_grants(ACCOUNT), 0, "{moment:?}");
        world.assert_nowhere(&[CAR, "user-1"]).await;
        true
    };

    let deaths = each_death("act", &WRITES, story).await;
    println!("{deaths} deaths of an erasure");
    assert!(deaths >= 20, "{deaths}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_dies_leaves_a_consent_or_a_failure_and_never_half_of_one() {
    let story = async |moment: Moment| {
        let world = World::start().await;
        let begun = world.begin_enrollment("user-1", "peugeot").await;
        let mut browser = browser();
        let back = world.consent(&mut browser, &begun.login_url, ACCOUNT).await;
        let page = moment.during(&world, browser.get(&back)).await;
        let Some(page) = page else { return false };
        assert!(page.unwrap().status >= 500, "{moment:?}");
        recover(&world).await;

        let status = world.status(&begun.id).await;
        assert!(!matches!(status.as_str(), "exchanging" | "active"), "{moment:?} {status}");
        let grants = world.items("Grants").await;
        assert!(grants.is_empty(), "{moment:?} {status}: what nobody confirmed is gone");
        true
    };

    let deaths = each_death("callback", &WRITES, story).await;
    assert!(deaths >= 3, "{deaths}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discovery_that_dies_finds_every_car_once() {
    let story = async |moment: Moment| {
        let world = World::start().await;
        let (id, ended) = world.enroll_unconfirmed("user-1", "peugeot", ACCOUNT).await;
        let confirmed = moment.during(&world, async {
            world.confirm(&id, &query(&ended, "confirmation").unwrap()).await;
            world.settle().await;
        });
        if confirmed.await.is_none() {
            return false;
        }
        recover(&world).await;

        let cars = world.read(&format!("/v1/enrollments/{id}/vehicles")).await;
        assert_eq!(cars["items"].as_array().unwrap().len(), 1, "{moment:?}");
        assert_eq!(world.told(&id, "vehicle.discovered").await.len(), 1, "{moment:?}");
        true
    };

    let deaths = each_death("act", &WRITES, story).await;
    assert!(deaths >= 6, "{deaths}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_what_nobody_confirmed_is_finished_whenever_it_dies() {
    let story = async |moment: Moment| {
        let world = World::start().await;
        let (id, _) = world.enroll_unconfirmed("user-1", "peugeot", ACCOUNT).await;
        world.clock.advance(minutes(16));
        if moment.during(&world, world.try_run("act")).await.is_none() {
            return false;
        }
        recover(&world).await;

        assert_eq!(world.status(&id).await, "erased", "{moment:?}");
        assert_eq!(world.maker().live_grants(ACCOUNT), 0, "{moment:?}");
        assert!(world.items("Grants").await.is_empty(), "{moment:?}");
        true
    };

    let deaths = each_death("act", &WRITES, story).await;
    assert!(deaths >= 8, "{deaths}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_grant_that_a_new_consent_replaced_is_revoked_whenever_it_dies() {
    let story = async |moment: Moment| {
        let world = World::revoking().await;
        let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
        let replaced = moment.during(&world, async {
            world.enroll_unconfirmed("user-1", "peugeot", ACCOUNT).await;
            world.settle().await;
        });
        if replaced.await.is_none() {
            return false;
        }
        recover(&world).await;

        assert_eq!(world.status(&id).await, "active", "{moment:?}");
        assert_eq!(world.maker().live_grants(ACCOUNT), 1, "{moment:?}");
        assert_eq!(world.items("Grants").await.len(), 1, "{moment:?}");
        true
    };

    let deaths = each_death("act", &WRITES, story).await;
    assert!(deaths >= 4, "{deaths}");
}
