//! `Remote`: exactly one action with what it takes, read as strictly as it is described.

use jiff::{Span, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    cars::Change,
    events::rule::CallbackAttributes,
    world::{
        callbacks::{Attribute, Place},
        remotes::Action,
    },
};

/// A remote's body, read.
pub(super) struct Wanted {
    pub(super) label: Option<String>,
    pub(super) action: Action,
    pub(super) change: Option<Change>,
    pub(super) attributes: Vec<Attribute>,
}

/// What is wrong with a remote.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadRemote {
    #[error("a member is missing, unknown or of another type")]
    Shape(#[from] serde_json::Error),
    #[error("there must be exactly one action")]
    Actions,
    #[error("an attribute is wrong")]
    Attribute,
    #[error("charging is asked for nothing, or for things that do not go together")]
    Charging,
    #[error("air conditioning is asked for nothing, or a program lacks something")]
    Preconditioning,
    #[error("a time is none")]
    Time,
    #[error("there must be one to ten positions on the map")]
    Positions,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Remote {
    label: Option<String>,
    attributes: Option<Vec<Attribute>>,
    callback_attributes: Option<CallbackAttributes>,
    preconditioning: Option<Preconditioning>,
    door: Option<DoorState>,
    horn: Option<Horn>,
    charging: Option<Charging>,
    lights: Option<Lights>,
    wake_up: Option<WakeUp>,
    navigation: Option<Navigation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DoorState {
    state: Locking,
    #[serde(rename = "forced")]
    _forced: Option<bool>,
}

#[derive(Deserialize)]
enum Locking {
    Locked,
    Unlocked,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Horn {
    #[serde(rename = "state")]
    _state: Sounding,
}

#[derive(Deserialize)]
enum Sounding {
    Activated,
    Unactivated,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lights {
    #[serde(rename = "on")]
    _on: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WakeUp {
    #[serde(rename = "action")]
    _action: Option<WakeUpAction>,
}

#[derive(Deserialize)]
enum WakeUpAction {
    WakeUp,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Charging {
    next_delayed_time: Option<String>,
    schedule: Option<Schedule>,
    immediate: Option<bool>,
    preferences: Option<Preferences>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Schedule {
    next_delayed_time: Option<String>,
    programs: Option<Vec<Program>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Preferences {
    level: Option<Level>,
    #[serde(rename = "type")]
    kind: Option<ChargingType>,
}

#[derive(Deserialize)]
enum Level {
    Level1,
    Level2,
    Level3,
    Level4,
    Level5,
}

#[derive(Deserialize)]
enum ChargingType {
    Partial,
    Full,
}

/// Of charging and of air conditioning.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Program {
    start: Option<String>,
    occurence: Option<Days>,
    #[serde(rename = "recurrence")]
    _recurrence: Option<Recurrence>,
    enabled: Option<bool>,
    end: Option<String>,
    slot: Option<u8>,
    actions_type: Option<ProgramAction>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Days {
    day: Vec<Day>,
}

#[derive(Deserialize)]
enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

#[derive(Deserialize)]
enum Recurrence {
    None,
    Daily,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
enum ProgramAction {
    Set,
    Delete,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Preconditioning {
    air_conditioning: AirConditioning,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AirConditioning {
    immediate: Option<bool>,
    programs: Option<Vec<Program>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Navigation {
    #[serde(rename = "driverApproval")]
    _driver_approval: Option<bool>,
    positions: Vec<Point>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Point {
    #[serde(rename = "type")]
    _kind: PointType,
    coordinates: Vec<f64>,
}

#[derive(Deserialize)]
enum PointType {
    Point,
}

/// Reads a body.
pub(super) fn read(body: &Value) -> Result<Wanted, BadRemote> {
    // `null` where an action is due is no action, and none of ours would send it.
    let given = Remote::deserialize(body)?;
    let named: Vec<Action> =
        Action::ALL.into_iter().filter(|action| body.get(action.member()).is_some()).collect();
    let [action] = named[..] else { return Err(BadRemote::Actions) };
    let mut attributes = given.callback_attributes.map(|a| a.webhook).unwrap_or_default();
    let own = given.attributes.unwrap_or_default();
    if own.iter().any(|attribute| attribute.place == Place::Query) {
        return Err(BadRemote::Attribute);
    }
    attributes.extend(own);
    if !attributes.iter().all(Attribute::is_sound) {
        return Err(BadRemote::Attribute);
    }
    let change = if let Some(door) = given.door {
        Some(Change::Locked(matches!(door.state, Locking::Locked)))
    } else if let Some(charging) = given.charging {
        charging.change()?
    } else if let Some(preconditioning) = given.preconditioning {
        preconditioning.air_conditioning.change()?
    } else if let Some(navigation) = given.navigation {
        navigation.judge()?;
        None
    } else if given.wake_up.is_some() {
        Some(Change::Woken)
    } else if given.horn.is_some() || given.lights.is_some() {
        None
    } else {
        return Err(BadRemote::Actions);
    };
    Ok(Wanted { label: given.label, action, change, attributes })
}

impl Charging {
    fn change(self) -> Result<Option<Change>, BadRemote> {
        let timed = self.next_delayed_time.is_some() || self.schedule.is_some();
        let preferred = self.preferences.is_some();
        if preferred == (timed || self.immediate.is_some()) {
            return Err(BadRemote::Charging);
        }
        if let Some(preferences) = &self.preferences
            && preferences.level.is_none()
            && preferences.kind.is_none()
        {
            return Err(BadRemote::Charging);
        }
        let mut starts: Vec<&str> = self.next_delayed_time.as_deref().into_iter().collect();
        if let Some(schedule) = &self.schedule {
            if schedule.programs.is_some() == schedule.next_delayed_time.is_some() {
                return Err(BadRemote::Charging);
            }
            starts.extend(schedule.next_delayed_time.as_deref());
            for program in schedule.programs.iter().flatten() {
                program.judge(true)?;
            }
        }
        if !starts.iter().all(|time| is_time(time)) {
            return Err(BadRemote::Time);
        }
        Ok(self.immediate.map(Change::Charging))
    }
}

/// RFC 3339, as the description says; a duration from midnight, as its tutorial shows.
fn is_time(text: &str) -> bool {
    text.parse::<Timestamp>().is_ok() || is_duration(text)
}

fn is_duration(text: &str) -> bool {
    text.parse::<Span>().is_ok()
}

impl Program {
    fn judge(&self, charging: bool) -> Result<(), BadRemote> {
        let delete = self.actions_type == Some(ProgramAction::Delete);
        let times = self.start.iter().chain(&self.end);
        if !times.into_iter().all(|time| is_duration(time)) {
            return Err(BadRemote::Time);
        }
        let whole = if charging {
            self.start.is_some() && self.slot.is_none() && self.actions_type.is_none()
        } else {
            self.end.is_none()
                && self.slot.is_some_and(|slot| (1..=4).contains(&slot))
                && (delete || self.is_set())
        };
        if whole {
            Ok(())
        } else if charging {
            Err(BadRemote::Charging)
        } else {
            Err(BadRemote::Preconditioning)
        }
    }

    fn is_set(&self) -> bool {
        let days = self.occurence.as_ref().is_some_and(|days| !days.day.is_empty());
        days && self.start.is_some() && self.enabled.is_some()
    }
}

impl AirConditioning {
    fn change(self) -> Result<Option<Change>, BadRemote> {
        if self.immediate.is_none() && self.programs.is_none() {
            return Err(BadRemote::Preconditioning);
        }
        let mut slots = Vec::new();
        for program in self.programs.iter().flatten() {
            program.judge(false)?;
            if slots.contains(&program.slot) {
                return Err(BadRemote::Preconditioning);
            }
            slots.push(program.slot);
        }
        // With programs, `false` is the default and stops nothing.
        let immediate = self.immediate.filter(|now| *now || self.programs.is_none());
        Ok(immediate.map(Change::Preconditioning))
    }
}

impl Navigation {
    fn judge(&self) -> Result<(), BadRemote> {
        let on_the_map = |point: &Point| match point.coordinates[..] {
            [longitude, latitude] | [longitude, latitude, _] => {
                longitude.abs() <= 180.0 && latitude.abs() <= 90.0
            }
            _ => false,
        };
        let count = self.positions.len();
        if (1..=10).contains(&count) && self.positions.iter().all(on_the_map) {
            Ok(())
        } else {
            Err(BadRemote::Positions)
        }
    }
}
