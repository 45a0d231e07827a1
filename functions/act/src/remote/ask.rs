//! Asking the maker what became of a remote, when nothing was heard of it.

use shared::{
    App,
    clock::Budget,
    domain::remote::{Remote, State},
    stellantis::api::Told,
    store::Versioned,
    visit::{Error, Visit},
};

use super::keep;

pub(super) async fn run(
    app: &App,
    found: Versioned<Remote>,
    budget: Budget,
) -> Result<bool, Error> {
    let told = look(app, &found.value, budget).await;
    let now = app.clock.now();
    let heard = told.as_ref().ok().and_then(Option::as_ref);
    keep(app, found.clone(), |remote| {
        // Moved by a notification meanwhile: that is newer than what was asked.
        let moved = remote.state != found.value.state || remote.asked != found.value.asked;
        let news = heard.and_then(|told| news(remote, told, now));
        news.or_else(|| (!moved).then(|| remote.heard_nothing(now)))
    })
    .await?;
    told.map(|_| true)
}

/// What is new in it. Being known to the maker is news of one that got no answer.
fn news(remote: &Remote, told: &Told, now: jiff::Timestamp) -> Option<Remote> {
    let state = told.state.unwrap_or(State::Accepted);
    remote.told(&told.action_id, state, told.cause, now)
}

/// By the maker's id; without one by the label it was sent with, which is our own id.
async fn look(app: &App, remote: &Remote, budget: Budget) -> Result<Option<Told>, Error> {
    let (now, id) = (app.clock.now(), &remote.enrollment);
    let found = app.store.enrollment(id, now).await?;
    let enrollment = found.filter(|found| found.value.is_open()).ok_or(Error::NotActive)?;
    let car = app.store.car(id, &remote.vin).await?;
    let (Some((car, _)), Some(callback)) = (car, &remote.callback) else { return Ok(None) };
    let mut visit = Visit::begin(app, &enrollment.value, budget).await?;
    if let Some(action) = &remote.action_id {
        return visit.remote(&car.address, callback, action).await;
    }
    let all = visit.remotes(&car.address, callback).await?;
    Ok(all.into_iter().flatten().find(|told| told.label.as_deref() == Some(remote.id.as_str())))
}
