//! The state of a car: `GET …/status`, and the same parts in `GET …/telemetry`.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    energy::{Energy, Program},
    read::{Read, document},
};

document! {
    /// `GET …/status`, and an item of `GET …/telemetry` without its `vehicle`.
    Status {
        created_at: Timestamp = "createdAt" | "updatedAt",
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
        kinetic: Kinetic = "kinetic",
        driving: Driving = "drivingBehavior",
        lighting: Lighting = "lightingSystem",
        alarm: super::Alarm = "alarm",
        transmission: Transmission = "transmission",
        wipers: Wipers = "wipingBlades",
        assistants: Adas = "adas",
    }

    /// A `GeoJSON` feature: `GET …/lastPosition`, and wherever a place is told.
    Position {
        geometry: Geometry = "geometry",
        properties: PositionProperties = "properties",
    }

    /// A `GeoJSON` point: longitude, latitude, altitude if known.
    Geometry {
        coordinates: Coordinates = "coordinates",
    }

    /// How a place was found.
    PositionProperties {
        created_at: Timestamp = "createdAt" | "updatedAt",
        heading: f64 = "heading",
        signal_quality: f64 = "signalQuality",
        kind: String = "type",
        fix: String = "fixStatus",
    }

    /// One engine.
    Engine {
        created_at: Timestamp = "createdAt" | "updatedAt",
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
        created_at: Timestamp = "createdAt" | "updatedAt",
        status: String = "status",
    }

    /// The ignition.
    Ignition {
        created_at: Timestamp = "createdAt" | "updatedAt",
        kind: String = "type",
    }

    /// What the driver hides.
    Privacy {
        created_at: Timestamp = "createdAt" | "updatedAt",
        state: String = "state",
    }

    /// Deprecated.
    Service {
        created_at: Timestamp = "createdAt" | "updatedAt",
        kind: String = "type",
    }

    /// Doors.
    Doors {
        created_at: Timestamp = "createdAt" | "updatedAt",
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
        created_at: Timestamp = "createdAt" | "updatedAt",
        voltage: f64 = "voltage",
    }

    /// Belts and emergency call.
    Safety {
        created_at: Timestamp = "createdAt" | "updatedAt",
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
        created_at: Timestamp = "createdAt" | "updatedAt",
        mileage: f64 = "mileage",
    }

    /// Movement.
    Kinetic {
        created_at: Timestamp = "createdAt" | "updatedAt",
        moving: bool = "moving",
        speed: f64 = "speed",
        acceleration: f64 = "acceleration",
    }

    /// Air and light outside.
    Environment {
        air: Air = "air",
        luminosity: Luminosity = "luminosity",
    }

    /// The air outside.
    Air {
        created_at: Timestamp = "createdAt" | "updatedAt",
        temp: f64 = "temp",
    }

    /// The light outside.
    Luminosity {
        created_at: Timestamp = "createdAt" | "updatedAt",
        day: bool = "day",
    }

    /// The driving mode.
    Driving {
        created_at: Timestamp = "createdAt" | "updatedAt",
        mode: String = "mode",
    }

    /// Lights.
    Lighting {
        created_at: Timestamp = "createdAt" | "updatedAt",
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
        air: AirConditioning = "airConditioning",
    }

    /// Heating or cooling before the drive.
    AirConditioning {
        created_at: Timestamp = "createdAt" | "updatedAt",
        status: String = "status",
        cause: String = "startingCause",
        failure: String = "failureCause",
        programs: Vec<Program> = "programs",
    }

    /// The gearbox.
    Transmission {
        gearbox: Gearbox = "gearbox",
    }

    /// Its ratio and, by name, its modes: `true` or `false`.
    Gearbox {
        ratio: String = "ratio",
        mode: Value = "mode",
    }

    /// Wipers.
    Wipers {
        active: bool = "active",
        speed: String = "speed",
    }

    /// Driving assistants.
    Adas {
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
        created_at: Timestamp = "createdAt" | "updatedAt",
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
