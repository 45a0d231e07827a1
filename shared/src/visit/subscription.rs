//! An enrollment's subscription at the maker, kept as it should be: there, once, at an address that
//! is not worn, running. What is there is always looked at first, so that an answer that was lost
//! never makes a second one.

use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    address::Address,
    app::App,
    clock::Budget,
    config::Notifications,
    domain::{
        enrollment::{Enrollment, Status},
        ids::EnrollmentId,
        pace::Kind,
        subscription::{MOST_MADE, State, Subscription},
        vehicle::{UpstreamId, covers},
    },
    metrics::{Metric, Outcome},
    random,
    secrets::EdgeSecret,
    stellantis::{
        Cause,
        api::{ApiError, Callback, Run, Wanted},
    },
    store::{
        Applied, Versioned,
        subscriptions::{Held, Hold},
    },
};

use super::{Error, Visit};

/// Longer than a run may last.
const LEASE: SignedDuration = SignedDuration::from_secs(150);
/// When it is looked at again: all is well,
const DAILY: SignedDuration = SignedDuration::from_hours(24);
/// or something failed that may pass,
const AGAIN: SignedDuration = SignedDuration::from_mins(10);
/// or our contract or the consent does not offer it.
const RARELY: SignedDuration = SignedDuration::from_hours(7 * 24);
/// What is looked at for so many at once is spread over so many seconds.
const SPREAD: u32 = 3600;

/// What came of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It was looked after, or there is nothing to look after.
    Done,
    /// Another run does.
    Busy,
    /// The maker may not be asked now. It stays due.
    Stopped,
}

/// Looks after the subscription and the monitors of an enrollment, unless somebody does already.
///
/// # Errors
/// See [`Error`]. It stays due.
pub async fn keep(app: &App, id: &EnrollmentId, budget: Budget) -> Result<Kept, Error> {
    let now = app.clock.now();
    // Nothing is taken in hand and nothing written while calls are stopped.
    if !app.limits.current().await?.is_clear(now)
        && let Some(enrollment) = app.store.enrollment(id, now).await?
        && !super::may_ask(app, enrollment.value.brand).await?
    {
        return Ok(Kept::Stopped);
    }
    let held = match app.store.hold_subscription(id, now, LEASE).await? {
        Hold::Ours(held) => held,
        Hold::Busy => return Ok(Kept::Busy),
        Hold::Gone => return Ok(Kept::Done),
    };
    let enrollment = app.store.enrollment(id, now).await?;
    let Some(enrollment) = enrollment.filter(|found| found.value.status == Status::Active) else {
        // A new consent makes it due; an erasure takes it away.
        app.store.give_back_subscription(&held, &held.subscription, now + DAILY).await?;
        return Ok(Kept::Done);
    };
    let mut subscription = held.subscription.clone();
    let looked = look(app, &enrollment, &held, &mut subscription, budget).await;
    if let Some(outcome) = outcome(&looked, &subscription) {
        app.metrics.add(Metric::Subscription(outcome));
    }
    let wait = match &looked {
        Ok(Some(wait)) => *wait,
        Ok(None) => return Ok(Kept::Done),
        Err(error) => {
            if error.is_a_failure() {
                subscription.why = Some(error.word().to_owned());
            }
            if error.is_passing() { AGAIN } else { DAILY }
        }
    };
    app.store.give_back_subscription(&held, &subscription, now + wait).await?;
    looked.map(|_| Kept::Done)
}

/// What came of it at the maker, but for a refusal, which is counted where it is understood.
fn outcome(
    looked: &Result<Option<SignedDuration>, Error>,
    subscription: &Subscription,
) -> Option<Outcome> {
    match looked {
        Ok(Some(_)) if subscription.state == State::Active => Some(Outcome::Succeeded),
        Ok(_) => None,
        Err(error) => error.is_a_failure().then_some(Outcome::Failed),
    }
}

/// `None`: there is nothing to give back any more.
async fn look(
    app: &App,
    found: &Versioned<Enrollment>,
    held: &Held,
    subscription: &mut Subscription,
    budget: Budget,
) -> Result<Option<SignedDuration>, Error> {
    let (enrollment, now) = (&found.value, app.clock.now());
    if !is_offered(&enrollment.scopes) {
        *subscription = subscription.clone().refused(State::Unsupported, "scope", now);
        return Ok(Some(RARELY));
    }
    let mut visit = Visit::begin(app, enrollment, budget).await?;
    if app.config.notifications == Notifications::Off {
        visit.unsubscribe().await?;
        for watch in app.store.watches(&enrollment.id).await? {
            app.store.remove_watch(&enrollment.id, &watch.vin, &watch.rule).await?;
        }
        app.store.drop_subscription(held).await?;
        return Ok(None);
    }
    let edge = app.secrets.edge().await?;
    visit.subscribe(&edge, held, subscription).await?;
    let callback = subscription.callback.as_deref().and_then(|id| id.parse().ok());
    let callback = match (subscription.state, callback) {
        (State::Active, Some(callback)) => callback,
        (State::Unsupported, _) => return Ok(Some(RARELY)),
        _ => return Ok(Some(DAILY)),
    };
    let all = match visit.watch(&callback).await {
        // A car is not where it was: its address is looked up, once.
        Err(error) if error.is_wrong_address() => {
            visit.discover(found.version).await?;
            visit.watch(&callback).await?
        }
        other => other?,
    };
    let jitter = SignedDuration::from_secs(i64::from(random::below(SPREAD)));
    Ok(Some(if all { DAILY - jitter } else { SignedDuration::ZERO }))
}

/// Whether any scope allows notifications.
fn is_offered(scopes: &[String]) -> bool {
    let any = ["data", "remote"];
    scopes.iter().any(|scope| any.iter().any(|kind| covers(kind, scope)))
}

/// What the maker has of ours for one user.
struct Found {
    own: Vec<Callback>,
    /// How many there are that can't be read: any of them may be ours.
    unread: usize,
    /// Callbacks under our address that name another enrollment.
    other: Vec<(EnrollmentId, Callback)>,
}

impl Visit<'_> {
    /// Makes the maker's side match, and tells how it stands.
    async fn subscribe(
        &mut self,
        edge: &EdgeSecret,
        held: &Held,
        subscription: &mut Subscription,
    ) -> Result<(), Error> {
        let now = self.app.clock.now();
        self.concerns_account("callbacks");
        let known = subscription.callback.clone();
        let found = match self.callbacks(edge, known.as_deref()).await {
            Ok(found) => found,
            Err(Error::Maker(error)) => return refuse(self.app, subscription, error),
            Err(error) => return Err(error),
        };
        let missed = subscription.was_out_of_sight(now);
        let (kept, spare) = choose(found.own, known.as_deref());
        let (missed, id, day) = match kept {
            Some(callback) => {
                subscription.made = 0;
                let failed = callback.run == Run::Failed;
                let (id, day) = match self.renew(edge, &callback).await {
                    Ok(renewed) => renewed,
                    Err(Error::Maker(error)) => return refuse(self.app, subscription, error),
                    Err(error) => return Err(error),
                };
                (missed || failed, id, day)
            }
            // Without end they would pile up at a maker whose list never shows what was made.
            None if found.unread > 0 || subscription.made >= MOST_MADE => {
                let why = if found.unread > 0 { "unreadable" } else { "unrecognised" };
                *subscription = subscription.clone().refused(State::Failed, why, now);
                return Ok(());
            }
            None => match self.create(edge).await {
                // One that we knew is gone: what it had to tell is lost.
                Ok((id, day)) => {
                    subscription.made += 1;
                    (known.is_some(), id, day)
                }
                Err(Error::Maker(error)) => {
                    subscription.made += u8::from(was_made(&error));
                    return refuse(self.app, subscription, error);
                }
                Err(error) => return Err(error),
            },
        };
        *subscription = subscription.clone().running(id.as_str(), day, now);
        self.app.store.note_subscription(held, subscription).await?;
        if missed {
            self.make_up().await?;
        }
        for callback in spare {
            self.ask(async |api| api.delete_callback(&callback.id).await).await?;
        }
        self.remove_orphans(found.other).await
    }

    /// Our callbacks, known by id, told by their labels or by where they lead: a list need not show
    /// all of these. Those of another deployment, or of a program of somebody else, lead elsewhere
    /// and are left alone.
    async fn callbacks(&mut self, edge: &EdgeSecret, known: Option<&str>) -> Result<Found, Error> {
        let listed = self.ask(async |api| api.callbacks().await).await?;
        let mut found = Found { own: Vec::new(), unread: listed.unread, other: Vec::new() };
        for callback in listed.items {
            let leads_here =
                callback.target.is_some() && self.address_of(edge, &callback).is_some();
            if Some(callback.id.as_str()) == known || leads_here {
                found.own.push(callback);
                continue;
            }
            let label = callback.label.as_deref().unwrap_or_default();
            let id = label.split('.').next().and_then(|id| id.parse::<EnrollmentId>().ok());
            match id {
                Some(id) if id == self.enrollment.id => found.own.push(callback),
                Some(id) if path_of(self.app, &callback).is_some() => {
                    found.other.push((id, callback));
                }
                _ => {}
            }
        }
        Ok(found)
    }

    async fn create(&mut self, edge: &EdgeSecret) -> Result<(UpstreamId, i64), Error> {
        let address = Address::issue(&edge.ring, &self.enrollment.id, self.app.clock.now());
        let (label, target, secret) = parts(self.app, edge, &address)?;
        let wanted = Wanted { label: &label, target: &target, secret: &secret };
        let id = self.ask(async |api| api.create_callback(&wanted).await).await?;
        tracing::info!(enrollment.id = %self.enrollment.id, "subscribed at the maker");
        Ok((id, address.day()))
    }

    /// Gives it a new address if the old one is worn, or leads elsewhere; lets it run if it does
    /// not.
    async fn renew(
        &mut self,
        edge: &EdgeSecret,
        callback: &Callback,
    ) -> Result<(UpstreamId, i64), Error> {
        let now = self.app.clock.now();
        let mut id = callback.id.clone();
        let day = match self.address_of(edge, callback) {
            Some(address) if !address.is_worn(&edge.ring, now) => address.day(),
            _ => {
                let address = Address::issue(&edge.ring, &self.enrollment.id, now);
                let (label, target, secret) = parts(self.app, edge, &address)?;
                let wanted = Wanted { label: &label, target: &target, secret: &secret };
                id =
                    self.ask(async |api| api.replace_callback(&callback.id, &wanted).await).await?;
                address.day()
            }
        };
        if callback.run != Run::Running {
            tracing::warn!(enrollment.id = %self.enrollment.id, "a subscription did not run at the maker; it is started again");
            self.ask(async |api| api.resume_callback(&id).await).await?;
        }
        Ok((id, day))
    }

    /// The address that it sends to, if that is ours and in force. Where the maker does not show
    /// the target, the label names the day.
    fn address_of(&self, edge: &EdgeSecret, callback: &Callback) -> Option<Address> {
        let now = self.app.clock.now();
        if callback.target.is_none() {
            let day = callback.label.as_deref()?.split('.').nth(1)?.parse().ok()?;
            let address = Address::issued(edge.ring.primary(), &self.enrollment.id, day);
            return address.is_in_force(now).then_some(address);
        }
        let address = Address::read(&edge.ring, &path_of(self.app, callback)?, now).ok()?;
        (*address.enrollment() == self.enrollment.id).then_some(address)
    }

    /// Everything that may have happened meanwhile is asked for: from where it was read to, by time.
    async fn make_up(&mut self) -> Result<(), Error> {
        let (store, id, now) = (&self.app.store, &self.enrollment.id, self.app.clock.now());
        tracing::warn!(enrollment.id = %id, "notifications may have been missed; its cars are asked");
        for car in store.cars(id).await? {
            for _ in 0..3 {
                let Some((mut car, due_at)) = store.car(id, &car.vin).await? else { break };
                for kind in [Kind::Status, Kind::Alerts, Kind::Trips] {
                    let look = car.look_mut(kind);
                    look.due = look.due.min(now);
                }
                if let Applied::Yes = store.claim_car(id, &car, due_at).await? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Callbacks of ours for enrollments of the same account that are no more.
    async fn remove_orphans(&mut self, other: Vec<(EnrollmentId, Callback)>) -> Result<(), Error> {
        let now = self.app.clock.now();
        for (id, callback) in other {
            let enrollment = self.app.store.enrollment(&id, now).await?;
            let needed = enrollment.is_some_and(|found| {
                found.value.is_open() || found.value.status == Status::Erasing
            });
            if !needed {
                self.ask(async |api| api.delete_callback(&callback.id).await).await?;
                tracing::info!(enrollment.id = %id, "a subscription of an enrollment that is no more was deleted");
            }
        }
        Ok(())
    }

    /// Deletes whatever is subscribed for this enrollment.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn unsubscribe(&mut self) -> Result<(), Error> {
        let edge = self.app.secrets.edge().await?;
        let known = self.app.store.subscription(&self.enrollment.id).await?;
        let known = known.and_then(|found| found.value.callback);
        self.concerns_account("callbacks");
        let found = self.callbacks(&edge, known.as_deref()).await?;
        for callback in found.own {
            self.ask(async |api| api.delete_callback(&callback.id).await).await?;
        }
        Ok(())
    }
}

/// The one to keep, and those to delete: the known one if it is there, else the first.
fn choose(mut own: Vec<Callback>, known: Option<&str>) -> (Option<Callback>, Vec<Callback>) {
    if own.is_empty() {
        return (None, own);
    }
    let kept = own.iter().position(|callback| Some(callback.id.as_str()) == known);
    let kept = own.swap_remove(kept.unwrap_or_default());
    (Some(kept), own)
}

/// A refusal that waiting a little would not change is a state; anything else is tried again.
fn refuse(app: &App, subscription: &mut Subscription, error: ApiError) -> Result<(), Error> {
    let (state, why) = match &error {
        ApiError::NotRegistered(_) => (State::Unsupported, "plan"),
        ApiError::Forbidden(_) => (State::Unsupported, "scope"),
        ApiError::Invalid(_) => (State::Failed, "refused"),
        ApiError::Unreadable => (State::Failed, "unreadable"),
        _ => return Err(Error::Maker(error)),
    };
    app.metrics.add(Metric::Subscription(Outcome::Refused));
    *subscription = subscription.clone().refused(state, why, app.clock.now());
    Ok(())
}

/// Whether the maker said that it did what was asked, if not how.
const fn was_made(error: &ApiError) -> bool {
    matches!(
        error,
        ApiError::Unreadable
            | ApiError::Transient { cause: Cause::Malformed | Cause::TooLarge, .. }
    )
}

/// What stands behind our own address in a callback's target.
fn path_of(app: &App, callback: &Callback) -> Option<String> {
    let ours = app.config.public_address("/notifications/");
    let path = callback.target.as_ref()?.expose_secret().strip_prefix(ours.as_str())?;
    (!path.is_empty()).then(|| path.to_owned())
}

/// Label, target and secret of an address.
fn parts(
    app: &App,
    edge: &EdgeSecret,
    address: &Address,
) -> Result<(String, SecretString, SecretString), Error> {
    let both = address.path(&edge.ring).zip(address.secret(&edge.ring));
    // Only a key that left the ring between two lines has none.
    let (path, secret) = both.ok_or(crate::tokens::Error::NotNow)?;
    let target = app.config.public_address(&format!("/notifications/{}", path.expose_secret()));
    Ok((address.label(), String::from(target).into(), secret))
}
