//! The answer of any one write lost on the way: the function lives on, its SDK asks again, and
//! everything goes as if nothing had been: once.

use std::collections::BTreeMap;

use serde_json::json;
use simulator::Operation;
use tests::{
    ACCOUNT, CAR, Moment, RETURN_TO, World, browser, each_lost_answer, hours, minutes, query,
};

/// No event of an enrollment stands twice, and these types once each.
async fn assert_told_once(world: &World, id: &str, kinds: &[&str], moment: Moment) {
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for event in world.events(id).await {
        *told.entry(event["what"].to_string()).or_default() += 1;
    }
    assert!(told.values().all(|count| *count == 1), "{moment:?}: {told:?}");
    let types = world.event_types(id).await;
    for kind in kinds {
        assert_eq!(types.iter().filter(|it| it == kind).count(), 1, "{moment:?} {kind}: {types:?}");
    }
}

async fn assert_erased(world: &World, id: &str, moment: Moment) {
    assert_eq!(world.status(id).await, "erased", "{moment:?}");
    assert_eq!(world.maker().live_grants(ACCOUNT), 0, "{moment:?}");
    assert!(world.maker().callbacks().is_empty(), "{moment:?}");
    assert_eq!(world.event_types(id).await, ["enrollment.erased"], "{moment:?}");
    world.assert_nowhere(&[CAR, "user-1"]).await;
    let erasure = world.read(&format!("/v1/enrollments/{id}/erasure")).await;
    assert_eq!(erasure["revocation"], "confirmed", "{moment:?}: {erasure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_connects_once_though_the_answer_of_a_write_is_lost() {
    let story = async |moment: Moment| {
        let world = World::start().await;
        let begun = world.begin_enrollment("user-1", "peugeot").await;
        let mut browser = browser();
        let back = world.consent(&mut browser, &begun.login_url, ACCOUNT).await;
        let page = moment.during(&world, browser.get(&back)).await;
        let Some(page) = page else { return false };

        let ended = page.unwrap().location.expect("a way on");
        assert_eq!(query(&ended, "outcome").as_deref(), Some("connected"), "{moment:?}");
        assert_eq!(world.maker().calls(Operation::Token), 1, "{moment:?}");
        assert_eq!(world.items("Grants").await.len(), 1, "{moment:?}");
        let confirmation = query(&ended, "confirmation").expect("a confirmation");
        assert_eq!(world.confirm(&begun.id, &confirmation).await.status, 200, "{moment:?}");
        let kinds = ["enrollment.begun", "enrollment.completed", "enrollment.confirmed"];
        assert_told_once(&world, &begun.id, &kinds, moment).await;
        assert_eq!(world.maker().live_grants(ACCOUNT), 1, "{moment:?}");
        true
    };

    let lost = each_lost_answer("callback", story).await;
    assert!(lost >= 2, "{lost}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_brings_its_news_once_though_the_answer_of_a_write_is_lost() {
    let story = async |moment: Moment| {
        let world = World::start().await;
        let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
        world.run("fetch").await;
        world.clock.advance(hours(14));
        let looked = moment.during(&world, world.run("fetch")).await;
        let Some(looked) = looked else { return false };

        assert_eq!(world.maker().calls(Operation::Refresh), 1, "{moment:?}: {looked}");
        assert_eq!(world.maker().reuse_kills(), 0, "{moment:?}");
        assert_eq!(world.status(&id).await, "active", "{moment:?}");
        let car = format!("/v1/enrollments/{id}/vehicles/{CAR}");
        assert!(world.read(&car).await["last_seen"].is_string(), "{moment:?}");
        assert_told_once(&world, &id, &["vehicle.discovered"], moment).await;
        // Nothing is left over that the next run would do again.
        let asked = world.maker().all_calls();
        world.run("fetch").await;
        assert_eq!(world.maker().all_calls(), asked, "{moment:?}: it was done");
        true
    };

    let lost = each_lost_answer("fetch", story).await;
    assert!(lost >= 4, "{lost}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrollment_begins_once_though_the_answer_of_a_write_is_lost() {
    let story = async |moment: Moment| {
        let world = World::start().await;
        let wish = json!({"user_ref": "user-1", "brand": "peugeot", "return_to": RETURN_TO});
        let begun = moment.during(&world, world.post_once("one", "/v1/enrollments", wish)).await;
        let Some(begun) = begun else { return false };

        assert_eq!(begun.status, 201, "{moment:?}: {}", begun.body);
        let all = world.read("/v1/enrollments?user_ref=user-1").await;
        assert_eq!(all["items"].as_array().unwrap().len(), 1, "{moment:?}: {all}");
        let id = begun.body["id"].as_str().unwrap();
        assert_told_once(&world, id, &["enrollment.begun"], moment).await;
        true
    };

    let lost = each_lost_answer("api", story).await;
    assert!(lost >= 2, "{lost}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_counts_once_though_the_answer_of_a_write_is_lost() {
    for function in ["api", "act"] {
        let story = async |moment: Moment| {
            let world = World::start().await;
            let (id, ended) = world.enroll_unconfirmed("user-1", "peugeot", ACCOUNT).await;
            let confirmation = query(&ended, "confirmation").unwrap();
            let confirmed = moment.during(&world, async {
                let confirmed = world.confirm(&id, &confirmation).await;
                world.settle().await;
                confirmed
            });
            let Some(confirmed) = confirmed.await else { return false };

            assert_eq!(confirmed.status, 200, "{moment:?}: {}", confirmed.body);
            let cars = world.read(&format!("/v1/enrollments/{id}/vehicles")).await;
            assert_eq!(cars["items"].as_array().unwrap().len(), 1, "{moment:?}");
            let kinds = ["enrollment.confirmed", "vehicle.discovered"];
            assert_told_once(&world, &id, &kinds, moment).await;
            assert_eq!(world.maker().callbacks().len(), 1, "{moment:?}");
            assert_eq!(world.maker().calls(Operation::CallbackCreate), 1, "{moment:?}");
            let enrollment = world.read(&format!("/v1/enrollments/{id}")).await;
            assert_eq!(enrollment["subscription"]["state"], "active", "{moment:?}: {enrollment}");
            true
        };

        let lost = each_lost_answer(function, story).await;
        assert!(lost >= 1, "{function}: {lost}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_ends_once_though_the_answer_of_a_write_is_lost() {
    for function in ["api", "act"] {
        let story = async |moment: Moment| {
            let world = World::with_short_history().await;
            let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
            let erased = moment.during(&world, async {
                let erased = world.api("DELETE", &format!("/v1/enrollments/{id}"), None).await;
                world.settle().await;
                erased
            });
            let Some(erased) = erased.await else { return false };

            assert_eq!(erased.status, 202, "{moment:?}: {}", erased.body);
            assert_erased(&world, &id, moment).await;
            assert_eq!(world.maker().calls(Operation::Revoke), 1, "{moment:?}");
            true
        };

        let lost = each_lost_answer(function, story).await;
        assert!(lost >= 1, "{function}: {lost}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_confirmed_ends_once_though_the_answer_of_a_write_is_lost() {
    let story = async |moment: Moment| {
        let world = World::start().await;
        let (id, _) = world.enroll_unconfirmed("user-1", "peugeot", ACCOUNT).await;
        world.clock.advance(minutes(16));
        let ended = moment.during(&world, world.run("act")).await;
        let Some(ended) = ended else { return false };

        assert_erased(&world, &id, moment).await;
        assert_eq!(world.maker().calls(Operation::Revoke), 1, "{moment:?}: {ended}");
        true
    };

    let lost = each_lost_answer("act", story).await;
    assert!(lost >= 4, "{lost}");
}
