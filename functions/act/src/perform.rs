//! One request of the operator's API.

use jiff::SignedDuration;
use shared::{
    App,
    causes::causes,
    clock::Budget,
    domain::{
        brand::Brand,
        enrollment::{Enrollment, Status},
        ids::EnrollmentId,
        pace::Kind,
        vin::Vin,
    },
    stellantis::{Cause, api::ApiError},
    store::{
        DueKey, Versioned,
        requests::{Ask, Progress, Request},
    },
    tokens,
    visit::{self, Error, Visit, poll, subscription},
};

use crate::{erase, grants, spread};

/// How long after a failure the sweep tries again.
const AGAIN: SignedDuration = SignedDuration::from_mins(5);
/// A request older than this is given up, but for an erasure.
const PATIENCE: SignedDuration = SignedDuration::from_hours(1);

/// Whether the request came to an end.
pub(crate) async fn run(app: &App, key: &DueKey, budget: Budget) -> Result<bool, Error> {
    let now = app.clock.now();
    let Some(request) = app.store.request(&key.pk, &key.sk, now).await? else { return Ok(true) };
    if request.progress != Progress::Pending {
        return Ok(true);
    }
    let result = perform(app, &request, budget).await;
    match result {
        // It noted how far it is, and stays due.
        Ok(Progress::Pending) => Ok(false),
        Ok(progress) => {
            app.store.settle_request(&request, progress).await?;
            Ok(true)
        }
        Err(error) if is_final(&error) || now.duration_since(request.asked_at) > PATIENCE => {
            let why = error.word().to_owned();
            app.store.settle_request(&request, Progress::Failed { why }).await?;
            Ok(true)
        }
        // Whoever waits for it hears why, and asks again when it suits him.
        Err(error) if request.ask.is_waited_for() => {
            tracing::warn!(error = %error, causes = ?causes(&error), "a request failed; whoever waits for it is told");
            let why = error.word().to_owned();
            app.store.settle_request(&request, Progress::Failed { why }).await?;
            Ok(true)
        }
        Err(error) => {
            app.store.postpone_request(&key.pk, &key.sk, now + AGAIN).await?;
            Err(error)
        }
    }
}

/// Waiting would change nothing.
const fn is_final(error: &Error) -> bool {
    matches!(
        error,
        Error::NotActive
            | Error::Token(tokens::Error::Ended(_) | tokens::Error::Gone | tokens::Error::Doubted)
            | Error::Maker(
                ApiError::NotFound(_)
                    | ApiError::Forbidden(_)
                    | ApiError::Invalid(_)
                    | ApiError::NotRegistered(_)
            )
    )
}

async fn perform(app: &App, request: &Request, budget: Budget) -> Result<Progress, Error> {
    let enrollment = request.enrollment.as_ref();
    match (&request.ask, enrollment) {
        (Ask::Discover, Some(id)) => discover(app, id, budget).await,
        (Ask::Fetch { vin }, Some(id)) => fetch(app, id, vin, budget).await,
        (Ask::Erase, Some(id)) => {
            // The sweep goes on with it from the enrollment's own deadline.
            erase::run(app, id, budget).await?;
            Ok(Progress::Done { answer: None })
        }
        (Ask::Spread { among }, _) => spread::run(app, request, among, budget).await,
        (Ask::Eligibility { vin, brand }, _) => eligibility(app, vin, *brand).await,
        _ => Ok(Progress::Failed { why: "malformed".to_owned() }),
    }
}

async fn active(app: &App, id: &EnrollmentId) -> Result<Versioned<Enrollment>, Error> {
    let found = app.store.enrollment(id, app.clock.now()).await?;
    found.filter(|found| found.value.status == Status::Active).ok_or(Error::NotActive)
}

async fn discover(app: &App, id: &EnrollmentId, budget: Budget) -> Result<Progress, Error> {
    let mut found = active(app, id).await?;
    if !found.value.former_grants.is_empty() {
        // They are due by themselves, too: whatever comes of it here, the cars are looked at.
        if let Err(error) = grants::end_former(app, &found).await {
            tracing::warn!(enrollment.id = %id, error = %error, "old grants were not ended yet");
        }
        found = active(app, id).await?;
    }
    poll::wake_cars(app, id).await?;
    let mut visit = Visit::begin(app, &found.value, budget).await?;
    visit.discover(found.version).await?;
    // Its driver waits for the first data.
    visit.poll_due().await;
    // What it asks is due by itself; done here it need not wait for the sweep.
    if let Err(error) = subscription::keep(app, id, budget).await {
        tracing::warn!(enrollment.id = %id, error = %error, "not subscribed yet; the sweep tries again");
    }
    Ok(Progress::Done { answer: None })
}

async fn fetch(app: &App, id: &EnrollmentId, vin: &Vin, budget: Budget) -> Result<Progress, Error> {
    let found = active(app, id).await?;
    let Some((mut car, _)) = app.store.car(id, vin).await? else {
        return Ok(Progress::Failed { why: "not_found".to_owned() });
    };
    let mut visit = Visit::begin(app, &found.value, budget).await?;
    let mut looked = visit.look(&car, &[Kind::Status]).await;
    if looked.as_ref().is_err_and(visit::Error::is_wrong_address) {
        let cars = visit.discover(found.version).await?;
        match cars.into_iter().find(|known| known.vin == *vin) {
            Some(known) => car.address = known.address,
            None => return Ok(Progress::Failed { why: "not_found".to_owned() }),
        }
        looked = visit.look(&car, &[Kind::Status]).await;
    }
    poll::count(app, &looked);
    let answer = if looked?.changed { "changed" } else { "unchanged" };
    Ok(Progress::Done { answer: Some(answer.to_owned()) })
}

async fn eligibility(app: &App, vin: &Vin, brand: Brand) -> Result<Progress, Error> {
    let client = app.maker.with_credentials(&app.secrets.maker().await?)?;
    match client.eligibility(brand, vin).await {
        Ok(found) => {
            let answer = serde_json::to_string(&found.value).ok();
            Ok(Progress::Done { answer })
        }
        Err(ApiError::NotFound(_)) => Ok(Progress::Failed { why: "not_found".to_owned() }),
        Err(ApiError::Transient { cause: Cause::NotNow, .. }) => Err(tokens::Error::NotNow.into()),
        Err(error) => Err(Error::Maker(error)),
    }
}
