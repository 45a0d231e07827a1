//! Sending: everything that can be tried again comes first, then the claim, then the one call.

use std::time::Duration;

use shared::{
    App,
    clock::{Budget, later},
    domain::{
        enrollment::{Enrollment, Status},
        remote::{Action, Cause, Remote, State},
        vehicle::{UpstreamId, VehicleAddress},
    },
    remotes,
    stellantis::{ApiError, Cause as NoAnswer},
    store::{self, Transaction, Versioned},
    tokens,
    visit::{self, Error, Visit},
};

use super::keep;

/// What the call and writing its outcome may take; no claim is made without.
const NEEDED: Duration = Duration::from_secs(25);
/// Pauses between tries to get a connection: without one, nothing is sent.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// Why it is not sent.
enum NotSent {
    /// Nor ever will be.
    Ends(State, Option<Cause>),
    /// Not this time.
    Waits(Option<Error>),
    /// There is nothing left to send it for.
    Gone,
}

impl From<Error> for NotSent {
    fn from(error: Error) -> Self {
        match error {
            Error::NotActive | Error::Token(tokens::Error::Ended(_) | tokens::Error::Gone) => {
                Self::Ends(State::Failed, Some(Cause::ReauthorizationRequired))
            }
            error => Self::Waits(Some(error)),
        }
    }
}

impl From<store::Error> for NotSent {
    fn from(error: store::Error) -> Self {
        Self::Waits(Some(error.into()))
    }
}

pub(super) async fn run(
    app: &App,
    found: Versioned<Remote>,
    budget: Budget,
) -> Result<bool, Error> {
    match attempt(app, &found, budget).await {
        Ok(()) | Err(NotSent::Gone) => Ok(true),
        Err(NotSent::Ends(state, cause)) => {
            let now = app.clock.now();
            keep(app, found, |remote| {
                // Only what nobody claimed meanwhile was surely not sent.
                let unsent = remote.state == State::Requested;
                unsent.then(|| remote.advance(state, cause, now)).flatten()
            })
            .await?;
            Ok(true)
        }
        Err(NotSent::Waits(error)) => {
            let now = app.clock.now();
            let waits =
                |remote: &Remote| (remote.state == State::Requested).then(|| remote.waits(now));
            keep(app, found, waits).await?;
            error.map_or(Ok(false), Err)
        }
    }
}

/// All that must hold before, and may be found out twice.
async fn attempt(app: &App, found: &Versioned<Remote>, budget: Budget) -> Result<(), NotSent> {
    let (remote, now) = (&found.value, app.clock.now());
    if remote.is_late(now) {
        return Err(NotSent::Ends(State::Expired, None));
    }
    // Read now, not when this run began: the switch is there for emergencies.
    if app.limits.read().await?.remotes_stopped {
        return Err(NotSent::Ends(State::Failed, Some(Cause::RemotesStopped)));
    }
    let enrollment = app.store.enrollment(&remote.enrollment, now).await?;
    let Some(enrollment) = enrollment.filter(|found| found.value.is_open()) else {
        return Err(NotSent::Gone);
    };
    if enrollment.value.status != Status::Active {
        return Err(Error::NotActive.into());
    }
    let subscription = app.store.subscription(&remote.enrollment).await?;
    let callback = subscription.and_then(|found| found.value.usable().map(str::to_owned));
    let callback = callback.ok_or(NotSent::Waits(None))?;
    let (visit, address) = ready(app, &enrollment, remote, &callback, budget).await?;
    if !budget.allows(NEEDED) {
        return Err(NotSent::Waits(None));
    }
    dispatch(app, found, &visit, &address, callback).await
}

/// A token that the maker takes, and where the car is: shown by asking for its remotes.
async fn ready<'a>(
    app: &'a App,
    enrollment: &'a Versioned<Enrollment>,
    remote: &Remote,
    callback: &str,
    budget: Budget,
) -> Result<(Visit<'a>, VehicleAddress), NotSent> {
    let gone = NotSent::Ends(State::Failed, Some(Cause::VehicleGone));
    let car = app.store.car(&remote.enrollment, &remote.vin).await?;
    let Some((car, _)) = car else { return Err(gone) };
    let mut visit = Visit::begin(app, &enrollment.value, budget).await?;
    let mut address = car.address;
    let mut heard = visit.remotes(&address, callback).await;
    // Nothing at all may be heard of a car without remotes, or at an address that it left.
    let doubtful =
        matches!(&heard, Ok(None)) || heard.as_ref().is_err_and(visit::Error::is_wrong_address);
    if doubtful {
        let cars = visit.discover(enrollment.version).await?;
        let Some(known) = cars.into_iter().find(|known| known.vin == remote.vin) else {
            return Err(gone);
        };
        address = known.address;
        heard = visit.remotes(&address, callback).await;
    }
    match heard {
        Ok(_) => Ok((visit, address)),
        // The car is there, so it is the user's consent that does not cover this.
        Err(Error::Maker(ApiError::Forbidden(_))) => {
            Err(NotSent::Ends(State::Failed, Some(Cause::MissingRights)))
        }
        Err(error) => Err(error.into()),
    }
}

/// The claim and the call.
async fn dispatch(
    app: &App,
    found: &Versioned<Remote>,
    visit: &Visit<'_>,
    address: &VehicleAddress,
    callback: String,
) -> Result<(), NotSent> {
    let now = app.clock.now();
    if found.value.is_late(now) {
        return Err(NotSent::Ends(State::Expired, None));
    }
    let Some(action) = found.value.action.clone() else {
        return Err(NotSent::Ends(State::Failed, Some(Cause::Other)));
    };
    let sending = found.value.advance(State::Sending, None, now).ok_or(NotSent::Gone)?;
    let sending = Remote { callback: Some(callback), ..sending };
    if !claim(app, found, &sending).await? {
        return Err(NotSent::Gone);
    }
    // From here on it is ours alone, and nobody sends it again whatever happens.
    let ours = Versioned { value: sending, version: found.version + 1 };
    let outcome = call(app, visit, address, &ours.value, &action).await;
    let now = app.clock.now();
    let result = keep(app, ours, |remote| outcome.of(remote, now)).await;
    if let Err(error) = result {
        // Its lease ends, and the maker is asked.
        tracing::error!(remote.id = %found.value.id, error = %error, "what became of a remote could not be written");
    }
    Ok(())
}

/// One conditional write, known again by its attempt: only who made it sends.
async fn claim(app: &App, found: &Versioned<Remote>, sending: &Remote) -> Result<bool, NotSent> {
    let mut transaction = Transaction::new();
    app.store.demand_open_in(&mut transaction, &sending.enrollment)?;
    let attempt = remotes::step_in(app, &mut transaction, found, sending)?;
    let Err(error) = app.store.commit(transaction).await else { return Ok(true) };
    let now = app.clock.now();
    let again = app.store.remote(&sending.enrollment, &sending.vin, &sending.id, now).await?;
    if again.is_some_and(|again| again.attempt == attempt) {
        return Ok(true);
    }
    match error {
        store::Error::Conflict => Ok(false),
        error => Err(error.into()),
    }
}

/// What came of the call.
enum Outcome {
    /// The maker took it.
    Accepted(UpstreamId),
    /// Nobody knows.
    NoAnswer,
    /// It surely did not reach the car.
    NeverSent(State, Option<Cause>),
}

impl Outcome {
    fn of(&self, remote: &Remote, now: jiff::Timestamp) -> Option<Remote> {
        match self {
            Self::Accepted(id) => remote.told(id, State::Accepted, None, now),
            Self::NoAnswer => remote.advance(State::Unknown, None, now),
            Self::NeverSent(state, cause) => remote.advance(*state, *cause, now),
        }
    }
}

/// The call. Only without a connection, when nothing was sent, is there another try.
async fn call(
    app: &App,
    visit: &Visit<'_>,
    address: &VehicleAddress,
    remote: &Remote,
    action: &Action,
) -> Outcome {
    let Some(callback) = &remote.callback else { return Outcome::NoAnswer };
    let mut pauses = PAUSES.into_iter();
    loop {
        // Asked after each pause, right before the command may leave: when there is a connection, that is.
        let connect = app.maker.settings().timeouts.connect;
        if remote.is_late(later(app.clock.now(), connect)) {
            return Outcome::NeverSent(State::Expired, None);
        }
        let error = match visit.send_remote(address, callback, action, &remote.id).await {
            Ok(Some(id)) => return Outcome::Accepted(id),
            Ok(None) => return Outcome::NoAnswer,
            Err(error) => error,
        };
        if !surely_not_sent(&error) {
            return judged(&error);
        }
        match pauses.next() {
            Some(time) => pause(time).await,
            None => return Outcome::NeverSent(State::Failed, Some(Cause::MakerUnreachable)),
        }
    }
}

const fn surely_not_sent(error: &ApiError) -> bool {
    matches!(error, ApiError::Transient { cause: NoAnswer::Connect, .. })
}

/// A refusal that the maker gives is a promise that nothing was done; anything else is none.
fn judged(error: &ApiError) -> Outcome {
    let refused = |cause| Outcome::NeverSent(State::Failed, Some(cause));
    match error {
        ApiError::Transient { cause, .. } if cause.may_have_arrived() => Outcome::NoAnswer,
        ApiError::Transient { cause: NoAnswer::NotNow, .. } | ApiError::Limited { .. } => {
            refused(Cause::Limited)
        }
        ApiError::Transient { .. } => refused(Cause::MakerUnreachable),
        ApiError::Forbidden(_) => refused(Cause::MissingRights),
        _ => refused(Cause::Refused),
    }
}

#[expect(clippy::disallowed_methods, reason = "a moment before another try to connect")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
