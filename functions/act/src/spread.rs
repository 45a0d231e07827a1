//! A rule changed: the enrollments it is for are made due. Few are looked after at once; of all, so
//! many a minute, page by page, with a bookmark in the request.

use std::time::Duration;

use jiff::SignedDuration;
use shared::{
    App,
    clock::Budget,
    domain::{enrollment::Status, ids::EnrollmentId},
    store::{
        listing::ListBy,
        requests::{Among, Ask, Progress, Request},
    },
    visit::{Error, subscription},
};

/// Enrollments made due in one step.
const PAGE: i32 = 100;
/// How much later each page is due than the one before.
const BETWEEN: SignedDuration = SignedDuration::from_mins(1);
/// What one page may take, and what looking after one enrollment may take.
const NEEDED: Duration = Duration::from_secs(30);
/// More than this, and they wait for the sweep.
const AT_ONCE: usize = 5;

/// How far it came.
pub(crate) async fn run(
    app: &App,
    request: &Request,
    among: &Among,
    budget: Budget,
) -> Result<Progress, Error> {
    match among {
        Among::These { enrollments } => {
            these(app, enrollments, budget).await?;
            Ok(Progress::Done { answer: None })
        }
        Among::All { after, page } => all(app, request, after.clone(), *page, budget).await,
    }
}

/// Every one is due before the first is looked after, so that none is lost if this dies.
async fn these(app: &App, enrollments: &[EnrollmentId], budget: Budget) -> Result<(), Error> {
    let now = app.clock.now();
    for id in enrollments {
        app.store.wake_subscription(id, now).await?;
    }
    for id in enrollments.iter().take(AT_ONCE) {
        if budget.allows(NEEDED)
            && let Err(error) = subscription::keep(app, id, budget).await
        {
            tracing::warn!(enrollment.id = %id, error = %error, "a rule did not reach its cars yet; the sweep tries again");
        }
    }
    Ok(())
}

async fn all(
    app: &App,
    request: &Request,
    mut after: Option<String>,
    mut page: u32,
    budget: Budget,
) -> Result<Progress, Error> {
    let now = app.clock.now();
    loop {
        let by = ListBy::Status(Status::Active);
        let (found, next) = app.store.list_enrollments(&by, after, PAGE, now).await?;
        for enrollment in found {
            let due = now + BETWEEN * i32::try_from(page).unwrap_or(i32::MAX);
            app.store.wake_subscription(&enrollment.id, due).await?;
        }
        let Some(next) = next else { return Ok(Progress::Done { answer: None }) };
        (after, page) = (Some(next), page + 1);
        let among = Among::All { after: after.clone(), page };
        let bookmark = Request { ask: Ask::Spread { among }, ..request.clone() };
        app.store.bookmark_request(&bookmark, app.clock.now()).await?;
        if !budget.allows(NEEDED) {
            return Ok(Progress::Pending);
        }
    }
}
