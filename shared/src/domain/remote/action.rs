//! What a car can be asked to do. Read strictly and checked before anything is written: what the
//! car would refuse anyway never costs a call, a wake-up or the driver's patience.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Kind, TimeOfDay};
use crate::domain::weekday::Weekday;

/// The maker takes nine places on the way, and the destination.
const MOST_POSITIONS: usize = 10;
/// More are no week's plan any more.
const MOST_PROGRAMS: usize = 10;
/// A delayed charge begins within this.
const LATEST_DELAY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// One action with what it takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Lock or unlock.
    Door(Door),
    /// The horn.
    Horn(Switch),
    /// The lights.
    Lights(Switch),
    /// Charge now, later, or otherwise.
    Charging(Charging),
    /// Heat or cool before a drive.
    Preconditioning(Preconditioning),
    /// Wake up, so that the car tells how it is.
    WakeUp(WakeUp),
    /// Take a destination.
    Navigation(Navigation),
}

/// Locked or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Door {
    /// How the doors shall be.
    pub state: Lock,
}

/// How doors can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lock {
    /// Nobody gets in.
    Locked,
    /// Anybody does.
    Unlocked,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OnOff)]
pub struct Switch {
    /// Whether it shall be on.
    pub on: bool,
}

/// Nothing to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WakeUp {}

/// How to charge: a time or programs, perhaps now; or preferences alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Charging {
    /// Begin now, or stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub immediate: Option<bool>,
    /// When to begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_delayed_time: Option<Timestamp>,
    /// When to charge, day by day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 10)]
    pub programs: Vec<ChargingProgram>,
    /// How fast and how far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferences: Option<Preferences>,
}

/// A time to charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChargingProgram {
    /// From then on, as `HH:MM` in the car's own time.
    pub start: TimeOfDay,
    /// Until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<TimeOfDay>,
    /// On these days.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schema(value_type = Vec<Weekday>)]
    pub days: BTreeSet<Weekday>,
    /// Week by week; by default so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurring: Option<bool>,
    /// Whether it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// How to charge from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Preferences {
    /// Power, from 1 to 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 5)]
    pub level: Option<u8>,
    /// How far.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub extent: Option<Extent>,
}

/// How far to charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// To spare the battery.
    Partial,
    /// To the brim.
    Full,
}

/// When to heat or cool.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Preconditioning {
    /// Begin now, or stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub immediate: Option<bool>,
    /// Programs to set or to delete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 4)]
    pub programs: Vec<AirProgram>,
}

/// One of the four programs of the air conditioning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AirProgram {
    /// Which, from 1 to 4.
    #[schema(minimum = 1, maximum = 4)]
    pub slot: u8,
    /// Delete it: then nothing else is given.
    #[serde(default)]
    pub delete: bool,
    /// Whether it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// When it begins, as `HH:MM` in the car's own time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<TimeOfDay>,
    /// On these days.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schema(value_type = Vec<Weekday>)]
    pub days: BTreeSet<Weekday>,
    /// Week by week; by default so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurring: Option<bool>,
}

/// Where to go, from the first place to the last.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Navigation {
    /// One to ten places; the last is the destination.
    #[schema(min_items = 1, max_items = 10)]
    pub positions: Vec<Place>,
}

/// A place on the way. Personal data: hidden from logs, and forgotten once it was sent.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Degrees, north positive.
    #[schema(minimum = -90, maximum = 90)]
    pub latitude: f64,
    /// Degrees, east positive.
    #[schema(minimum = -180, maximum = 180)]
    pub longitude: f64,
}

impl std::fmt::Debug for Navigation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Navigation({} places)", self.positions.len())
    }
}

/// Something of an action is missing or wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{wanted}")]
pub struct InvalidAction {
    /// Which field.
    pub field: &'static str,
    /// What would be right.
    pub wanted: &'static str,
}

const fn wrong(field: &'static str, wanted: &'static str) -> Result<(), InvalidAction> {
    Err(InvalidAction { field, wanted })
}

impl Action {
    /// Which of the seven it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Door(_) => Kind::Door,
            Self::Horn(_) => Kind::Horn,
            Self::Lights(_) => Kind::Lights,
            Self::Charging(_) => Kind::Charging,
            Self::Preconditioning(_) => Kind::Preconditioning,
            Self::WakeUp(_) => Kind::WakeUp,
            Self::Navigation(_) => Kind::Navigation,
        }
    }

    /// Whether it makes sense as a whole.
    ///
    /// # Errors
    /// Names the first field that is wrong.
    pub fn check(&self, now: Timestamp) -> Result<(), InvalidAction> {
        match self {
            Self::Door(_) | Self::Horn(_) | Self::Lights(_) | Self::WakeUp(_) => Ok(()),
            Self::Charging(charging) => charging.check(now),
            Self::Preconditioning(preconditioning) => preconditioning.check(),
            Self::Navigation(navigation) => navigation.check(),
        }
    }

    /// What may be kept of it when it was sent: where somebody wanted to go is nobody's business.
    #[must_use]
    pub fn kept(self) -> Option<Self> {
        Some(self).filter(|action| action.kind() != Kind::Navigation)
    }
}

impl Charging {
    fn check(&self, now: Timestamp) -> Result<(), InvalidAction> {
        let scheduled = self.next_delayed_time.is_some() || !self.programs.is_empty();
        if let Some(preferences) = &self.preferences {
            if scheduled || self.immediate.is_some() {
                return wrong("charging.preferences", "preferences stand alone");
            }
            return preferences.check();
        }
        if !scheduled && self.immediate.is_none() {
            return wrong("charging", "expected a time, programs, immediate or preferences");
        }
        if self.next_delayed_time.is_some() && !self.programs.is_empty() {
            return wrong("charging.programs", "expected either a time or programs");
        }
        if let Some(time) = self.next_delayed_time
            && !(time > now && time <= now + LATEST_DELAY)
        {
            return wrong("charging.next_delayed_time", "expected a time within the next 7 days");
        }
        if self.programs.len() > MOST_PROGRAMS {
            return wrong("charging.programs", "expected at most 10");
        }
        Ok(())
    }
}

impl Preferences {
    fn check(self) -> Result<(), InvalidAction> {
        if self.level.is_none() && self.extent.is_none() {
            return wrong("charging.preferences", "expected a level or a type");
        }
        if self.level.is_some_and(|level| !(1..=5).contains(&level)) {
            return wrong("charging.preferences.level", "expected 1 to 5");
        }
        Ok(())
    }
}

impl Preconditioning {
    fn check(&self) -> Result<(), InvalidAction> {
        if self.immediate.is_none() && self.programs.is_empty() {
            return wrong("preconditioning", "expected immediate or programs");
        }
        let mut slots = BTreeSet::new();
        for program in &self.programs {
            if !(1..=4).contains(&program.slot) || !slots.insert(program.slot) {
                return wrong("preconditioning.programs.slot", "expected 1 to 4, each once");
            }
            program.check()?;
        }
        Ok(())
    }
}

impl AirProgram {
    fn check(&self) -> Result<(), InvalidAction> {
        let told = self.enabled.is_some() || self.start.is_some() || !self.days.is_empty();
        if self.delete && (told || self.recurring.is_some()) {
            return wrong("preconditioning.programs", "to delete one, give its slot alone");
        }
        let whole = self.enabled.is_some() && self.start.is_some() && !self.days.is_empty();
        if !self.delete && !whole {
            return wrong("preconditioning.programs", "expected slot, enabled, start and days");
        }
        Ok(())
    }
}

impl Navigation {
    fn check(&self) -> Result<(), InvalidAction> {
        if !(1..=MOST_POSITIONS).contains(&self.positions.len()) {
            return wrong("navigation.positions", "expected 1 to 10 places");
        }
        let exists = |place: &Place| place.latitude.abs() <= 90.0 && place.longitude.abs() <= 180.0;
        if !self.positions.iter().all(exists) {
            let wanted = "expected a latitude within ±90 and a longitude within ±180";
            return wrong("navigation.positions", wanted);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
