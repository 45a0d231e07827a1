//! Pulls the data of every car that is due. A car's claim is itself the write of its next look, as
//! if nothing had changed: an unchanged answer needs no second write.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
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
    metrics::Metric,
    secrets::SecretName,
    store::{self, Applied, DueKey, DueTable, Transaction, Versioned, enrollments},
    tokens,
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
    let result = run(&app, share, Budget::until(event.context.deadline)).await;
    app.metrics.flush();
    result.map_err(|error| {
        tracing::error!(error = %error, causes = ?causes(&error), "a fetch run failed");
        Diagnostic { error_type: "FetchFailed".into(), error_message: error.to_string() }
    })
}

async fn run(app: &App, share: Share, budget: Budget) -> Result<Value, store::Error> {
    let host = app.maker.settings().api_url.host_str().unwrap_or_default();
    let control = app.limits.read().await?;
    if share.worker == 0 {
        app.metrics.record(Metric::MakerPaused(control.paused_hosts(app.clock.now())));
    }
    // While the API may not be asked for anybody no car is read either; how long they wait is told.
    let open = control.allows_any(host, app.clock.now());
    let budget = if open { budget } else { budget.at_most(Duration::ZERO) };
    let work = |key| fetch_or_log(app, key, budget);
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
async fn fetch_or_log(app: &App, key: DueKey, budget: Budget) -> bool {
    let Some((id, vin)) = parse(&key) else {
        tracing::error!("an item of another kind stands among the cars that are due");
        return false;
    };
    match fetch(app, &id, &vin, key.due_at, budget).await {
        Ok(()) => true,
        // Another run renews the token: its outcome will be there when the car is due again.
        Err(error @ visit::Error::Token(tokens::Error::Busy)) => {
            tracing::info!(enrollment.id = %id, error = %error, "a car is fetched a little later");
            false
        }
        Err(visit::Error::Token(tokens::Error::NotNow)) => {
            tracing::debug!(enrollment.id = %id, "a car is not fetched now");
            false
        }
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
    // Before the claim: while calls are stopped nothing is written, and the car stays due.
    if !visit::may_ask(app, enrollment.value.brand).await? {
        return Err(tokens::Error::NotNow.into());
    }
    let kinds = car.due_kinds(now);
    let claimed = Car { polled_at: Some(now), ..car.advanced(now, Quota::UNKNOWN) };
    match app.store.claim_car(id, &claimed, due_at).await? {
        Applied::Yes => {
            let fetched = fetch_claimed(app, &enrollment, &claimed, &kinds, budget).await;
            visit::poll::count(app, &fetched);
            fetched
        }
        Applied::No(_) => Ok(()),
    }
}

async fn fetch_claimed(
    app: &App,
    enrollment: &Versioned<Enrollment>,
    claimed: &Car,
    kinds: &[Kind],
    budget: Budget,
) -> Result<(), visit::Error> {
    let now = app.clock.now();
    let (mut visit, found) = match prepare(app, enrollment, claimed, kinds, budget).await {
        Ok(Some(prepared)) => prepared,
        Ok(None) => return Ok(()),
        Err(error) => {
            // Nothing was asked of the car yet; looking through its account may have changed it.
            let (id, due_at) = (&enrollment.value.id, claimed.next_due().as_second());
            let Some((mut failed, _)) = app.store.car(id, &claimed.vin).await? else {
                return Err(error);
            };
            if error.is_a_failure() {
                failed = failed.failed(error.word(), now);
            }
            if error.is_passing() {
                failed = failed.retried(kinds, now, error.is_the_makers());
            }
            app.store.claim_car(id, &failed, due_at).await?;
            return Err(error);
        }
    };
    // The look itself writes when to try again what failed.
    look(&mut visit, enrollment, found, kinds, now).await
}

/// Whether a car was just found in the account's list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Listed {
    Now,
    Before,
}

/// A token, and once a day a look through the account: a car may have been sold. `None`: it was.
async fn prepare<'a>(
    app: &'a App,
    enrollment: &'a Versioned<Enrollment>,
    car: &Car,
    kinds: &[Kind],
    budget: Budget,
) -> Result<Option<(Visit<'a>, (Car, Listed))>, visit::Error> {
    let mut visit = Visit::begin(app, &enrollment.value, budget).await?;
    let daily = kinds.contains(&Kind::Maintenance) && enrollment.value.vehicles.is_some();
    if !daily {
        return Ok(Some((visit, (car.clone(), Listed::Before))));
    }
    let found = listed(&mut visit, enrollment, car).await?;
    Ok(found.map(|car| (visit, (car, Listed::Now))))
}

async fn look(
    visit: &mut Visit<'_>,
    enrollment: &Versioned<Enrollment>,
    (car, is_listed): (Car, Listed),
    kinds: &[Kind],
    now: Timestamp,
) -> Result<(), visit::Error> {
    let error = match visit.look(&car, kinds).await {
        Err(error) if error.is_wrong_address() => error,
        other => return other.map(|_| ()),
    };
    // While an empty list is not believed yet, asking for it again tells nothing.
    let is_doubted = car.missing_since.is_some() && !car.is_missed_for_long(now);
    if is_listed == Listed::Before && !is_doubted {
        let Some(found) = listed(visit, enrollment, &car).await? else { return Ok(()) };
        if found.address != car.address {
            return visit.look(&found, kinds).await.map(|_| ());
        }
    }
    // It is where it was: what else there is of it is not kept from being read.
    let others: Vec<_> = kinds.iter().copied().filter(|kind| *kind != Kind::Status).collect();
    if kinds.contains(&Kind::Status) && !others.is_empty() {
        visit.look(&car, &others).await?;
    }
    Err(error)
}

/// The car as the account lists it now, if it still does.
async fn listed(
    visit: &mut Visit<'_>,
    enrollment: &Versioned<Enrollment>,
    car: &Car,
) -> Result<Option<Car>, visit::Error> {
    let cars = visit.discover(enrollment.version).await?;
    let found = cars.into_iter().find(|found| found.vin == car.vin);
    Ok(found.map(|found| Car {
        address: found.address,
        missing_since: found.missing_since,
        ..car.clone()
    }))
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
