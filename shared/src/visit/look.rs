//! A look at one car: what is due of it is asked for, and written only if it changed.

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        alert::Alert,
        event::{Event, What},
        pace::{Absent, Car, Kind, Mood},
        snapshot::Snapshot,
        trip::Trip,
    },
    stellantis::api::{ApiError, Period, TripQuery},
    store::{self, Transaction, history::History},
};

use super::{Error, Visit, merge::merge_in, tell};

/// Trips and alerts are kept by the maker for about two months; no look goes back further, nor
/// further than we keep them.
const MAKER_KEEPS: SignedDuration = SignedDuration::from_hours(60 * 24);
/// A watermark is read again with this overlap: what the car uploads late carries an older time.
const OVERLAP: SignedDuration = SignedDuration::from_hours(6);

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
        let mut asked = kinds;
        for (at, kind) in kinds.iter().enumerate() {
            let result = match kind {
                Kind::Status => self.status(&mut learnt, &mut looked).await,
                Kind::Alerts => self.alerts(&mut learnt).await,
                Kind::Trips => self.trips(&mut learnt).await,
                Kind::Maintenance => self.maintenance(&mut learnt, &mut looked).await,
            };
            match result {
                Ok(absent) => learnt.look_mut(*kind).absent = absent,
                // The status just answered, so the car is ours: this kind is not in the scopes.
                Err(Error::Maker(ApiError::Forbidden(_))) if *kind != Kind::Status => {
                    learnt.look_mut(*kind).absent = Some(Absent::Scope);
                }
                Err(error) => {
                    let now = self.app.clock.now();
                    learnt = learnt.failed(error.word(), now);
                    if error.is_passing() {
                        learnt = learnt.retried(&kinds[at..], now, error.is_the_makers());
                    }
                    asked = &kinds[..at];
                    failure = Some(error);
                    break;
                }
            }
        }
        if failure.is_none() {
            learnt.poll_error = None;
        }
        if learnt != *car {
            let news = tell::silence(car, &learnt, looked.last_seen);
            self.remember(learnt, asked, news).await?;
        }
        failure.map_or(Ok(looked), Err)
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
        looked.last_seen = snapshot.last_seen();
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
                looked.changed |= self.merge(car, maintenance.into()).await?;
                Ok(None)
            }
            None => Ok(Some(Absent::NoData)),
        }
    }

    async fn alerts(&mut self, car: &mut Car) -> Result<Option<Absent>, Error> {
        let (address, now) = (car.address.clone(), self.app.clock.now());
        let period = Period::since(self.since(car, Kind::Alerts));
        let mut alerts = self.ask(async |api| api.alerts(&address, period).await).await?;
        if !self.app.config.retention.positions {
            alerts = alerts.into_iter().map(Alert::without_positions).collect();
        }
        let entries: Vec<_> = alerts
            .iter()
            .map(|alert| (alert.started_at.unwrap_or(now), alert.id.as_str(), alert))
            .collect();
        let since = self.news_since(car);
        let news = |old: Option<&Alert>, new: &Alert| tell::alert(&car.vin, old, new, since);
        self.keep_entries(History::Alerts, &car.vin, &entries, news).await?;
        if !alerts.is_empty() {
            let holding = alerts.iter().filter(|alert| !alert.is_over());
            car.alerting_since = holding.filter_map(|alert| alert.started_at).min();
        }
        note_read(car, Kind::Alerts, alerts.len(), now);
        Ok(None)
    }

    async fn trips(&mut self, car: &mut Car) -> Result<Option<Absent>, Error> {
        let (address, now) = (car.address.clone(), self.app.clock.now());
        let period = Period::since(self.since(car, Kind::Trips));
        let query = TripQuery { period, ..TripQuery::default() };
        let mut trips = self.ask(async |api| api.trips(&address, &query).await).await?;
        if !self.app.config.retention.positions {
            for trip in &mut trips {
                trip.start_place = None;
                trip.stop_place = None;
            }
        }
        let entries: Vec<_> = trips
            .iter()
            .map(|trip| (trip.started_at.unwrap_or(now), trip.id.as_str(), trip))
            .collect();
        let since = self.news_since(car);
        let news = |old: Option<&Trip>, new: &Trip| tell::trip(&car.vin, old, new, since);
        self.keep_entries(History::Trips, &car.vin, &entries, news).await?;
        note_read(car, Kind::Trips, trips.len(), now);
        Ok(None)
    }

    fn since(&self, car: &Car, kind: Kind) -> Timestamp {
        let now = self.app.clock.now();
        let days = i64::from(self.app.config.retention.history_days.max(1));
        let first = now - MAKER_KEEPS.min(SignedDuration::from_hours(24 * days));
        let holding = car.alerting_since.filter(|_| kind == Kind::Alerts);
        car.look(kind).watermark.map_or(first, |watermark| {
            let read = watermark - OVERLAP;
            first.max(holding.map_or(read, |holding| holding.min(read)))
        })
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

    /// Writes what was learnt, and when to look again with that in mind.
    async fn remember(
        &self,
        mut car: Car,
        kinds: &[Kind],
        news: Option<What>,
    ) -> Result<(), Error> {
        let (store, id, now) = (&self.app.store, &self.enrollment.id, self.app.clock.now());
        for kind in kinds {
            let pause = car.pause(*kind, now, self.quota);
            car.look_mut(*kind).due = now + pause;
        }
        if let Some(what) = news {
            let mut transaction = Transaction::new();
            store.demand_open_in(&mut transaction, id)?;
            store.turn_car_in(&mut transaction, id, &car)?;
            store.tell_in(&mut transaction, Event::new(id, what, now))?;
            match store.commit(transaction).await {
                // Told by another look meanwhile, or there is nothing left to tell of.
                Err(store::Error::Conflict) => {}
                other => return Ok(other?),
            }
        }
        let mut transaction = Transaction::new();
        store.update_car_in(&mut transaction, id, &car)?;
        match store.commit(transaction).await {
            // Erased, or sold, meanwhile.
            Ok(()) | Err(store::Error::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Moves a watermark, but not for an empty answer: under an address that is the car's no more,
/// everything reads empty.
fn note_read(car: &mut Car, kind: Kind, found: usize, now: Timestamp) {
    if found > 0 {
        car.look_mut(kind).watermark = Some(now);
    }
}

fn hash(snapshot: &Snapshot) -> String {
    let text = serde_json::to_vec(snapshot).unwrap_or_default();
    HEXLOWER.encode(digest(&SHA256, &text).as_ref())
}
