//! What may be asked of cars, and how often.

use std::str::FromStr;

use super::read::Reader;

/// What may be asked of cars, and how often.
#[derive(Debug, Clone)]
pub struct Remotes {
    /// `REMOTE_DOOR`: `off` (default) or `on`. Whoever unlocks a car from afar should mean to.
    pub door: DoorSwitch,
    /// `REMOTES_PER_CAR`: the most commands to one car in an hour.
    pub per_car: u16,
    /// `REMOTES_PER_KEY`: the most by one API key in an hour.
    pub per_key: u16,
    /// `REMOTES_PER_HOUR`: the most in all.
    pub per_hour: u16,
    /// `WAKE_UPS_PER_MONTH`: the most wake-ups of one car in a month; each drains its battery.
    pub wake_ups: u16,
}

/// Whether doors may be locked and unlocked at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoorSwitch {
    /// They may not.
    Off,
    /// They may, by a key that has the scope for it.
    On,
}

impl FromStr for DoorSwitch {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "off" => Ok(Self::Off),
            "on" => Ok(Self::On),
            _ => Err(()),
        }
    }
}

const COUNT: &str = "a number, 0 to 65535";

impl Reader<'_> {
    pub(super) fn remotes(&mut self) -> Remotes {
        Remotes {
            door: self.parsed("REMOTE_DOOR", "off", "on or off"),
            per_car: self.parsed("REMOTES_PER_CAR", "20", COUNT),
            per_key: self.parsed("REMOTES_PER_KEY", "500", COUNT),
            per_hour: self.parsed("REMOTES_PER_HOUR", "1000", COUNT),
            wake_ups: self.parsed("WAKE_UPS_PER_MONTH", "30", COUNT),
        }
    }
}
