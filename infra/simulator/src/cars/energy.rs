//! What is in the battery and in the tank.

use jiff::Timestamp;

use super::{
    CarKind, Drive, Life,
    plan::{DAY, day_of, day_start},
};
use crate::{
    number::{real, whole},
    time::at_second,
};

/// Delayed charging begins at 22:30 UTC.
pub(crate) const CHARGE_AT: i64 = 22 * 3600 + 1800;
/// How long after the last drive the plug goes in.
pub(super) const PLUG_AFTER: i64 = 240;

/// The battery's charge at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Charge {
    /// In percent.
    pub(crate) level: f64,
    /// What is left, in Wh.
    pub(crate) residual: i64,
    /// What fits in, in Wh.
    pub(crate) capacity: i64,
    /// How far it goes, in km.
    pub(crate) autonomy: i64,
    pub(crate) plugged: bool,
    pub(crate) status: ChargeStatus,
    /// Until it is full enough, in seconds.
    pub(crate) remaining: i64,
    /// In km an hour.
    pub(crate) rate: i64,
}

/// As the wire names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChargeStatus {
    Disconnected,
    InProgress,
    Stopped,
    Finished,
}

/// What a battery is like.
struct Battery {
    capacity: f64,
    /// Where charging stops, in percent.
    target: f64,
    /// Where driving on it stops, in percent.
    floor: f64,
    wh_per_km: f64,
    watts: f64,
}

/// When a day's charging begins and ends.
pub(super) struct Charging {
    pub(super) plugged: i64,
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Life<'_> {
    fn battery(&self) -> Option<Battery> {
        let wh_per_km = self.dice("wh", 0).between(150.0, 185.0);
        match self.car.kind {
            CarKind::Electric => Some(Battery {
                capacity: 46_300.0,
                target: 80.0,
                floor: 4.0,
                wh_per_km,
                watts: 6_900.0,
            }),
            CarKind::Hybrid => Some(Battery {
                capacity: 12_400.0,
                target: 100.0,
                floor: 6.0,
                wh_per_km,
                watts: 3_200.0,
            }),
            CarKind::Thermic => None,
        }
    }

    /// When the car charges after the drives of a day; none if it did not drive or cannot.
    pub(super) fn charging(&self, day: i64, drives: &[Drive]) -> Option<Charging> {
        let battery = self.battery()?;
        let plugged = drives.last()?.stop.as_second() + PLUG_AFTER;
        let from = (day * DAY + CHARGE_AT).max(plugged);
        let used = battery.used(drives.iter().map(|drive| drive.km).sum());
        let seconds = whole(used / battery.watts * 3600.0).max(60);
        Some(Charging { plugged, from, to: (from + seconds).min(day_start(day + 1) - 60) })
    }

    /// The battery at `t`; none for a car without one to charge.
    pub(crate) fn charge(&self, t: Timestamp) -> Option<Charge> {
        let battery = self.battery()?;
        let (day, second) = (day_of(t), t.as_second());
        let drives = self.drives(day);
        let km: f64 = drives.iter().map(|drive| drive.km * drive.progress(t)).sum();
        let used = battery.used(km);
        let full = battery.capacity * battery.target / 100.0;
        let set_out = drives.first().is_some_and(|drive| drive.start <= t);
        let (residual, status, remaining) = match self.charging(day, &drives) {
            Some(charging) if set_out && second < charging.plugged => {
                (full - used, ChargeStatus::Disconnected, 0)
            }
            Some(charging) if set_out && second < charging.from => {
                (full - used, ChargeStatus::Stopped, charging.to - charging.from)
            }
            Some(charging) if set_out && second < charging.to => {
                let part = real(second - charging.from) / real(charging.to - charging.from);
                (full - used * (1.0 - part), ChargeStatus::InProgress, charging.to - second)
            }
            _ => (full, ChargeStatus::Finished, 0),
        };
        let rate = if status == ChargeStatus::InProgress {
            battery.watts / battery.wh_per_km
        } else {
            0.0
        };
        Some(Charge {
            level: residual / battery.capacity * 100.0,
            residual: whole(residual),
            capacity: whole(battery.capacity),
            autonomy: whole(residual / battery.wh_per_km),
            plugged: status != ChargeStatus::Disconnected,
            status,
            remaining,
            rate: whole(rate),
        })
    }

    /// So many seconds of the same go by, with a charge that a touch changed.
    pub(super) fn charge_on(&self, charge: &mut Charge, seconds: i64) {
        let Some(battery) = self.battery().filter(|_| charge.status == ChargeStatus::InProgress)
        else {
            return;
        };
        let gained = battery.watts * real(seconds.max(0)) / 3600.0 / battery.capacity * 100.0;
        let level = (charge.level + gained).min(battery.target.max(charge.level));
        self.set_level(charge, level);
        if level >= battery.target {
            charge.status = ChargeStatus::Finished;
        }
        self.set_rate(charge);
    }

    /// Puts so many percent into the battery.
    pub(super) fn set_level(&self, charge: &mut Charge, percent: f64) {
        let Some(battery) = self.battery() else { return };
        charge.level = percent.clamp(0.0, 100.0);
        let residual = battery.capacity * charge.level / 100.0;
        charge.residual = whole(residual);
        charge.autonomy = whole(residual / battery.wh_per_km);
        self.set_rate(charge);
    }

    /// Puts speed and remaining time in line with the rest.
    pub(super) fn set_rate(&self, charge: &mut Charge) {
        let Some(battery) = self.battery() else { return };
        let charging = charge.status == ChargeStatus::InProgress;
        let missing = battery.capacity * (battery.target - charge.level).max(0.0) / 100.0;
        charge.rate = if charging { whole(battery.watts / battery.wh_per_km) } else { 0 };
        charge.remaining = if charging { whole(missing / battery.watts * 3600.0) } else { 0 };
    }

    /// What the battery gave between two distances of one day, in Wh.
    pub(crate) fn battery_use(&self, from_km: f64, to_km: f64) -> f64 {
        self.battery().map_or(0.0, |battery| battery.used(to_km) - battery.used(from_km))
    }

    /// The tank at an odometer reading: percent and km; none for a battery car.
    pub(crate) fn tank(&self, odometer: f64) -> Option<(f64, i64)> {
        let range = match self.car.kind {
            CarKind::Electric => return None,
            CarKind::Hybrid => 1_400.0,
            CarKind::Thermic => 680.0,
        };
        let phase = self.dice("tank", 0).between(0.0, range);
        let level = 100.0 - 92.0 * ((odometer + phase) / range).fract();
        Some((level, whole(level / 92.0 * range)))
    }

    /// Fuel in litres for 100 km.
    pub(crate) fn litres(&self) -> f64 {
        let mut dice = self.dice("litres", 0);
        match self.car.kind {
            CarKind::Electric => 0.0,
            CarKind::Hybrid => dice.between(2.1, 3.0),
            CarKind::Thermic => dice.between(5.2, 6.9),
        }
    }
}

impl Battery {
    /// What so many km take out of it, and no more than it gives.
    fn used(&self, km: f64) -> f64 {
        (km * self.wh_per_km).min(self.capacity * (self.target - self.floor) / 100.0)
    }
}

/// The end of a day's charging as a time.
impl Charging {
    pub(super) fn end(&self) -> Timestamp {
        at_second(self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{brand::Brand, cars::Car};

    #[test]
    fn what_trips_use_is_what_the_battery_loses() {
        let car = Car::new("VR1J45GFUKY000007", Brand::Ds, CarKind::Hybrid, "DS 7");
        let mut emptied = false;

        for seed in 0..10 {
            let life = Life::new(seed, &car);
            for drive in (20_500..20_530).flat_map(|day| life.drives(day)) {
                let residual = |t| life.charge(t).unwrap().residual;
                let lost = residual(drive.start) - residual(drive.stop);
                let used = whole(life.battery_use(drive.before, drive.before + drive.km));
                assert!((lost - used).abs() <= 1, "lost {lost}, used {used}");
                emptied |= life.charge(drive.stop).unwrap().level < 6.1;
            }
        }
        assert!(emptied, "a day longer than the battery lasts is among them");
    }
}
