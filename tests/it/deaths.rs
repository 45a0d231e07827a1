//! Death between any two steps: what is run again goes on, and nothing stays half done.

use accessing_party::{Effect, Operation as Db, Rule};
use jiff::SignedDuration;
use serde_json::json;
use tests::{World, browser, query};

const ACCOUNT: &str = "peugeot-alex";
const CAR: &str = "VR3UHZKXZPT000208";
const WRITES: [Db; 5] =
    [Db::UpdateItem, Db::PutItem, Db::TransactWriteItems, Db::DeleteItem, Db::BatchWriteItem];

/// Every moment of death: before and after the n-th write of each kind.
fn moments() -> impl Iterator<Item = (Effect, Db)> {
    [Effect::DieBefore, Effect::DieAfter]
        .into_iter()
        .flat_map(|effect| WRITES.map(|db| (effect, db)))
}

/// Orders a death; tells afterwards whether it came.
struct Death<'a>(&'a World);

impl<'a> Death<'a> {
    fn of(world: &'a World, function: &str, effect: Effect, db: Db, skip: usize) -> Self {
        world.cloud.faults().next(Rule::once(effect).of(function).at(db).after(skip));
        Self(world)
    }

    fn came(self) -> bool {
        let came = self.0.cloud.faults().pending() == 0;
        self.0.cloud.faults().clear();
        came
    }
}

/// The schedules, three times within half an hour: longer than any lease and any back-off.
async fn recover(world: &World) {
    for _ in 0..3 {
        world.clock.advance(SignedDuration::from_mins(10));
        for function in ["refresh", "fetch", "act", "digest"] {
            world.cloud.invoke(function, json!({"worker": 0, "workers": 1})).await.unwrap();
        }
        world.settle().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_dies_goes_on_or_names_what_was_lost() {
    let mut deaths = 0;
    for (effect, db) in moments() {
        for skip in 0.. {
            let world = World::start().await;
            let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
            world.clock.advance(SignedDuration::from_hours(25));
            let death = Death::of(&world, "refresh", effect, db, skip);
            let ended = world.cloud.invoke("refresh", json!({"worker": 0, "workers": 1})).await;
            if !death.came() {
                break;
            }
            assert!(ended.is_err());
            deaths += 1;
            recover(&world).await;
            world.clock.advance(SignedDuration::from_hours(21));
            recover(&world).await;

            let enrollment = world.read(&format!("/v1/enrollments/{id}")).await;
            // Only where the maker's answer died with the process is there nothing to go on with.
            let answer_died = effect == Effect::DieBefore && world.maker().reuse_kills() == 1;
            if answer_died {
                assert_eq!(enrollment["reason"], "lost_answer", "{effect:?} {db:?} {skip}");
            } else {
                assert_eq!(enrollment["status"], "active", "{effect:?} {db:?} {skip}");
                assert_eq!(world.maker().live_grants(ACCOUNT), 1, "{effect:?} {db:?} {skip}");
            }
        }
    }
    assert!(deaths >= 4, "{deaths}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_dies_is_done_again() {
    let mut deaths = 0;
    for (effect, db) in moments() {
        for skip in 0.. {
            let world = World::start().await;
            let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
            let death = Death::of(&world, "fetch", effect, db, skip);
            let ended = world.cloud.invoke("fetch", json!({"worker": 0, "workers": 1})).await;
            if !death.came() {
                break;
            }
            assert!(ended.is_err());
            deaths += 1;
            recover(&world).await;

            assert_eq!(world.status(&id).await, "active", "{effect:?} {db:?} {skip}");
            let car = format!("/v1/enrollments/{id}/vehicles/{CAR}");
            let seen = world.read(&car).await;
            assert!(seen["last_seen"].is_string(), "{effect:?} {db:?} {skip}: {seen}");
            // The claim was the write of the next look: journeys come at their own pace.
            world.clock.advance(SignedDuration::from_hours(3));
            recover(&world).await;
            let trips = world.read(&format!("{car}/trips")).await;
            assert!(!trips["items"].as_array().unwrap().is_empty() || trips["next"].is_string());
        }
    }
    assert!(deaths >= 4, "{deaths}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_dies_is_finished() {
    let mut deaths = 0;
    for (effect, db) in moments() {
        for skip in 0.. {
            let world = World::start().await;
            let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
            let death = Death::of(&world, "act", effect, db, skip);
            world.api("DELETE", &format!("/v1/enrollments/{id}"), None).await;
            world.settle().await;
            if !death.came() {
                break;
            }
            deaths += 1;
            recover(&world).await;

            assert_eq!(world.status(&id).await, "erased", "{effect:?} {db:?} {skip}");
            assert_eq!(world.maker().live_grants(ACCOUNT), 0, "{effect:?} {db:?} {skip}");
            for table in ["Grants", "Records", "Outbox"] {
                let left = format!("{:?}", world.cloud.items(table).await.unwrap());
                assert!(!left.contains(CAR) && !left.contains("user-1"), "{table}: {left}");
            }
        }
    }
    println!("{deaths} deaths of an erasure");
    assert!(deaths >= 20, "{deaths}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_dies_leaves_a_consent_or_a_failure_and_never_half_of_one() {
    let mut deaths = 0;
    for (effect, db) in moments() {
        for skip in 0.. {
            let world = World::start().await;
            let begun = world.begin_enrollment("user-1", "peugeot").await;
            let mut browser = browser();
            let back = world.consent(&mut browser, &begun.login_url, ACCOUNT).await;
            let death = Death::of(&world, "callback", effect, db, skip);
            let page = browser.get(&back).await.unwrap();
            if !death.came() {
                break;
            }
            assert!(page.status >= 500, "{}", page.status);
            deaths += 1;
            recover(&world).await;

            let status = world.status(&begun.id).await;
            assert!(
                !matches!(status.as_str(), "exchanging" | "active"),
                "{effect:?} {db:?} {status}"
            );
            let grants = world.cloud.items("Grants").await.unwrap();
            assert!(grants.is_empty(), "{effect:?} {db:?} {status}: what nobody confirmed is gone");
        }
    }
    assert!(deaths >= 3, "{deaths}");
}

/// Plays a story once for each moment at which `act` may die in it. `story` orders the death where
/// it belongs; `end` says how it must end. Returns how many deaths there were.
async fn each_death_of_act(
    story: impl AsyncFn(&World, Effect, Db, usize) -> (String, bool),
    end: impl AsyncFn(&World, &str, &str),
) -> usize {
    let mut deaths = 0;
    for (effect, db) in moments() {
        for skip in 0.. {
            let world = World::start().await;
            let (id, came) = story(&world, effect, db, skip).await;
            if !came {
                break;
            }
            deaths += 1;
            recover(&world).await;
            end(&world, &id, &format!("{effect:?} {db:?} {skip}")).await;
        }
    }
    deaths
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discovery_that_dies_finds_every_car_once() {
    let story = async |world: &World, effect, db, skip| {
        let (id, ended) = world.enroll_unconfirmed("user-1", "peugeot", ACCOUNT).await;
        let death = Death::of(world, "act", effect, db, skip);
        world.confirm(&id, &query(&ended, "confirmation").unwrap()).await;
        world.settle().await;
        (id, death.came())
    };
    let end = async |world: &World, id: &str, moment: &str| {
        let cars = world.read(&format!("/v1/enrollments/{id}/vehicles")).await;
        assert_eq!(cars["items"].as_array().unwrap().len(), 1, "{moment}");
        let told = world.event_types(id).await;
        let found = told.iter().filter(|kind| *kind == "vehicle.discovered").count();
        assert_eq!(found, 1, "{moment}: {told:?}");
    };

    assert!(each_death_of_act(story, end).await >= 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_what_nobody_confirmed_is_finished_whenever_it_dies() {
    let story = async |world: &World, effect, db, skip| {
        let (id, _) = world.enroll_unconfirmed("user-1", "peugeot", ACCOUNT).await;
        world.clock.advance(SignedDuration::from_mins(16));
        let death = Death::of(world, "act", effect, db, skip);
        // It may die.
        let _ = world.cloud.invoke("act", json!({"worker": 0, "workers": 1})).await;
        (id, death.came())
    };
    let end = async |world: &World, id: &str, moment: &str| {
        assert_eq!(world.status(id).await, "erased", "{moment}");
        assert_eq!(world.maker().live_grants(ACCOUNT), 0, "{moment}");
        assert!(world.cloud.items("Grants").await.unwrap().is_empty(), "{moment}");
    };

    assert!(each_death_of_act(story, end).await >= 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_grant_that_a_new_consent_replaced_is_revoked_whenever_it_dies() {
    let story = async |world: &World, effect, db, skip| {
        let id = world.enroll("user-1", "peugeot", ACCOUNT).await;
        let death = Death::of(world, "act", effect, db, skip);
        world.enroll_unconfirmed("user-1", "peugeot", ACCOUNT).await;
        world.settle().await;
        (id, death.came())
    };
    let end = async |world: &World, id: &str, moment: &str| {
        assert_eq!(world.status(id).await, "active", "{moment}");
        assert_eq!(world.maker().live_grants(ACCOUNT), 1, "{moment}");
        assert_eq!(world.cloud.items("Grants").await.unwrap().len(), 1, "{moment}");
    };

    assert!(each_death_of_act(story, end).await >= 4);
}
