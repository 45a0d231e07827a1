//! What a look makes of what it saw: the news in it, without asking or writing anything.

use crate::domain::{
    event::{Changed, What},
    snapshot::{Change, Field, Snapshot},
    vin::Vin,
};

/// That a car's state changed, and how.
pub(super) fn changed(vin: &Vin, changes: &[Change], positions: bool) -> What {
    let changes = changes.iter().map(|change| Changed::new(change, positions)).collect();
    What::StateChanged { vin: vin.clone(), changes }
}

/// That a charge began or ended between two states. The first state ever seen is no transition.
pub(super) fn charging(vin: &Vin, before: &Snapshot, now: &Snapshot) -> Option<What> {
    let (vin, level) = (vin.clone(), now.number(Field::ElectricLevel));
    match (before.is_charging(), now.is_charging()) {
        (false, true) if !before.is_empty() => Some(What::ChargingStarted { vin, level }),
        (true, false) => {
            let status = now.text(Field::ChargingStatus).map(str::to_owned);
            Some(What::ChargingEnded { vin, level, status })
        }
        _ => None,
    }
}
