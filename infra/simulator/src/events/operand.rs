//! What a trigger can watch: the table of the maker's `DataTrigger`, and what a picture says of it.

use crate::{
    cars::{AlarmEvent, Alert, CarKind, ChargeStatus, Life, Privacy, Scene},
    number::{tenth, whole},
    time::at_second,
};
use jiff::Timestamp;
use serde::Deserialize;

/// How far back warnings that may still be active are looked for.
const ALERTS: i64 = 6 * 86_400;

/// An operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Op {
    EqualsTo,
    GreaterThan,
    LowerThan,
    IncludedIn,
    OnChange,
}

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Number,
    Boolean,
    OneOf(&'static [&'static str]),
    /// Any name: a list too long to repeat, or free text.
    Name,
}

/// A row of the table.
pub(crate) struct Operand {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) ops: &'static [Op],
    /// Whether an earlier state may be asked for too.
    pub(crate) previous: bool,
}

use Op::{EqualsTo, GreaterThan, IncludedIn, LowerThan, OnChange};

const COMPARED: &[Op] = &[EqualsTo, GreaterThan, LowerThan];
const CHOSEN: &[Op] = &[OnChange, EqualsTo, IncludedIn];
const SWITCHED: &[Op] = &[OnChange, EqualsTo];
const CHANGED: &[Op] = &[OnChange];

const fn row(name: &'static str, shape: Shape, ops: &'static [Op], previous: bool) -> Operand {
    Operand { name, shape, ops, previous }
}

const POWERTRAIN: Shape =
    Shape::OneOf(&["NotRunning", "Starting", "Running", "Stopping", "Stopped"]);
const CHARGING: Shape =
    Shape::OneOf(&["Disconnected", "InProgress", "Failure", "Stopped", "Finished"]);
const MODES: Shape = Shape::OneOf(&[
    "Normal",
    "Sport",
    "Comfort",
    "Eco",
    "Sand",
    "Mud",
    "Snow",
    "ZEV",
    "Hybrid",
    "ZEVEco",
    "HybridEco",
    "EcoPlus",
    "eAWD",
    "4AWD",
    "ReinforcedLoad",
]);
const TRIPS: Shape = Shape::OneOf(&["Nominal", "Unstarted", "DataLacking", "Unfinished"]);
const CALLS: Shape = Shape::OneOf(&["NotDetected", "Detected", "ShockDetectionUnabled"]);

/// The whole table.
pub(crate) const OPERANDS: [Operand; 29] = [
    row("vehicle.alert", Shape::Name, CHOSEN, true),
    row("vehicle.odometer", Shape::Number, COMPARED, false),
    row("vehicle.powertrain.status", POWERTRAIN, CHOSEN, false),
    row("vehicle.engines.thermic.oil.temp", Shape::Number, COMPARED, false),
    row("vehicle.energy.electric.level", Shape::Number, COMPARED, false),
    row("vehicle.energy.electric.autonomy", Shape::Number, COMPARED, false),
    row("vehicle.energy.fuel.level", Shape::Number, COMPARED, false),
    row("vehicle.energy.fuel.autonomy", Shape::Number, COMPARED, false),
    row("vehicle.autonomy", Shape::Number, COMPARED, false),
    row("vehicle.energy.charging.status", CHARGING, CHOSEN, true),
    row("vehicle.energy.charging.plugged", Shape::Boolean, SWITCHED, true),
    row("vehicle.energy.charging.type", Shape::OneOf(&["Partial", "Full"]), SWITCHED, false),
    row("vehicle.doorsState.lockedState", Shape::Name, CHANGED, false),
    row("vehicle.doorsState.opening", Shape::Name, CHANGED, false),
    row("vehicle.kinetic.moving", Shape::Boolean, SWITCHED, true),
    row("vehicle.kinetic.speed", Shape::Number, COMPARED, false),
    row("vehicle.trip.start", Shape::Name, CHANGED, false),
    row("vehicle.trip.stop", Shape::Name, CHANGED, false),
    row("vehicle.trip.duration", Shape::Number, COMPARED, false),
    row("vehicle.trip.distance", Shape::Number, COMPARED, false),
    row("vehicle.trip.state", TRIPS, &[IncludedIn], false),
    row("vehicle.safety.beltWarning", Shape::OneOf(&["Normal", "Omission"]), SWITCHED, true),
    row("environment.air.temp", Shape::Number, COMPARED, false),
    row("privacy.state", Shape::OneOf(&["None", "Geolocation", "Full"]), CHOSEN, true),
    row("vehicle.drivingBehavior.mode", MODES, CHOSEN, true),
    row("vehicle.safety.autoECallTriggering", CALLS, CHOSEN, true),
    row("vehicle.preconditioning.airConditioning", Shape::Name, CHANGED, false),
    row("vehicle.alarm.trigger.type", Shape::Name, CHOSEN, false),
    row("vehicle.alarm.status.activation", Shape::OneOf(&["Inactive", "Active"]), SWITCHED, false),
];

impl Operand {
    /// The row of this name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        OPERANDS.iter().find(|operand| operand.name == name)
    }

    /// Whether a right operand makes sense.
    pub(crate) fn takes(&self, value: &str) -> bool {
        match self.shape {
            Shape::Number => value.parse::<f64>().is_ok_and(f64::is_finite),
            Shape::Boolean => matches!(value, "true" | "false"),
            Shape::OneOf(names) => names.contains(&value),
            Shape::Name => {
                !value.is_empty() && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            }
        }
    }
}

/// What is read at a moment.
pub(crate) struct Moment<'a> {
    pub(crate) life: Life<'a>,
    pub(crate) at: Timestamp,
    pub(crate) scene: Scene,
}

impl<'a> Moment<'a> {
    pub(crate) fn new(life: Life<'a>, at: Timestamp) -> Self {
        Self { life, at, scene: life.scene(at) }
    }

    /// The value of an operand in words; none if the car does not tell.
    pub(crate) fn read(&self, operand: &str) -> Option<String> {
        let scene = &self.scene;
        let charge = scene.charge.as_ref();
        let tank = scene.tank;
        let running = scene.driving.is_some();
        Some(match operand {
            "vehicle.alert" => {
                let kinds: Vec<_> = self.alerts().iter().map(|a| a.kind.to_string()).collect();
                kinds.join(",")
            }
            "vehicle.odometer" => whole(scene.odometer).to_string(),
            "vehicle.powertrain.status" => if running { "Running" } else { "NotRunning" }.into(),
            "vehicle.engines.thermic.oil.temp" => {
                (self.life.car.kind != CarKind::Electric).then_some(())?;
                if running { "88" } else { "215" }.into()
            }
            "vehicle.energy.electric.level" => whole(charge?.level).to_string(),
            "vehicle.energy.electric.autonomy" => charge?.autonomy.to_string(),
            "vehicle.energy.fuel.level" => whole(tank?.0).to_string(),
            "vehicle.energy.fuel.autonomy" => tank?.1.to_string(),
            "vehicle.autonomy" => {
                let electric = charge.map_or(0, |charge| charge.autonomy);
                (electric + tank.map_or(0, |(_, km)| km)).to_string()
            }
            "vehicle.energy.charging.status" => charging(charge?.status).into(),
            "vehicle.energy.charging.plugged" => charge?.plugged.to_string(),
            "vehicle.energy.charging.type" => {
                charge?;
                if self.life.car.kind == CarKind::Hybrid { "Full" } else { "Partial" }.into()
            }
            "vehicle.doorsState.lockedState" => {
                if scene.locked { "Locked" } else { "Unlocked" }.into()
            }
            "vehicle.doorsState.opening" => {
                let open: Vec<_> = scene.open.iter().map(|door| door.name()).collect();
                open.join(",")
            }
            "vehicle.kinetic.moving" => running.to_string(),
            "vehicle.kinetic.speed" => {
                scene.driving.as_ref().map_or(0.0, |drive| tenth(drive.kmh())).to_string()
            }
            "environment.air.temp" => tenth(scene.outside).to_string(),
            "vehicle.safety.beltWarning" => if running { "Normal" } else { "Omission" }.into(),
            "privacy.state" => match self.life.car.privacy {
                Privacy::None => "None",
                Privacy::Geolocation => "Geolocation",
                Privacy::Full => "Full",
            }
            .into(),
            "vehicle.drivingBehavior.mode" => "Eco".into(),
            "vehicle.safety.autoECallTriggering" => "NotDetected".into(),
            "vehicle.preconditioning.airConditioning" => {
                scene.preconditioning.map_or("Disabled", |(status, _)| status).into()
            }
            "vehicle.alarm.trigger.type" => self.break_in().unwrap_or_else(|| "NoBreakIn".into()),
            "vehicle.alarm.status.activation" => {
                if scene.locked { "Active" } else { "Inactive" }.into()
            }
            trip => self.trip(trip)?,
        })
    }

    /// Active warnings.
    pub(crate) fn alerts(&self) -> Vec<Alert> {
        let told = self.life.told(self.at);
        let mut alerts = self.life.alerts(at_second(told.as_second() - ALERTS), told);
        alerts.retain(|alert| alert.end.is_none());
        alerts
    }

    /// The last kind of break-in within a day.
    fn break_in(&self) -> Option<String> {
        let told = self.life.told(self.at);
        let alarms = self.life.alarms(at_second(told.as_second() - 86_400), told);
        alarms.into_iter().rev().find_map(|alarm| match alarm.event {
            AlarmEvent::SetOff(kind) => Some(kind.into_owned()),
            AlarmEvent::Armed | AlarmEvent::Disarmed => None,
        })
    }

    /// Of the last trip: the one under way, or the one that ended.
    fn trip(&self, operand: &str) -> Option<String> {
        let told = self.life.told(self.at);
        let drive = self.life.last_drive(told)?;
        let id = |drive: &crate::cars::Drive| self.life.name("trip", drive.start.as_second());
        let until = drive.stop.min(told);
        Some(match operand {
            "vehicle.trip.start" => id(&drive),
            "vehicle.trip.stop" if drive.stop <= told => id(&drive),
            "vehicle.trip.stop" => {
                id(&self.life.last_drive(at_second(drive.start.as_second() - 1))?)
            }
            "vehicle.trip.duration" => (until.as_second() - drive.start.as_second()).to_string(),
            "vehicle.trip.distance" => tenth(drive.km * drive.progress(until)).to_string(),
            "vehicle.trip.state" => match self.life.car.privacy {
                Privacy::None => "Nominal",
                Privacy::Geolocation | Privacy::Full => "DataLacking",
            }
            .into(),
            _ => return None,
        })
    }
}

pub(crate) fn charging(status: ChargeStatus) -> &'static str {
    match status {
        ChargeStatus::Disconnected => "Disconnected",
        ChargeStatus::InProgress => "InProgress",
        ChargeStatus::Stopped => "Stopped",
        ChargeStatus::Finished => "Finished",
    }
}
