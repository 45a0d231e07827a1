//! The store against moto's DynamoDB, Secrets Manager and SQS, on the tables that the template
//! deploys there: another implementation than the one that every other test runs on.
//!
//! Needs Python, so it is run by `.ci/run`, or by
//! `infra/aws/checks/with-moto.sh cargo test -p tests --test moto -- --ignored --test-threads=1`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use shared::{
    App, Clock, Config,
    domain::{
        brand::Brand,
        enrollment::{Confirmation, ConfirmedBy, Consent, Enrollment, Reason},
        event::{Event, What},
        ids::{EnrollmentId, GrantId},
        pace::Car,
        snapshot::Snapshot,
        vehicle::Vehicle,
        vin::Vin,
    },
    secrets::SecretName,
    store::{
        Applied, DueTable, Error, Transaction,
        grants::{Claim, ClaimFor, Grant, Renewal},
        history::History,
        idempotency::Idempotent,
        identities::Holder,
        listing::{ListBy, Order},
        requests::{Ask, Progress, Request},
        vehicles::Known,
    },
    tokens,
};

const LEASE: SignedDuration = SignedDuration::from_secs(150);
const HOW: &str = "STORE_ENDPOINT is not set: run this by \
    `infra/aws/checks/with-moto.sh cargo test -p tests --test moto -- --ignored --test-threads=1`";

#[expect(clippy::disallowed_methods, reason = "the entry: with-moto.sh sets what a function has")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn now() -> Timestamp {
    "2026-03-02T06:00:00Z".parse().unwrap()
}

fn app() -> Arc<App> {
    assert!(variable("STORE_ENDPOINT").is_some(), "{HOW}");
    let needs = [SecretName::Maker, SecretName::Seal, SecretName::Edge];
    let config = Config::from_lookup(&variable, &needs).unwrap();
    App::new(config, Clock::new(now)).unwrap()
}

fn enrollment(user: &str) -> Enrollment {
    let scopes = vec!["openid".to_owned()];
    Enrollment::begin(EnrollmentId::random(), user.parse().unwrap(), Brand::Opel, scopes, now())
}

fn active(user: &str) -> Enrollment {
    let consent = Consent {
        at: now(),
        asked: Vec::new(),
        granted: None,
        text_version: "1".into(),
        purpose: "tests".into(),
    };
    let confirmation = Confirmation { sha256: "x".into(), until: now() };
    let waiting = enrollment(user).claim("state".into(), now()).unwrap();
    let identity = Some(format!("identity of {user}"));
    let waiting =
        waiting.await_confirmation(GrantId::random(), identity, None, consent, confirmation, now());
    waiting.unwrap().confirm(ConfirmedBy::Backend, now()).unwrap()
}

async fn a_grant(app: &App) -> Grant {
    let ring = app.secrets.seal_ring().await.unwrap();
    let (id, token) = (GrantId::random(), SecretString::from("token"));
    let sealed = tokens::seal(&ring, &id, 1, &token, &token);
    let grant = Grant::new(id, EnrollmentId::random(), Brand::Opel, sealed, now(), now());
    let mut transaction = Transaction::new();
    app.store.add_grant_in(&mut transaction, &grant).unwrap();
    app.store.commit(transaction).await.unwrap();
    grant
}

fn renewal(grant: &Grant) -> Renewal {
    Renewal {
        grant: grant.id.clone(),
        used_version: grant.version,
        sealed: vec![1, 2, 3],
        access_ends: now().as_second() + 3600,
        renewed_at: now().as_second(),
    }
}

#[tokio::test]
#[ignore = "needs moto: infra/aws/checks/with-moto.sh cargo test -p tests --test moto -- --ignored --test-threads=1"]
async fn secrets_are_read_and_open_what_they_sealed() {
    let app = app();
    app.secrets.maker().await.unwrap();
    app.secrets.edge().await.unwrap();

    let grant = a_grant(&app).await;
    let stored = app.store.grant(&grant.id).await.unwrap().unwrap();

    assert!(stored.shard.is_some(), "it is due");
    let grant = Grant { shard: stored.shard.clone(), ..grant };
    assert_eq!(stored, grant, "bytes, numbers and absent attributes come back as they went");
    tokens::open(&app, &stored).await.unwrap();
}

#[tokio::test]
#[ignore = "needs moto: infra/aws/checks/with-moto.sh cargo test -p tests --test moto -- --ignored --test-threads=1"]
async fn a_grant_is_found_due_claimed_once_and_renewed_once() {
    let app = app();
    let grant = a_grant(&app).await;
    let (store, id, due_at) = (&app.store, &grant.id, grant.due_at.unwrap());
    let late = now() + SignedDuration::from_hours(24);

    let due = store
        .due(DueTable::Grants, &store.shards().of_key("refresh", id.as_str()), late, 50)
        .await
        .unwrap();
    assert!(due.iter().any(|key| key.pk == id.as_str() && key.due_at == due_at), "{due:?}");
    let early = store
        .due(DueTable::Grants, &store.shards().of_key("refresh", id.as_str()), now(), 50)
        .await;
    assert!(early.unwrap().iter().all(|key| key.pk != id.as_str()));

    let stale = ClaimFor::Schedule { due_at: due_at - 1 };
    assert!(matches!(store.claim_grant(id, stale, late, LEASE).await.unwrap(), Claim::Busy));
    let right = ClaimFor::Schedule { due_at };
    let Claim::Ours(ours) = store.claim_grant(id, right, late, LEASE).await.unwrap() else {
        panic!("not claimed")
    };
    assert_eq!((ours.open_intents, ours.version), (1, 1));
    let second = store.claim_grant(id, ClaimFor::Use, late, LEASE).await.unwrap();
    assert!(matches!(second, Claim::Busy));
    let gone = store.claim_grant(&GrantId::random(), ClaimFor::Use, late, LEASE).await.unwrap();
    assert!(matches!(gone, Claim::Gone));

    let kept = store.store_renewal(&renewal(&grant), late).await.unwrap();
    assert!(matches!(kept, Applied::Yes));
    let again = store.store_renewal(&renewal(&grant), late).await.unwrap();
    assert!(matches!(again, Applied::No(Some(_))), "{again:?}");
    let stored = store.grant(id).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.open_intents, stored.lease_until), (2, 0, 0));
    let released = store.release_grant(&ours, true, late).await.unwrap();
    assert!(matches!(released, Applied::No(_)), "what was renewed is not put off");
}

#[tokio::test]
#[ignore = "needs moto: infra/aws/checks/with-moto.sh cargo test -p tests --test moto -- --ignored --test-threads=1"]
async fn tokens_in_the_rescue_queue_come_home_once() {
    let app = app();
    let grant = a_grant(&app).await;

    app.rescue.keep(&renewal(&grant)).await.unwrap();
    let drained = app.rescue.drain(&app.store, now()).await.unwrap();

    assert_eq!((drained, app.rescue.drain(&app.store, now()).await.unwrap()), (1, 0));
    assert_eq!(app.store.grant(&grant.id).await.unwrap().unwrap().version, 2);
}

#[tokio::test]
#[ignore = "needs moto: infra/aws/checks/with-moto.sh cargo test -p tests --test moto -- --ignored --test-threads=1"]
async fn a_transaction_is_written_whole_or_not_at_all() {
    let app = app();
    let store = &app.store;
    let begun = enrollment("moto-begun");
    store.save_enrollment(&begun, 0).await.unwrap();
    assert!(matches!(store.save_enrollment(&begun, 0).await, Err(Error::Conflict)));

    // Not active: nothing may be asked for it, as for one that is being erased.
    let request = Request::new(Some(begun.id.clone()), Ask::Discover, now());
    let mut transaction = Transaction::new();
    store.demand_open_in(&mut transaction, &begun.id).unwrap();
    store.ask_in(&mut transaction, &request).unwrap();
    assert!(matches!(store.commit(transaction).await, Err(Error::Conflict)));
    let sk = format!("REQ#{}", request.id);
    assert!(store.request(&request.pk(), &sk, now()).await.unwrap().is_none());

    let (one, two) = (active("moto-one"), active("moto-two"));
    for (who, wins) in [(&one, true), (&two, false)] {
        let mut transaction = Transaction::new();
        store.claim_identity_in(&mut transaction, "moto-identity", None, &who.id).unwrap();
        store.save_enrollment_in(&mut transaction, who, 0).unwrap();
        let event = Event::new(&who.id, What::Confirmed, now());
        store.tell_in(&mut transaction, event).unwrap();
        assert_eq!(store.commit(transaction).await.is_ok(), wins);
    }
    let holder = store.holder("moto-identity", now()).await.unwrap();
    assert!(matches!(holder, Holder::Open(found) if found.value.id == one.id));
    assert!(store.enrollment(&two.id, now()).await.unwrap().is_none());
    assert_eq!(store.events(&one.id, now()).await.unwrap().len(), 1);
    assert!(store.events(&two.id, now()).await.unwrap().is_empty());
    let later = now() + SignedDuration::from_hours(15 * 24);
    assert!(store.events(&one.id, later).await.unwrap().is_empty(), "expired, not yet removed");
}

#[tokio::test]
#[ignore = "needs moto: infra/aws/checks/with-moto.sh cargo test -p tests --test moto -- --ignored --test-threads=1"]
async fn enrollments_are_listed_by_user_and_by_status_and_saved_under_their_version() {
    let app = app();
    let store = &app.store;
    let user = "moto-lists";
    for _ in 0..3 {
        store.save_enrollment(&enrollment(user), 0).await.unwrap();
    }
    let by = ListBy::User(user.parse().unwrap());
    let (page, next) = store.list_enrollments(&by, None, 2, now()).await.unwrap();
    let (rest, end) = store.list_enrollments(&by, next, 2, now()).await.unwrap();
    assert_eq!((page.len(), rest.len(), end), (2, 1, None));

    let found = store.enrollment(&page[0].id, now()).await.unwrap().unwrap();
    let failed = found.value.clone().fail(Reason::DeclinedByUser, now()).unwrap();
    store.save_enrollment(&failed, found.version).await.unwrap();
    assert!(matches!(store.save_enrollment(&failed, found.version).await, Err(Error::Conflict)));
    let declined = ListBy::Status(failed.status);
    let (declined, _) = store.list_enrollments(&declined, None, 50, now()).await.unwrap();
    assert!(declined.iter().any(|found| found.id == failed.id));
    let gone = now() + SignedDuration::from_hours(32 * 24);
    assert!(store.list_enrollments(&by, None, 50, gone).await.unwrap().0.is_empty());
}

#[tokio::test]
#[ignore = "needs moto: infra/aws/checks/with-moto.sh cargo test -p tests --test moto -- --ignored --test-threads=1"]
async fn a_request_is_swept_settled_and_an_idempotency_key_kept_for_a_day() {
    let app = app();
    let (store, late) = (&app.store, now() + SignedDuration::from_hours(1));
    let request = Request::new(None, Ask::Erase, now());
    let mut transaction = Transaction::new();
    store.ask_in(&mut transaction, &request).unwrap();
    store.commit(transaction).await.unwrap();
    let (pk, sk) = (request.pk(), format!("REQ#{}", request.id));

    let shard = store.shards().of_key("act", request.id.as_str());
    let is_due = async |at| {
        let due = store.due(DueTable::Records, &shard, at, 50).await.unwrap();
        due.iter().any(|key| key.sk == sk)
    };
    assert!(is_due(late).await);
    store.postpone_request(&pk, &sk, late + LEASE).await.unwrap();
    assert!(!is_due(late).await && is_due(late + LEASE).await);
    store.settle_request(&request, Progress::Done { answer: None }).await.unwrap();
    assert!(!is_due(late + LEASE).await);
    let settled = store.request(&pk, &sk, late).await.unwrap().unwrap();
    assert_eq!(settled.progress, Progress::Done { answer: None });

    let use_of = |made: &str| Idempotent { request: "hash".into(), made: made.into() };
    let key = request.id.as_str();
    for (made, at, answer) in [
        ("one", now(), "one"),
        ("two", late, "one"),
        ("three", now() + SignedDuration::from_hours(24), "three"),
    ] {
        let known = store.idempotent("key", key, use_of(made), at).await.unwrap();
        assert_eq!(known.made, answer);
    }
}

#[tokio::test]
#[ignore = "needs moto: infra/aws/checks/with-moto.sh cargo test -p tests --test moto -- --ignored --test-threads=1"]
async fn a_car_is_claimed_once_its_history_paged_and_everything_below_deleted() {
    let app = app();
    let (store, owner) = (&app.store, active("moto-cars"));
    store.save_enrollment(&owner, 0).await.unwrap();
    let vin: Vin = "VXKUHZKXZP4000011".parse().unwrap();
    let vehicle: Vehicle =
        serde_json::from_value(serde_json::json!({"vin": vin, "address": "0123abcd"})).unwrap();
    let car = Car::new(vin.clone(), vehicle.address.clone(), now());
    let known = Known { vehicle, snapshot: Snapshot::new() };
    let discover = async || {
        let mut transaction = Transaction::new();
        store.demand_open_in(&mut transaction, &owner.id).unwrap();
        store.add_car_in(&mut transaction, &owner.id, &car).unwrap();
        store.save_known_in(&mut transaction, &owner.id, &known, 0).unwrap();
        store.commit(transaction).await
    };
    discover().await.unwrap();
    assert!(matches!(discover().await, Err(Error::Conflict)), "found twice, told once");

    let (stored, due_at) = store.car(&owner.id, &vin).await.unwrap().unwrap();
    assert_eq!(stored, car);
    let hour = now() + SignedDuration::from_hours(1);
    let mut claimed = car.clone();
    claimed.looks.iter_mut().for_each(|look| look.due = hour);
    assert!(matches!(store.claim_car(&owner.id, &claimed, due_at).await.unwrap(), Applied::Yes));
    let late = store.claim_car(&owner.id, &claimed, due_at).await.unwrap();
    assert!(matches!(late, Applied::No(Some(_))));
    assert_eq!(store.enrollments_with(&vin).await.unwrap(), std::slice::from_ref(&owner.id));

    let mut transaction = Transaction::new();
    for number in 0..5 {
        let at = now() + SignedDuration::from_mins(number);
        let ends = now() + SignedDuration::from_hours(24 * (1 + number));
        let entry = (at, "id");
        store
            .add_entry_in(&mut transaction, &owner.id, History::Trips, &vin, entry, &number, ends)
            .unwrap();
    }
    store.commit(transaction).await.unwrap();
    let read = async |at, after| {
        let span = (now(), now() + SignedDuration::from_hours(1));
        store
            .entries::<i64>(&owner.id, History::Trips, &vin, (span, Order::Asc), after, 3, at)
            .await
            .unwrap()
    };
    let (first, next) = read(now(), None).await;
    let (second, _) = read(now(), next).await;
    assert_eq!((first, second), (vec![0, 1, 2], vec![3, 4]));
    let (left, _) = read(now() + SignedDuration::from_hours(49), None).await;
    assert_eq!(left, [2], "of a page of three, two have expired");

    assert_eq!(store.delete_below(&owner.id, 4).await.unwrap(), 4);
    assert_eq!(store.delete_below(&owner.id, 500).await.unwrap(), 3);
    assert!(store.enrollment(&owner.id, now()).await.unwrap().is_some(), "the anchor stands");
}
