//! What a look makes of what it saw: the news in it, without asking or writing anything.

use jiff::Timestamp;

use crate::domain::{
    alert::Alert,
    event::{Changed, Warning, What},
    pace::Car,
    snapshot::{Change, Field, Snapshot},
    trip::Trip,
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

/// That a car fell silent, or speaks again.
pub(super) fn silence(before: &Car, now: &Car, last_seen: Option<Timestamp>) -> Option<What> {
    let (vin, last_seen) = (now.vin.clone(), last_seen?);
    match (before.silent, now.silent) {
        (false, true) => Some(What::DataStale { vin, last_seen }),
        (true, false) => Some(What::DataFresh { vin, last_seen }),
        _ => None,
    }
}

/// That a warning came up, or went out, or both, compared with its entry as it stood. An entry that
/// stood was told, or is older than the car's discovery: only its end is news. Of one not seen
/// before, only what came after `since` is. One without any time is never told.
pub(super) fn alert(vin: &Vin, old: Option<&Alert>, new: &Alert, since: Timestamp) -> Vec<What> {
    let Some(began) = new.kept_at() else { return Vec::new() };
    let raised = old.is_none() && began >= since;
    let cleared =
        new.is_over() && old.map_or(raised || new.ended_at >= Some(since), |old| !old.is_over());
    let warning = Warning {
        vin: vin.clone(),
        alert: new.id.clone(),
        kind: new.kind.clone(),
        severity: new.severity,
        started_at: new.started_at,
        ended_at: new.ended_at,
    };
    let mut news = Vec::new();
    if raised {
        news.push(What::AlertRaised(warning.clone()));
    }
    if cleared {
        news.push(What::AlertCleared(warning));
    }
    news
}

/// That a drive ended, by the same rule.
pub(super) fn trip(vin: &Vin, old: Option<&Trip>, new: &Trip, since: Timestamp) -> Vec<What> {
    let ended = new.stopped_at.or_else(|| new.kept_at());
    let news = old.map_or(ended >= Some(since), |old| !old.is_over());
    if !new.is_over() || !news {
        return Vec::new();
    }
    vec![What::TripCompleted {
        vin: vin.clone(),
        trip: new.id.clone(),
        started_at: new.started_at,
        stopped_at: new.stopped_at,
        distance_km: new.distance_km,
        duration_s: new.duration_s,
    }]
}
