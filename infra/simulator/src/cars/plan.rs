//! Where a car goes: weeks that add up, days made of drives that begin and end at home.
//!
//! A day here begins at 04:00 UTC, when every car is home and has charged. The distance up to a
//! week is a straight line plus bounded noise, so that the odometer of any moment is found
//! without walking through the past.

use jiff::Timestamp;

use super::Life;
use crate::{
    brand::Brand,
    number::{real, tenth, whole},
    time::at_second,
};

/// Seconds in a day.
pub(crate) const DAY: i64 = 86_400;
/// When a day begins, after midnight UTC.
const MORNING: i64 = 4 * 3600;
/// The week from which odometers are counted: that of 2024-01-01.
const FIRST_WEEK: i64 = 2818;

/// A point on the map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
}

/// One drive from place to place.
#[derive(Clone, Debug)]
pub(crate) struct Drive {
    pub(crate) start: Timestamp,
    pub(crate) stop: Timestamp,
    /// Its length in km.
    pub(crate) km: f64,
    /// Odometer at its start, in km.
    pub(crate) odometer: f64,
    /// What was driven earlier that day, in km.
    pub(crate) before: f64,
    pub(crate) from: Place,
    pub(crate) to: Place,
}

/// Part of a day's plan: share of its distance, when, how fast, where to.
struct Leg {
    share: f64,
    second: i64,
    kmh: f64,
    to: Place,
}

/// The day a moment belongs to.
pub(super) fn day_of(t: Timestamp) -> i64 {
    (t.as_second() - MORNING).div_euclid(DAY)
}

/// The Unix second at which a day begins.
pub(super) fn day_start(day: i64) -> i64 {
    day * DAY + MORNING
}

/// Monday is 0 (the epoch was a Thursday).
fn weekday(day: i64) -> i64 {
    (day + 3).rem_euclid(7)
}

fn week_of(day: i64) -> i64 {
    (day + 3).div_euclid(7)
}

impl Drive {
    /// The part driven at `t`, from 0 to 1.
    pub(crate) fn progress(&self, t: Timestamp) -> f64 {
        let (start, stop) = (self.start.as_second(), self.stop.as_second());
        (real(t.as_second() - start) / real((stop - start).max(1))).clamp(0.0, 1.0)
    }

    /// Where the car is at `t`: on the way, in a slight bow.
    pub(crate) fn place(&self, t: Timestamp) -> Place {
        let part = self.progress(t);
        let bow = 0.08 * (std::f64::consts::PI * part).sin();
        let (north, east) =
            (self.to.latitude - self.from.latitude, self.to.longitude - self.from.longitude);
        Place {
            latitude: self.from.latitude + north * part + east * bow,
            longitude: self.from.longitude + east * part - north * bow,
        }
    }

    /// Course in degrees, 0 to 359.
    pub(crate) fn heading(&self) -> i64 {
        let north = self.to.latitude - self.from.latitude;
        let east =
            (self.to.longitude - self.from.longitude) * self.from.latitude.to_radians().cos();
        whole(east.atan2(north).to_degrees()).rem_euclid(360)
    }

    /// Mean speed in km/h.
    pub(crate) fn kmh(&self) -> f64 {
        let seconds = self.stop.as_second() - self.start.as_second();
        self.km * 3600.0 / real(seconds.max(1))
    }
}

impl Life<'_> {
    /// The drives of a day, in order, as far as anything is known of them.
    pub(crate) fn drives(&self, day: i64) -> Vec<Drive> {
        let end = self.horizon(Timestamp::MAX);
        let (mut odometer, day_km) = self.distance(day);
        let (mut from, mut before) = (self.home(), 0.0);
        let mut drives = Vec::new();
        for leg in self.legs(day, day_km) {
            let km = day_km * leg.share;
            let start = day * DAY + leg.second;
            let stop = start + whole(km / leg.kmh * 3600.0).max(300);
            if at_second(stop) > end {
                break;
            }
            let (start, stop) = (at_second(start), at_second(stop));
            drives.push(Drive { start, stop, km, odometer, before, from, to: leg.to });
            odometer += km;
            before += km;
            from = leg.to;
        }
        drives
    }

    /// Drives from the first that ends after `from`, looking more than a year ahead.
    pub(crate) fn drives_from(self, from: Timestamp) -> impl Iterator<Item = Drive> {
        let day = day_of(from);
        (day..day + 400)
            .flat_map(move |day| self.drives(day))
            .filter(move |drive| drive.stop > from)
    }

    /// Drives that began within `from..=to`, in order.
    pub(crate) fn drives_between(&self, from: Timestamp, to: Timestamp) -> Vec<Drive> {
        (day_of(from)..=day_of(to))
            .flat_map(|day| self.drives(day))
            .filter(|drive| drive.start >= from && drive.start <= to)
            .collect()
    }

    /// The odometer at `t`, in km.
    pub(crate) fn odometer(&self, t: Timestamp) -> f64 {
        let day = day_of(self.horizon(t));
        let driven: f64 = self.drives(day).iter().map(|drive| drive.km * drive.progress(t)).sum();
        self.distance(day).0 + driven
    }

    /// Odometer at the beginning of a day, and the distance that the day brings, in km.
    fn distance(&self, day: i64) -> (f64, f64) {
        let morning = self.morning_odometer(day);
        (morning, self.morning_odometer(day + 1) - morning)
    }

    /// In whole tenths of a km, so that what is shown never falls by a rounding.
    fn morning_odometer(&self, day: i64) -> f64 {
        let week = week_of(day);
        let mean = self.dice("mean", 0).between(180.0, 320.0);
        let up_to = |week: i64| {
            let base = self.dice("base", 0).between(8_000.0, 40_000.0);
            let noise = self.dice("week", week).between(0.0, mean * 0.4);
            tenth((base + real(week - FIRST_WEEK) * mean + noise).max(0.0))
        };
        let (so_far, week_km) = (up_to(week), up_to(week + 1) - up_to(week));
        let weights = self.weights(week);
        let total: f64 = weights.iter().sum();
        let today = usize::try_from(weekday(day)).unwrap_or_default();
        let before: f64 = weights[..today].iter().sum();
        tenth(so_far + week_km * before / total)
    }

    /// How a week's distance falls on its days, Monday first: one of them is a day of rest.
    fn weights(&self, week: i64) -> [f64; 7] {
        let mut weights = [1.0, 1.0, 1.0, 1.0, 1.0, 1.6, 1.6];
        let rest = self.dice("rest", week).below(7);
        if let Some(weight) = weights.get_mut(usize::try_from(rest).unwrap_or_default()) {
            *weight = 0.0;
        }
        weights
    }

    /// The plan of a day that brings so many km.
    fn legs(&self, day: i64, km: f64) -> Vec<Leg> {
        if km < 0.1 {
            return Vec::new();
        }
        let mut dice = self.dice("day", day);
        let mut minute = |from: u32, spread: u32| i64::from((from + dice.below(spread)) * 60);
        let home = self.home();
        if weekday(day) >= 5 {
            let away = self.around("leisure", day, 12.0, 40.0);
            let (out, back) = (minute(9 * 60, 90), minute(15 * 60, 120));
            return vec![
                Leg { share: 0.5, second: out, kmh: 62.0, to: away },
                Leg { share: 0.5, second: back, kmh: 66.0, to: home },
            ];
        }
        let work = self.around("work", 0, 6.0, 20.0);
        let (out, back) = (minute(6 * 60 + 50, 40), minute(16 * 60 + 50, 60));
        let errand = (minute(18 * 60 + 45, 20), minute(19 * 60 + 30, 20));
        let with_errand = self.dice("errand", day).below(3) == 0;
        let share = if with_errand { 0.4 } else { 0.5 };
        let mut legs = vec![
            Leg { share, second: out, kmh: 44.0, to: work },
            Leg { share, second: back, kmh: 40.0, to: home },
        ];
        if with_errand {
            let shop = self.around("shop", 0, 1.5, 4.0);
            legs.push(Leg { share: 0.1, second: errand.0, kmh: 30.0, to: shop });
            legs.push(Leg { share: 0.1, second: errand.1, kmh: 30.0, to: home });
        }
        legs
    }

    /// Where the car sleeps: somewhere about a town of its brand's country.
    pub(super) fn home(&self) -> Place {
        let towns: &[(f64, f64)] = match self.car.brand {
            Brand::Opel => &[(50.00, 8.27), (51.31, 9.49), (51.04, 13.74)],
            Brand::Vauxhall => &[(51.88, -0.42), (52.63, -1.13), (53.19, -2.89)],
            _ => &[(48.11, -1.68), (45.76, 4.84), (50.63, 3.06), (47.22, -1.55)],
        };
        let town = self.dice("town", 0).pick(towns).copied().unwrap_or_default();
        let middle = Place { latitude: town.0, longitude: town.1 };
        self.beside(middle, "home", 0, 0.5, 6.0)
    }

    fn around(&self, what: &str, number: i64, near: f64, far: f64) -> Place {
        self.beside(self.home(), what, number, near, far)
    }

    /// A point so many km from another, in a direction of its own.
    fn beside(&self, from: Place, what: &str, number: i64, near: f64, far: f64) -> Place {
        let mut dice = self.dice(what, number);
        let (angle, km) = (dice.between(0.0, std::f64::consts::TAU), dice.between(near, far));
        let latitude = from.latitude + angle.cos() * km / 111.2;
        let longitude =
            from.longitude + angle.sin() * km / (111.2 * from.latitude.to_radians().cos());
        Place { latitude, longitude }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cars::{Car, CarKind};

    fn car() -> Car {
        Car::new("VR3UHZKXZPT000001", Brand::Peugeot, CarKind::Electric, "e-208")
    }

    #[test]
    fn odometers_rise_by_what_is_driven_and_never_fall() {
        let car = car();
        let life = Life::new(7, &car);
        let first: Timestamp = "2026-02-27T00:00:00Z".parse().unwrap();
        let mut last = 0.0;

        for quarter in 0..(30 * 96) {
            let t = at_second(first.as_second() + quarter * 900);
            let km = tenth(life.odometer(t));
            assert!(km >= last, "the odometer fell at {t}");
            assert!(last == 0.0 || km - last < 20.0, "the odometer jumped at {t}");
            last = km;
        }
        let month = last - life.odometer(first);
        assert!((600.0..2_000.0).contains(&month), "{month} km in a month");
    }

    #[test]
    fn drives_follow_one_another_and_end_at_home() {
        let car = car();
        for seed in 0..20 {
            let life = Life::new(seed, &car);
            for day in 20_000..20_060 {
                let drives = life.drives(day);
                assert!(drives.windows(2).all(|pair| pair[0].stop < pair[1].start));
                assert!(drives.windows(2).all(|pair| pair[0].to == pair[1].from));
                assert!(drives.last().is_none_or(|drive| drive.to == life.home()));
                assert!(drives.iter().all(|drive| day_of(drive.stop) == day));
            }
        }
    }
}
