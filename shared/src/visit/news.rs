//! Trips and alerts into the history, and the news among them into events: together, so that a
//! look that overlaps another, or dies, tells nothing twice and loses nothing.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    domain::{
        event::{Event, What},
        pace::Car,
        vin::Vin,
    },
    store::{
        self, Transaction,
        history::{History, kept_until},
    },
};

use super::{Error, Visit};

/// Entries written in one transaction, which holds 100 items at most: each may be told twice, a
/// warning that has come and gone.
const AT_ONCE: usize = 30;

impl Visit<'_> {
    /// From when on something is news: the car's discovery, or the confirmation for a car that was
    /// found before that was remembered. The two months before it come in with the first look, and
    /// nobody waits for them.
    pub(super) fn news_since(&self, car: &Car) -> Timestamp {
        car.found_at.or(self.enrollment.confirmed_at).unwrap_or(Timestamp::MAX)
    }

    /// Writes entries before the watermark moves: dying in between, they are compared once more,
    /// and what stands already is neither written nor told again.
    pub(super) async fn keep_entries<T: Serialize + DeserializeOwned>(
        &self,
        history: History,
        vin: &Vin,
        entries: &[(Timestamp, &str, &T)],
        news: impl Fn(Option<&T>, &T) -> Vec<What>,
    ) -> Result<(), Error> {
        for chunk in entries.chunks(AT_ONCE) {
            let mut tries = 0;
            // Another look may have written one of them since it was read.
            while let Err(error) = self.try_keep(history, vin, chunk, &news).await {
                tries += 1;
                if tries == 3 || !matches!(error, Error::Store(store::Error::Conflict)) {
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    async fn try_keep<T: Serialize + DeserializeOwned>(
        &self,
        history: History,
        vin: &Vin,
        entries: &[(Timestamp, &str, &T)],
        news: impl Fn(Option<&T>, &T) -> Vec<What>,
    ) -> Result<(), Error> {
        let (store, id, now) = (&self.app.store, &self.enrollment.id, self.app.clock.now());
        let days = self.app.config.retention.history_days.max(1);
        let times = || entries.iter().map(|(at, ..)| *at);
        let (Some(from), Some(to)) = (times().min(), times().max()) else { return Ok(()) };
        let standing = store.standing(id, history, vin, (from, to)).await?;
        let (mut transaction, mut seen) = (Transaction::new(), BTreeSet::new());
        store.demand_open_in(&mut transaction, id)?;
        let mut changed = false;
        for (at, entry_id, entry) in entries {
            let (key, until) = (history.key(vin, *at, entry_id), kept_until(*at, days));
            // What would be gone at once can't remember that it was told.
            if until <= now || !seen.insert(key.clone()) {
                continue;
            }
            if store.renew_entry_in(&mut transaction, id, &key, *entry, until, &standing)? {
                changed = true;
                for what in news(standing.get(&key)?.as_ref(), entry) {
                    store.tell_in(&mut transaction, Event::new(id, what, now))?;
                }
            }
        }
        if changed {
            store.commit(transaction).await?;
        }
        Ok(())
    }
}
