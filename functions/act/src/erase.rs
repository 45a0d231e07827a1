//! Erasure, step by step: every step is idempotent and recorded, so that dying anywhere only means
//! going on. The enrollment is `erasing` already: nothing is fetched, shown or told any more, and
//! every write demands an anchor that is not.

use std::time::Duration;

use jiff::SignedDuration;
use shared::{
    App,
    clock::Budget,
    domain::{
        enrollment::{Enrollment, Erasure, Revocation, Status, UserRef},
        event::{Event, What},
        ids::EnrollmentId,
    },
    store::{Transaction, Versioned, listing::ListBy, subscriptions::Hold},
    visit::{Error, Visit, may_ask},
};

use crate::grants;

/// Items deleted before it is recorded how many there were.
const AT_ONCE: usize = 500;
/// What deleting so many may take; none begins without.
const DELETING: Duration = Duration::from_secs(20);
/// The subscription's lease: longer than any run that may be creating it.
const LEASE: SignedDuration = SignedDuration::from_secs(150);

/// Whether it came to an end.
pub(crate) async fn run(app: &App, id: &EnrollmentId, budget: Budget) -> Result<bool, Error> {
    let now = app.clock.now();
    let Some(mut enrollment) = app.store.enrollment(id, now).await? else { return Ok(true) };
    if enrollment.value.status != Status::Erasing {
        return Ok(true);
    }
    let mut erasure = enrollment.value.erasure.clone().unwrap_or_default();
    if erasure.subscription.is_none() {
        let done = unsubscribe(app, &enrollment.value, &erasure, budget).await?;
        let Some(done) = done else { return Ok(false) };
        erasure.subscription = Some(done);
        if done != Revocation::NothingToRevoke {
            enrollment = record(app, enrollment, erasure.clone()).await?;
        }
    }
    if erasure.revocation.is_none() {
        let overdue = grants::is_overdue(erasure.requested_at, now);
        let ended = grants::end_all(app, &enrollment.value, overdue).await?;
        let Some(revocation) = ended else { return Ok(false) };
        erasure.revocation = Some(revocation);
        enrollment = record(app, enrollment, erasure.clone()).await?;
    }
    if let Some(grant) = &enrollment.value.grant {
        app.store.delete_grant(grant).await?;
    }
    app.store.forget_rules(id, last_of(app, &enrollment.value).await?.as_ref()).await?;
    loop {
        let deleted = app.store.delete_below(id, AT_ONCE).await?;
        erasure.deleted += deleted as u64;
        if deleted < AT_ONCE {
            break;
        }
        enrollment = record(app, enrollment, erasure.clone()).await?;
        if !budget.allows(DELETING) {
            return Ok(false);
        }
    }
    if let Some(identity) = &enrollment.value.identity {
        app.store.free_identity(identity, id).await?;
    }
    if let Some(account) = &enrollment.value.account {
        app.store.leave_account(account, id).await?;
    }
    finish(app, enrollment, erasure).await?;
    Ok(true)
}

/// Deletes the subscription, with its monitors, while there is a grant to do it with. Takes it in hand
/// first, and so waits for a run that may just be creating it. `None`: not yet.
async fn unsubscribe(
    app: &App,
    enrollment: &Enrollment,
    erasure: &Erasure,
    budget: Budget,
) -> Result<Option<Revocation>, Error> {
    let now = app.clock.now();
    let overdue = grants::is_overdue(erasure.requested_at, now);
    if !overdue && !may_ask(app, enrollment.brand).await? {
        return Ok(None);
    }
    let held = match app.store.hold_subscription(&enrollment.id, now, LEASE).await? {
        Hold::Ours(held) => held,
        Hold::Busy => return Ok(None),
        Hold::Gone => return Ok(Some(Revocation::NothingToRevoke)),
    };
    let asked = async {
        let mut visit = Visit::begin(app, enrollment, budget).await?;
        visit.unsubscribe().await
    };
    match asked.await {
        Ok(()) => Ok(Some(Revocation::Confirmed)),
        Err(error) if overdue || !error.is_passing() => Ok(Some(Revocation::Unconfirmed)),
        Err(error) => {
            tracing::warn!(enrollment.id = %enrollment.id, error = %error, "a subscription to erase was not deleted yet");
            // Due from the erasure alone: its own looks would only stand in the way.
            let never = now + grants::ASK_FOR * 2;
            app.store.give_back_subscription(&held, &held.subscription, never).await?;
            Ok(None)
        }
    }
}

/// The user, if no other enrollment is theirs: then their rules go too.
async fn last_of(app: &App, enrollment: &Enrollment) -> Result<Option<UserRef>, Error> {
    let Some(user) = &enrollment.user_ref else { return Ok(None) };
    let mut after = None;
    loop {
        let by = ListBy::User(user.clone());
        let (found, next) = app.store.list_enrollments(&by, after, 100, app.clock.now()).await?;
        let living = |found: &Enrollment| {
            found.id != enrollment.id
                && matches!(
                    found.status,
                    Status::Exchanging
                        | Status::AwaitingConfirmation
                        | Status::Active
                        | Status::ReauthorizationRequired
                )
        };
        if found.iter().any(living) {
            return Ok(None);
        }
        let Some(next) = next else { return Ok(Some(user.clone())) };
        after = Some(next);
    }
}

async fn record(
    app: &App,
    enrollment: Versioned<Enrollment>,
    erasure: Erasure,
) -> Result<Versioned<Enrollment>, Error> {
    let now = app.clock.now();
    let value = Enrollment { erasure: Some(erasure), updated_at: now, ..enrollment.value };
    app.store.save_enrollment(&value, enrollment.version).await?;
    Ok(Versioned { value, version: enrollment.version + 1 })
}

/// The tombstone, and the last event.
async fn finish(
    app: &App,
    enrollment: Versioned<Enrollment>,
    erasure: Erasure,
) -> Result<(), Error> {
    let now = app.clock.now();
    let erased = Enrollment { erasure: Some(erasure), ..enrollment.value }.tombstone(now);
    let mut transaction = Transaction::new();
    app.store.save_enrollment_in(&mut transaction, &erased, enrollment.version)?;
    app.store.tell_in(&mut transaction, Event::new(&erased.id, What::Erased, now))?;
    app.store.commit(transaction).await?;
    tracing::info!(enrollment.id = %erased.id, "an enrollment was erased");
    Ok(())
}
