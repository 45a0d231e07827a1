//! Polling the cars of an enrollment as soon as a consent allows it: its driver waits for them, and
//! not for the next run of a schedule.

use std::time::Duration;

use crate::{
    app::App,
    causes::causes,
    domain::{
        ids::EnrollmentId,
        pace::{Absent, Car, Quota},
        vin::Vin,
    },
    metrics::{Metric, Outcome},
    store::Applied,
};

use super::{Error, Visit};

/// What one car may take; none begins without. Each question looks at the time by itself.
const NEEDED: Duration = Duration::from_secs(20);

/// Makes the cars of an enrollment due now: a new consent may include what the old one did not, and
/// without one they were put off.
///
/// # Errors
/// When the database fails.
pub async fn wake_cars(app: &App, id: &EnrollmentId) -> Result<(), Error> {
    let now = app.clock.now();
    for known in app.store.cars(id).await? {
        // Another run may poll it just now.
        for _ in 0..3 {
            let Some((car, due_at)) = app.store.car(id, &known.vin).await? else { break };
            let mut woken = car.clone();
            for look in &mut woken.looks {
                look.due = look.due.min(now);
                look.absent = look.absent.filter(|absent| *absent != Absent::Scope);
            }
            if woken == car {
                break;
            }
            if let Applied::Yes = app.store.claim_car(id, &woken, due_at).await? {
                break;
            }
        }
    }
    Ok(())
}

/// Counts what came of polling a car, whoever polled it. What was not asked has neither succeeded nor
/// failed.
pub fn count<T>(app: &App, polled: &Result<T, Error>) {
    if polled.as_ref().err().is_none_or(Error::is_a_failure) {
        app.metrics.add(Metric::Poll(Outcome::of(polled)));
    }
}

impl Visit<'_> {
    /// Polls every car that is due, while time remains. It claims them as a scheduled run does, so
    /// that nothing is asked twice. What it does not come to, or what fails, is due by itself, too.
    pub async fn poll_due(&mut self) {
        if let Err(error) = self.try_poll_due().await {
            let id = &self.enrollment.id;
            tracing::warn!(enrollment.id = %id, error = %error, causes = ?causes(&error), "a car was not polled yet; the schedule tries again");
        }
    }

    async fn try_poll_due(&mut self) -> Result<(), Error> {
        for car in self.app.store.cars(&self.enrollment.id).await? {
            if !self.budget.allows(NEEDED) {
                break;
            }
            match self.poll(&car.vin).await {
                // Of this car alone: its next look finds out what became of it.
                Err(error) if error.is_wrong_address() => {}
                other => other?,
            }
        }
        Ok(())
    }

    async fn poll(&mut self, vin: &Vin) -> Result<(), Error> {
        let (store, id, now) = (&self.app.store, &self.enrollment.id, self.app.clock.now());
        let Some((car, due_at)) = store.car(id, vin).await? else { return Ok(()) };
        let kinds = car.due_kinds(now);
        if kinds.is_empty() {
            return Ok(());
        }
        let claimed = Car { polled_at: Some(now), ..car.advanced(now, Quota::UNKNOWN) };
        if let Applied::No(_) = store.claim_car(id, &claimed, due_at).await? {
            return Ok(());
        }
        // The look itself writes when to try again what failed.
        let looked = self.look(&claimed, &kinds).await;
        count(self.app, &looked);
        looked.map(|_| ())
    }
}
