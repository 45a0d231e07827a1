//! Whose car: a consent counts once the operator's backend says that it is its own user's.

use serde_json::json;
use tests::{World, hours, minutes, query};

#[tokio::test(flavor = "multi_thread")]
async fn without_confirmation_no_car_is_asked_for_and_after_fifteen_minutes_all_is_erased() {
    let world = World::start().await;
    let (id, ended) = world.enroll_unconfirmed("user-1", "peugeot", "peugeot-alex").await;
    let confirmation = query(&ended, "confirmation").unwrap();

    world.pass(minutes(10)).await;
    assert_eq!(world.status(&id).await, "awaiting_confirmation");
    let seen = world.api("GET", &format!("/v1/enrollments/{id}/vehicles"), None).await;
    assert_eq!(seen.status, 404, "{}", seen.body);
    assert_eq!(world.maker().calls(simulator::Operation::Vehicles), 0);
    world.pass(minutes(20)).await;

    assert_eq!(world.status(&id).await, "erased");
    assert_eq!(world.maker().live_grants("peugeot-alex"), 0);
    assert!(world.items("Grants").await.is_empty());
    assert_eq!(world.confirm(&id, &confirmation).await.status, 409);
    assert_eq!(world.maker().calls(simulator::Operation::Vehicles), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_that_comes_after_its_time_is_refused_even_before_the_sweep() {
    let world = World::start().await;
    let (id, ended) = world.enroll_unconfirmed("user-1", "peugeot", "peugeot-alex").await;

    world.clock.advance(minutes(15));
    let answer = world.confirm(&id, &query(&ended, "confirmation").unwrap()).await;

    assert_eq!(answer.status, 403, "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_confirmation_and_that_of_another_enrollment_are_refused() {
    let world = World::start().await;
    let (one, ended) = world.enroll_unconfirmed("user-1", "peugeot", "peugeot-alex").await;
    let (two, other) = world.enroll_unconfirmed("user-2", "opel", "opel-kim").await;
    let (right, foreign) =
        (query(&ended, "confirmation").unwrap(), query(&other, "confirmation").unwrap());

    for wrong in ["", "wrong", foreign.as_str(), &right[1..]] {
        let answer = world.confirm(&one, wrong).await;
        assert_eq!((answer.status, answer.body["field"].as_str()), (403, Some("confirmation")));
        assert!(!answer.body.to_string().contains(&right));
    }
    for id in [&one, &two] {
        assert_eq!(world.status(id).await, "awaiting_confirmation");
    }
    assert_eq!(world.confirm("no-such-enrollment", &right).await.status, 400);
    assert_eq!(world.confirm(&one.replace(['0', '1', '2', '3'], "4"), &right).await.status, 404);
    assert_eq!(world.confirm(&one, &right).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_confirmation_in_another_users_session_is_refused_and_changes_nothing() {
    let world = World::start().await;
    let (id, ended) = world.enroll_unconfirmed("user-1", "peugeot", "peugeot-alex").await;
    let right = query(&ended, "confirmation").unwrap();
    let path = format!("/v1/enrollments/{id}/confirm");

    let body = json!({"user_ref": "user-2", "confirmation": right});
    let answer = world.api("POST", &path, Some(body)).await;

    assert_eq!((answer.status, answer.body["field"].as_str()), (403, Some("user_ref")));
    assert_eq!(world.status(&id).await, "awaiting_confirmation");
    let without = world.api("POST", &path, Some(json!({"confirmation": right}))).await;
    assert_eq!(without.status, 400);
    assert_eq!(world.confirm(&id, &right).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_confirmation_finds_nothing_to_confirm() {
    let world = World::start().await;
    let (id, ended) = world.enroll_unconfirmed("user-1", "peugeot", "peugeot-alex").await;
    let right = query(&ended, "confirmation").unwrap();

    assert_eq!(world.confirm(&id, &right).await.status, 200);
    assert_eq!(world.confirm(&id, &right).await.status, 409);

    assert_eq!(world.status(&id).await, "active");
    let told = world.event_types(&id).await;
    let confirmed = told.iter().filter(|kind| *kind == "enrollment.confirmed").count();
    assert_eq!(confirmed, 1, "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_consent_of_the_same_user_and_account_renews_and_revokes_the_old_grant() {
    let world = World::revoking().await;
    let first = world.enroll("user-1", "peugeot", "peugeot-alex").await;
    let old = world.maker().grants("peugeot-alex")[0].id;

    let (second, _) = world.enroll_unconfirmed("user-1", "peugeot", "peugeot-alex").await;
    world.settle().await;

    let merged = world.read(&format!("/v1/enrollments/{second}")).await;
    assert_eq!(merged["status"], "merged");
    assert_eq!(merged["merged_into"], first.as_str());
    assert_eq!(world.status(&first).await, "active");
    let grants = world.maker().grants("peugeot-alex");
    let live: Vec<_> = grants.iter().filter(|grant| grant.ended.is_none()).collect();
    assert!(live.len() == 1 && live[0].id != old, "{grants:?}");
    world.pass(hours(26)).await;
    assert_eq!(world.status(&first).await, "active");
    assert_eq!(world.maker().live_grants("peugeot-alex"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_user_of_the_same_account_is_another_enrollment_and_nothing_is_shared() {
    let world = World::start().await;
    let one = world.enroll("user-1", "peugeot", "peugeot-alex").await;
    let two = world.enroll("user-2", "peugeot", "peugeot-alex").await;

    assert_ne!(one, two);
    assert_eq!(world.maker().live_grants("peugeot-alex"), 2);
    world.api("DELETE", &format!("/v1/enrollments/{one}"), None).await;
    world.settle().await;

    assert_eq!(world.status(&one).await, "erased");
    assert_eq!(world.status(&two).await, "active");
    assert_eq!(world.maker().live_grants("peugeot-alex"), 1);
    let cars = world.read(&format!("/v1/enrollments/{two}/vehicles")).await;
    assert_eq!(cars["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_withdrawal_a_new_consent_brings_the_old_enrollment_back_to_life() {
    let world = World::start().await;
    let first = world.enroll("user-1", "peugeot", "peugeot-alex").await;
    world.maker().withdraw("peugeot-alex");
    world.pass(hours(26)).await;
    assert_eq!(world.status(&first).await, "reauthorization_required");

    let (second, _) = world.enroll_unconfirmed("user-1", "peugeot", "peugeot-alex").await;
    world.settle().await;
    world.pass(minutes(30)).await;

    assert_eq!(world.status(&second).await, "merged");
    assert_eq!(world.status(&first).await, "active");
    assert_eq!(world.maker().live_grants("peugeot-alex"), 1);
}
