//! Pulls the data of every car that is due. A car's claim is itself the write of its next look, as
//! if nothing had changed: an unchanged answer needs no second write.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::{Value, json};
use shared::{
    App,
    causes::causes,
    clock::Budget,
    domain::{
        enrollment::{Enrollment, Status},
        ids::EnrollmentId,
        pace::{Car, Kind, Quota},
        vin::Vin,
    },
    due::{self, Share},
    secrets::SecretName,
    store::{
        self, Applied, DueKey, DueTable, Transaction, Versioned, control::Control, enrollments,
    },
    visit::{self, Visit},
};

/// The secrets this function must be able to read.
pub const NEEDS: &[SecretName] = &[SecretName::Maker, SecretName::Seal];

/// What one car may take; none begins without.
const NEEDED: Duration = Duration::from_secs(45);
/// How long a car is left alone whose owner must consent again.
const WITHOUT_CONSENT: SignedDuration = SignedDuration::from_hours(24);

/// One scheduled run, for one worker's share of the cars.
///
/// # Errors
/// A [`Diagnostic`] with a stable type, on which alarms key.
#[tracing::instrument(name = "fetch.run", skip_all)]
pub async fn handler(app: Arc<App>, event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let share = serde_json::from_value(event.payload).unwrap_or_default();
    run(&app, share, Budget::until(event.context.deadline)).await.map_err(|error| {
        tracing::error!(error = %error, causes = ?causes(&error), "a fetch run failed");
        Diagnostic { error_type: "FetchFailed".into(), error_message: error.to_string() }
    })
}

async fn run(app: &App, share: Share, budget: Budget) -> Result<Value, store::Error> {
    let control = app.store.control().await?;
    let work = |key| fetch_or_log(app, key, &control, budget);
    let walk = due::walk(app, (DueTable::Records, "fetch"), share, (budget, NEEDED), work).await?;
    tracing::info!(
        found = walk.found,
        fetched = walk.done,
        left = walk.left,
        "cars were looked at"
    );
    Ok(json!({ "found": walk.found, "fetched": walk.done, "left": walk.left }))
}

/// Whatever goes wrong with one car does not stop the others.
async fn fetch_or_log(app: &App, key: DueKey, control: &Control, budget: Budget) -> bool {
    let Some((id, vin)) = parse(&key) else {
        tracing::error!("an item of another kind stands among the cars that are due");
        return false;
    };
    match fetch(app, &id, &vin, key.due_at, control, budget).await {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(enrollment.id = %id, error = %error, causes = ?causes(&error), "a car was not fetched");
            false
        }
    }
}

fn parse(key: &DueKey) -> Option<(EnrollmentId, Vin)> {
    let vin = key.sk.strip_prefix("CAR#")?.parse().ok()?;
    Some((enrollments::of_partition(&key.pk)?, vin))
}

async fn fetch(
    app: &App,
    id: &EnrollmentId,
    vin: &Vin,
    due_at: i64,
    control: &Control,
    budget: Budget,
) -> Result<(), visit::Error> {
    let now = app.clock.now();
    let Some((car, stored_due)) = app.store.car(id, vin).await? else { return Ok(()) };
    if stored_due != due_at {
        // The index is from a moment ago: somebody was here.
        return Ok(());
    }
    let Some(enrollment) = app.store.enrollment(id, now).await? else {
        return orphaned(app, id, vin).await;
    };
    if enrollment.value.status != Status::Active {
        return rest(app, &enrollment.value, car, due_at).await;
    }
    let kinds = car.due_kinds(now);
    let claimed = Car { polled_at: Some(now), ..car.advanced(now, Quota::UNKNOWN) };
    match app.store.claim_car(id, &claimed, due_at).await? {
        Applied::Yes => {
            let visited = visit_car(app, &enrollment, &claimed, &kinds, control, budget).await;
            if let Err(error) = &visited
                && error.is_passing()
            {
                // Unless the look itself has written when to try again.
                let soon = claimed.clone().failed(error.word(), now);
                let soon = soon.retried(&kinds, now, error.is_the_makers());
                app.store.claim_car(id, &soon, claimed.next_due().as_second()).await?;
            }
            visited
        }
        Applied::No(_) => Ok(()),
    }
}

async fn visit_car(
    app: &App,
    enrollment: &Versioned<Enrollment>,
    car: &Car,
    kinds: &[Kind],
    control: &Control,
    budget: Budget,
) -> Result<(), visit::Error> {
    let mut visit = Visit::begin(app, &enrollment.value, control, budget).await?;
    // Once a day the account is looked through: a car may have been sold.
    let daily = kinds.contains(&Kind::Maintenance) && enrollment.value.vehicles.is_some();
    let car = if daily {
        match listed(&mut visit, enrollment, car).await? {
            Some(car) => car,
            None => return Ok(()),
        }
    } else {
        car.clone()
    };
    match visit.look(&car, kinds).await {
        Err(error) if error.is_wrong_address() && !daily => {
            let Some(found) = listed(&mut visit, enrollment, &car).await? else { return Ok(()) };
            if found.address == car.address {
                return Err(error);
            }
            visit.look(&found, kinds).await.map(|_| ())
        }
        other => other.map(|_| ()),
    }
}

/// The car as the account lists it now, if it still does.
async fn listed(
    visit: &mut Visit<'_>,
    enrollment: &Versioned<Enrollment>,
    car: &Car,
) -> Result<Option<Car>, visit::Error> {
    let cars = visit.discover(enrollment.version).await?;
    let found = cars.into_iter().find(|found| found.vin == car.vin);
    Ok(found.map(|found| Car { address: found.address, ..car.clone() }))
}

/// Without a valid consent nothing is asked; a new one makes its cars due again.
async fn rest(
    app: &App,
    enrollment: &Enrollment,
    mut car: Car,
    due_at: i64,
) -> Result<(), visit::Error> {
    let until = app.clock.now() + WITHOUT_CONSENT;
    for look in &mut car.looks {
        look.due = look.due.max(until);
    }
    app.store.claim_car(&enrollment.id, &car, due_at).await?;
    Ok(())
}

/// A car whose enrollment is gone is a remnant.
async fn orphaned(app: &App, id: &EnrollmentId, vin: &Vin) -> Result<(), visit::Error> {
    let mut transaction = Transaction::new();
    app.store.remove_car_in(&mut transaction, id, vin)?;
    Ok(app.store.commit(transaction).await?)
}
