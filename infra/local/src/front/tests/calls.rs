//! Calls of the functions, through the SDK.

use jiff::SignedDuration;
use shared::{
    domain::{
        brand::Brand,
        ids::{EnrollmentId, GrantId},
    },
    store::{
        Applied, DueTable, Store, Transaction,
        grants::{Claim, ClaimFor, Grant, Renewal},
    },
};

use super::support::{World, now};
use crate::{
    faults::{Effect, Faults, Rule},
    front::Operation,
};

const LEASE: SignedDuration = SignedDuration::from_mins(5);

async fn added(store: &Store) -> Grant {
    let grant = Grant::new(
        GrantId::random(),
        EnrollmentId::random(),
        Brand::Peugeot,
        vec![1, 2, 3],
        now(),
        now(),
    );
    let mut transaction = Transaction::new();
    store.add_grant_in(&mut transaction, &grant).unwrap();
    store.commit(transaction).await.unwrap();
    let shard = Some(store.shards().of_key("refresh", grant.id.as_str()));
    Grant { shard, ..grant }
}

fn renewal(grant: &Grant) -> Renewal {
    Renewal {
        grant: grant.id.clone(),
        used_version: grant.version,
        sealed: vec![9; 40],
        access_ends: 5,
        renewed_at: 4,
    }
}

#[tokio::test]
async fn a_grant_that_was_stored_is_read_back_and_its_cost_counted() {
    let world = World::start(Faults::none()).await;
    let app = world.app("callback");

    let grant = added(&app.store).await;

    assert_eq!(app.store.grant(&grant.id).await.unwrap(), Some(grant));
    let usage = world.front.usage.of("callback");
    assert_eq!(usage.calls[&Operation::TransactWriteItems], 1);
    assert_eq!(usage.calls[&Operation::GetItem], 1);
    assert!(usage.written >= 2.0, "a transaction costs twice: {}", usage.written);
    assert!(usage.read >= 1.0, "{}", usage.read);
}

#[tokio::test]
async fn a_second_grant_of_one_id_is_a_conflict_and_not_a_failure() {
    let world = World::start(Faults::none()).await;
    let app = world.app("callback");
    let grant = added(&app.store).await;

    let mut transaction = Transaction::new();
    app.store.add_grant_in(&mut transaction, &grant).unwrap();

    assert!(matches!(app.store.commit(transaction).await, Err(shared::store::Error::Conflict)));
}

#[tokio::test]
async fn a_lost_answer_of_a_conditional_write_ends_as_success() {
    let world = World::start(Faults::ordered()).await;
    let grant = added(&world.app("callback").store).await;
    let app = world.app("refresh");
    world.front.faults.next(Rule::once(Effect::LostAnswer).of("refresh").at(Operation::UpdateItem));

    let claim = app.store.claim_grant(&grant.id, ClaimFor::Use, now(), LEASE).await.unwrap();

    let Claim::Ours(claimed) = claim else { panic!("{claim:?}") };
    assert_eq!(claimed.open_intents, 1);
    assert_eq!(world.front.faults.pending(), 0);
    assert_eq!(
        world.front.usage.of("refresh").calls[&Operation::UpdateItem],
        2,
        "tried twice, applied once"
    );
}

#[tokio::test]
async fn a_lost_answer_of_a_transaction_ends_as_success() {
    let world = World::start(Faults::ordered()).await;
    let app = world.app("callback");
    world.front.faults.next(Rule::once(Effect::LostAnswer).at(Operation::TransactWriteItems));

    let grant = added(&app.store).await;

    assert_eq!(app.store.grant(&grant.id).await.unwrap(), Some(grant));
    assert_eq!(world.front.usage.of("callback").calls[&Operation::TransactWriteItems], 2);
}

#[tokio::test]
async fn what_passes_is_tried_again() {
    for effect in [Effect::Throttled, Effect::Unavailable, Effect::Conflict] {
        let world = World::start(Faults::ordered()).await;
        let app = world.app("callback");
        world.front.faults.next(Rule::once(effect).at(Operation::TransactWriteItems));

        let grant = added(&app.store).await;

        assert_eq!(app.store.grant(&grant.id).await.unwrap(), Some(grant), "{effect:?}");
        assert_eq!(world.front.faults.pending(), 0, "{effect:?}");
    }
}

#[tokio::test]
async fn a_single_write_that_meets_a_transaction_is_tried_again() {
    let world = World::start(Faults::ordered()).await;
    let grant = added(&world.app("callback").store).await;
    let app = world.app("refresh");
    let conflict = Rule::once(Effect::Conflict).of("refresh").at(Operation::UpdateItem);
    world.front.faults.next(conflict.times(2));

    let claim = app.store.claim_grant(&grant.id, ClaimFor::Use, now(), LEASE).await.unwrap();

    assert!(matches!(claim, Claim::Ours(_)), "{claim:?}");
    assert_eq!(world.front.usage.of("refresh").calls[&Operation::UpdateItem], 3);
    assert_eq!(world.front.faults.pending(), 0);
}

#[tokio::test]
async fn a_claim_that_comes_too_late_finds_the_grant_busy() {
    let world = World::start(Faults::none()).await;
    let grant = added(&world.app("callback").store).await;
    let app = world.app("refresh");

    let first = app.store.claim_grant(&grant.id, ClaimFor::Use, now(), LEASE).await.unwrap();
    let second = app.store.claim_grant(&grant.id, ClaimFor::Use, now(), LEASE).await.unwrap();

    assert!(matches!(first, Claim::Ours(_)));
    assert!(matches!(second, Claim::Busy));
}

#[tokio::test]
async fn a_stale_index_does_not_show_the_last_write() {
    let world = World::start(Faults::ordered()).await;
    let grant = added(&world.app("callback").store).await;
    let app = world.app("refresh");
    let shard = app.store.shards().of_key("refresh", grant.id.as_str());
    let late = now() + SignedDuration::from_hours(24);
    let due = async || app.store.due(DueTable::Grants, &shard, late, 10).await.unwrap().len();
    world.front.faults.next(Rule::once(Effect::Stale).at(Operation::Query));

    assert_eq!((due().await, due().await), (0, 1));
}

#[tokio::test]
async fn a_renewal_kept_in_the_rescue_queue_is_brought_home() {
    let world = World::start(Faults::none()).await;
    let grant = added(&world.app("callback").store).await;
    let (fetch, refresh) = (world.app("fetch"), world.app("refresh"));

    fetch.rescue.keep(&renewal(&grant)).await.unwrap();
    let drained = refresh.rescue.drain(&refresh.store, now()).await.unwrap();

    let stored = refresh.store.grant(&grant.id).await.unwrap().unwrap();
    assert_eq!((drained, stored.version, stored.sealed), (1, 2, vec![9; 40]));
    assert!(world.front.queues.peek("RescueQueue").await.unwrap().is_empty());
    assert_eq!(refresh.rescue.drain(&refresh.store, now()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_renewal_is_stored_once() {
    let world = World::start(Faults::none()).await;
    let grant = added(&world.app("callback").store).await;
    let app = world.app("refresh");

    assert!(matches!(
        app.store.store_renewal(&renewal(&grant), now()).await.unwrap(),
        Applied::Yes
    ));
    assert!(matches!(
        app.store.store_renewal(&renewal(&grant), now()).await.unwrap(),
        Applied::No(Some(_))
    ));
}

#[tokio::test]
async fn a_secret_is_read_as_it_is_now() {
    let world = World::start(Faults::none()).await;
    let read = async || world.app("login").secrets.edge().await.unwrap().client_ids.default.clone();
    let before = read().await;
    let mut edge = world.front.secrets.get("edge").unwrap();
    edge["client_ids"]["default"] = "other".into();
    world.front.secrets.put("edge", edge);

    assert_eq!((before.as_str(), read().await.as_str()), ("id", "other"));
}
