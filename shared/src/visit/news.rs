//! Trips and alerts into the history, and the news among them into events: together, so that a
//! look that overlaps another, or dies, tells nothing twice and loses nothing. Told by a look or by a
//! notification.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    app::App,
    domain::{
        alert::Alert,
        enrollment::Enrollment,
        event::{Event, What},
        ids::EnrollmentId,
        pace::Car,
        trip::Trip,
        vin::Vin,
    },
    store::{
        self, Transaction,
        entries::Standing,
        history::{History, kept_until},
    },
};

use super::{Error, Visit, tell};

/// Entries written in one transaction, which holds 100 items at most: each may be told twice, a
/// warning that has come and gone.
const AT_ONCE: usize = 30;
/// A warning may hold for so long: until its end its entry remembers that it was told.
const HOLDS: SignedDuration = SignedDuration::from_hours(400 * 24);

/// Something of which a history is kept.
pub trait Kept: Serialize + DeserializeOwned {
    /// Where.
    const HISTORY: History;

    /// The time under which it is kept, always the same; none if the maker gives no time at all.
    fn at(&self) -> Option<Timestamp>;

    /// The maker's id.
    fn name(&self) -> &str;

    /// Until when its entry is kept, of `days` for each.
    fn until(&self, at: Timestamp, days: u16) -> Timestamp;

    /// What is to be told, compared with its entry as it stood; news is what came after `since`.
    fn news(&self, vin: &Vin, old: Option<&Self>, since: Timestamp) -> Vec<What>;

    /// Without any place.
    #[must_use]
    fn without_places(self) -> Self;
}

impl Kept for Trip {
    const HISTORY: History = History::Trips;

    fn at(&self) -> Option<Timestamp> {
        self.kept_at()
    }

    fn name(&self) -> &str {
        self.id.as_str()
    }

    fn until(&self, at: Timestamp, days: u16) -> Timestamp {
        kept_until(at, days)
    }

    fn news(&self, vin: &Vin, old: Option<&Self>, since: Timestamp) -> Vec<What> {
        tell::trip(vin, old, self, since)
    }

    fn without_places(self) -> Self {
        self.without_positions()
    }
}

impl Kept for Alert {
    const HISTORY: History = History::Alerts;

    fn at(&self) -> Option<Timestamp> {
        self.kept_at()
    }

    fn name(&self) -> &str {
        self.id.as_str()
    }

    /// It counts from its end, or that would never be told of one that holds for long.
    fn until(&self, at: Timestamp, days: u16) -> Timestamp {
        if self.is_over() {
            kept_until(self.ended_at.unwrap_or(at).max(at), days)
        } else {
            at + HOLDS
        }
    }

    fn news(&self, vin: &Vin, old: Option<&Self>, since: Timestamp) -> Vec<What> {
        tell::alert(vin, old, self, since)
    }

    fn without_places(self) -> Self {
        self.without_positions()
    }
}

/// The car that something happened to.
#[derive(Clone, Copy)]
pub struct About<'a> {
    /// Under which enrollment.
    pub enrollment: &'a EnrollmentId,
    /// Which car.
    pub vin: &'a Vin,
    /// From when on something is news.
    pub since: Timestamp,
}

/// From when on something is news: the car's discovery, or the confirmation for a car that was found
/// before that was remembered. The two months before it come in with the first look, and nobody
/// waits for them.
#[must_use]
pub fn news_since(car: &Car, enrollment: &Enrollment) -> Timestamp {
    car.found_at.or(enrollment.confirmed_at).unwrap_or(Timestamp::MAX)
}

/// Adds entries to a transaction, with the news among them. Whether there is anything to write.
///
/// # Errors
/// When the database fails, or it can't be expressed.
pub async fn keep_in<T: Kept>(
    app: &App,
    transaction: &mut Transaction,
    about: About<'_>,
    entries: &[T],
) -> Result<bool, store::Error> {
    let (store, now) = (&app.store, app.clock.now());
    let days = app.config.retention.history_days.max(1);
    let times = || entries.iter().map(place);
    let (Some(from), Some(to)) = (times().min(), times().max()) else { return Ok(false) };
    let standing = store.standing(about.enrollment, T::HISTORY, about.vin, (from, to)).await?;
    let (mut seen, mut changed) = (BTreeSet::new(), false);
    for entry in entries {
        let key = T::HISTORY.key(about.vin, place(entry), entry.name());
        if seen.insert(key.clone()) {
            let until = entry.at().map_or(kept_until(now, days), |at| entry.until(at, days));
            changed |= keep_one(app, transaction, about, entry, (&key, until), &standing)?;
        }
    }
    Ok(changed)
}

/// Where an entry stands in its history: what has no time at all stands first.
fn place<T: Kept>(entry: &T) -> Timestamp {
    entry.at().unwrap_or(Timestamp::UNIX_EPOCH)
}

fn keep_one<T: Kept>(
    app: &App,
    transaction: &mut Transaction,
    about: About<'_>,
    entry: &T,
    (key, until): (&str, Timestamp),
    standing: &Standing,
) -> Result<bool, store::Error> {
    let (store, id, now) = (&app.store, about.enrollment, app.clock.now());
    let old: Option<T> = standing.get(key)?;
    // What would be gone at once can't remember that it was told; what stands does.
    if until <= now && old.is_none() {
        return Ok(false);
    }
    let until = if until <= now { kept_until(now, 1) } else { until };
    if !store.renew_entry_in(transaction, id, key, entry, until, standing)? {
        return Ok(false);
    }
    for what in entry.news(about.vin, old.as_ref(), about.since) {
        store.tell_in(transaction, Event::new(id, what, now))?;
    }
    Ok(true)
}

impl Visit<'_> {
    /// Writes entries before the watermark moves: dying in between, they are compared once more,
    /// and what stands already is neither written nor told again.
    pub(super) async fn keep_entries<T: Kept>(
        &self,
        car: &Car,
        entries: &[T],
    ) -> Result<(), Error> {
        let since = news_since(car, self.enrollment);
        let about = About { enrollment: &self.enrollment.id, vin: &car.vin, since };
        for chunk in entries.chunks(AT_ONCE) {
            let mut tries = 0;
            // Another look may have written one of them since it was read.
            while let Err(error) = self.try_keep(about, chunk).await {
                tries += 1;
                if tries == 3 || !matches!(error, Error::Store(store::Error::Conflict)) {
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    async fn try_keep<T: Kept>(&self, about: About<'_>, entries: &[T]) -> Result<(), Error> {
        let mut transaction = Transaction::new();
        self.app.store.demand_open_in(&mut transaction, about.enrollment)?;
        if keep_in(self.app, &mut transaction, about, entries).await? {
            self.app.store.commit(transaction).await?;
        }
        Ok(())
    }
}
