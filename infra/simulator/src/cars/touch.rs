//! Touches: what is done to a car at a moment, by a remote or by hand, on top of its planned life.
//! A touch holds until the car's next drive begins, then the plan goes on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Alarm, AlarmEvent, Alert, Charge, ChargeStatus, Drive, Life, Place, Scene,
    scene::CHARGING_EVERY,
};
use crate::{
    number::{real, whole},
    time::at_second,
};

/// How long preconditioning runs.
const PRECONDITIONING: i64 = 600;

/// One touch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Touch {
    /// When.
    pub at: Timestamp,
    /// What.
    pub change: Change,
}

/// What can be done to a car.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The battery holds so many percent.
    BatteryLevel(f64),
    /// The tank holds so many percent.
    FuelLevel(f64),
    /// The car stands elsewhere.
    Moved {
        /// In degrees.
        latitude: f64,
        /// In degrees.
        longitude: f64,
    },
    /// The plug goes in or out.
    Plugged(bool),
    /// Charging begins (plugged in, if need be) or ends.
    Charging(bool),
    /// The doors are locked or unlocked.
    Locked(bool),
    /// A door opens or closes.
    Door {
        /// Which.
        door: Door,
        /// Open, or closed.
        open: bool,
    },
    /// Preconditioning begins, for ten minutes, or ends.
    Preconditioning(bool),
    /// A warning comes up; its name is one of the maker's.
    AlertRaised(String),
    /// A warning of that name goes out.
    AlertCleared(String),
    /// The anti-theft alarm goes off, by this kind of break-in.
    AlarmSetOff(String),
    /// The car wakes and sends its picture.
    Woken,
}

/// What can stand open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Door {
    /// The driver's.
    Driver,
    /// The passenger's.
    Passenger,
    /// Behind the driver, on the left.
    RearLeft,
    /// Behind, on the right.
    RearRight,
    /// The boot.
    Trunk,
}

impl Door {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Driver, Self::Passenger, Self::RearLeft, Self::RearRight, Self::Trunk];

    /// As the wire names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Driver => "Driver",
            Self::Passenger => "Passenger",
            Self::RearLeft => "RearLeft",
            Self::RearRight => "RearRight",
            Self::Trunk => "Trunk",
        }
    }
}

impl<'a> Life<'a> {
    /// Touches up to `t`, as far as the car told of them.
    fn touches(&self, t: Timestamp) -> impl Iterator<Item = &'a Touch> + use<'a> {
        let told = self.told(t);
        self.car.touches.iter().filter(move |touch| touch.at <= told)
    }

    /// When the car last sent something because of a touch.
    pub(super) fn touched_push(&self, t: Timestamp, last: Option<&Drive>) -> Option<Timestamp> {
        let told = self.told(t);
        let touch = self.touches(t).last()?.at;
        let ended = self.touches(t).filter_map(|touch| {
            let ends = at_second(touch.at.as_second() + PRECONDITIONING);
            (touch.change == Change::Preconditioning(true) && ends <= told).then_some(ends)
        });
        let latest = ended.fold(touch, Timestamp::max);
        let electric = self
            .touches(t)
            .filter(|touch| last.is_none_or(|drive| drive.start <= touch.at))
            .filter(|touch| is_electric(&touch.change))
            .last();
        let charged = electric.and_then(|touch| self.charging_push(touch.at, told, last));
        Some(charged.map_or(latest, |charged| charged.max(latest)))
    }

    /// A car that charges since a touch reports as every charging car does, and when it is full.
    fn charging_push(
        &self,
        since: Timestamp,
        told: Timestamp,
        last: Option<&Drive>,
    ) -> Option<Timestamp> {
        let mut report = None;
        let mut at = since;
        while at <= told {
            report = Some(at);
            let charge = self.touched_charge(at, last)?;
            if charge.status != ChargeStatus::InProgress {
                break;
            }
            at = at_second(at.as_second() + CHARGING_EVERY);
        }
        report
    }

    /// The battery where a touch changed it; none where the plan holds.
    fn touched_charge(&self, t: Timestamp, last: Option<&Drive>) -> Option<Charge> {
        let mut touches = self
            .touches(t)
            .filter(|touch| last.is_none_or(|drive| drive.start <= touch.at))
            .filter(|touch| is_electric(&touch.change))
            .peekable();
        let mut since = touches.peek()?.at;
        let mut charge = self.charge(since)?;
        for touch in touches {
            self.charge_on(&mut charge, touch.at.as_second() - since.as_second());
            since = touch.at;
            match touch.change {
                Change::BatteryLevel(level) => self.set_level(&mut charge, level),
                Change::Plugged(true) if !charge.plugged => {
                    charge.plugged = true;
                    charge.status = ChargeStatus::Stopped;
                }
                Change::Plugged(false) => {
                    charge.plugged = false;
                    charge.status = ChargeStatus::Disconnected;
                }
                Change::Charging(true) => {
                    charge.plugged = true;
                    charge.status = ChargeStatus::InProgress;
                }
                Change::Charging(false) if charge.plugged => charge.status = ChargeStatus::Stopped,
                _ => (),
            }
            self.set_rate(&mut charge);
        }
        self.charge_on(&mut charge, t.as_second() - since.as_second());
        Some(charge)
    }

    /// Puts touches into a picture of the plan.
    pub(super) fn touch(&self, scene: &mut Scene, last: Option<&Drive>) {
        let at = scene.at;
        let holding =
            self.touches(at).filter(|touch| last.is_none_or(|drive| drive.start <= touch.at));
        for touch in holding {
            match &touch.change {
                Change::FuelLevel(level) => {
                    if let Some((now, range)) = &mut scene.tank {
                        *range = whole(real(*range) / now.max(1.0) * level);
                        *now = *level;
                    }
                }
                Change::Moved { latitude, longitude } => {
                    scene.place = Place { latitude: *latitude, longitude: *longitude };
                    scene.moved_at = touch.at;
                }
                Change::Locked(locked) => {
                    scene.locked = *locked;
                    scene.doors_at = touch.at;
                }
                Change::Door { door, open } => {
                    scene.open.retain(|known| known != door);
                    if *open {
                        scene.open.push(*door);
                    }
                    scene.doors_at = touch.at;
                }
                Change::Preconditioning(on) => {
                    let ends = at_second(touch.at.as_second() + PRECONDITIONING);
                    scene.preconditioning = Some(match on {
                        true if at < ends => ("Enabled", touch.at),
                        true => ("Finished", ends),
                        false => ("Disabled", touch.at),
                    });
                }
                _ => (),
            }
        }
        if let Some(charge) = self.touched_charge(at, last) {
            scene.charge = Some(charge);
        }
    }

    /// When, within `from..=to`, touches make the car send something.
    pub(super) fn touched_pushes(&self, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
        let mut pushes = Vec::new();
        for touch in self.touches(to) {
            let at = touch.at.as_second();
            pushes.push(touch.at);
            match touch.change {
                Change::Preconditioning(true) => pushes.push(at_second(at + PRECONDITIONING)),
                Change::Charging(true) | Change::BatteryLevel(_) => {
                    let every = CHARGING_EVERY;
                    let first = ((from.as_second() - at) / every).max(0);
                    let last = ((to.as_second() - at) / every).min(24 * 6);
                    pushes.extend((first..=last).map(|number| at_second(at + number * every)));
                }
                _ => (),
            }
        }
        pushes.retain(|at| *at > from && *at <= to);
        pushes
    }

    /// Warnings that touches raised within `from..=now`.
    pub(super) fn touched_alerts(&self, from: Timestamp, now: Timestamp) -> Vec<Alert> {
        let touches: Vec<_> = self.touches(now).collect();
        let raised = touches.iter().enumerate().filter_map(|(index, touch)| {
            let Change::AlertRaised(kind) = &touch.change else { return None };
            let end = touches.iter().skip(index + 1).find_map(|later| {
                matches!(&later.change, Change::AlertCleared(other) if other == kind)
                    .then_some(later.at)
            });
            Some(Alert {
                id: self.name(&format!("alert-{kind}"), touch.at.as_second()),
                kind: kind.clone().into(),
                severity: "Warning",
                start: touch.at,
                end,
            })
        });
        raised.filter(|alert| alert.start >= from).collect()
    }

    /// Alarms that touches set off within `from..=now`.
    pub(super) fn touched_alarms(&self, from: Timestamp, now: Timestamp) -> Vec<Alarm> {
        self.touches(now)
            .filter(|touch| touch.at >= from)
            .filter_map(|touch| {
                let Change::AlarmSetOff(kind) = &touch.change else { return None };
                Some(Alarm {
                    id: self.name("alarm-set-off", touch.at.as_second()),
                    at: touch.at,
                    event: AlarmEvent::SetOff(kind.clone().into()),
                })
            })
            .collect()
    }
}

fn is_electric(change: &Change) -> bool {
    matches!(change, Change::BatteryLevel(_) | Change::Plugged(_) | Change::Charging(_))
}
