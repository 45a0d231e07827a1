//! The store's expressions, each run once: a reserved word or a missing value shows only when
//! the database reads it.

use jiff::SignedDuration;
use shared::{
    domain::{
        brand::Brand,
        enrollment::{Enrollment, Status, UserRef},
        event::{Event, What},
        ids::{EnrollmentId, EventId, GrantId},
    },
    store::{
        DueTable, Error, Transaction,
        grants::Grant,
        listing::ListBy,
        requests::{Ask, Progress, Request},
    },
};

use super::support::{World, now};
use crate::{
    faults::{Effect, Faults, Rule},
    front::Operation,
};

#[tokio::test]
async fn calls_to_the_maker_are_stopped_and_paused() {
    let world = World::start(Faults::none()).await;
    let app = world.app("act");
    let host = "api.example.com";

    assert!(app.store.control().await.unwrap().allows(Brand::Opel, host, now()));
    app.store.pause(host, now() + SignedDuration::from_mins(1)).await.unwrap();
    assert!(!app.store.control().await.unwrap().allows(Brand::Opel, host, now()));
    app.store.stop(&[Brand::Opel]).await.unwrap();

    let control = app.store.control().await.unwrap();
    assert!(!control.allows(Brand::Opel, "other.example.com", now()));
    assert!(control.allows(Brand::Peugeot, "other.example.com", now()));
}

#[tokio::test]
async fn a_shorter_pause_never_ends_a_longer_one() {
    let world = World::start(Faults::none()).await;
    let app = world.app("act");
    let (host, later) = ("api.example.com", now() + SignedDuration::from_hours(2));

    app.store.pause(host, later).await.unwrap();
    app.store.pause(host, now() + SignedDuration::from_mins(1)).await.unwrap();

    assert_eq!(app.store.control().await.unwrap().paused[host], later.as_second());
}

#[tokio::test]
async fn a_long_request_that_goes_on_is_not_late() {
    let world = World::start(Faults::none()).await;
    let (api, act) = (world.app("api"), world.app("act"));
    let request = Request::new(None, Ask::Discover, now());
    let mut transaction = Transaction::new();
    api.store.ask_in(&mut transaction, &request).unwrap();
    api.store.commit(transaction).await.unwrap();
    let shard = act.store.shards().of_key("act", request.id.as_str());
    let due = async |at| act.store.due(DueTable::Records, &shard, at, 10).await.unwrap().len();
    let later = now() + SignedDuration::from_hours(1);

    act.store.bookmark_request(&request, later).await.unwrap();

    assert_eq!(due(later).await, 0);
    assert_eq!(due(later + SignedDuration::from_mins(2)).await, 1);
}

#[tokio::test]
async fn a_request_is_swept_until_it_is_settled() {
    let world = World::start(Faults::none()).await;
    let (api, act) = (world.app("api"), world.app("act"));
    let request = Request::new(None, Ask::Discover, now());
    let sk = format!("REQ#{}", request.id);
    let late = now() + SignedDuration::from_hours(1);
    let mut transaction = Transaction::new();
    api.store.ask_in(&mut transaction, &request).unwrap();
    api.store.commit(transaction).await.unwrap();
    let shard = act.store.shards().of_key("act", request.id.as_str());
    let due = async |at| act.store.due(DueTable::Records, &shard, at, 10).await.unwrap().len();

    assert_eq!((due(now()).await, due(late).await), (0, 1));
    act.store.postpone_request("SYS", &sk, late + SignedDuration::from_hours(1)).await.unwrap();
    assert_eq!(due(late).await, 0);
    act.store.settle_request(&request, Progress::Failed { why: "test".into() }).await.unwrap();

    assert_eq!(due(late + SignedDuration::from_hours(9)).await, 0);
    let settled = act.store.request("SYS", &sk, now()).await.unwrap().unwrap();
    assert!(matches!(settled.progress, Progress::Failed { .. }));
}

#[tokio::test]
async fn a_retired_grant_is_due_no_more() {
    let world = World::start(Faults::none()).await;
    let (callback, refresh) = (world.app("callback"), world.app("refresh"));
    let grant =
        Grant::new(GrantId::random(), EnrollmentId::random(), Brand::Ds, vec![1], now(), now());
    let shard = refresh.store.shards().of_key("refresh", grant.id.as_str());
    let late = now() + SignedDuration::from_hours(24);
    let due = async || refresh.store.due(DueTable::Grants, &shard, late, 10).await.unwrap().len();
    let mut transaction = Transaction::new();
    callback.store.add_grant_in(&mut transaction, &grant).unwrap();
    callback.store.commit(transaction).await.unwrap();
    let before = due().await;

    let mut transaction = Transaction::new();
    callback.store.retire_grant_in(&mut transaction, &grant.id).unwrap();
    callback.store.commit(transaction).await.unwrap();

    assert_eq!((before, due().await), (1, 0));
}

#[tokio::test]
async fn a_page_that_ends_early_hides_nothing() {
    let world = World::start(Faults::ordered()).await;
    let act = world.app("act");
    let enrollment = EnrollmentId::random();
    let mut transaction = Transaction::new();
    for second in 0..5 {
        let time = now() + SignedDuration::from_secs(second);
        let event = Event {
            id: EventId::random(),
            time,
            enrollment: Some(enrollment.clone()),
            what: What::Completed,
        };
        act.store.tell_in(&mut transaction, event).unwrap();
    }
    act.store.commit(transaction).await.unwrap();
    world.front.faults.next(Rule::once(Effect::ShortPage).at(Operation::Query));

    let events = act.store.events(&enrollment, now()).await.unwrap();

    assert_eq!(events.len(), 5);
    assert!(events.is_sorted_by_key(|event| event.time));
    assert_eq!(world.front.usage.of("act").calls[&Operation::Query], 2, "the first page was short");
}

#[tokio::test]
async fn a_batch_left_undone_in_part_is_asked_for_again() {
    let world = World::start(Faults::ordered()).await;
    let api = world.app("api");
    let user: UserRef = "user-1".parse().unwrap();
    for _ in 0..6 {
        let enrollment =
            Enrollment::begin(EnrollmentId::random(), user.clone(), Brand::Opel, vec![], now());
        api.store.save_enrollment(&enrollment, 0).await.unwrap();
    }
    world.front.faults.next(Rule::once(Effect::Unprocessed).at(Operation::BatchGetItem));

    let (found, next) =
        api.store.list_enrollments(&ListBy::User(user), None, 10, now()).await.unwrap();

    assert_eq!((found.len(), next), (6, None));
    assert_eq!(
        world.front.usage.of("api").calls[&Operation::BatchGetItem],
        2,
        "a part was left undone"
    );
    let (begun, next) =
        api.store.list_enrollments(&ListBy::Status(Status::Begun), None, 4, now()).await.unwrap();
    let (rest, last) =
        api.store.list_enrollments(&ListBy::Status(Status::Begun), next, 4, now()).await.unwrap();
    assert_eq!((begun.len(), rest.len(), last), (4, 2, None));
}

#[tokio::test]
async fn an_enrollment_changed_in_between_is_not_overwritten() {
    let world = World::start(Faults::ordered()).await;
    let api = world.app("api");
    let begun =
        Enrollment::begin(EnrollmentId::random(), UserRef::open(), Brand::Opel, vec![], now());
    world.front.faults.next(Rule::once(Effect::LostAnswer).at(Operation::PutItem));

    api.store.save_enrollment(&begun, 0).await.unwrap();
    let read = api.store.enrollment(&begun.id, now()).await.unwrap().unwrap();

    assert_eq!(read.version, 1, "the lost answer's second try found itself");
    assert!(matches!(api.store.save_enrollment(&begun, 0).await, Err(Error::Conflict)));
    api.store.save_enrollment(&begun, read.version).await.unwrap();
}
