//! Brand accounts, and who has which car since when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::store::State;
use crate::{
    brand::Brand,
    cars::{Car, Life},
    random,
};

/// A driver's account with one brand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The name it goes by here, such as `peugeot-alex`.
    pub id: String,
    /// Its brand.
    pub brand: Brand,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// E-mail address.
    pub email: String,
    /// `sub` of its id tokens.
    pub subject: String,
    /// Whether its lists leave out `_embedded` when they are empty, as some real ones do.
    pub bare_lists: bool,
    cars: Vec<Ownership>,
}

/// One car in an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Ownership {
    vin: String,
    /// Nothing before this is theirs to see; none: all of it is.
    since: Option<Timestamp>,
}

/// The world has no such thing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorldError {
    /// No account has this name.
    #[error("there is no such account")]
    UnknownAccount,
    /// No car has this VIN.
    #[error("there is no such car")]
    UnknownCar,
    /// No callback, monitor or remote has this id.
    #[error("there is no such callback, monitor or remote")]
    UnknownNotification,
    /// The account's brand is not the car's.
    #[error("the car is of another brand than the account")]
    OtherBrand,
    /// 17 characters, no I, O or Q (ISO 3779).
    #[error("a VIN has 17 characters, letters without I, O, Q and digits")]
    Vin,
}

impl Account {
    /// An account without cars. The name must be its own in the whole world.
    #[must_use]
    pub fn new(id: &str, brand: Brand, first_name: &str, last_name: &str) -> Self {
        Self {
            id: id.to_owned(),
            brand,
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            email: format!("{id}@driver.example"),
            subject: random::fingerprint(id)[..32].to_owned(),
            bare_lists: false,
            cars: Vec::new(),
        }
    }

    /// The VINs it holds, in the order they came.
    pub fn vins(&self) -> impl Iterator<Item = &str> {
        self.cars.iter().map(|ownership| ownership.vin.as_str())
    }
}

/// Whose vehicle id that is, as far as the caller may know.
pub(crate) enum Address<'a> {
    /// The caller's own car, to be seen from that time on.
    Own(&'a Car, Option<Timestamp>),
    /// Somebody else's.
    Foreign,
    /// Nobody's, or no longer valid.
    Unknown,
}

impl State {
    /// The account's cars.
    pub(crate) fn cars_of(&self, account: &str) -> Vec<&Car> {
        let Some(account) = self.accounts.get(account) else {
            return Vec::new();
        };
        account.vins().filter_map(|vin| self.cars.get(vin)).collect()
    }

    /// Looks a vehicle id up on behalf of an account.
    pub(crate) fn address(
        &self,
        seed: u64,
        now: Timestamp,
        account: &str,
        id: &str,
    ) -> Address<'_> {
        let own = self.accounts.get(account).into_iter().flat_map(|owner| &owner.cars).find_map(
            |ownership| {
                let car = self.cars.get(&ownership.vin)?;
                (Life::new(seed, car).vehicle_id(account, now) == id)
                    .then_some(Address::Own(car, ownership.since))
            },
        );
        own.unwrap_or_else(|| {
            let foreign = self.cars.values().any(|car| {
                let owners = self.accounts.values().filter(|a| a.vins().any(|vin| vin == car.vin));
                owners
                    .map(|owner| owner.id.as_str())
                    .chain(car.former_owners.iter().map(String::as_str))
                    .any(|owner| Life::new(seed, car).vehicle_id(owner, now) == id)
            });
            if foreign { Address::Foreign } else { Address::Unknown }
        })
    }

    pub(crate) fn put_account(&mut self, account: Account) {
        self.accounts.insert(account.id.clone(), account);
    }

    /// Adds a car, or another owner to one that is there.
    pub(crate) fn put_car(
        &mut self,
        account: &str,
        car: Car,
        since: Option<Timestamp>,
    ) -> Result<(), WorldError> {
        let vin = car.vin.clone();
        let owner = self.accounts.get_mut(account).ok_or(WorldError::UnknownAccount)?;
        if owner.brand != car.brand {
            return Err(WorldError::OtherBrand);
        }
        if !is_vin(&vin) {
            return Err(WorldError::Vin);
        }
        if !owner.vins().any(|known| known == vin) {
            owner.cars.push(Ownership { vin: vin.clone(), since });
        }
        self.cars.entry(vin).or_insert(car);
        Ok(())
    }

    /// Takes the car out of every account and gives it to one, who sees it from `now` on.
    pub(crate) fn sell(&mut self, vin: &str, to: &str, now: Timestamp) -> Result<(), WorldError> {
        let car = self.cars.get_mut(vin).ok_or(WorldError::UnknownCar)?;
        let buyer = self.accounts.get(to).ok_or(WorldError::UnknownAccount)?;
        if buyer.brand != car.brand {
            return Err(WorldError::OtherBrand);
        }
        for account in self.accounts.values_mut() {
            let before = account.cars.len();
            account.cars.retain(|ownership| ownership.vin != vin);
            if account.cars.len() < before {
                car.former_owners.push(account.id.clone());
            }
        }
        let car = car.clone();
        self.put_car(to, car, Some(now))
    }
}

/// ISO 3779, upper case.
fn is_vin(vin: &str) -> bool {
    vin.len() == 17
        && vin.bytes().all(|b| {
            b.is_ascii_digit() || (b.is_ascii_uppercase() && !matches!(b, b'I' | b'O' | b'Q'))
        })
}
