//! What becomes of a remote: its way to the car, and what the car makes of it.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    cars::{CarKind, Change, ChargeStatus, Life, Privacy, Reporting, Touch},
    time::{after, at_second},
    world::{
        State,
        remotes::{Action, FailureCause, Fate, Remote, RemoteStatus, Step},
    },
};

/// A car that sent something within this time still listens.
const AWAKE: i64 = 900;
/// A remote on its way for longer than this no longer keeps others of its kind off.
const IN_PROGRESS: i64 = 300;
/// Below this, in percent, there is no preconditioning.
const LOW: f64 = 20.0;

/// What the car, or the way to it, makes of a remote.
type Outcome = Result<RemoteStatus, FailureCause>;

impl State {
    /// Takes a remote on: what will happen, and when. A sleeping car must be woken first.
    pub(crate) fn take_on(&mut self, seed: u64, most_wake_ups: u32, mut remote: Remote) {
        let now = remote.accepted_at;
        let Some(car) = self.cars.get(&remote.vin) else { return };
        let scene = Life::new(seed, car).scene(now);
        let busy = self.remotes.iter().any(|other| {
            other.vin == remote.vin
                && other.action == remote.action
                && other.done_at.is_none()
                && now.as_second() - other.accepted_at.as_second() < IN_PROGRESS
        });
        if busy && remote.fate.is_none() {
            remote.fate = Some(Fate::Failed(FailureCause::SameActionInProgress));
        }
        let asleep = scene.driving.is_none() && now.as_second() - scene.at.as_second() > AWAKE;
        let may_wake = !asleep
            || self.wake_ups.entry(remote.vin.clone()).or_default().take(now, most_wake_ups);
        if !may_wake {
            remote.fate = Some(Fate::Failed(FailureCause::TooManyWakeUpsOverMonth));
        }
        remote.steps = steps(now, asleep, may_wake, remote.fate);
        self.remotes.push(remote);
    }

    /// Whether a remote has something to do by `now`.
    pub(crate) fn remotes_due(&self, now: Timestamp) -> bool {
        self.remotes.iter().any(|remote| remote.steps.first().is_some_and(|step| step.at <= now))
    }

    /// Takes all steps due by `now`, in their order.
    pub(crate) fn move_remotes(&mut self, seed: u64, now: Timestamp) {
        while let Some((at, index)) = self
            .remotes
            .iter()
            .enumerate()
            .filter_map(|(index, remote)| Some((remote.steps.first()?.at, index)))
            .filter(|(at, _)| *at <= now)
            .min()
        {
            self.take_step(seed, at, index);
        }
    }

    fn take_step(&mut self, seed: u64, at: Timestamp, index: usize) {
        let Some(remote) = self.remotes.get_mut(index) else { return };
        let step = remote.steps.remove(0);
        let mut remote = remote.clone();
        let mut cause = None;
        let status = if let Some(status) = step.pending {
            if status == RemoteStatus::CheckingVehicle {
                self.touch(&remote.vin, at, Change::Woken);
            }
            status
        } else {
            match self.outcome(seed, at, &remote) {
                Ok(status) => {
                    if let (RemoteStatus::Success, Some(change)) = (status, &remote.change) {
                        self.touch(&remote.vin, at, change.clone());
                    }
                    status
                }
                Err(failure) => {
                    cause = Some(failure);
                    RemoteStatus::Failed
                }
            }
        };
        remote.status = status;
        remote.cause = cause;
        if step.pending.is_none() {
            remote.done_at = Some(at);
        }
        if remote.fate != Some(Fate::Silent) {
            self.tell_remote(&remote, at, status, cause);
        }
        if let Some(kept) = self.remotes.get_mut(index) {
            *kept = remote;
        }
    }

    fn outcome(&self, seed: u64, at: Timestamp, remote: &Remote) -> Outcome {
        match remote.fate {
            Some(Fate::Failed(cause)) => Err(cause),
            Some(Fate::AlreadyDone) => Ok(RemoteStatus::AlreadyDone),
            Some(Fate::Success) => Ok(RemoteStatus::Success),
            Some(Fate::Delayed(_) | Fate::Silent | Fate::Stuck) | None => {
                let car = self.cars.get(&remote.vin).ok_or(FailureCause::GeneralError)?;
                judged(&Life::new(seed, car), at, remote)
            }
        }
    }

    /// Does something to a car, on top of its planned life.
    pub(crate) fn touch(&mut self, vin: &str, at: Timestamp, change: Change) {
        if let Some(car) = self.cars.get_mut(vin) {
            car.touches.push(Touch { at, change });
            car.touches.sort_by_key(|touch| touch.at);
        }
    }
}

/// The way to the car. Times are seconds after the request; a delay comes after its acceptance.
fn steps(now: Timestamp, asleep: bool, may_wake: bool, fate: Option<Fate>) -> Vec<Step> {
    use RemoteStatus::{
        Accepted, CheckingVehicle, SentToVehicle, TooManyWakeUpsOverMonth, WakingUpVehicle,
    };
    let way: &[(u32, Option<RemoteStatus>)] = match (asleep, may_wake) {
        _ if fate == Some(Fate::Stuck) => &[(1, Some(Accepted))],
        (_, false) => &[(1, Some(Accepted)), (3, Some(TooManyWakeUpsOverMonth)), (4, None)],
        (false, true) => &[(1, Some(Accepted)), (3, Some(SentToVehicle)), (10, None)],
        (true, true) => &[
            (1, Some(Accepted)),
            (3, Some(WakingUpVehicle)),
            (35, Some(CheckingVehicle)),
            (40, Some(SentToVehicle)),
            (55, None),
        ],
    };
    let delay = if let Some(Fate::Delayed(seconds)) = fate { seconds } else { 0 };
    way.iter()
        .map(|(second, pending)| {
            let late = if *pending == Some(Accepted) { 0 } else { delay };
            let seconds = u64::from(*second) + u64::from(late);
            Step { at: after(now, Duration::from_secs(seconds)), pending: *pending }
        })
        .collect()
}

/// What the car makes of it.
fn judged(life: &Life<'_>, at: Timestamp, remote: &Remote) -> Outcome {
    use RemoteStatus::{AlreadyDone, Success};
    let car = life.car;
    if car.reporting != Reporting::Live {
        return Err(FailureCause::VehicleConnectionTimeout);
    }
    if car.privacy == Privacy::Full {
        return Err(FailureCause::NotPossibleDueToVehiclePrivacyLevel);
    }
    let scene = life.scene(at);
    let in_use = if scene.driving.is_some() { Err(FailureCause::VehicleInUse) } else { Ok(()) };
    match (remote.action, &remote.change) {
        (Action::Navigation, _) => Err(FailureCause::WrongCommand),
        (Action::Charging | Action::Preconditioning, _) if car.kind == CarKind::Thermic => {
            Err(FailureCause::WrongCommand)
        }
        (Action::Door, Some(Change::Locked(lock))) => {
            in_use?;
            if scene.locked == *lock {
                return Ok(AlreadyDone);
            }
            if *lock && !scene.open.is_empty() {
                return Err(FailureCause::DoorsOpen);
            }
            Ok(Success)
        }
        (Action::Charging, Some(Change::Charging(start))) => {
            let charge = scene.charge.as_ref().ok_or(FailureCause::VehicleChargingSystemError)?;
            match (start, charge.status) {
                (true, ChargeStatus::Disconnected) => {
                    Err(FailureCause::ExternalChargingSystemError)
                }
                (true, ChargeStatus::Stopped) | (false, ChargeStatus::InProgress) => Ok(Success),
                _ => Ok(AlreadyDone),
            }
        }
        (Action::Preconditioning, Some(Change::Preconditioning(start))) => {
            let runs = scene.preconditioning.is_some_and(|(status, since)| {
                status == "Enabled" && at < at_second(since.as_second() + 600)
            });
            if *start == runs {
                return Ok(AlreadyDone);
            }
            in_use?;
            let low = scene.charge.as_ref().is_some_and(|charge| charge.level < LOW);
            if *start && low {
                return Err(FailureCause::NotPossibleDueToVehicleBatteryLevel);
            }
            Ok(Success)
        }
        (Action::Horn | Action::Lights, _) => in_use.map(|()| Success),
        // A wake-up; also what sets a schedule or a preference, which the car does not show.
        (Action::WakeUp | Action::Door | Action::Charging | Action::Preconditioning, _) => {
            Ok(Success)
        }
    }
}
