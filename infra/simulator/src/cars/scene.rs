//! What the maker knows of a car now: the picture that the car sent last, and how old its parts are.

use jiff::Timestamp;

use super::{
    Charge, Door, Drive, Life, Place,
    plan::{day_of, day_start},
};
use crate::time::at_second;

/// After a stop the doors are locked.
const LOCK_AFTER: i64 = 45;
/// A driving car reports every minute.
const DRIVING_EVERY: i64 = 60;
/// A charging car reports every ten minutes.
pub(super) const CHARGING_EVERY: i64 = 600;
/// How many days back a car must have moved at least once.
const LOOK_BACK: i64 = 15;

/// The last known picture.
pub(crate) struct Scene {
    /// When the car sent it.
    pub(crate) at: Timestamp,
    /// The drive it is on, if it was driving then.
    pub(crate) driving: Option<Drive>,
    /// When it last drove: during a drive now, else when that ended.
    pub(crate) moved_at: Timestamp,
    /// When the ignition went on (driving) or off.
    pub(crate) ignition_at: Timestamp,
    pub(crate) odometer: f64,
    pub(crate) place: Place,
    pub(crate) heading: i64,
    pub(crate) charge: Option<Charge>,
    pub(crate) tank: Option<(f64, i64)>,
    pub(crate) outside: f64,
    pub(crate) locked: bool,
    pub(crate) open: Vec<Door>,
    pub(crate) doors_at: Timestamp,
    /// State and since when, if it was ever switched.
    pub(crate) preconditioning: Option<(&'static str, Timestamp)>,
}

impl Life<'_> {
    /// The picture as of `now`.
    pub(crate) fn scene(&self, now: Timestamp) -> Scene {
        let planned = self.last_push(self.horizon(now));
        let touched = self.touched_push(now, self.last_drive(self.told(now)).as_ref());
        let at = touched.map_or(planned, |touched| touched.max(planned));
        let last = self.last_drive(at);
        let driving = last.clone().filter(|drive| drive.stop > at);
        let moved_at = last.as_ref().map_or(at, |drive| drive.stop.min(at));
        let ignition_at = driving.as_ref().map_or(moved_at, |drive| drive.start);
        let odometer = self.odometer(at);
        let mut scene = Scene {
            at,
            moved_at,
            ignition_at,
            odometer,
            place: last.as_ref().map_or_else(|| self.home(), |drive| drive.place(at)),
            heading: last.as_ref().map_or(0, Drive::heading),
            charge: self.charge(at),
            tank: self.tank(odometer),
            outside: self.outside(moved_at),
            // Some moments after the stop.
            locked: driving.is_none() && at > moved_at,
            open: Vec::new(),
            doors_at: ignition_at,
            preconditioning: None,
            driving,
        };
        self.touch(&mut scene, last.as_ref());
        scene
    }

    /// When the car last sent anything, at or before `t`: on the road, at a stop, while charging.
    fn last_push(&self, t: Timestamp) -> Timestamp {
        let (today, second) = (day_of(t), t.as_second());
        let found = (today - LOOK_BACK..=today).rev().find_map(|day| {
            let day_drives = self.drives(day);
            let drives = day_drives.iter().filter_map(|drive| {
                let (start, stop) = (drive.start.as_second(), drive.stop.as_second());
                if second >= stop + LOCK_AFTER {
                    Some(stop + LOCK_AFTER)
                } else if second >= stop {
                    Some(stop)
                } else {
                    (second >= start).then(|| second - (second - start) % DRIVING_EVERY)
                }
            });
            let charging = self.charging(day, &day_drives).and_then(|charging| {
                if second >= charging.to {
                    Some(charging.end().as_second())
                } else if second >= charging.from {
                    Some(second - (second - charging.from) % CHARGING_EVERY)
                } else {
                    (second >= charging.plugged).then_some(charging.plugged)
                }
            });
            drives.chain(charging).max()
        });
        at_second(found.unwrap_or_else(|| day_start(today - LOOK_BACK)))
    }

    /// When the car sends something within `from..=to`, `from` left out, in order, each once.
    pub(crate) fn pushes(&self, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
        let mut pushes = self.touched_pushes(from, to);
        let (after, until) = (from.as_second(), self.horizon(to).as_second());
        let mut every = |first: i64, last: i64, step: i64| {
            let skipped = ((after - first) / step).max(0);
            let mut second = first + skipped * step;
            while second <= last.min(until) {
                pushes.push(at_second(second));
                second += step;
            }
        };
        for day in day_of(from)..=day_of(to) {
            let drives = self.drives(day);
            for drive in &drives {
                let (start, stop) = (drive.start.as_second(), drive.stop.as_second());
                every(start, stop, DRIVING_EVERY);
                every(stop, stop, 1);
                every(stop + LOCK_AFTER, stop + LOCK_AFTER, 1);
            }
            if let Some(charging) = self.charging(day, &drives) {
                every(charging.plugged, charging.plugged, 1);
                every(charging.from, charging.to, CHARGING_EVERY);
                every(charging.to, charging.to, 1);
            }
        }
        pushes.retain(|at| *at > from && *at <= to);
        pushes.sort_unstable();
        pushes.dedup();
        pushes
    }

    /// The drive that began last, at or before `t`.
    pub(crate) fn last_drive(&self, t: Timestamp) -> Option<Drive> {
        let today = day_of(t);
        (today - LOOK_BACK..=today)
            .rev()
            .find_map(|day| self.drives(day).into_iter().rfind(|drive| drive.start <= t))
    }

    /// Outside temperature in °C: by season, by hour, by chance.
    pub(crate) fn outside(&self, t: Timestamp) -> f64 {
        let second = t.as_second();
        let turn = |period: f64, phase: f64| {
            let second = crate::number::real(second);
            (std::f64::consts::TAU * (second / period - phase)).sin()
        };
        let chance = self.dice("weather", day_of(t)).between(-4.0, 4.0);
        11.0 + 9.0 * turn(31_557_600.0, 0.3) + 4.0 * turn(86_400.0, 0.36) + chance
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        brand::Brand,
        cars::{Car, CarKind, ChargeStatus},
    };

    #[test]
    fn a_battery_car_drives_plugs_in_charges_and_sleeps() {
        let car = Car::new("VR3UHZKXZPT000001", Brand::Peugeot, CarKind::Electric, "e-208");
        let life = Life::new(7, &car);
        let morning = "2026-03-02T05:00:00Z".parse().unwrap();
        let drive = life.drives_from(morning).next().unwrap();
        let middle = at_second(drive.start.as_second() + 90);
        let night = at_second(day_start(day_of(morning) + 2) - 60);

        let on_the_road = life.scene(middle);
        assert!(on_the_road.driving.is_some());
        assert_eq!(on_the_road.at.as_second(), drive.start.as_second() + 60);

        let states: Vec<_> = (0..288)
            .filter_map(|step| life.scene(at_second(morning.as_second() + step * 600)).charge)
            .collect();
        for expected in [
            ChargeStatus::Disconnected,
            ChargeStatus::Stopped,
            ChargeStatus::InProgress,
            ChargeStatus::Finished,
        ] {
            assert!(states.iter().any(|charge| charge.status == expected), "never {expected:?}");
        }
        assert!(states.iter().all(|charge| (4.0..=80.01).contains(&charge.level)));

        let asleep = life.scene(night);
        assert!(asleep.driving.is_none());
        assert!(asleep.at < night);
    }

    #[test]
    fn a_picture_is_never_from_the_future_and_never_goes_back() {
        let car = Car::new("W0VZRHPY6M6000003", Brand::Opel, CarKind::Hybrid, "Grandland");
        let life = Life::new(3, &car);
        let mut last = Timestamp::MIN;

        for step in 0..5_000 {
            let now = at_second(1_772_300_000 + step * 173);
            let at = life.scene(now).at;
            assert!(at <= now && at >= last);
            last = at;
        }
    }
}
