//! Cars that live on the clock: what one does is a pure function of seed, VIN and time, so that
//! the clock may jump anywhere and the past is still there to be listed.

mod energy;
mod events;
mod plan;
mod scene;
mod touch;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::touch::{Change, Door, Touch};
pub(crate) use self::{
    energy::{CHARGE_AT, Charge, ChargeStatus},
    events::{Alarm, AlarmEvent, Alert, Collision},
    plan::{Drive, Place},
    scene::Scene,
};
use crate::{brand::Brand, random, time::at_second};

/// A car, as the maker knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Car {
    /// Vehicle identification number, upper case.
    pub vin: String,
    /// Its brand.
    pub brand: Brand,
    /// What drives it.
    pub kind: CarKind,
    /// Its model, for people.
    pub label: String,
    /// What it keeps to itself.
    pub privacy: Privacy,
    /// Since when; with `Full` nothing after this is known.
    pub privacy_since: Option<Timestamp>,
    /// Whether it has ever sent anything.
    pub reporting: Reporting,
    /// Since when it stands still and sleeps; none: it drives.
    pub parked_since: Option<Timestamp>,
    /// Rises when its vehicle ids change.
    pub id_generation: u32,
    /// What the live service does oddly with it.
    pub quirks: Quirks,
    /// Accounts that had it before.
    pub former_owners: Vec<String>,
    /// When it has no connection, and sends what happened as soon as it has one again.
    #[serde(default)]
    pub unconnected: Vec<Unconnected>,
    /// What was done to it, in order.
    #[serde(default)]
    pub touches: Vec<Touch>,
}

/// A time without a connection, as in an underground garage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unconnected {
    /// From then on nothing is sent.
    pub from: Timestamp,
    /// Then the car is there again.
    pub until: Timestamp,
    /// Then what happened meanwhile is sent, too: behind newer things, if that is later.
    pub sent_at: Timestamp,
}

impl Unconnected {
    fn hides(self, t: Timestamp, now: Timestamp) -> bool {
        (self.from..self.until).contains(&t) && now < self.sent_at.max(self.until)
    }
}

/// What drives a car.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CarKind {
    /// A battery.
    Electric,
    /// A battery that can be charged, and fuel.
    Hybrid,
    /// Fuel.
    Thermic,
}

/// The car's privacy switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Privacy {
    /// Everything is sent.
    None,
    /// No positions.
    Geolocation,
    /// Nothing at all.
    Full,
}

/// Whether a car has sent anything yet, and how the API puts it if not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reporting {
    /// It reports.
    Live,
    /// It never did; its status is `{}`.
    NeverEmpty,
    /// It never did; its status is 404 with 40499.
    NeverMissing,
}

/// Oddities of the live service, by car.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Quirks {
    /// Its VIN comes in lower case.
    pub lower_case_vin: bool,
    /// A battery car with an empty tank, years old, first in the list.
    pub ghost_fuel: bool,
    /// Old field names beside the new ones.
    pub old_names: bool,
    /// Some dates as `Mon Jun 03 08:35:36 GMT 2019`.
    pub old_dates: bool,
    /// It never tells when maintenance is due.
    pub no_maintenance: bool,
    /// It crashes every few weeks.
    pub crash_prone: bool,
    /// Its ids hold whatever a string can: dots, slashes, `=`, `~`.
    #[serde(default)]
    pub odd_ids: bool,
    /// Its vehicle id changes by itself, every so many days.
    pub new_id_every_days: Option<u16>,
}

impl Car {
    /// A car that drives and reports, without secrets or quirks. The VIN is turned to upper case.
    #[must_use]
    pub fn new(vin: &str, brand: Brand, kind: CarKind, label: &str) -> Self {
        Self {
            vin: vin.to_ascii_uppercase(),
            brand,
            kind,
            label: label.to_owned(),
            privacy: Privacy::None,
            privacy_since: None,
            reporting: Reporting::Live,
            parked_since: None,
            id_generation: 0,
            quirks: Quirks::default(),
            former_owners: Vec::new(),
            unconnected: Vec::new(),
            touches: Vec::new(),
        }
    }
}

/// One car's life under one seed.
#[derive(Clone, Copy)]
pub(crate) struct Life<'a> {
    seed: u64,
    pub(crate) car: &'a Car,
}

impl<'a> Life<'a> {
    pub(crate) fn new(seed: u64, car: &'a Car) -> Self {
        Self { seed, car }
    }

    /// The opaque id under which an account sees the car: 128 hex digits.
    pub(crate) fn vehicle_id(&self, account: &str, now: Timestamp) -> String {
        let own_changes = self
            .car
            .quirks
            .new_id_every_days
            .map_or(0, |days| now.as_second().div_euclid(i64::from(days.max(1)) * plan::DAY));
        let generation = i64::from(self.car.id_generation) + own_changes;
        let of = format!("{}/{account}/{generation}", self.car.vin);
        self.odd(random::identifier(self.seed, &of, 2))
    }

    /// Names something of this car for ever: 64 hex digits.
    pub(crate) fn name(&self, what: &str, second: i64) -> String {
        self.odd(random::identifier(self.seed, &format!("{}/{what}/{second}", self.car.vin), 1))
    }

    fn odd(&self, id: String) -> String {
        if self.car.quirks.odd_ids { format!("~{{{}}}/v.2:{id}==", &id[..4]) } else { id }
    }

    /// Whether what happened at `t` is known at `now`: the car had a connection since.
    pub(crate) fn is_sent(&self, t: Timestamp, now: Timestamp) -> bool {
        t <= now && !self.car.unconnected.iter().any(|gap| gap.hides(t, now))
    }

    /// The last moment of which anything is known: none after the car stopped telling.
    pub(crate) fn horizon(&self, now: Timestamp) -> Timestamp {
        self.told(self.car.parked_since.map_or(now, |parked| parked.min(now)))
    }

    /// The last moment up to `now` of which the car would tell, were something to happen.
    pub(crate) fn told(&self, now: Timestamp) -> Timestamp {
        let gap = self.car.unconnected.iter().find(|gap| (gap.from..gap.until).contains(&now));
        let now = gap.map_or(now, |gap| gap.from);
        match self.car.privacy {
            Privacy::Full => {
                self.car.privacy_since.unwrap_or_else(|| at_second(1_735_689_600)).min(now)
            }
            Privacy::None | Privacy::Geolocation => now,
        }
    }

    fn dice(&self, topic: &str, number: i64) -> random::Dice {
        random::Dice::new(self.seed, &self.car.vin, topic, number)
    }
}
