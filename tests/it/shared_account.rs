//! One brand account under two users: nothing moves, an event says so, and erasure forgets it.

use serde_json::Value;
use tests::{ACCOUNT, World};

const SHARED: &str = "enrollment.account_shared";

/// What the store knows of shared accounts: each item, as it is.
async fn accounts(world: &World) -> Vec<Value> {
    let mut items = world.items("Records").await;
    items.retain(|item| item.to_string().contains("ACCT#"));
    items
}

/// The enrollments of the one account that is known.
async fn members(world: &World) -> Vec<String> {
    let accounts = accounts(world).await;
    assert_eq!(accounts.len(), 1, "{accounts:?}");
    let ids = accounts[0]["enrollments"]["SS"].as_array().unwrap().iter();
    let mut ids: Vec<_> = ids.map(|id| id.as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

async fn told(world: &World, id: &str) -> usize {
    world.event_types(id).await.iter().filter(|kind| *kind == SHARED).count()
}

async fn erase(world: &World, id: &str) {
    world.patiently("DELETE", &format!("/v1/enrollments/{id}"), None).await;
    world.settle().await;
    for _ in 0..20 {
        if world.status(id).await == "erased" {
            return;
        }
        world.pass(jiff::SignedDuration::from_mins(10)).await;
    }
    panic!("{id} is not erased");
}

/// Two users, one account; then the first one again, then neither.
async fn a_story(world: &World) {
    let one = world.enroll("user-1", "peugeot", ACCOUNT).await;
    let two = world.enroll("user-2", "peugeot", ACCOUNT).await;

    assert_ne!(one, two);
    assert_eq!((told(world, &one).await, told(world, &two).await), (0, 1));
    for id in [&one, &two] {
        let cars = world.patiently("GET", &format!("/v1/enrollments/{id}/vehicles"), None).await;
        assert_eq!(cars.body["items"].as_array().unwrap().len(), 1, "{}", cars.body);
    }
    let mut both = vec![one.clone(), two.clone()];
    both.sort();
    assert_eq!(members(world).await, both);
    let stored = format!("{:?}", accounts(world).await);
    assert!(!stored.contains("user-") && !stored.contains("alex"), "{stored}");
    let event = world.events(&two).await.into_iter();
    let event = event.map(|event| event.to_string()).find(|event| event.contains(SHARED)).unwrap();
    assert!(!event.contains("user-1") && !event.contains(&one), "{event}");

    erase(world, &one).await;
    assert_eq!(members(world).await, std::slice::from_ref(&two));
    assert_eq!(world.status(&two).await, "active");
    erase(world, &two).await;
    assert!(accounts(world).await.is_empty(), "{:?}", accounts(world).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_under_a_second_user_is_told_to_the_second_and_moves_nothing() {
    a_story(&World::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_unkind_database_a_shared_account_is_told_and_forgotten_all_the_same() {
    for seed in 1..=4 {
        a_story(&World::unkind(seed).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_user_once_more_shares_with_nobody() {
    let world = World::start().await;
    let one = world.enroll("user-1", "peugeot", ACCOUNT).await;
    let (again, _) = world.enroll_unconfirmed("user-1", "peugeot", ACCOUNT).await;
    world.settle().await;

    assert_eq!(world.status(&again).await, "merged");
    assert_eq!((told(&world, &one).await, told(&world, &again).await), (0, 0));
    assert_eq!(members(&world).await, std::slice::from_ref(&one));
    erase(&world, &one).await;
    let next = world.enroll("user-2", "peugeot", ACCOUNT).await;
    assert_eq!(told(&world, &next).await, 0, "the first one is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_awaits_confirmation_counts_until_it_is_erased() {
    let world = World::start().await;
    let (one, _) = world.enroll_unconfirmed("user-1", "peugeot", ACCOUNT).await;
    let (again, _) = world.enroll_unconfirmed("user-1", "peugeot", ACCOUNT).await;
    let (two, _) = world.enroll_unconfirmed("user-2", "peugeot", ACCOUNT).await;
    world.settle().await;

    assert_eq!((told(&world, &one).await, told(&world, &again).await), (0, 0));
    assert_eq!(told(&world, &two).await, 1);
    assert_eq!(members(&world).await.len(), 3);
    world.pass(jiff::SignedDuration::from_mins(30)).await;
    for id in [&one, &again, &two] {
        assert_eq!(world.status(id).await, "erased");
    }
    assert!(accounts(&world).await.is_empty());
}
