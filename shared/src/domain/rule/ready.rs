//! Rules that are ready-made: by name, with what they need to know.

use std::collections::BTreeMap;

use jiff::civil;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Condition, Extra, Invalid, Wrong,
    operand::{Op, Operand},
    trigger::{Circle, Daily, Data, Scalar, Span, Times, Transition, Trigger, Zone, paris},
};

/// A rule by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "use", rename_all = "snake_case", deny_unknown_fields)]
pub enum Ready {
    /// The traction battery holds less than so many percent.
    BatteryBelow {
        /// Percent, 1 to 100.
        #[schema(minimum = 1, maximum = 100)]
        level: u32,
    },
    /// The car begins to charge.
    ChargingStarted {},
    /// It charges no more: full, stopped, failed or unplugged.
    ChargingEnded {},
    /// The car is within a circle, and was not.
    EnteredPlace {
        /// Which.
        circle: Circle,
    },
    /// The car is without a circle, and was not.
    LeftPlace {
        /// Which.
        circle: Circle,
    },
    /// The car moves within some hours of every day.
    MovedAtNight {
        /// Which.
        #[serde(default)]
        night: Night,
    },
    /// A door, window or flap was opened, or closed, while the car does not move. The maker tells of
    /// the change alone: the event says what is open then.
    DoorOpenWhileParked {},
    /// A warning came up. With kinds, one of these; without, the maker tells when the list of
    /// warnings changes in any way, and the event says which there are then.
    AlertRaised {
        /// In the maker's words, such as `TirePressureLow`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schema(max_items = 150, example = json!(["TirePressureLow"]))]
        kinds: Vec<String>,
    },
    /// The driver hides the car, or does no more.
    PrivacyChanged {},
}

/// Some hours of every day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Night {
    /// From when; `22:00` unless said otherwise.
    #[schema(value_type = String, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9](:00)?$", example = "22:00")]
    from: civil::Time,
    /// Until when; `06:00` unless said otherwise.
    #[schema(value_type = String, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9](:00)?$", example = "06:00")]
    until: civil::Time,
    /// Whose clock; `Europe/Paris` unless said otherwise.
    #[schema(pattern = "^[A-Z][A-Za-z]+/[A-Za-z0-9_+/-]+$", example = "Europe/Paris")]
    time_zone: String,
}

impl Default for Night {
    fn default() -> Self {
        let time = |hour| civil::time(hour, 0, 0, 0);
        Self { from: time(22), until: time(6), time_zone: paris() }
    }
}

impl Night {
    /// From its beginning to its end, on the same day or the next: all day if they are equal.
    fn times(&self) -> Times {
        let minute = |time: civil::Time| i64::from(time.hour()) * 60 + i64::from(time.minute());
        let length = (minute(self.until) - minute(self.from)).rem_euclid(24 * 60);
        let minutes = if length == 0 { 24 * 60 } else { length };
        let minutes = u32::try_from(minutes).unwrap_or_default();
        let daily = Daily { from: self.from, minutes, days: Vec::new(), weeks: Vec::new() };
        Times { times: vec![Span::Daily(daily)], time_zone: self.time_zone.clone() }
    }
}

impl Ready {
    /// Its triggers, all of which have to hold, as one would write them by hand.
    #[must_use]
    pub fn condition(&self) -> Condition {
        let triggers = match self {
            Self::BatteryBelow { level } => {
                let level = Scalar::Number((*level).into());
                vec![("battery", data(Operand::ElectricLevel, Op::LowerThan, vec![level]))]
            }
            Self::ChargingStarted {} => {
                let states = texts(&["InProgress"]);
                vec![("charging", data(Operand::ChargingStatus, Op::EqualsTo, states))]
            }
            Self::ChargingEnded {} => {
                let states = texts(&["Finished", "Stopped", "Failure", "Disconnected"]);
                vec![("charging", data(Operand::ChargingStatus, Op::IncludedIn, states))]
            }
            Self::EnteredPlace { circle } => vec![("place", zone(Transition::In, *circle))],
            Self::LeftPlace { circle } => vec![("place", zone(Transition::Out, *circle))],
            Self::MovedAtNight { night } => {
                let moving = data(Operand::Moving, Op::EqualsTo, vec![Scalar::Flag(true)]);
                vec![("moving", moving), ("night", Trigger::Time(night.times()))]
            }
            Self::DoorOpenWhileParked {} => {
                let moving = data(Operand::Moving, Op::EqualsTo, vec![Scalar::Flag(false)]);
                vec![("door", data(Operand::Opening, Op::OnChange, vec![])), ("parked", moving)]
            }
            Self::AlertRaised { kinds } if kinds.is_empty() => {
                vec![("alert", data(Operand::Alert, Op::OnChange, vec![]))]
            }
            Self::AlertRaised { kinds } => {
                let kinds = kinds.iter().cloned().map(Scalar::Text).collect();
                vec![("alert", data(Operand::Alert, Op::IncludedIn, kinds))]
            }
            Self::PrivacyChanged {} => {
                vec![("privacy", data(Operand::Privacy, Op::OnChange, vec![]))]
            }
        };
        let names: Vec<&str> = triggers.iter().map(|(name, _)| *name).collect();
        let bool_exp = names.join(" & ");
        let triggers = triggers.into_iter().map(|(name, trigger)| (name.to_owned(), trigger));
        Condition { triggers: triggers.collect::<BTreeMap<_, _>>(), bool_exp }
    }

    /// What its event can't do without.
    pub(super) const fn needs(&self) -> Option<Extra> {
        match self {
            Self::DoorOpenWhileParked {} => Some(Extra::DoorsState),
            _ => None,
        }
    }

    /// What its triggers would not tell in the words of whoever wrote it.
    pub(super) fn check(&self, at: &str) -> Result<(), Invalid> {
        match self {
            Self::BatteryBelow { level } => {
                Invalid::unless((1..=100).contains(level), at, ".level", Wrong::Level)
            }
            Self::EnteredPlace { circle } | Self::LeftPlace { circle } => {
                circle.check(&format!("{at}.circle"))
            }
            Self::MovedAtNight { night } => {
                let at = &format!("{at}.night");
                let exact = |time: civil::Time| time.second() == 0 && time.subsec_nanosecond() == 0;
                Invalid::unless(exact(night.from), at, ".from", Wrong::TimeOfDay)?;
                Invalid::unless(exact(night.until), at, ".until", Wrong::TimeOfDay)?;
                night.times().check(at)
            }
            Self::AlertRaised { kinds } => {
                let values = Operand::Alert.values();
                let known = kinds.len() <= 150 && kinds.iter().all(|kind| values.take(kind));
                Invalid::unless(known, at, ".kinds", Wrong::Value(values))
            }
            _ => Ok(()),
        }
    }
}

fn texts(values: &[&str]) -> Vec<Scalar> {
    values.iter().map(|value| Scalar::Text((*value).to_owned())).collect()
}

const fn data(data: Operand, op: Op, value: Vec<Scalar>) -> Trigger {
    Trigger::Data(Data { data, op, value, previous: None })
}

const fn zone(transition: Transition, circle: Circle) -> Trigger {
    Trigger::Zone(Zone { transition, circle })
}
