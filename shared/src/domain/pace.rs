//! When to look at a car again: often while it moves or charges, seldom while it sleeps. The maker
//! tells the car's last push, so asking faster than the car pushes brings nothing.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{snapshot::Snapshot, vehicle::VehicleAddress, vin::Vin};

/// A car that has told nothing for so long is silent.
const SILENCE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long an empty list of vehicles is not believed.
const DOUBT: SignedDuration = SignedDuration::from_hours(12);
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

    /// The maker's name of the resource.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Alerts => "alerts",
            Self::Trips => "trips",
            Self::Maintenance => "maintenance",
        }
    }
}

/// When one kind is asked next, and how far it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// When it is due.
    pub due: Timestamp,
    /// When the newest began that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Timestamp>,
    /// When the oldest began that has not ended yet: it is read from there, to see it end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_since: Option<Timestamp>,
    /// How often it failed one after the other.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u8,
    /// The maker has none of it for this car, or the scopes don't include it: asked again rarely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<Absent>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_zero(count: &u8) -> bool {
    *count == 0
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
    /// Since when the account's list has been empty though this car was in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_since: Option<Timestamp>,
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
        let look =
            || Look { due: now, watermark: None, open_since: None, failures: 0, absent: None };
        Self {
            vin,
            address,
            status_hash: None,
            mood: Mood::Parked,
            changed_at: None,
            found_at: Some(now),
            missing_since: None,
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

    /// Whether the account's list has been empty for so long that the car is gone.
    #[must_use]
    pub fn is_missed_for_long(&self, now: Timestamp) -> bool {
        self.missing_since.is_some_and(|since| now.duration_since(since) >= DOUBT)
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
            let pause = self.pause(*kind, now, Quota::UNKNOWN);
            let look = self.look_mut(*kind);
            // What goes on failing is asked ever more seldom, and at its own pace at last.
            let wait = RETRY * (1 << look.failures.min(6));
            look.failures = look.failures.saturating_add(u8::from(by_maker));
            let due = now + wait.min(pause);
            look.due = if look.due > now { look.due.min(due) } else { due };
        }
        self
    }

    /// The same car with what was learnt in a look that began with `before`, where it was changed
    /// meanwhile: whatever was to be asked sooner since then still is.
    #[must_use]
    pub fn with_learnt(self, before: &Self, learnt: &Self) -> Self {
        let mut looks = learnt.looks.clone();
        for (index, look) in looks.iter_mut().enumerate() {
            if self.looks[index].due != before.looks[index].due {
                look.due = look.due.min(self.looks[index].due);
            }
        }
        let address =
            if self.address == before.address { learnt.address.clone() } else { self.address };
        Self { address, missing_since: self.missing_since, looks, ..learnt.clone() }
    }

    /// The scope without which the maker gives none of a kind: it is not asked for then.
    #[must_use]
    pub fn scopes_for(kind: Kind) -> &'static [&'static str] {
        match kind {
            Kind::Status => &["data:telemetry", "data:position"],
            Kind::Alerts => &["data:alert"],
            Kind::Trips => &["data:trip"],
            Kind::Maintenance => &["data:telemetry"],
        }
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
mod tests;
