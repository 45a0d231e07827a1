//! Which cars an account has. Only this creates a car; a car gone from the list is fetched no more.

use crate::{
    config::Notifications,
    domain::{
        enrollment::{Enrollment, Reason},
        event::{Event, What},
        monitor::Watch,
        pace::Car,
        snapshot::Snapshot,
        vehicle::Vehicle,
    },
    stellantis::api::Extension,
    store::{self, Transaction, Versioned, vehicles::Known},
};

use super::{Error, Visit};

/// How many cars of one account are written in one transaction, which holds 100 items at most.
const AT_ONCE: usize = 20;

impl Visit<'_> {
    /// Looks at the account and makes what is stored match. Returns the cars.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn discover(&mut self, version: u64) -> Result<Vec<Car>, Error> {
        let extensions = [Extension::OnboardCapabilities, Extension::Branding, Extension::Pictures];
        self.concerns_account("vehicles");
        let listing = self.ask(async |api| api.vehicles(&extensions).await).await?;
        let known = self.app.store.cars(&self.enrollment.id).await?;
        let mut cars = Vec::new();
        for vehicles in listing.found.chunks(AT_ONCE) {
            cars.extend(self.keep(vehicles, &known, listing.extensions_refused).await?);
        }
        let mut count = listing.found.len();
        if listing.unread > 0 {
            tracing::error!(
                enrollment.id = %self.enrollment.id, listed = count, unread = listing.unread,
                "vehicles of an account can't be read; none is taken for sold"
            );
            count += listing.unread;
        } else {
            let is_listed = |car: &&Car| listing.found.iter().any(|found| found.vin == car.vin);
            for car in known.iter().filter(|car| !is_listed(car)) {
                count += usize::from(!self.miss_car(car, listing.found.is_empty()).await?);
            }
        }
        self.count(count, version).await?;
        self.subscribe_if_not().await?;
        tracing::info!(enrollment.id = %self.enrollment.id, vehicles = cars.len(), "an account was looked through");
        Ok(cars)
    }

    /// A car is not in the account's list. That the list is empty may be a mistake of the maker's:
    /// it is believed once it has been so for long, however often it was read. Whether the car is
    /// gone.
    async fn miss_car(&self, car: &Car, is_all: bool) -> Result<bool, Error> {
        let now = self.app.clock.now();
        let is_sure = !is_all || car.is_missed_for_long(now);
        if is_sure {
            self.drop_car(car).await?;
        } else if car.missing_since.is_none() {
            let missed = Car { missing_since: Some(now), ..car.clone() };
            let mut transaction = Transaction::new();
            let id = &self.enrollment.id;
            self.app.store.update_car_in(&mut transaction, id, Some(car), &missed)?;
            match self.app.store.commit(transaction).await {
                // Changed meanwhile: the next look at the account notes it.
                Ok(()) | Err(store::Error::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(is_sure)
    }

    /// Adds new cars, and notes new addresses and names of known ones.
    async fn keep(
        &self,
        vehicles: &[Vehicle],
        known: &[Car],
        extensions_refused: bool,
    ) -> Result<Vec<Car>, Error> {
        let (store, id, now) = (&self.app.store, &self.enrollment.id, self.app.clock.now());
        let mut transaction = Transaction::new();
        store.demand_open_in(&mut transaction, id)?;
        let (mut cars, mut changed, mut anew) = (Vec::new(), false, false);
        for vehicle in vehicles {
            let old = known.iter().find(|car| car.vin == vehicle.vin);
            let stored = store.known(id, &vehicle.vin).await?;
            let car = match old {
                Some(car) => {
                    Car { address: vehicle.address.clone(), missing_since: None, ..car.clone() }
                }
                None => Car::new(vehicle.vin.clone(), vehicle.address.clone(), now),
            };
            match old {
                None => {
                    store.add_car_in(&mut transaction, id, &car)?;
                    anew = true;
                    let what = What::VehicleDiscovered { vin: car.vin.clone() };
                    store.tell_in(&mut transaction, Event::new(id, what, now))?;
                    if self.others_see(&car).await? {
                        let what = What::VehicleShared { vin: car.vin.clone() };
                        store.tell_in(&mut transaction, Event::new(id, what, now))?;
                    }
                    changed = true;
                }
                Some(old) if *old != car => {
                    store.update_car_in(&mut transaction, id, Some(old), &car)?;
                    changed = true;
                }
                Some(_) => {}
            }
            let vehicle = match &stored {
                Some(stored) if extensions_refused => {
                    vehicle.clone().with_extensions_of(&stored.value.vehicle)
                }
                _ => vehicle.clone(),
            };
            if stored.as_ref().is_none_or(|stored| stored.value.vehicle != vehicle) {
                let (snapshot, version) = stored
                    .map_or((Snapshot::new(), 0), |stored| (stored.value.snapshot, stored.version));
                let known = Known { vehicle, snapshot };
                store.save_known_in(&mut transaction, id, &known, version)?;
                changed = true;
            }
            cars.push(car);
        }
        if anew {
            self.remonitor_in(&mut transaction)?;
        }
        if changed {
            store.commit(transaction).await?;
        }
        Ok(cars)
    }

    /// Whether another enrollment has the car too: shared in a family, or sold by someone who has
    /// not unlinked it. By index, so two that find it in the same moment may both miss it.
    async fn others_see(&self, car: &Car) -> Result<bool, Error> {
        let seen = self.app.store.enrollments_with(&car.vin).await?;
        Ok(seen.iter().any(|id| *id != self.enrollment.id))
    }

    async fn drop_car(&self, car: &Car) -> Result<(), Error> {
        let (store, id) = (&self.app.store, &self.enrollment.id);
        let mut transaction = Transaction::new();
        store.demand_open_in(&mut transaction, id)?;
        store.remove_car_in(&mut transaction, id, &car.vin)?;
        // What its monitors still send is not this user's any more. At most five of them can send.
        let sends = |watch: &&Watch| watch.vin == car.vin && watch.monitor.is_some();
        for watch in store.watches(id).await?.iter().filter(sends).take(AT_ONCE) {
            store.remove_watch_in(&mut transaction, id, &watch.vin, &watch.rule)?;
        }
        self.remonitor_in(&mut transaction)?;
        let what = What::VehicleRemoved { vin: car.vin.clone() };
        store.tell_in(&mut transaction, Event::new(id, what, self.app.clock.now()))?;
        match store.commit(transaction).await {
            Ok(()) => tracing::info!(enrollment.id = %id, "a car left the account"),
            // Taken away by another look, or with the whole enrollment.
            Err(store::Error::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Rules are to be put on a new car, or taken off one that left.
    fn remonitor_in(&self, transaction: &mut Transaction) -> Result<(), Error> {
        if self.app.config.notifications == Notifications::On {
            let (id, now) = (&self.enrollment.id, self.app.clock.now());
            self.app.store.want_subscription_in(transaction, id, now)?;
        }
        Ok(())
    }

    /// An enrollment from when the operator wanted no subscriptions gets its own; and loses it, once
    /// the operator wants none.
    async fn subscribe_if_not(&self) -> Result<(), Error> {
        let (store, id, now) = (&self.app.store, &self.enrollment.id, self.app.clock.now());
        match (self.app.config.notifications, store.subscription(id).await?) {
            (Notifications::On, None) => {
                let mut transaction = Transaction::new();
                store.demand_open_in(&mut transaction, id)?;
                store.want_subscription_in(&mut transaction, id, now)?;
                match store.commit(transaction).await {
                    Ok(()) | Err(store::Error::Conflict) => Ok(()),
                    Err(error) => Err(error.into()),
                }
            }
            (Notifications::Off, Some(_)) => Ok(store.wake_subscription(id, now).await?),
            _ => Ok(()),
        }
    }

    /// Notes how many there are; none at all is a state with a reason.
    async fn count(&self, found: usize, version: u64) -> Result<(), Error> {
        let count = u32::try_from(found).unwrap_or(u32::MAX);
        let reason = (count == 0).then_some(Reason::NoVehicle);
        if self.enrollment.vehicles == Some(count) && self.enrollment.reason == reason && count > 0
        {
            return Ok(());
        }
        let now = self.app.clock.now();
        let counted = Enrollment {
            vehicles: Some(count),
            reason,
            updated_at: now,
            ..self.enrollment.clone()
        };
        let counted = Versioned { value: counted, version };
        Ok(self.app.store.save_enrollment(&counted.value, counted.version).await?)
    }
}
