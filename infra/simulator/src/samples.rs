//! The drivers and cars that a new world begins with: every brand, every kind, every oddity.

use crate::{
    brand::Brand,
    cars::{Car, CarKind, Privacy, Quirks, Reporting},
    time::at_second,
    world::{Account, State},
};

/// 2026-01-05.
const PRIVATE_SINCE: i64 = 1_767_571_200;
/// 2026-01-19.
const PARKED_SINCE: i64 = 1_768_820_400;

impl State {
    /// The sample world.
    pub(crate) fn samples() -> Self {
        let mut state = Self::default();
        for (account, cars) in drivers() {
            let id = account.id.clone();
            state.put_account(account);
            for car in cars {
                let added = state.put_car(&id, car, None);
                debug_assert!(added.is_ok(), "a sample car is wrong");
            }
        }
        state
    }
}

fn drivers() -> Vec<(Account, Vec<Car>)> {
    let mut drivers = peugeot();
    drivers.extend(citroen_and_ds());
    drivers.extend(opel_and_vauxhall());
    drivers
}

fn peugeot() -> Vec<(Account, Vec<Car>)> {
    use Brand::Peugeot;
    let electric = Car::new("VR3UHZKXZPT000208", Peugeot, CarKind::Electric, "Peugeot e-208");
    let mut private = Car::new("VF3M45GFUPS000308", Peugeot, CarKind::Hybrid, "Peugeot 3008");
    private.privacy = Privacy::Full;
    private.privacy_since = Some(at_second(PRIVATE_SINCE));
    let mut parked = Car::new("VF3CCHMZ6FW000301", Peugeot, CarKind::Thermic, "Peugeot 208");
    parked.parked_since = Some(at_second(PARKED_SINCE));
    vec![
        (driver("alex", Peugeot, "Alex", "Martin"), vec![electric]),
        (driver("camille", Peugeot, "Camille", "Bernard"), vec![private, parked]),
        (driver("nobody", Peugeot, "Noé", "Sans"), Vec::new()),
    ]
}

fn citroen_and_ds() -> Vec<(Account, Vec<Car>)> {
    use Brand::{Citroen, Ds};
    let mut odd = Car::new("VR7BCZKXCNE000004", Citroen, CarKind::Electric, "Citroën ë-C4");
    odd.quirks = Quirks { lower_case_vin: true, ghost_fuel: true, ..Quirks::default() };
    let mut old = Car::new("VF7SXHNPTKT000003", Citroen, CarKind::Thermic, "Citroën C3");
    old.quirks =
        Quirks { old_names: true, old_dates: true, no_maintenance: true, ..Quirks::default() };
    let mut missing = Car::new("VR7ATTENTPL000009", Citroen, CarKind::Hybrid, "Citroën C5 X");
    missing.reporting = Reporting::NeverMissing;
    let mut moody = Car::new("VR1J45GFUKY000007", Ds, CarKind::Hybrid, "DS 7");
    moody.quirks = Quirks { new_id_every_days: Some(10), ..Quirks::default() };
    let mut silent = Car::new("VR1UCYHZSPW000003", Ds, CarKind::Thermic, "DS 3");
    silent.reporting = Reporting::NeverEmpty;
    vec![
        (driver("alex", Citroen, "Alex", "Petit"), vec![odd]),
        (driver("dominique", Citroen, "Dominique", "Roux"), vec![old, missing]),
        (driver("alex", Ds, "Alex", "Girard"), vec![moody]),
        (driver("sacha", Ds, "Sacha", "Colin"), vec![silent]),
    ]
}

fn opel_and_vauxhall() -> Vec<(Account, Vec<Car>)> {
    use Brand::{Opel, Vauxhall};
    let mut bumpy = Car::new("W0VZRHPY6M6000003", Opel, CarKind::Hybrid, "Opel Grandland");
    bumpy.quirks = Quirks { crash_prone: true, ..Quirks::default() };
    let mokka = Car::new("VXKUHZKXZP4000011", Opel, CarKind::Electric, "Opel Mokka Electric");
    let mut shy = Car::new("W0LPE6EC9FG000012", Vauxhall, CarKind::Thermic, "Vauxhall Astra");
    shy.privacy = Privacy::Geolocation;
    let corsa = Car::new("VXKUHZKXZP4000013", Vauxhall, CarKind::Electric, "Vauxhall Corsa");
    let mut bare = driver("nobody", Opel, "Noa", "Niemand");
    bare.bare_lists = true;
    vec![
        (driver("alex", Opel, "Alex", "Becker"), vec![bumpy]),
        // The car that may be sold to Alex.
        (driver("kim", Opel, "Kim", "Vogel"), vec![mokka]),
        (bare, Vec::new()),
        (driver("alex", Vauxhall, "Alex", "Smith"), vec![corsa, shy]),
    ]
}

fn driver(name: &str, brand: Brand, first: &str, last: &str) -> Account {
    Account::new(&format!("{brand}-{name}"), brand, first, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_brand_has_a_driver_with_a_car_and_every_vin_is_one() {
        let state = State::samples();

        for brand in Brand::ALL {
            assert!(state.accounts.values().any(|a| a.brand == brand && a.vins().next().is_some()));
        }
        let wanted: usize = drivers().iter().map(|(_, cars)| cars.len()).sum();
        assert_eq!(state.cars.len(), wanted);
    }
}
