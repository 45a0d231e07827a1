//! The state of a car: `GET …/status`, and the same parts in `GET …/telemetry`.

use serde_json::Value;

use super::{
    energy::{Energy, Program},
    read::{Read, document},
    time::Stamp,
};

document! {
    /// `GET …/status`, and an item of `GET …/telemetry` without its `vehicle`.
    Status {
        told: Stamp = "createdAt" | "updatedAt",
        position: Position = "lastPosition",
        privacy: Privacy = "privacy",
        environment: Environment = "environment",
        service: Service = "service",
        preconditioning: Preconditioning = "preconditioning",
        preconditionning: Preconditioning = "preconditionning",
        /// Telemetry: the parts below, one level deeper.
        vehicle: Parts = "vehicle",
        embedded: StatusEmbedded = "_embedded",
    }

    /// What comes within an item of telemetry.
    StatusEmbedded {
        extension: TelemetryExtension = "extension",
    }

    /// What `extension=` asked for.
    TelemetryExtension {
        position: Position = "location",
        maintenance: Maintenance = "maintenance",
    }

    /// The parts that a status holds itself and telemetry under `vehicle`.
    Parts {
        energies: Vec<Energy> = "energies",
        energy: Vec<Energy> = "energy",
        engines: Vec<Engine> = "engines",
        powertrain: Powertrain = "powertrain",
        ignition: Ignition = "ignition",
        doors: Doors = "doorsState",
        battery: Battery = "battery",
        safety: Safety = "safety",
        odometer: Odometer = "odometer",
        timed_odometer: Odometer = "timed.odometer",
        /// The same, nested.
        timed: Timed = "timed",
        kinetic: Kinetic = "kinetic",
        driving: Driving = "drivingBehavior",
        lighting: Lighting = "lightingSystem",
        alarm: super::Alarm = "alarm",
        transmission: Transmission = "transmission",
        wipers: Wipers = "wipingBlades",
        assistants: Adas = "adas",
        stolen: Stolen = "stolen",
    }

    /// Where the odometer stood before.
    Timed {
        odometer: Odometer = "odometer",
    }

    /// A `GeoJSON` feature: `GET …/lastPosition`, and wherever a place is told.
    Position {
        told: Stamp = "createdAt" | "updatedAt",
        geometry: Geometry = "geometry",
        properties: PositionProperties = "properties",
    }

    /// A `GeoJSON` point: longitude, latitude, altitude if known.
    Geometry {
        coordinates: Coordinates = "coordinates",
    }

    /// How a place was found.
    PositionProperties {
        told: Stamp = "createdAt" | "updatedAt",
        heading: f64 = "heading",
        signal_quality: f64 = "signalQuality",
        kind: String = "type",
        fix: String = "fixStatus",
    }

    /// One engine.
    Engine {
        told: Stamp = "createdAt" | "updatedAt",
        kind: String = "type",
        speed: f64 = "speed",
        status: String = "gmpStatus",
        oil: Liquid = "oil",
        extension: EngineExtension = "extension",
    }

    /// What belongs to one kind of engine.
    EngineExtension {
        thermic: Thermic = "thermic",
    }

    /// A combustion engine's liquids and air.
    Thermic {
        coolant: Liquid = "coolant",
        oil: Liquid = "oil",
        air: Liquid = "air",
    }

    /// Level in percent, temperature in °C.
    Liquid {
        level: f64 = "level",
        temp: f64 = "temp",
    }

    /// Whatever drives the car.
    Powertrain {
        told: Stamp = "createdAt" | "updatedAt",
        status: String = "status",
    }

    /// The ignition.
    Ignition {
        told: Stamp = "createdAt" | "updatedAt",
        kind: String = "type",
    }

    /// What the driver hides.
    Privacy {
        told: Stamp = "createdAt" | "updatedAt",
        state: String = "state",
    }

    /// Deprecated.
    Service {
        told: Stamp = "createdAt" | "updatedAt",
        kind: String = "type",
    }

    /// Doors.
    Doors {
        told: Stamp = "createdAt" | "updatedAt",
        locks: Vec<String> = "lockedStates" | "lockedState",
        opening: Vec<Door> = "opening",
    }

    /// One door.
    Door {
        identifier: String = "identifier",
        state: String = "state",
    }

    /// The 12 V battery. `voltage` is its state of charge in percent.
    Battery {
        told: Stamp = "createdAt" | "updatedAt",
        voltage: f64 = "voltage",
    }

    /// Belts and emergency call.
    Safety {
        told: Stamp = "createdAt" | "updatedAt",
        belts: Vec<Belt> = "beltStatus",
        emergency_call: String = "autoECallTriggering",
    }

    /// One belt.
    Belt {
        id: String = "id",
        belt: String = "belt",
    }

    /// The odometer.
    Odometer {
        told: Stamp = "createdAt" | "updatedAt",
        mileage: f64 = "mileage",
    }

    /// Movement.
    Kinetic {
        told: Stamp = "createdAt" | "updatedAt",
        moving: bool = "moving",
        speed: f64 = "speed",
        acceleration: f64 = "acceleration",
    }

    /// Air and light outside.
    Environment {
        told: Stamp = "createdAt" | "updatedAt",
        air: Air = "air",
        luminosity: Luminosity = "luminosity",
    }

    /// The air outside.
    Air {
        told: Stamp = "createdAt" | "updatedAt",
        temp: f64 = "temp",
    }

    /// The light outside.
    Luminosity {
        told: Stamp = "createdAt" | "updatedAt",
        day: bool = "day",
    }

    /// The driving mode.
    Driving {
        told: Stamp = "createdAt" | "updatedAt",
        mode: String = "mode",
    }

    /// Lights.
    Lighting {
        told: Stamp = "createdAt" | "updatedAt",
        turn: Vec<Light> = "turn",
        fog: Vec<Light> = "fog",
    }

    /// One light.
    Light {
        direction: String = "direction",
        position: String = "position",
        status: Switch = "status",
    }

    /// Preconditioning.
    Preconditioning {
        told: Stamp = "createdAt" | "updatedAt",
        air: AirConditioning = "airConditioning",
    }

    /// Heating or cooling before the drive.
    AirConditioning {
        told: Stamp = "createdAt" | "updatedAt",
        status: String = "status",
        cause: String = "startingCause",
        failure: String = "failureCause",
        programs: Vec<Program> = "programs",
    }

    /// The gearbox.
    Transmission {
        told: Stamp = "createdAt" | "updatedAt",
        gearbox: Gearbox = "gearbox",
    }

    /// Its ratio and, by name, its modes: `true` or `false`.
    Gearbox {
        told: Stamp = "createdAt" | "updatedAt",
        ratio: String = "ratio",
        mode: Value = "mode",
    }

    /// Wipers.
    Wipers {
        told: Stamp = "createdAt" | "updatedAt",
        active: bool = "active",
        speed: String = "speed",
    }

    /// Driving assistants.
    Adas {
        told: Stamp = "createdAt" | "updatedAt",
        park: ParkAssist = "parkAssist",
        accr: String = "accr",
        lvv: bool = "lvv",
        rvv: String = "rvv",
        aebs: String = "aebs",
        afil: String = "afil",
        artiv: String = "artiv",
        bsm: String = "bsm",
        esp: bool = "esp",
        abs: bool = "abs",
        fse: bool = "fse",
        sli: f64 = "sli",
        rlka: String = "rlka",
        llka: String = "llka",
        rgi: String = "rgi",
    }

    /// Park assist.
    ParkAssist {
        front: Vec<String> = "front",
        rear: Vec<String> = "rear",
    }

    /// `GET …/maintenance`.
    Maintenance {
        told: Stamp = "createdAt" | "updatedAt",
        days: f64 = "daysBeforeMaintenance",
        mileage: f64 = "mileageBeforeMaintenance",
    }
}

/// A status, or an item of telemetry: the parts are read at both their places.
pub(crate) struct Document {
    pub(crate) status: Status,
    pub(crate) parts: Parts,
}

impl Read for Document {
    fn read(value: &Value) -> Option<Self> {
        Some(Self { status: Status::read(value)?, parts: Parts::read(value)? })
    }
}

/// Numbers of a `GeoJSON` point. All or nothing: leaving one out would move the others.
pub(crate) struct Coordinates(pub(crate) Vec<f64>);

impl Read for Coordinates {
    fn read(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(f64::read).collect::<Option<_>>().map(Self)
    }
}

/// `On` or `Off`, which YAML 1.1 tools turn into booleans.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    On,
    Off,
}

impl Read for Switch {
    fn read(value: &Value) -> Option<Self> {
        let on = match value.as_str() {
            Some(text) if text.eq_ignore_ascii_case("on") => true,
            Some(text) if text.eq_ignore_ascii_case("off") => false,
            _ => bool::read(value)?,
        };
        Some(if on { Self::On } else { Self::Off })
    }
}

/// Whether the car is reported stolen: a flag, or an object with one.
#[derive(Default)]
pub(crate) struct Stolen {
    pub(crate) told: Option<Stamp>,
    pub(crate) stolen: Option<bool>,
}

document! {
    /// [`Stolen`] as an object.
    StolenObject {
        told: Stamp = "createdAt" | "updatedAt",
        stolen: bool = "stolen" | "state" | "status",
    }
}

impl Read for Stolen {
    fn read(value: &Value) -> Option<Self> {
        if let Some(StolenObject { told, stolen }) = StolenObject::read(value) {
            return Some(Self { told, stolen });
        }
        bool::read(value).map(|stolen| Self { told: None, stolen: Some(stolen) })
    }
}
