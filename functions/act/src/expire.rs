//! States that do not last: a callback that died, a confirmation that never came, grants that a new
//! consent replaced, an account that had no car yesterday, an erasure under way.

use shared::{
    App,
    clock::Budget,
    domain::{
        enrollment::{Reason, Status},
        event::{Event, What},
        ids::EnrollmentId,
    },
    store::Transaction,
    visit::{Error, Visit},
};

use crate::{erase, grants};

pub(crate) async fn run(app: &App, id: &EnrollmentId, budget: Budget) -> Result<bool, Error> {
    let now = app.clock.now();
    let Some(enrollment) = app.store.enrollment(id, now).await? else { return Ok(true) };
    match enrollment.value.status {
        // Its tokens were in the callback's memory alone, and died with it.
        Status::Exchanging => {
            let Ok(failed) = enrollment.value.fail(Reason::Interrupted, now) else {
                return Ok(true);
            };
            let mut transaction = Transaction::new();
            app.store.save_enrollment_in(&mut transaction, &failed, enrollment.version)?;
            let what = What::Declined { reason: Reason::Interrupted };
            app.store.tell_in(&mut transaction, Event::new(id, what, now))?;
            app.store.commit(transaction).await?;
            Ok(true)
        }
        Status::AwaitingConfirmation => {
            let Ok(erasing) = enrollment.value.erase(Reason::NotConfirmed, now) else {
                return Ok(true);
            };
            app.store.save_enrollment(&erasing, enrollment.version).await?;
            tracing::info!(enrollment.id = %id, "nobody confirmed in time; the grant is revoked and erased");
            erase::run(app, id, budget).await
        }
        Status::Erasing => erase::run(app, id, budget).await,
        Status::Active | Status::ReauthorizationRequired
            if !enrollment.value.former_grants.is_empty() =>
        {
            grants::end_former(app, &enrollment).await
        }
        Status::Active => {
            let mut visit = Visit::begin(app, &enrollment.value, budget).await?;
            visit.discover(enrollment.version).await?;
            visit.poll_due().await;
            Ok(true)
        }
        _ => Ok(true),
    }
}
