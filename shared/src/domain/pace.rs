//! When to look at a car again: often while it moves or charges, seldom while it sleeps. The maker
//! tells the car's last push, so asking faster than the car pushes brings nothing.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{snapshot::Snapshot, vehicle::VehicleAddress, vin::Vin};

/// A car that has told nothing for so long is silent.
const SILENCE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How soon to ask again for what failed.
const RETRY: SignedDuration = SignedDuration::from_mins(10);

/// What is asked for a car, each at its own pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The latest of everything.
    Status,
    /// Warnings of the car.
    Alerts,
    /// Journeys.
    Trips,
    /// Days and kilometres before maintenance.
    Maintenance,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Status, Self::Alerts, Self::Trips, Self::Maintenance];
}

/// When one kind is asked next, and how far it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// When it is due.
    pub due: Timestamp,
    /// Everything up to then was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Timestamp>,
    /// The maker has none of it for this car, or the scopes don't include it: asked again rarely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<Absent>,
}

/// Why there is none of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    /// The car has reported none yet.
    NoData,
    /// The consent does not include it.
    Scope,
}

/// What is remembered of a car between two looks: small, since every look writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Car {
    /// Which car.
    pub vin: Vin,
    /// Where the maker keeps it at present.
    pub address: VehicleAddress,
    /// SHA-256 of the last status: an equal one needs no second write.
    pub status_hash: Option<String>,
    /// What it was doing when last seen.
    pub mood: Mood,
    /// When its state changed last.
    pub changed_at: Option<Timestamp>,
    /// When it was found in the account; what was before is no news.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_at: Option<Timestamp>,
    /// When the oldest warning began that still holds: alerts are read from there, to see it end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerting_since: Option<Timestamp>,
    /// Whether it has told nothing for so long that the operator was told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
    /// Whether the maker failed when it was asked for the state last.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unanswered: bool,
    /// When the maker was asked about it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polled_at: Option<Timestamp>,
    /// Why the last poll brought nothing, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_error: Option<PollError>,
    /// Looks, in the order of [`Kind::ALL`].
    pub looks: [Look; 4],
}

/// Why a poll brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PollError {
    /// In a word: `maker_down`, `limited`, `busy`, `not_found`, `not_registered`,
    /// `reauthorization_required` or `internal`.
    pub why: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// A poll less than this after another one is not noted by a write of its own.
const POLL_NOTED: SignedDuration = SignedDuration::from_secs(30);

/// What a car was doing when last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mood {
    /// Driving.
    Driving,
    /// Charging.
    Charging,
    /// Neither.
    Parked,
}

impl Mood {
    /// As a snapshot tells it.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        if snapshot.is_driving() {
            Self::Driving
        } else if snapshot.is_charging() {
            Self::Charging
        } else {
            Self::Parked
        }
    }
}

impl Car {
    /// A car just discovered: everything is due.
    #[must_use]
    pub fn new(vin: Vin, address: VehicleAddress, now: Timestamp) -> Self {
        let look = || Look { due: now, watermark: None, absent: None };
        Self {
            vin,
            address,
            status_hash: None,
            mood: Mood::Parked,
            changed_at: None,
            found_at: Some(now),
            alerting_since: None,
            silent: false,
            unanswered: false,
            polled_at: None,
            poll_error: None,
            looks: [look(), look(), look(), look()],
        }
    }

    /// Whether the maker has ever answered for its state, if only that there is none.
    #[must_use]
    pub fn was_asked(&self) -> bool {
        self.status_hash.is_some() || self.look(Kind::Status).absent.is_some()
    }

    /// The look for a kind.
    #[must_use]
    pub fn look(&self, kind: Kind) -> &Look {
        &self.looks[kind as usize]
    }

    /// The look for a kind, to change.
    pub fn look_mut(&mut self, kind: Kind) -> &mut Look {
        &mut self.looks[kind as usize]
    }

    /// Whether a car seen last at `last_seen` is silent.
    #[must_use]
    pub fn is_silence(last_seen: Timestamp, now: Timestamp) -> bool {
        now.duration_since(last_seen) >= SILENCE
    }

    /// What is due.
    #[must_use]
    pub fn due_kinds(&self, now: Timestamp) -> Vec<Kind> {
        Kind::ALL.into_iter().filter(|kind| self.look(*kind).due <= now).collect()
    }

    /// The earliest look.
    #[must_use]
    pub fn next_due(&self) -> Timestamp {
        self.looks.iter().map(|look| look.due).min().unwrap_or(Timestamp::MAX)
    }

    /// The same car with everything due at `now` put off as if nothing had changed: that is what
    /// a claim writes, so that an unchanged answer needs no further write.
    #[must_use]
    pub fn advanced(mut self, now: Timestamp, quota: Quota) -> Self {
        for kind in self.due_kinds(now) {
            let pause = self.pause(kind, now, quota);
            self.look_mut(kind).due = now + pause;
        }
        self
    }

    /// The same car, asked about at `now`. Whoever has just claimed it has noted that already.
    #[must_use]
    pub fn polled(self, now: Timestamp) -> Self {
        let noted = self.polled_at.is_some_and(|at| now.duration_since(at) < POLL_NOTED);
        Self { polled_at: if noted { self.polled_at } else { Some(now) }, ..self }
    }

    /// The same car, whose poll brought nothing.
    #[must_use]
    pub fn failed(self, why: &str, now: Timestamp) -> Self {
        Self { poll_error: Some(PollError { why: why.to_owned(), at: now }), ..self }
    }

    /// The same car with these kinds due soon: what failed will be asked before its pace is over.
    /// `by_maker`: it was the maker that failed.
    #[must_use]
    pub fn retried(mut self, kinds: &[Kind], now: Timestamp, by_maker: bool) -> Self {
        self.unanswered |= by_maker && kinds.contains(&Kind::Status);
        for kind in kinds {
            let look = self.look_mut(*kind);
            look.due = look.due.min(now + RETRY);
        }
        self
    }

    /// How long to wait before asking for a kind again.
    #[must_use]
    pub fn pause(&self, kind: Kind, now: Timestamp, quota: Quota) -> SignedDuration {
        let minutes = if self.look(kind).absent.is_some() {
            24 * 60
        } else {
            match (kind, self.mood) {
                (Kind::Status, Mood::Driving) => 2,
                (Kind::Status, Mood::Charging) => 10,
                (Kind::Status, Mood::Parked) => self.parked_minutes(now),
                (Kind::Alerts, _) => 60,
                (Kind::Trips, _) => 3 * 60,
                (Kind::Maintenance, _) => 24 * 60,
            }
        };
        SignedDuration::from_mins(minutes * i64::from(quota.stretch()))
    }

    /// A car parked for long sleeps deeper, and tells less.
    fn parked_minutes(&self, now: Timestamp) -> i64 {
        // One of which nothing is known yet is just connected: its driver waits for it.
        let still = self.changed_at.map_or(SignedDuration::ZERO, |at| now.duration_since(at));
        match still.as_hours() {
            0 => 10,
            1..24 => 30,
            24..168 => 60,
            _ => 6 * 60,
        }
    }
}

/// Below so many percent left, looks become rare.
const LOW: u8 = 20;

/// How much of the maker's daily allowance is left, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    percent_left: u8,
}

impl Quota {
    /// Nothing known: as if all were left.
    pub const UNKNOWN: Self = Self { percent_left: 100 };

    /// From the maker's two numbers.
    #[must_use]
    pub fn new(limit: u64, remaining: u64) -> Self {
        let percent = remaining.saturating_mul(100).checked_div(limit).unwrap_or(100);
        Self { percent_left: u8::try_from(percent.min(100)).unwrap_or(100) }
    }

    /// How much is left in percent, if that is little.
    #[must_use]
    pub fn low(self) -> Option<u8> {
        (self.percent_left < LOW).then_some(self.percent_left)
    }

    /// By how much to stretch every pause.
    fn stretch(self) -> u8 {
        match self.percent_left {
            0..5 => 8,
            5..LOW => 3,
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn car(mood: Mood, still: SignedDuration) -> (Car, Timestamp) {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let vin = "VF3ABCDE0FG123456".parse().unwrap();
        let car = Car::new(vin, "abcd".parse().unwrap(), start);
        (Car { mood, changed_at: Some(start), ..car }, start + still)
    }

    fn status_pause(mood: Mood, hours: i64) -> i64 {
        let (car, now) = car(mood, SignedDuration::from_hours(hours));
        car.pause(Kind::Status, now, Quota::UNKNOWN).as_mins()
    }

    #[test]
    fn a_moving_car_is_watched_and_a_sleeping_one_left_alone() {
        assert_eq!(status_pause(Mood::Driving, 0), 2);
        assert_eq!(status_pause(Mood::Charging, 5), 10);
        assert_eq!(status_pause(Mood::Parked, 0), 10);
        assert_eq!(status_pause(Mood::Parked, 48), 60);
        assert_eq!(status_pause(Mood::Parked, 24 * 30), 360);
    }

    #[test]
    fn what_a_car_does_not_offer_is_asked_once_a_day() {
        let (mut car, now) = car(Mood::Driving, SignedDuration::ZERO);
        car.look_mut(Kind::Alerts).absent = Some(Absent::Scope);

        assert_eq!(car.pause(Kind::Alerts, now, Quota::UNKNOWN).as_hours(), 24);
    }

    #[test]
    fn a_dwindling_allowance_stretches_every_pause() {
        let (car, now) = car(Mood::Driving, SignedDuration::ZERO);

        let pause = |left| car.pause(Kind::Status, now, Quota::new(1000, left)).as_mins();
        assert_eq!((pause(900), pause(100), pause(10)), (2, 6, 16));
        assert_eq!(Quota::new(0, 0), Quota::UNKNOWN);
    }

    #[test]
    fn a_car_just_connected_and_a_look_that_failed_are_tried_again_soon() {
        let (car, now) = car(Mood::Parked, SignedDuration::ZERO);
        let new = Car { changed_at: None, ..car };
        assert_eq!(new.pause(Kind::Status, now, Quota::UNKNOWN).as_mins(), 10);

        let retried = new.advanced(now, Quota::UNKNOWN).retried(&[Kind::Maintenance], now, true);

        assert_eq!(retried.look(Kind::Maintenance).due, now + RETRY);
        assert_eq!(retried.look(Kind::Trips).due, now + SignedDuration::from_hours(3));
    }

    #[test]
    fn a_claim_puts_off_only_what_was_due() {
        let (mut car, now) = car(Mood::Parked, SignedDuration::ZERO);
        let later = now + SignedDuration::from_hours(5);
        car.look_mut(Kind::Trips).due = later;

        let advanced = car.advanced(now, Quota::UNKNOWN);

        assert_eq!(advanced.look(Kind::Trips).due, later);
        assert!(advanced.due_kinds(now).is_empty());
        assert_eq!(advanced.next_due(), now + SignedDuration::from_mins(10));
    }
}
