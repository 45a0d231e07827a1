//! What a test, or the control routes, can see and do to the world.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Settings, World,
    accounts::{Account, WorldError},
    grants::{EndReason, GrantView},
};
use crate::{
    cars::{Car, Life},
    faults::Fault,
    lock,
    operation::Operation,
};

impl World {
    /// Adds an account, replacing one of the same name.
    pub fn add_account(&self, account: Account) {
        self.change(|state| state.put_account(account));
    }

    /// Puts a car into an account; a car that is there already gets one more driver.
    ///
    /// # Errors
    /// No such account, another brand's car, or not a VIN.
    pub fn add_car(&self, account: &str, car: Car) -> Result<(), WorldError> {
        self.change(|state| state.put_car(account, car, None))
    }

    /// Sells a car: gone from every account, then the buyer's, who sees nothing from before.
    ///
    /// # Errors
    /// No such car or account, or another brand's.
    pub fn sell(&self, vin: &str, to: &str) -> Result<(), WorldError> {
        self.follow();
        let now = self.now();
        self.change(|state| state.sell(vin, to, now))
    }

    /// Changes anything about a car (its privacy, whether it reports, its quirks).
    ///
    /// # Errors
    /// No such car.
    pub fn edit_car(&self, vin: &str, edit: impl FnOnce(&mut Car)) -> Result<(), WorldError> {
        self.follow();
        self.change(|state| {
            let car = state.cars.get_mut(vin).ok_or(WorldError::UnknownCar)?;
            edit(car);
            Ok(())
        })
    }

    /// Gives the car another vehicle id for the same VIN; the old id answers 404.
    ///
    /// # Errors
    /// No such car.
    pub fn change_vehicle_id(&self, vin: &str) -> Result<(), WorldError> {
        self.edit_car(vin, |car| car.id_generation += 1)
    }

    /// The id under which this account sees this car now.
    #[must_use]
    pub fn vehicle_id(&self, account: &str, vin: &str) -> Option<String> {
        let now = self.now();
        self.look(|state| {
            let car = state.cars_of(account).into_iter().find(|car| car.vin == vin)?;
            Some(Life::new(self.seed(), car).vehicle_id(account, now))
        })
    }

    /// All accounts.
    #[must_use]
    pub fn accounts(&self) -> Vec<Account> {
        self.look(|state| state.accounts.values().cloned().collect())
    }

    /// The account's cars.
    #[must_use]
    pub fn cars(&self, account: &str) -> Vec<Car> {
        self.look(|state| state.cars_of(account).into_iter().cloned().collect())
    }

    /// When the car drives, from the first drive that ends after `from`: start and stop.
    #[must_use]
    pub fn drives(&self, vin: &str, from: Timestamp, count: usize) -> Vec<(Timestamp, Timestamp)> {
        self.look(|state| {
            state.cars.get(vin).map_or_else(Vec::new, |car| {
                Life::new(self.seed(), car)
                    .drives_from(from)
                    .take(count)
                    .map(|drive| (drive.start, drive.stop))
                    .collect()
            })
        })
    }

    /// The user withdraws every consent of the account at the maker. How many were live.
    #[expect(clippy::must_use_candidate, reason = "the count is by the way")]
    pub fn withdraw(&self, account: &str) -> usize {
        let now = self.now();
        self.change(|state| state.end_all(account, EndReason::Withdrawn, now))
    }

    /// All grants ever given for the account: ids, times and counts, no tokens.
    #[must_use]
    pub fn grants(&self, account: &str) -> Vec<GrantView> {
        let (now, idle) = (self.now(), self.settings().refresh_idle);
        self.look(|state| state.view_grants(Some(account), now, idle))
    }

    /// All grants of all accounts.
    #[must_use]
    pub fn all_grants(&self) -> Vec<GrantView> {
        let (now, idle) = (self.now(), self.settings().refresh_idle);
        self.look(|state| state.view_grants(None, now, idle))
    }

    /// How many grants of the account are alive.
    #[must_use]
    pub fn live_grants(&self, account: &str) -> usize {
        self.grants(account).iter().filter(|grant| grant.ended.is_none()).count()
    }

    /// How many grants ended because an old refresh token came again.
    #[must_use]
    pub fn reuse_kills(&self) -> usize {
        let reused = |grant: &&GrantView| grant.ended == Some(EndReason::RefreshReused);
        self.all_grants().iter().filter(reused).count()
    }

    /// How many renewals came with a token that the maker never gave.
    #[must_use]
    pub fn unknown_tokens(&self) -> u64 {
        self.look(|state| state.unknown_tokens)
    }

    /// How often this was called.
    #[must_use]
    pub fn calls(&self, operation: Operation) -> u64 {
        lock(&self.inner.calls).get(&operation).copied().unwrap_or_default()
    }

    /// How often everything was called.
    #[must_use]
    pub fn all_calls(&self) -> BTreeMap<Operation, u64> {
        lock(&self.inner.calls).clone()
    }

    /// Orders a fault.
    pub fn fault(&self, fault: Fault) {
        self.inner.faults.push(fault);
    }

    /// Cancels all faults that have not happened yet.
    pub fn clear_faults(&self) {
        self.inner.faults.clear();
    }

    /// The faults that have not happened yet.
    #[must_use]
    pub fn pending_faults(&self) -> Vec<Fault> {
        self.inner.faults.pending()
    }

    /// Lets go all answers that a [`FaultKind::Hold`](crate::FaultKind::Hold) holds back.
    pub fn release(&self) {
        self.inner.released.send_modify(|count| *count += 1);
    }

    /// Waits until so many answers are held back.
    pub async fn wait_until_held(&self, count: usize) {
        let _ = self.inner.held.subscribe().wait_for(|held| *held >= count).await;
    }

    /// Changes how the maker behaves.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut lock(&self.inner.settings));
    }

    /// Registers one more redirect address.
    pub fn allow_redirect(&self, uri: &str) {
        lock(&self.inner.registration).redirect_uris.push(uri.to_owned());
    }

    /// The client secrets accepted from now on (two during a rotation).
    pub fn accept_client_secrets(&self, secrets: &[&str]) {
        lock(&self.inner.registration).client_secrets =
            secrets.iter().map(|secret| (*secret).to_owned()).collect();
    }
}
