//! What a command must pass before it is written. Each refusal says which rule it was.

use axum::http::StatusCode;
use shared::{
    App,
    config::DoorSwitch,
    domain::{
        enrollment::{ConfirmedBy, Enrollment, InvalidTransition, Status, UserRef},
        ids::RemoteId,
        remote::{Kind, Remote},
        vehicle::covers,
    },
    http::Problem,
    store::counters::Counter,
};

use crate::{Error, error::Thing};

fn refused(status: StatusCode, kind: &str, advice: impl Into<String>) -> Error {
    Error::Request(Problem::new(status, kind).detail(advice))
}

/// Whoever asks must say for whom, and be right: a mix-up of users must not open a car.
pub(super) fn user(enrollment: &Enrollment, user: &UserRef) -> Result<(), Error> {
    if enrollment.user_ref.as_ref() == Some(user) {
        return Ok(());
    }
    let advice = "on_behalf_of is not the user of this enrollment.";
    Err(refused(StatusCode::FORBIDDEN, "wrong_user", advice))
}

/// Nothing is shown of what is being erased.
pub(super) fn shown(enrollment: &Enrollment) -> Result<(), Error> {
    if enrollment.is_open() { Ok(()) } else { Err(Error::NotFound(Thing::Enrollment)) }
}

/// Every rule, in the order in which a caller can do something about them. Gives the remote of
/// the same kind that this one follows.
pub(super) async fn all(
    app: &App,
    enrollment: &Enrollment,
    remote: &Remote,
) -> Result<Option<RemoteId>, Error> {
    consent(enrollment, remote.kind)?;
    deployment(app, enrollment, remote.kind).await?;
    car(app, remote).await?;
    let before = line(app, remote).await?;
    limits(app, remote).await?;
    Ok(before)
}

/// That the user is the car's, and wants this.
fn consent(enrollment: &Enrollment, kind: Kind) -> Result<(), Error> {
    if enrollment.status != Status::Active {
        return Err(InvalidTransition { from: enrollment.status }.into());
    }
    if enrollment.confirmed_by != Some(ConfirmedBy::Backend) {
        let advice = "Only an account that your backend confirmed may be commanded: connect it \
                      with confirm=session.";
        return Err(refused(StatusCode::FORBIDDEN, "not_confirmed_by_backend", advice));
    }
    let consent = enrollment.consent.as_ref().map_or(&enrollment.scopes, |consent| &consent.asked);
    if !consent.iter().any(|scope| covers(scope, kind.user_scope())) {
        let advice = format!("The user did not consent to `{}`.", kind.user_scope());
        return Err(refused(StatusCode::FORBIDDEN, "scope_not_granted", advice));
    }
    Ok(())
}

/// That the operator lets it happen now.
async fn deployment(app: &App, enrollment: &Enrollment, kind: Kind) -> Result<(), Error> {
    if kind == Kind::Door && app.config.remotes.door == DoorSwitch::Off {
        let advice = "This deployment does not lock or unlock doors (RemoteDoor).";
        return Err(refused(StatusCode::FORBIDDEN, "remote_door_off", advice));
    }
    let control = app.store.control().await?;
    if control.remotes_stopped || control.stops(enrollment.brand) {
        let advice = "The operator has stopped this (PUT /v1/control).";
        return Err(refused(StatusCode::CONFLICT, "remotes_stopped", advice));
    }
    let subscription = app.store.subscription(&enrollment.id).await?;
    if subscription.is_none_or(|found| found.value.usable().is_none()) {
        let advice = "The maker's notifications for this account are not set up yet. Try again in \
                      a minute.";
        return Err(refused(StatusCode::CONFLICT, "subscription_not_ready", advice));
    }
    Ok(())
}

/// That the car can do it.
async fn car(app: &App, remote: &Remote) -> Result<(), Error> {
    let known = app.store.known(&remote.enrollment, &remote.vin).await?;
    let known = known.ok_or(Error::NotFound(Thing::Vehicle))?.value.vehicle;
    // A car whose capabilities the maker did not tell is asked.
    let able = known.capabilities.is_none_or(|can| {
        can.remotes.is_empty() || can.remotes.iter().any(|name| remote.kind.is_named(name))
    });
    if able {
        return Ok(());
    }
    let advice = format!("This car does not take `{}`.", remote.kind);
    Err(refused(StatusCode::UNPROCESSABLE_ENTITY, "not_supported", advice))
}

/// That nothing of the same kind is under way.
async fn line(app: &App, remote: &Remote) -> Result<Option<RemoteId>, Error> {
    let (id, vin, now) = (&remote.enrollment, &remote.vin, remote.requested_at);
    let Some(before) = app.store.last_of_kind(id, vin, remote.kind).await? else {
        return Ok(None);
    };
    let found = app.store.remote(id, vin, &before, now).await?;
    if found.is_none_or(|found| found.remote.value.is_settled()) {
        return Ok(Some(before));
    }
    let advice = format!("{before} is under way: wait until it is settled.");
    Err(refused(StatusCode::CONFLICT, "remote_under_way", advice))
}

/// That it was not asked too often.
async fn limits(app: &App, remote: &Remote) -> Result<(), Error> {
    let (limits, now) = (&app.config.remotes, remote.requested_at);
    let (id, vin) = (&remote.enrollment, &remote.vin);
    if remote.kind == Kind::WakeUp {
        let woken = app.store.counted(Counter::WakeUps(id, vin), now).await?;
        if woken >= u32::from(limits.wake_ups) {
            let advice = format!("This car was woken {woken} times this month already.");
            return Err(refused(StatusCode::CONFLICT, "wake_ups_used_up", advice));
        }
    }
    let counts = [
        (Counter::OfCar(id, vin), limits.per_car, "this car"),
        (Counter::OfKey(&remote.key), limits.per_key, "this API key"),
        (Counter::All, limits.per_hour, "this deployment"),
    ];
    for (counter, most, whose) in counts {
        if app.store.counted(counter, now).await? >= u32::from(most) {
            let advice = format!("At most {most} commands an hour of {whose}.");
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "remote_limit");
            // The counts are those of an hour of the clock.
            let passed = u32::try_from(now.as_second().rem_euclid(3600)).unwrap_or_default();
            return Err(Error::Request(problem.detail(advice).retry_after(3600 - passed)));
        }
    }
    Ok(())
}
