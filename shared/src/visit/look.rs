//! A look at one car: what is due of it is asked for, and written only if it changed.

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        event::{Event, What},
        pace::{Absent, Car, Kind, Mood},
        snapshot::Snapshot,
        vehicle::covers,
    },
    stellantis::{
        Cause,
        api::{ApiError, Period, TripQuery},
    },
    store::{self, Transaction},
};

use super::{Error, Visit, merge::merge_in, news::Kept, tell};

/// Trips and alerts are kept by the maker for about two months; no look goes back further, nor
/// further than we keep them.
const MAKER_KEEPS: SignedDuration = SignedDuration::from_hours(60 * 24);
/// From the newest that was read so much is read again: what the car uploads late began earlier.
/// What is known already is neither written nor told again, and a week fits one page.
const OVERLAP: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A drive that is not over after this long never will be.
const LONGEST_DRIVE: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What a look brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looked {
    /// Whether the car's state changed.
    pub changed: bool,
    /// When the car told anything last, as the maker says.
    last_seen: Option<Timestamp>,
}

impl Visit<'_> {
    /// Asks for `kinds` of a car that was claimed, and writes what is new.
    ///
    /// # Errors
    /// See [`Error`]. What was read before the failure is kept.
    pub async fn look(&mut self, car: &Car, kinds: &[Kind]) -> Result<Looked, Error> {
        let mut learnt = car.clone().polled(self.app.clock.now());
        let mut looked = Looked::default();
        let mut failure = None;
        let mut answered = Vec::new();
        for (at, kind) in kinds.iter().enumerate() {
            if !self.is_granted(*kind) {
                learnt.look_mut(*kind).absent = Some(Absent::Scope);
                answered.push(*kind);
                continue;
            }
            self.concerns(*kind, car);
            let result = match kind {
                Kind::Status => self.status(&mut learnt, &mut looked).await,
                Kind::Alerts => self.alerts(&mut learnt).await,
                Kind::Trips => self.trips(&mut learnt).await,
                Kind::Maintenance => self.maintenance(&mut learnt, &mut looked).await,
            };
            let here = answered.contains(&Kind::Status);
            let absent = match result {
                Ok(absent) => absent,
                Err(Error::Maker(ApiError::NotFound(_))) if *kind != Kind::Status && here => {
                    Some(Absent::NoData)
                }
                // The status just answered, so the car is ours: this kind is not in the scopes.
                Err(Error::Maker(ApiError::Forbidden(_))) if *kind != Kind::Status => {
                    Some(Absent::Scope)
                }
                Err(error) => {
                    let (ends, now) = (ends_the_look(&error, *kind), self.app.clock.now());
                    if error.is_a_failure() {
                        learnt = learnt.failed(error.word(), now);
                    }
                    if error.is_passing() {
                        let failed = if ends { &kinds[at..] } else { &kinds[at..=at] };
                        learnt = learnt.retried(failed, now, error.is_the_makers());
                    }
                    failure = failure.or(Some(error));
                    if ends {
                        break;
                    }
                    continue;
                }
            };
            let look = learnt.look_mut(*kind);
            (look.absent, look.failures) = (absent, 0);
            answered.push(*kind);
        }
        if failure.is_none() {
            learnt.poll_error = None;
        }
        if learnt != *car {
            let news = tell::silence(car, &learnt, looked.last_seen);
            self.remember(car, learnt, &answered, news).await?;
        }
        failure.map_or(Ok(looked), Err)
    }

    /// Whether the consent includes any of what a kind is given for. What it does not include is
    /// not asked for.
    fn is_granted(&self, kind: Kind) -> bool {
        let asked = &self.enrollment.scopes;
        Car::scopes_for(kind)
            .iter()
            .any(|wanted| asked.iter().any(|own| covers(own, wanted) || covers(wanted, own)))
    }

    async fn status(
        &mut self,
        car: &mut Car,
        looked: &mut Looked,
    ) -> Result<Option<Absent>, Error> {
        let (address, now) = (car.address.clone(), self.app.clock.now());
        let found = self.ask(async |api| api.status(&address, now).await).await?;
        car.unanswered = false;
        let Some(snapshot) = found else {
            // A car that has reported does not un-report: it is not at this address any more.
            return match car.status_hash {
                Some(_) => Err(Error::Maker(ApiError::NotFound(Box::default()))),
                None => Ok(Some(Absent::NoData)),
            };
        };
        // Of a car whose clock is ahead: when its values changed last.
        let by_its_clock = snapshot.last_seen_by_its_clock();
        let is_ahead = by_its_clock < snapshot.last_seen();
        looked.last_seen = by_its_clock.max(car.changed_at.filter(|_| is_ahead));
        car.silent = looked.last_seen.map_or(car.silent, |seen| Car::is_silence(seen, now));
        let hash = hash(&snapshot);
        if car.status_hash.as_ref() != Some(&hash) {
            looked.changed |= self.merge(car, snapshot).await?;
            car.status_hash = Some(hash);
        }
        Ok(None)
    }

    async fn maintenance(
        &mut self,
        car: &mut Car,
        looked: &mut Looked,
    ) -> Result<Option<Absent>, Error> {
        let (address, now) = (car.address.clone(), self.app.clock.now());
        match self.ask(async |api| api.maintenance(&address, now).await).await? {
            Some(maintenance) => {
                looked.changed |= self.merge(car, maintenance).await?;
                Ok(None)
            }
            None => Ok(Some(Absent::NoData)),
        }
    }

    async fn alerts(&mut self, car: &mut Car) -> Result<Option<Absent>, Error> {
        let address = car.address.clone();
        let period = Period::since(self.since(car, Kind::Alerts));
        let alerts = self.ask(async |api| api.alerts(&address, period).await).await?;
        let alerts = self.allowed(alerts);
        self.keep_entries(car, &alerts).await?;
        let open = alerts.iter().filter(|alert| !alert.is_over());
        let open_since = open.filter_map(Kept::at).min();
        note_read(car, Kind::Alerts, &alerts, open_since, self.app.clock.now());
        Ok(None)
    }

    async fn trips(&mut self, car: &mut Car) -> Result<Option<Absent>, Error> {
        let (address, now) = (car.address.clone(), self.app.clock.now());
        let period = Period::since(self.since(car, Kind::Trips));
        let query = TripQuery { period, ..TripQuery::default() };
        let trips = self.ask(async |api| api.trips(&address, &query).await).await?;
        let trips = self.allowed(trips);
        self.keep_entries(car, &trips).await?;
        let open = trips.iter().filter(|trip| trip.is_open()).filter_map(Kept::at);
        let open_since = open.filter(|at| now.duration_since(*at) < LONGEST_DRIVE).min();
        note_read(car, Kind::Trips, &trips, open_since, now);
        Ok(None)
    }

    /// Without places, unless those are wanted.
    fn allowed<T: Kept>(&self, entries: Vec<T>) -> Vec<T> {
        if self.app.config.retention.positions {
            return entries;
        }
        entries.into_iter().map(Kept::without_places).collect()
    }

    /// From when on entries are asked for: a week before the newest that is known, and from the
    /// beginning of the oldest that is still open.
    fn since(&self, car: &Car, kind: Kind) -> Timestamp {
        let now = self.app.clock.now();
        let days = i64::from(self.app.config.retention.history_days.max(1));
        let first = now - MAKER_KEEPS.min(SignedDuration::from_hours(24 * days));
        let look = car.look(kind);
        let known = look.watermark.map_or(first, |newest| first.max(newest - OVERLAP));
        look.open_since.map_or(known, |open| known.min(open))
    }

    /// Merges a newer document into what is known: state, history and event in one transaction.
    async fn merge(&self, car: &mut Car, newer: Snapshot) -> Result<bool, Error> {
        for _ in 0..3 {
            match self.try_merge(car, newer.clone()).await {
                Err(Error::Store(store::Error::Conflict)) => {}
                other => return other,
            }
        }
        Err(store::Error::Conflict.into())
    }

    async fn try_merge(&self, car: &mut Car, newer: Snapshot) -> Result<bool, Error> {
        let (store, id) = (&self.app.store, &self.enrollment.id);
        let known = store.known(id, &car.vin).await?.ok_or(store::Error::Conflict)?;
        let mut transaction = Transaction::new();
        store.demand_open_in(&mut transaction, id)?;
        let merged = merge_in(self.app, &mut transaction, id, known, newer, None)?;
        car.mood = Mood::of(&merged.snapshot);
        if merged.moved {
            store.commit(transaction).await?;
        }
        if merged.changed {
            car.changed_at = Some(self.app.clock.now());
        }
        Ok(merged.changed)
    }

    /// Writes what was learnt, and when to look again with that in mind. Whatever was wished since
    /// the look began stays: a hint, or what is to be made up for.
    async fn remember(
        &self,
        before: &Car,
        mut learnt: Car,
        answered: &[Kind],
        news: Option<What>,
    ) -> Result<(), Error> {
        let (store, id, now) = (&self.app.store, &self.enrollment.id, self.app.clock.now());
        for kind in answered {
            let pause = learnt.pause(*kind, now, self.quota);
            learnt.look_mut(*kind).due = now + pause;
        }
        let (mut read, mut car, mut news) = (Some(before.clone()), learnt.clone(), news);
        for tries in 0..4 {
            let mut transaction = Transaction::new();
            store.update_car_in(&mut transaction, id, read.as_ref(), &car)?;
            if let Some(what) = &news {
                store.demand_open_in(&mut transaction, id)?;
                store.tell_in(&mut transaction, Event::new(id, what.clone(), now))?;
            }
            match store.commit(transaction).await {
                Err(store::Error::Conflict) => {}
                other => return Ok(other?),
            }
            // Erased, or sold, meanwhile; or changed by whoever wishes something of it.
            let Some((stored, _)) = store.car(id, &before.vin).await? else { return Ok(()) };
            // Told by another look meanwhile.
            news = news.filter(|_| stored.silent != learnt.silent);
            car = stored.clone().with_learnt(before, &learnt);
            // What another version of this code wrote never stands as this one reads it.
            read = Some(stored).filter(|_| tries < 2);
        }
        Ok(())
    }
}

/// Whether an error is not of one resource alone: then asking for the others is vain.
fn ends_the_look(error: &Error, kind: Kind) -> bool {
    match error {
        Error::Maker(ApiError::Transient { cause, .. }) => {
            matches!(cause, Cause::Refused | Cause::Connect | Cause::ClientCertificate)
        }
        Error::Maker(ApiError::Invalid(_) | ApiError::NotRegistered(_)) => false,
        // A car that is not at this address any more has nothing there.
        Error::Maker(ApiError::NotFound(_) | ApiError::Forbidden(_)) => kind == Kind::Status,
        _ => true,
    }
}

/// Notes how far was read, but not for an empty answer: under an address that is the car's no more,
/// everything reads empty.
fn note_read<T: Kept>(
    car: &mut Car,
    kind: Kind,
    found: &[T],
    open_since: Option<Timestamp>,
    now: Timestamp,
) {
    let newest = found.iter().filter_map(Kept::at).max().map(|newest| newest.min(now));
    let look = car.look_mut(kind);
    look.watermark = look.watermark.max(newest);
    if !found.is_empty() {
        look.open_since = open_since;
    }
}

fn hash(snapshot: &Snapshot) -> String {
    let text = serde_json::to_vec(&snapshot.clone().without_reception_times()).unwrap_or_default();
    HEXLOWER.encode(digest(&SHA256, &text).as_ref())
}
