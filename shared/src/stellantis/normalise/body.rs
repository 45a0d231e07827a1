//! Everything of a car but its energies.

use super::{
    super::wire::{self, Switch},
    Entry, MILEAGE, PERCENT, Times, flag, list, number,
    place::position,
    programs, put, text, word, words,
};
use crate::domain::snapshot::{Block, Field, Snapshot, Value};

/// The parts that a status holds itself and telemetry under `vehicle`.
pub(super) fn parts(snapshot: &mut Snapshot, parts: &wire::Parts, times: Times) {
    motion(snapshot, parts, times);
    for engine in parts.engines.iter().flatten() {
        self::engine(snapshot, engine, times);
    }
    if let Some(doors) = &parts.doors {
        self::doors(snapshot, doors, times);
    }
    if let Some(wire::Battery { told, voltage }) = parts.battery {
        let level = number(Field::BatteryLevel, voltage, PERCENT);
        put(snapshot, Block::Battery, times.of(told), [level]);
    }
    if let Some(safety) = &parts.safety {
        self::safety(snapshot, safety, times);
    }
    if let Some(driving) = &parts.driving {
        let mode = text(Field::DrivingMode, driving.mode.as_ref());
        put(snapshot, Block::Driving, times.of(driving.told), [mode]);
    }
    if let Some(lighting) = &parts.lighting {
        let entries = [
            lights(Field::LightingTurn, lighting.turn.as_ref()),
            lights(Field::LightingFog, lighting.fog.as_ref()),
        ];
        put(snapshot, Block::Lighting, times.of(lighting.told), entries);
    }
    if let Some(alarm) = &parts.alarm {
        self::alarm(snapshot, alarm, times);
    }
    telemetry(snapshot, parts, times);
}

fn motion(snapshot: &mut Snapshot, parts: &wire::Parts, times: Times) {
    if let Some(ignition) = &parts.ignition {
        let state = text(Field::IgnitionState, ignition.kind.as_ref());
        put(snapshot, Block::Ignition, times.of(ignition.told), [state]);
    }
    let ignition = parts.ignition.as_ref().and_then(|ignition| ignition.kind.as_deref());
    let nested = parts.timed.as_ref().and_then(|timed| timed.odometer.as_ref());
    let twins = [parts.odometer.as_ref(), parts.timed_odometer.as_ref(), nested];
    for odometer in twins.into_iter().flatten() {
        // With the ignition off a 0 means nothing.
        let mileage = odometer.mileage.filter(|km| *km > 0.0 || ignition == Some("Start"));
        let mileage = number(Field::OdometerMileage, mileage, MILEAGE);
        put(snapshot, Block::Odometer, times.of(odometer.told), [mileage]);
    }
    if let Some(kinetic) = &parts.kinetic {
        let entries = [
            flag(Field::KineticMoving, kinetic.moving),
            number(Field::KineticSpeed, kinetic.speed, 0.0..=400.0),
            number(Field::KineticAcceleration, kinetic.acceleration, -100.0..=100.0),
        ];
        put(snapshot, Block::Kinetic, times.of(kinetic.told), entries);
    }
    if let Some(powertrain) = &parts.powertrain {
        let status = text(Field::PowertrainStatus, powertrain.status.as_ref());
        put(snapshot, Block::Powertrain, times.of(powertrain.told), [status]);
    }
}

fn engine(snapshot: &mut Snapshot, engine: &wire::Engine, times: Times) {
    let time = times.of(engine.told);
    let status = engine.status.as_ref();
    if engine.kind.as_deref() == Some("Electric") {
        let entries = [
            text(Field::ElectricEngineStatus, status),
            number(Field::ElectricEngineSpeed, engine.speed, 0.0..=50_000.0),
        ];
        put(snapshot, Block::ElectricEngine, time, entries);
        return;
    }
    let thermic = engine.extension.as_ref().and_then(|extension| extension.thermic.as_ref());
    let oil = thermic.and_then(|thermic| thermic.oil.as_ref()).or(engine.oil.as_ref());
    let coolant = thermic.and_then(|thermic| thermic.coolant.as_ref());
    let air = thermic.and_then(|thermic| thermic.air.as_ref());
    let level = |field, liquid: Option<&wire::Liquid>| number(field, liquid?.level, PERCENT);
    let entries = [
        text(Field::ThermicEngineStatus, status),
        number(Field::ThermicEngineSpeed, engine.speed, 0.0..=20_000.0),
        temperature(Field::ThermicEngineCoolantTemperature, coolant),
        level(Field::ThermicEngineCoolantLevel, coolant),
        temperature(Field::ThermicEngineOilTemperature, oil),
        level(Field::ThermicEngineOilLevel, oil),
        temperature(Field::ThermicEngineAirTemperature, air),
    ];
    put(snapshot, Block::ThermicEngine, time, entries);
}

/// °C; 215 means "not available".
fn temperature(field: Field, liquid: Option<&wire::Liquid>) -> Entry {
    number(field, liquid?.temp.filter(|temp| *temp < 215.0), -60.0..=300.0)
}

fn doors(snapshot: &mut Snapshot, doors: &wire::Doors, times: Times) {
    let those = |state: &str| {
        let doors = doors.opening.as_ref()?;
        let those = doors.iter().filter(|door| door.state.as_deref() == Some(state));
        Some(those.filter_map(|door| word(door.identifier.as_deref()?)).collect::<Vec<_>>())
    };
    let entries = [
        words(Field::DoorsLocks, doors.locks.as_ref()),
        list(Field::DoorsOpen, those("Open")),
        list(Field::DoorsClosed, those("Closed")),
    ];
    put(snapshot, Block::Doors, times.of(doors.told), entries);
}

fn safety(snapshot: &mut Snapshot, safety: &wire::Safety, times: Times) {
    let belt = |field, seat: &str| {
        let belts = safety.belts.as_ref()?;
        let is_here = |belt: &&wire::Belt| belt.id.as_deref().and_then(self::seat) == Some(seat);
        text(field, belts.iter().find(is_here)?.belt.as_ref())
    };
    let entries = [
        belt(Field::SafetyDriverBelt, "driver"),
        belt(Field::SafetyPassengerBelt, "passenger"),
        belt(Field::SafetyRearLeftBelt, "rear_left"),
        belt(Field::SafetyRearMiddleBelt, "rear_middle"),
        belt(Field::SafetyRearRightBelt, "rear_right"),
        text(Field::SafetyEmergencyCall, safety.emergency_call.as_ref()),
    ];
    put(snapshot, Block::Safety, times.of(safety.told), entries);
}

/// Which seat. The reference knows two; the names of the others vary.
fn seat(id: &str) -> Option<&'static str> {
    let id = id.to_ascii_lowercase();
    let has = |part: &str| id.contains(part);
    if has("rear") || has("back") {
        let middle = ["middle", "center", "centre"].iter().any(|part| has(part));
        return match (middle, has("left"), has("right")) {
            (true, ..) => Some("rear_middle"),
            (_, true, false) => Some("rear_left"),
            (_, false, true) => Some("rear_right"),
            _ => None,
        };
    }
    match id.as_str() {
        "driver" => Some("driver"),
        "passenger" => Some("passenger"),
        _ => None,
    }
}

/// The lights that are on, as `front_left`.
fn lights(field: Field, lights: Option<&Vec<wire::Light>>) -> Entry {
    let on = lights?.iter().filter(|light| light.status == Some(Switch::On));
    let names = on.filter_map(|light| {
        let place: Vec<_> = [&light.position, &light.direction].into_iter().flatten().collect();
        let place: Vec<_> = place.into_iter().filter_map(|part| word(part)).collect();
        (!place.is_empty()).then(|| place.join("_"))
    });
    list(field, Some(names))
}

pub(super) fn alarm(snapshot: &mut Snapshot, alarm: &wire::Alarm, times: Times) {
    let times = times.within(alarm.told);
    if let Some(status) = &alarm.status {
        let activation = text(Field::AlarmActivation, status.activation.as_ref());
        put(snapshot, Block::Alarm, times.of(status.told), [activation]);
    }
    let real = |trigger: &&wire::AlarmTrigger| trigger.kind.as_deref() != Some("NoBreakIn");
    if let Some(trigger) = alarm.trigger.as_ref().filter(real) {
        let latest = times.received + super::AHEAD;
        let started_at = trigger.started_at.filter(|at| *at <= latest);
        let own = trigger.told.or(started_at.map(wire::Stamp::from));
        let place = trigger.position.as_ref().and_then(position);
        let entries = [
            text(Field::AlarmTriggerKind, trigger.kind.as_ref()),
            started_at.map(|at| (Field::AlarmTriggerStartedAt, Value::Text(at.to_string()))),
            place.map(|place| (Field::AlarmTriggerPlace, Value::Position(place))),
        ];
        put(snapshot, Block::AlarmTrigger, times.of(own), entries);
    }
}

/// What telemetry alone was to tell, and a status tells too.
fn telemetry(snapshot: &mut Snapshot, parts: &wire::Parts, times: Times) {
    if let Some(transmission) = &parts.transmission
        && let Some(gearbox) = &transmission.gearbox
    {
        let modes = gearbox.mode.as_ref().and_then(serde_json::Value::as_object);
        let on = modes.map(|modes| {
            let on = modes.iter().filter(|(_, on)| on.as_bool() == Some(true));
            on.filter_map(|(name, _)| word(name)).collect::<Vec<_>>()
        });
        let ratio = text(Field::GearboxRatio, gearbox.ratio.as_ref());
        let told = times.within(transmission.told).of(gearbox.told);
        put(snapshot, Block::Gearbox, told, [ratio, list(Field::GearboxModes, on)]);
    }
    if let Some(wipers) = &parts.wipers {
        let speed = text(Field::WipersSpeed, wipers.speed.as_ref());
        let told = times.of(wipers.told);
        put(snapshot, Block::Wipers, told, [flag(Field::WipersActive, wipers.active), speed]);
    }
    if let Some(adas) = &parts.assistants {
        put(snapshot, Block::Assistants, times.of(adas.told), assistants(adas));
    }
    if let Some(theft) = &parts.stolen {
        let stolen = flag(Field::TheftStolen, theft.stolen);
        put(snapshot, Block::Theft, times.of(theft.told), [stolen]);
    }
}

/// When the car is to be serviced.
pub(super) fn maintenance(snapshot: &mut Snapshot, due: &wire::Maintenance, times: Times) {
    let entries = [
        number(Field::MaintenanceDays, due.days, super::events::DAYS_LEFT),
        number(Field::MaintenanceDistance, due.mileage, super::events::DISTANCE_LEFT),
    ];
    put(snapshot, Block::Maintenance, times.of(due.told), entries);
}

fn assistants(adas: &wire::Adas) -> [Entry; 16] {
    let park = adas.park.as_ref();
    [
        words(Field::AssistantsParkFront, park.and_then(|park| park.front.as_ref())),
        words(Field::AssistantsParkRear, park.and_then(|park| park.rear.as_ref())),
        text(Field::AssistantsAdaptiveCruise, adas.accr.as_ref()),
        flag(Field::AssistantsLimiter, adas.lvv),
        text(Field::AssistantsCruise, adas.rvv.as_ref()),
        text(Field::AssistantsEmergencyBraking, adas.aebs.as_ref()),
        text(Field::AssistantsLaneDeparture, adas.afil.as_ref()),
        text(Field::AssistantsDistance, adas.artiv.as_ref()),
        text(Field::AssistantsBlindSpot, adas.bsm.as_ref()),
        flag(Field::AssistantsStability, adas.esp),
        flag(Field::AssistantsAntiLock, adas.abs),
        flag(Field::AssistantsElectricBrake, adas.fse),
        number(Field::AssistantsSpeedLimit, adas.sli, 0.0..=200.0),
        text(Field::AssistantsLaneRight, adas.rlka.as_ref()),
        text(Field::AssistantsLaneLeft, adas.llka.as_ref()),
        text(Field::AssistantsGear, adas.rgi.as_ref()),
    ]
}

/// What lies around the parts: place, privacy, air and light, preconditioning.
pub(super) fn around(snapshot: &mut Snapshot, status: &wire::Status, times: Times) {
    let extension = status.embedded.as_ref().and_then(|embedded| embedded.extension.as_ref());
    let located = extension.and_then(|extension| extension.position.as_ref());
    for feature in [status.position.as_ref(), located].into_iter().flatten() {
        let own = feature.properties.as_ref().and_then(|properties| properties.told);
        let place = position(feature).map(|at| (Field::PositionPlace, Value::Position(at)));
        put(snapshot, Block::Position, times.within(feature.told).of(own), [place]);
    }
    if let Some(due) = extension.and_then(|extension| extension.maintenance.as_ref()) {
        maintenance(snapshot, due, times);
    }
    if let Some(privacy) = &status.privacy {
        let state = text(Field::PrivacyState, privacy.state.as_ref());
        put(snapshot, Block::Privacy, times.of(privacy.told), [state]);
    }
    if let Some(service) = &status.service {
        let kind = text(Field::ServiceKind, service.kind.as_ref());
        put(snapshot, Block::Service, times.of(service.told), [kind]);
    }
    if let Some(environment) = &status.environment {
        let times = times.within(environment.told);
        if let Some(air) = &environment.air {
            let temperature = number(Field::AirTemperature, air.temp, -60.0..=70.0);
            put(snapshot, Block::Air, times.of(air.told), [temperature]);
        }
        if let Some(light) = &environment.luminosity {
            let day = flag(Field::LuminosityDay, light.day);
            put(snapshot, Block::Luminosity, times.of(light.told), [day]);
        }
    }
    for preconditioning in [&status.preconditioning, &status.preconditionning].into_iter().flatten()
    {
        if let Some(air) = &preconditioning.air {
            let entries = [
                text(Field::PreconditioningStatus, air.status.as_ref()),
                text(Field::PreconditioningCause, air.cause.as_ref()),
                text(Field::PreconditioningFailure, air.failure.as_ref()),
                programs(Field::PreconditioningPrograms, air.programs.as_ref()),
            ];
            let told = times.within(preconditioning.told).of(air.told);
            put(snapshot, Block::Preconditioning, told, entries);
        }
    }
}
