//! A browser that comes back after its link was used: it is told how that ended. Nothing is
//! exchanged any more.

use std::time::Duration;

use jiff::SignedDuration;
use shared::{
    App,
    domain::enrollment::{Enrollment, Reason, Status},
    round_trip::Attempt,
    store::Versioned,
};

use crate::{
    answer::Error,
    browser::Browser,
    complete,
    outcome::{Ending, Outcome},
};

/// How many half seconds a request waits for the outcome of another one: less than its own time.
const PATIENCE: u32 = 40;
/// No callback lives longer than its time-out: one that was begun before then has died.
const DEAD_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// How the link's enrollment ended.
pub(crate) async fn run(
    app: &App,
    attempt: &Attempt,
    browser: &Browser<'_>,
    known: Versioned<Enrollment>,
) -> Result<Ending, Error> {
    let Some(known) = settled(app, known).await? else { return Ok(Ending::new(Outcome::Expired)) };
    match known.status {
        Status::Declined | Status::Failed => Ok(Ending::new(Outcome::of(known.reason))),
        Status::Exchanging => Ok(Ending::new(Outcome::Unavailable)),
        Status::Active | Status::AwaitingConfirmation | Status::Merged => {
            stands(app, attempt, browser, known).await
        }
        // Its link ran out, or it was connected once and is no more.
        Status::Begun | Status::ReauthorizationRequired | Status::Erasing | Status::Erased => {
            Ok(Ending::new(Outcome::Expired))
        }
    }
}

/// An account is connected. Whether it is the one of whoever comes back can be told only in the
/// browser that connected it.
async fn stands(
    app: &App,
    attempt: &Attempt,
    browser: &Browser<'_>,
    known: Enrollment,
) -> Result<Ending, Error> {
    let claimed_by = known.claimed_by.clone().unwrap_or_default();
    let first = if claimed_by == attempt.state_sha256 {
        Some(attempt.clone())
    } else {
        browser.attempt(&claimed_by).await?
    };
    let Some(first) = first else { return Ok(Ending::new(Outcome::Used)) };
    let owner = match &known.merged_into {
        Some(older) => app.store.enrollment(older, app.clock.now()).await?.map(|found| found.value),
        None => Some(known),
    };
    let open = |owner: &Enrollment| owner.is_open() || owner.status == Status::AwaitingConfirmation;
    Ok(match owner.filter(open) {
        Some(owner) => complete::connected(&first, &owner),
        None => Ending::new(Outcome::Expired),
    })
}

/// The enrollment once no request exchanges its code any more. One that does not end is ended here:
/// should it still live, its tokens find no place and are revoked. `None`: it is gone.
async fn settled(app: &App, mut known: Versioned<Enrollment>) -> Result<Option<Enrollment>, Error> {
    let id = known.value.id.clone();
    for turn in 0..=PATIENCE {
        let Versioned { value, version } = known;
        if value.status != Status::Exchanging {
            return Ok(Some(value));
        }
        let age = app.clock.now().duration_since(value.updated_at);
        if turn == PATIENCE || age >= DEAD_AFTER {
            complete::fail(app, Versioned { value, version }, Reason::Interrupted).await?;
        } else {
            pause().await;
        }
        match app.store.enrollment(&id, app.clock.now()).await? {
            Some(found) => known = found,
            None => return Ok(None),
        }
    }
    Ok(Some(known.value))
}

#[expect(clippy::disallowed_methods, reason = "the browser waits for another request's outcome")]
pub(crate) async fn pause() {
    tokio::time::sleep(Duration::from_millis(500)).await;
}
