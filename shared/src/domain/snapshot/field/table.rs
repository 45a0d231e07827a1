//! The table itself.

use serde::{Deserialize, Serialize};

use super::{Kind, Unit};

table! {
    /// The ignition.
    Ignition "ignition" in "data:telemetry:vehicle:ignition" {
        /// `stop`, `start_up` or `start`.
        IgnitionState "state" Text,
    }
    /// Where the car is.
    Position "position" in "data:position" {
        /// The last known place.
        PositionPlace "place" Position,
    }
    /// What the driver hides on purpose.
    Privacy "privacy" in "data:telemetry:privacy" {
        /// `none`, `geolocation` (no position) or `full` (nothing at all).
        PrivacyState "state" Text,
    }
    /// The odometer.
    Odometer "odometer" in "data:telemetry:vehicle:odometer" {
        /// Distance driven in the car's life, km. Never runs backwards.
        OdometerMileage "mileage" Number Kilometre,
    }
    /// Movement.
    Kinetic "kinetic" in "data:telemetry:vehicle:kinetic" {
        /// Whether the car moves.
        KineticMoving "moving" Flag,
        /// Speed, km/h.
        KineticSpeed "speed" Number KilometrePerHour,
        /// Longitudinal acceleration, m/s².
        KineticAcceleration "acceleration" Number MetrePerSecondSquared,
    }
    /// Petrol or diesel.
    Fuel "fuel" in "data:telemetry:vehicle:energies" {
        /// What is left, %.
        FuelLevel "level" Number Percent,
        /// How far it takes the car, km.
        FuelRange "range" Number Kilometre,
        /// Used in the car's life, L.
        FuelConsumed "consumed" Number Litre,
        /// Use at the moment, L/100 km.
        FuelConsumption "consumption" Number LitrePerHundredKilometres,
    }
    /// Hydrogen.
    Hydrogen "hydrogen" in "data:telemetry:vehicle:energies" {
        /// What is left, %.
        HydrogenLevel "level" Number Percent,
        /// How far it takes the car, km.
        HydrogenRange "range" Number Kilometre,
        /// Use at the moment, kg/100 km.
        HydrogenConsumption "consumption" Number KilogramPerHundredKilometres,
    }
    /// The traction battery.
    Electric "electric" in "data:telemetry:vehicle:energies" {
        /// State of charge, %.
        ElectricLevel "level" Number Percent,
        /// How far it takes the car, km.
        ElectricRange "range" Number Kilometre,
    }
    /// Charging of the traction battery.
    Charging "charging" in "data:telemetry:vehicle:energies" {
        /// Whether a cable is in.
        ChargingPlugged "plugged" Flag,
        /// `disconnected`, `in_progress`, `failure`, `stopped` or `finished`.
        ChargingStatus "status" Text,
        /// Until full, s, counted from `observed_at` and not from now.
        ChargingRemaining "remaining" Number Second,
        /// Range gained per hour, km/h.
        ChargingRate "rate" Number KilometrePerHour,
        /// `slow`, `quick` or `no`.
        ChargingMode "mode" Text,
        /// `level1` to `level5`.
        ChargingPower "power" Text,
        /// `partial` (to spare the battery) or `full`.
        ChargingType "type" Text,
        /// When the delayed charge starts, the car's time of day: `22:30`.
        ChargingDelayedStart "delayed_start" Text,
        /// Scheduled charges.
        ChargingPrograms "programs" Programs,
    }
    /// The energy in the traction battery.
    ElectricEnergy "electric_energy" in "data:telemetry:vehicle:energies" {
        /// What it can hold, Wh.
        ElectricEnergyCapacity "capacity" Number WattHour,
        /// What it holds, Wh.
        ElectricEnergyResidual "residual" Number WattHour,
    }
    /// How well the traction battery has aged.
    ElectricHealth "electric_health" in "data:telemetry:vehicle:energies" {
        /// Of its capacity, %.
        ElectricHealthCapacity "capacity" Number Percent,
        /// Of its resistance, %.
        ElectricHealthResistance "resistance" Number Percent,
    }
    /// The combustion engine.
    ThermicEngine "thermic_engine" in "data:telemetry:vehicle:engines" {
        /// `not_running`, `starting`, `running`, `stopping` or `stopped`.
        ThermicEngineStatus "status" Text,
        /// Revolutions per minute.
        ThermicEngineSpeed "speed" Number PerMinute,
        /// Coolant, °C.
        ThermicEngineCoolantTemperature "coolant_temperature" Number Celsius,
        /// Coolant, % of full.
        ThermicEngineCoolantLevel "coolant_level" Number Percent,
        /// Oil, °C.
        ThermicEngineOilTemperature "oil_temperature" Number Celsius,
        /// Oil, % of full.
        ThermicEngineOilLevel "oil_level" Number Percent,
        /// Air taken in, °C.
        ThermicEngineAirTemperature "air_temperature" Number Celsius,
    }
    /// The electric motor.
    ElectricEngine "electric_engine" in "data:telemetry:vehicle:engines" {
        /// As the combustion engine's.
        ElectricEngineStatus "status" Text,
        /// Revolutions per minute.
        ElectricEngineSpeed "speed" Number PerMinute,
    }
    /// Whatever drives the car.
    Powertrain "powertrain" in "data:telemetry:vehicle:powertrain" {
        /// `not_running`, `starting`, `running`, `stopping` or `stopped`.
        PowertrainStatus "status" Text,
    }
    /// Doors and their locks.
    Doors "doors" in "data:telemetry:vehicle:doorsState" {
        /// All known locks: `locked`, `unlocked`, `super_locked`, `driver_door_unlocked`, …
        DoorsLocks "locks" List,
        /// The doors and windows that are open: `driver`, `rear_left`, `trunk`, …
        DoorsOpen "open" List,
        /// Those that are closed.
        DoorsClosed "closed" List,
    }
    /// The 12 V battery.
    Battery "battery" in "data:telemetry:vehicle:battery" {
        /// State of charge, % (the maker calls it voltage).
        BatteryLevel "level" Number Percent,
    }
    /// Which services the car has (deprecated by the maker).
    Service "service" in "data:telemetry:vehicle" {
        /// `electric`, `hybrid` or `unknown`.
        ServiceKind "kind" Text,
    }
    /// Belts and emergency call.
    Safety "safety" in "data:telemetry:vehicle:safety" {
        /// `normal` or `omission`.
        SafetyDriverBelt "driver_belt" Text,
        /// `normal` or `omission`.
        SafetyPassengerBelt "passenger_belt" Text,
        /// `normal` or `omission`.
        SafetyRearLeftBelt "rear_left_belt" Text,
        /// `normal` or `omission`.
        SafetyRearMiddleBelt "rear_middle_belt" Text,
        /// `normal` or `omission`.
        SafetyRearRightBelt "rear_right_belt" Text,
        /// `not_detected`, `detected` or `shock_detection_unabled`.
        SafetyEmergencyCall "emergency_call" Text,
    }
    /// The air outside.
    Air "air" in "data:telemetry:environment" {
        /// °C.
        AirTemperature "temperature" Number Celsius,
    }
    /// The light outside.
    Luminosity "luminosity" in "data:telemetry:environment" {
        /// Whether it is day.
        LuminosityDay "day" Flag,
    }
    /// How the car is driven.
    Driving "driving" in "data:telemetry:vehicle:drivingBehavior" {
        /// The mode that the driver chose: `normal`, `sport`, `eco`, …
        DrivingMode "mode" Text,
    }
    /// Lights.
    Lighting "lighting" in "data:telemetry:vehicle:lightingSystem" {
        /// The turn signals that are on: `front_left`, …
        LightingTurn "turn" List,
        /// The fog lights that are on.
        LightingFog "fog" List,
    }
    /// Whether the anti-theft alarm is armed.
    Alarm "alarm" in "data:telemetry:vehicle:alarm" {
        /// `active` or `inactive`.
        AlarmActivation "activation" Text,
    }
    /// The last time that the alarm went off.
    AlarmTrigger "alarm_trigger" in "data:telemetry:vehicle:alarm" {
        /// What it noticed: `front_left_door_break_in`, `vehicle_lifting`, …
        AlarmTriggerKind "kind" Text,
        /// When it began, RFC 3339.
        AlarmTriggerStartedAt "started_at" Text,
        /// Where the car was.
        AlarmTriggerPlace "place" Position,
    }
    /// Whether the car is reported stolen.
    Theft "theft" in "data:telemetry:vehicle:alarm" {
        /// Whether it is.
        TheftStolen "stolen" Flag,
    }
    /// Heating or cooling before the drive.
    Preconditioning "preconditioning" in "data:telemetry:vehicle:preconditioning" {
        /// `enabled`, `disabled`, `finished` or `failure`.
        PreconditioningStatus "status" Text,
        /// `immediate` or `scheduled`.
        PreconditioningCause "cause" Text,
        /// `low_battery`, `door_opened`, …
        PreconditioningFailure "failure" Text,
        /// Scheduled ones.
        PreconditioningPrograms "programs" Programs,
    }
    /// The next maintenance. Negative: overdue.
    Maintenance "maintenance" in "data:telemetry:vehicle:maintenance" {
        /// Days until then.
        MaintenanceDays "days" Number Day,
        /// Distance until then, km.
        MaintenanceDistance "distance" Number Kilometre,
    }
    /// The gearbox (telemetry alone).
    Gearbox "gearbox" in "data:telemetry:vehicle:transmission" {
        /// `ratio1` to `ratio8`, `neutral` or `reverse`.
        GearboxRatio "ratio" Text,
        /// The modes that are on: `automatic`, `sport`, …
        GearboxModes "modes" List,
    }
    /// Wipers (telemetry alone).
    Wipers "wipers" in "data:telemetry:vehicle:wipingBlades" {
        /// Whether they wipe.
        WipersActive "active" Flag,
        /// `high` or `low`.
        WipersSpeed "speed" Text,
    }
    /// Driving assistants (telemetry alone).
    Assistants "assistants" in "data:telemetry:vehicle:adas" {
        /// Park assist in front.
        AssistantsParkFront "park_front" List,
        /// Park assist behind.
        AssistantsParkRear "park_rear" List,
        /// Adaptive cruise control (ACCR).
        AssistantsAdaptiveCruise "adaptive_cruise" Text,
        /// Speed limiter (LVV).
        AssistantsLimiter "limiter" Flag,
        /// Cruise control (RVV).
        AssistantsCruise "cruise" Text,
        /// Emergency braking (AEBS).
        AssistantsEmergencyBraking "emergency_braking" Text,
        /// Lane departure warning (AFIL).
        AssistantsLaneDeparture "lane_departure" Text,
        /// Distance to the car ahead (ARTIV).
        AssistantsDistance "distance" Text,
        /// Blind spot (BSM).
        AssistantsBlindSpot "blind_spot" Text,
        /// Stability (ESP).
        AssistantsStability "stability" Flag,
        /// Anti-lock brakes (ABS).
        AssistantsAntiLock "anti_lock" Flag,
        /// Electric brake (FSE).
        AssistantsElectricBrake "electric_brake" Flag,
        /// Speed limit seen (SLI), km/h.
        AssistantsSpeedLimit "speed_limit" Number KilometrePerHour,
        /// Lane keeping on the right (RLKA).
        AssistantsLaneRight "lane_right" Text,
        /// Lane keeping on the left (LLKA).
        AssistantsLaneLeft "lane_left" Text,
        /// Gear recommended (RGI).
        AssistantsGear "gear" Text,
    }
}
