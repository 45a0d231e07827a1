//! Energies, charging and scheduled programs.

use serde_json::Value;

use super::{
    read::{Read, document},
    time::{Iso, Stamp, TimeOfDay},
};

document! {
    /// One energy.
    Energy {
        told: Stamp = "createdAt" | "updatedAt",
        kind: String = "type",
        sub_kind: String = "subType",
        level: f64 = "level",
        autonomy: f64 = "autonomy",
        extension: EnergyExtension = "extension",
        /// Before there was `extension`.
        charging: Charging = "charging",
        battery: TractionBattery = "battery",
    }

    /// What belongs to one kind of energy.
    EnergyExtension {
        fuel: Fuel = "fuel",
        electric: Electric = "electric",
    }

    /// Fuel and hydrogen.
    Fuel {
        consumptions: Consumptions = "consumptions",
        consumption: Consumption = "consumption",
    }

    /// Use of fuel.
    Consumptions {
        total: f64 = "total",
        instant: f64 = "instant",
    }

    /// Use of anything, deprecated.
    Consumption {
        consumption: f64 = "consumption",
    }

    /// Electricity. Its instant consumption is left out: the `OpenAPI` file's "KW/H" is no unit.
    Electric {
        charging: Charging = "charging",
        battery: TractionBattery = "battery",
        residual: Consumption = "residual",
    }

    /// Charging.
    Charging {
        told: Stamp = "createdAt" | "updatedAt",
        plugged: bool = "plugged",
        status: String = "status",
        remaining: Iso = "remainingTime",
        rate: f64 = "chargingRate",
        power: String = "chargingPowerLevel",
        mode: String = "chargingMode",
        kind: String = "type",
        next_delayed: TimeOfDay = "nextDelayedTime",
        schedule: Schedule = "schedule",
    }

    /// The traction battery.
    TractionBattery {
        told: Stamp = "createdAt" | "updatedAt",
        capacity: f64 = "capacity",
        load: Load = "load",
        health: Health = "health",
    }

    /// How the traction battery has aged.
    Health {
        told: Stamp = "createdAt" | "updatedAt",
        capacity: f64 = "capacity",
        resistance: f64 = "resistance",
    }

    /// A recurring charge or preconditioning.
    Program {
        slot: f64 = "slot",
        enabled: bool = "enabled",
        start: TimeOfDay = "start",
        end: TimeOfDay = "end",
        recurrence: String = "recurrence",
        until_full: bool = "chargeUntilFull",
        occurence: Occurence = "occurence" | "occurrence",
    }

    /// On which days.
    Occurence {
        days: Vec<String> = "day",
    }
}

/// The energy in the traction battery, Wh: an object, or what it holds as a number.
#[derive(Default)]
pub(crate) struct Load {
    pub(crate) told: Option<Stamp>,
    pub(crate) capacity: Option<f64>,
    pub(crate) residual: Option<f64>,
}

document! {
    /// [`Load`] as an object.
    LoadObject {
        told: Stamp = "createdAt" | "updatedAt",
        capacity: f64 = "capacity",
        residual: f64 = "residual",
    }
}

impl Read for Load {
    fn read(value: &Value) -> Option<Self> {
        if let Some(LoadObject { told, capacity, residual }) = LoadObject::read(value) {
            return Some(Self { told, capacity, residual });
        }
        f64::read(value).map(|residual| Self { residual: Some(residual), ..Self::default() })
    }
}

/// Scheduled charges: a list, or an object with `programs`.
pub(crate) struct Schedule(pub(crate) Vec<Program>);

document! {
    /// [`Schedule`] as an object.
    ScheduleObject {
        programs: Vec<Program> = "programs",
    }
}

impl Read for Schedule {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Array(_) => Vec::read(value).map(Self),
            _ => ScheduleObject::read(value)?.programs.map(Self),
        }
    }
}
