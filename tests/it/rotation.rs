//! Keys and secrets changed while drivers log in, grants are renewed and cars looked at: nothing is
//! lost, nobody is turned away, and what is revoked is dead within five minutes.

use accessing_party::{Drive, Effect, Operation as Db, Rule, credentials::rotate};
use serde_json::{Map, Value, json};
use simulator::Operation;
use tests::{World, browser, hours, minutes, query};

const BRANDS: [&str; 4] = ["peugeot", "citroen", "ds", "vauxhall"];

/// A step of a rotation as the command line makes it, put to where functions read it.
fn rotate_in(world: &World, ring: &str, promote: bool) -> String {
    let mut secrets = Map::new();
    secrets.insert(ring.to_owned(), world.cloud.secrets().get(ring).unwrap());
    let key = rotate(&mut secrets, ring, promote).unwrap();
    world.cloud.secrets().put(ring, secrets.remove(ring).unwrap());
    key
}

fn retire(world: &World, ring: &str, key: &str) -> Value {
    let mut secret = world.cloud.secrets().get(ring).unwrap();
    let retired = secret["keys"].as_object_mut().unwrap().remove(key).unwrap();
    world.cloud.secrets().put(ring, secret);
    retired
}

/// The function's next event finds a new process, which reads every secret anew.
async fn restart(world: &World, function: &str) {
    world.cloud.faults().next(Rule::once(Effect::DieBefore).of(function).at(Db::Query));
    let ended = world.try_run(function).await;
    assert!(ended.is_err(), "{function} lives on");
}

/// Logins of four drivers, and all schedules, at once. Returns the new enrollments.
async fn traffic(world: &World, wave: usize) -> Vec<String> {
    let login = |brand: &'static str| {
        let account = format!("{brand}-alex");
        let user = format!("user-{brand}-{wave}");
        async move { world.enroll(&user, brand, &account).await }
    };
    let [one, two, three, four] = BRANDS;
    let (a, b, c, d, (), ()) = tokio::join!(
        login(one),
        login(two),
        login(three),
        login(four),
        world.run_all(),
        world.run_all()
    );
    vec![a, b, c, d]
}

async fn assert_all_alive(world: &World, ids: &[String]) {
    for id in ids {
        assert_eq!(world.status(id).await, "active", "{id}");
        let cars = world.read(&format!("/v1/enrollments/{id}/vehicles")).await;
        assert!(!cars["items"].as_array().unwrap().is_empty(), "{id}");
    }
    let live: usize = BRANDS.iter().map(|b| world.maker().live_grants(&format!("{b}-alex"))).sum();
    assert_eq!(live, ids.len());
    assert_eq!((world.maker().reuse_kills(), world.maker().unknown_tokens()), (0, 0));
}

/// Which key each grant is sealed with: the sealed value tells, for whoever opens it must know.
async fn sealed_with(world: &World) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for grant in world.items("Grants").await {
        let sealed = grant["sealed"]["B"].as_str().unwrap();
        // Version and length go before the id.
        let bytes = data_encoding::BASE64.decode(sealed.as_bytes()).unwrap();
        let id = &bytes[2..2 + usize::from(bytes[1])];
        keys.push(String::from_utf8(id.to_vec()).unwrap());
    }
    keys.sort();
    keys.dedup();
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ring_that_seals_tokens_is_changed_under_traffic_and_no_grant_is_lost() {
    let world = World::start().await;
    let mut ids = traffic(&world, 0).await;
    assert_eq!(sealed_with(&world).await, ["k1"]);

    assert_eq!(rotate_in(&world, "seal", false), "k2");
    ids.extend(traffic(&world, 1).await);
    world.clock.advance(minutes(5));
    ids.extend(traffic(&world, 2).await);
    assert_eq!(sealed_with(&world).await, ["k1"], "added, not yet used");
    rotate_in(&world, "seal", true);
    // Some processes seal with the new key already, some with the old one still: both open both.
    restart(&world, "refresh").await;
    world.clock.advance(minutes(2));
    ids.extend(traffic(&world, 3).await);
    for _ in 0..3 {
        world.clock.advance(hours(11));
        world.run_all().await;
    }
    assert_eq!(sealed_with(&world).await, ["k2"]);

    retire(&world, "seal", "k1");
    ids.extend(traffic(&world, 4).await);
    world.clock.advance(hours(25));
    ids.extend(traffic(&world, 5).await);

    assert_all_alive(&world, &ids).await;
    let grants = world.maker().all_grants();
    assert!(grants.iter().all(|grant| grant.renewals > 0 || grant.issued_at == world.now()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_a_warm_process_does_not_know_yet_is_read_and_not_taken_for_a_dead_grant() {
    let world = World::with(|options| options.streams = Drive::Running).await;
    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;
    world.maker().configure(|settings| settings.access_seconds = 30);
    let look = format!("/v1/enrollments/{id}/vehicles/VR3UHZKXZPT000208/refresh");
    world.clock.advance(hours(12));
    let answer = world.api("POST", &look, None).await;
    assert_eq!(answer.status, 200, "act has read the old ring: {}", answer.body);

    // Promoted at once, without the five minutes.
    rotate_in(&world, "seal", false);
    rotate_in(&world, "seal", true);
    world.clock.advance(minutes(3));
    restart(&world, "fetch").await;
    world.clock.advance(minutes(1));
    let before = world.maker().calls(Operation::Refresh);
    world.run("fetch").await;
    assert_eq!(world.maker().calls(Operation::Refresh), before + 1);
    assert_eq!(sealed_with(&world).await, ["k2"], "a new process seals with the new key");

    let answer = world.api("POST", &look, None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(world.status(&id).await, "active");
    assert_eq!((world.maker().reuse_kills(), world.maker().unknown_tokens()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_retired_too_early_costs_time_and_no_grant() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;
    rotate_in(&world, "seal", false);
    rotate_in(&world, "seal", true);
    let key = retire(&world, "seal", "k1");
    world.maker().configure(|settings| settings.refresh_idle = None);
    let before = world.maker().calls(Operation::Refresh);

    for _ in 0..10 {
        world.clock.advance(hours(3));
        world.run_all().await;
    }
    assert_eq!(world.status(&id).await, "active", "ours, never a dead grant");
    assert_eq!(world.maker().calls(Operation::Refresh), before);
    let mut seal = world.cloud.secrets().get("seal").unwrap();
    seal["keys"]["k1"] = key;
    world.cloud.secrets().put("seal", seal);
    world.clock.advance(minutes(10));
    world.run_all().await;

    assert_eq!(world.maker().calls(Operation::Refresh), before + 1);
    assert_eq!((world.status(&id).await.as_str(), world.maker().reuse_kills()), ("active", 0));
    assert_eq!(sealed_with(&world).await, ["k2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ring_of_links_and_cookies_is_changed_while_they_are_in_flight() {
    let world = World::start().await;
    let link = world.begin_enrollment("user-link", "peugeot").await;
    let late = world.begin_enrollment("user-late", "ds").await;
    world.maker().configure(|settings| settings.code_seconds = 900);
    let away = world.begin_enrollment("user-away", "opel").await;
    let mut traveller = browser();
    let back = world.consent(&mut traveller, &away.login_url, "opel-kim").await;

    rotate_in(&world, "edge", false);
    world.clock.advance(minutes(5));
    rotate_in(&world, "edge", true);
    world.clock.advance(minutes(1));

    // Left with a cookie of the old key, comes back.
    let ended = traveller.get(&back).await.unwrap().location.unwrap();
    let confirmation = query(&ended, "confirmation").expect("connected");
    assert_eq!(world.confirm(&away.id, &confirmation).await.status, 200);
    // Opens a link of the old key, and leaves with a cookie of the new one or the old.
    let mut reader = browser();
    let back = world.consent(&mut reader, &link.login_url, "peugeot-alex").await;
    world.clock.advance(minutes(5));
    let ended = reader.get(&back).await.unwrap().location.unwrap();
    assert!(query(&ended, "confirmation").is_some(), "{ended}");

    retire(&world, "edge", "k1");
    world.clock.advance(minutes(5));
    let refused = browser().get(&late.login_url).await.unwrap();
    assert_eq!(refused.status, 400, "a link of a retired key is refused, not an error");
    let new = world.enroll("user-new", "vauxhall", "vauxhall-alex").await;
    assert_eq!(world.status(&new).await, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_secret_that_the_maker_refuses_is_read_again_and_the_renewal_goes_on() {
    let world = World::with(|options| options.streams = Drive::Running).await;
    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;
    world.maker().configure(|settings| settings.access_seconds = 30);
    let look = format!("/v1/enrollments/{id}/vehicles/VR3UHZKXZPT000208/refresh");
    world.clock.advance(hours(12));
    let answer = world.api("POST", &look, None).await;
    assert_eq!(answer.status, 200, "act has read the old secret: {}", answer.body);
    let before = world.maker().calls(Operation::Refresh);

    let mut maker = world.cloud.secrets().get("maker").unwrap();
    maker["client_secret"] = json!("the-new-client-secret");
    world.cloud.secrets().put("maker", maker);
    world.maker().accept_client_secrets(&["the-new-client-secret"]);
    world.clock.advance(minutes(2));
    let answer = world.api("POST", &look, None).await;

    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(world.maker().calls(Operation::Refresh), before + 2, "refused, then not");
    assert_eq!((world.status(&id).await.as_str(), world.maker().reuse_kills()), ("active", 0));
    assert_eq!(world.maker().live_grants("peugeot-alex"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_meets_a_changed_client_secret_fails_once_and_the_next_one_connects() {
    let world = World::start().await;
    world.enroll("user-1", "peugeot", "peugeot-alex").await;
    let mut maker = world.cloud.secrets().get("maker").unwrap();
    maker["client_secret"] = json!("the-new-client-secret");
    world.cloud.secrets().put("maker", maker);
    world.maker().accept_client_secrets(&["the-new-client-secret"]);
    world.clock.advance(minutes(2));

    let begun = world.begin_enrollment("user-2", "opel").await;
    let mut browser = browser();
    let back = world.consent(&mut browser, &begun.login_url, "opel-kim").await;
    let ended = browser.get(&back).await.unwrap().location.unwrap();
    assert_eq!(query(&ended, "confirmation"), None, "{ended}");
    let id = world.enroll("user-2", "opel", "opel-kim").await;

    assert_eq!(world.status(&id).await, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_api_key_is_dead_within_five_minutes_and_others_live_on() {
    let world = World::start().await;
    let other = world.add_key(&["read".to_owned()]);
    world.clock.advance(minutes(5));
    let path = "/v1/enrollments?user_ref=user-1";
    for key in [world.key(), &other] {
        assert_eq!(world.api_as(key, "GET", path, None).await.status, 200);
    }

    let mut edge = world.cloud.secrets().get("edge").unwrap();
    edge["api_keys"].as_array_mut().unwrap().remove(0);
    world.cloud.secrets().put("edge", edge);
    for _ in 0..5 {
        // Asked all the while: a cache that each use prolongs would never end.
        world.clock.advance(minutes(1));
        world.api_as(world.key(), "GET", path, None).await;
    }

    assert_eq!(world.api_as(world.key(), "GET", path, None).await.status, 401);
    assert_eq!(world.api_as(&other, "GET", path, None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_secrets_is_outlived_for_an_hour_by_all_but_the_keys() {
    let world = World::start().await;
    let path = "/v1/enrollments?user_ref=user-1";
    assert_eq!(world.api("GET", path, None).await.status, 200);
    let begun = world.begin_enrollment("user-1", "peugeot").await;
    let mut browser = browser();
    assert_eq!(browser.get(&begun.login_url).await.unwrap().status, 302);
    let ill = Rule::once(Effect::Unavailable).at(Db::GetSecretValue).times(1_000);
    world.cloud.faults().next(ill);

    world.clock.advance(minutes(14));
    assert_eq!(browser.get(&begun.login_url).await.unwrap().status, 302);
    // A key that may have been revoked meanwhile is not taken.
    assert_eq!(world.api("GET", path, None).await.status, 503);

    world.clock.advance(minutes(60));
    assert!(browser.get(&begun.login_url).await.unwrap().status >= 500);
    world.cloud.faults().clear();
    assert_eq!(world.api("GET", path, None).await.status, 200);
}
