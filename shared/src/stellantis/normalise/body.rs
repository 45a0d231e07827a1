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
    if let Some(wire::Battery { created_at, voltage }) = parts.battery {
        let level = number(Field::BatteryLevel, voltage, PERCENT);
        put(snapshot, Block::Battery, times.of(created_at), [level]);
    }
    if let Some(safety) = &parts.safety {
        self::safety(snapshot, safety, times);
    }
    if let Some(driving) = &parts.driving {
        let mode = text(Field::DrivingMode, driving.mode.as_ref());
        put(snapshot, Block::Driving, times.of(driving.created_at), [mode]);
    }
    if let Some(lighting) = &parts.lighting {
        let entries = [
            lights(Field::LightingTurn, lighting.turn.as_ref()),
            lights(Field::LightingFog, lighting.fog.as_ref()),
        ];
        put(snapshot, Block::Lighting, times.of(lighting.created_at), entries);
    }
    if let Some(alarm) = &parts.alarm {
        self::alarm(snapshot, alarm, times);
    }
    telemetry(snapshot, parts, times);
}

fn motion(snapshot: &mut Snapshot, parts: &wire::Parts, times: Times) {
    if let Some(ignition) = &parts.ignition {
        let state = text(Field::IgnitionState, ignition.kind.as_ref());
        put(snapshot, Block::Ignition, times.of(ignition.created_at), [state]);
    }
    let ignition = parts.ignition.as_ref().and_then(|ignition| ignition.kind.as_deref());
    for odometer in [&parts.odometer, &parts.timed_odometer].into_iter().flatten() {
        // With the ignition off a 0 means nothing.
        let mileage = odometer.mileage.filter(|km| *km > 0.0 || ignition == Some("Start"));
        let mileage = number(Field::OdometerMileage, mileage, MILEAGE);
        put(snapshot, Block::Odometer, times.of(odometer.created_at), [mileage]);
    }
    if let Some(kinetic) = &parts.kinetic {
        let entries = [
            flag(Field::KineticMoving, kinetic.moving),
            number(Field::KineticSpeed, kinetic.speed, 0.0..=400.0),
            number(Field::KineticAcceleration, kinetic.acceleration, -100.0..=100.0),
        ];
        put(snapshot, Block::Kinetic, times.of(kinetic.created_at), entries);
    }
    if let Some(powertrain) = &parts.powertrain {
        let status = text(Field::PowertrainStatus, powertrain.status.as_ref());
        put(snapshot, Block::Powertrain, times.of(powertrain.created_at), [status]);
    }
}

fn engine(snapshot: &mut Snapshot, engine: &wire::Engine, times: Times) {
    let time = times.of(engine.created_at);
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
    put(snapshot, Block::Doors, times.of(doors.created_at), entries);
}

fn safety(snapshot: &mut Snapshot, safety: &wire::Safety, times: Times) {
    let belt = |field, seat: &str| {
        let belts = safety.belts.as_ref()?;
        let own = belts.iter().find(|belt| belt.id.as_deref() == Some(seat))?;
        text(field, own.belt.as_ref())
    };
    let entries = [
        belt(Field::SafetyDriverBelt, "Driver"),
        belt(Field::SafetyPassengerBelt, "Passenger"),
        text(Field::SafetyEmergencyCall, safety.emergency_call.as_ref()),
    ];
    put(snapshot, Block::Safety, times.of(safety.created_at), entries);
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

fn alarm(snapshot: &mut Snapshot, alarm: &wire::Alarm, times: Times) {
    if let Some(status) = &alarm.status {
        let activation = text(Field::AlarmActivation, status.activation.as_ref());
        put(snapshot, Block::Alarm, times.of(status.created_at), [activation]);
    }
    let real = |trigger: &&wire::AlarmTrigger| trigger.kind.as_deref() != Some("NoBreakIn");
    if let Some(trigger) = alarm.trigger.as_ref().filter(real) {
        let started_at = times.of(trigger.started_at.or(trigger.created_at));
        let started_at = started_at.filter(|_| trigger.started_at.is_some());
        let place = trigger.position.as_ref().and_then(position);
        let entries = [
            text(Field::AlarmTriggerKind, trigger.kind.as_ref()),
            started_at.map(|at| (Field::AlarmTriggerStartedAt, Value::Text(at.to_string()))),
            place.map(|place| (Field::AlarmTriggerPlace, Value::Position(place))),
        ];
        let time = times.of(trigger.created_at.or(trigger.started_at));
        put(snapshot, Block::AlarmTrigger, time, entries);
    }
}

/// What telemetry alone tells; it has no times of its own.
fn telemetry(snapshot: &mut Snapshot, parts: &wire::Parts, times: Times) {
    let time = times.of(None);
    if let Some(gearbox) = parts.transmission.as_ref().and_then(|t| t.gearbox.as_ref()) {
        let modes = gearbox.mode.as_ref().and_then(serde_json::Value::as_object);
        let on = modes.map(|modes| {
            let on = modes.iter().filter(|(_, on)| on.as_bool() == Some(true));
            on.filter_map(|(name, _)| word(name)).collect::<Vec<_>>()
        });
        let ratio = text(Field::GearboxRatio, gearbox.ratio.as_ref());
        put(snapshot, Block::Gearbox, time, [ratio, list(Field::GearboxModes, on)]);
    }
    if let Some(wipers) = &parts.wipers {
        let speed = text(Field::WipersSpeed, wipers.speed.as_ref());
        put(snapshot, Block::Wipers, time, [flag(Field::WipersActive, wipers.active), speed]);
    }
    if let Some(adas) = &parts.assistants {
        put(snapshot, Block::Assistants, time, assistants(adas));
    }
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
        let own = feature.properties.as_ref().and_then(|properties| properties.created_at);
        let place = position(feature).map(|at| (Field::PositionPlace, Value::Position(at)));
        put(snapshot, Block::Position, times.of(own), [place]);
    }
    if let Some(due) = extension.and_then(|extension| extension.maintenance.as_ref()) {
        let mut maintenance = super::maintenance(due, times.received);
        maintenance.observed_at = times.of(due.created_at);
        *snapshot = std::mem::take(snapshot).merge(maintenance.into()).0;
    }
    if let Some(privacy) = &status.privacy {
        let state = text(Field::PrivacyState, privacy.state.as_ref());
        put(snapshot, Block::Privacy, times.of(privacy.created_at), [state]);
    }
    if let Some(service) = &status.service {
        let kind = text(Field::ServiceKind, service.kind.as_ref());
        put(snapshot, Block::Service, times.of(service.created_at), [kind]);
    }
    if let Some(air) = status.environment.as_ref().and_then(|around| around.air.as_ref()) {
        let temperature = number(Field::AirTemperature, air.temp, -60.0..=70.0);
        put(snapshot, Block::Air, times.of(air.created_at), [temperature]);
    }
    if let Some(light) = status.environment.as_ref().and_then(|e| e.luminosity.as_ref()) {
        let day = flag(Field::LuminosityDay, light.day);
        put(snapshot, Block::Luminosity, times.of(light.created_at), [day]);
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
            put(snapshot, Block::Preconditioning, times.of(air.created_at), entries);
        }
    }
}
