//! Every type against its schema, and what is left out.

use std::{collections::BTreeSet, fs, path::PathBuf};

use jiff::Timestamp;
use jsonschema::Validator;

use super::*;
use crate::domain::{
    alert::Severity,
    brand::Brand,
    enrollment::Reason,
    event::Warning,
    ids::{EnrollmentId, RemoteId, RuleId, WebhookId},
    position::Position,
    snapshot::{Field, Reading, Unit, Value as Held},
    vehicle::UpstreamId,
    vin::Vin,
    webhook::PauseReason,
};

fn vin() -> Vin {
    "VR3UHZKXZPT000208".parse().unwrap()
}

fn upstream(id: &str) -> UpstreamId {
    serde_json::from_value(id.into()).unwrap()
}

fn place() -> Changed {
    let place: Position = serde_json::from_str(r#"{"latitude": 48.8, "longitude": 2.3}"#).unwrap();
    let field = *Field::ALL.iter().find(|field| field.is_position()).unwrap();
    let (old, new) = (Some(Held::Position(place)), Some(Held::Position(place)));
    Changed { field, old, new, unit: None, observed_at: None, withheld: false }
}

fn level() -> Changed {
    Changed {
        field: "electric.level".to_owned().try_into().unwrap(),
        old: None,
        new: Some(Held::Number(41.5)),
        unit: Some(Unit::Percent),
        observed_at: Some(Timestamp::UNIX_EPOCH),
        withheld: false,
    }
}

/// One of each, with all that it can hold and with as little as it can.
fn samples() -> Vec<What> {
    let at = Timestamp::UNIX_EPOCH;
    let warning = |full: bool| Warning {
        vin: vin(),
        alert: upstream("a1"),
        kind: full.then(|| "fuel_level_low".to_owned()),
        severity: full.then_some(Severity::Warning),
        started_at: full.then_some(at),
        ended_at: full.then_some(at),
    };
    let trip = |full: bool| What::TripCompleted {
        vin: vin(),
        trip: upstream("t1"),
        started_at: full.then_some(at),
        stopped_at: full.then_some(at),
        distance_km: full.then_some(12.5),
        duration_s: full.then_some(900.0),
    };
    let webhook = WebhookId::random();
    let mut samples = vec![
        What::Begun { brand: Brand::Peugeot },
        What::Completed,
        What::Declined { reason: Reason::DeclinedByUser },
        What::AccountShared,
        What::Confirmed,
        What::ReauthorizationRequired { reason: Reason::Withdrawn },
        What::Erased,
        What::VehicleDiscovered { vin: vin() },
        What::VehicleRemoved { vin: vin() },
        What::VehicleShared { vin: vin() },
        What::StateChanged { vin: vin(), changes: vec![level(), place()] },
        What::ChargingStarted { vin: vin(), level: Some(30.0) },
        What::ChargingEnded { vin: vin(), level: None, status: None },
        What::DataStale { vin: vin(), last_seen: at },
        What::DataFresh { vin: vin(), last_seen: at },
        What::WebhookPaused { webhook: webhook.clone(), reason: PauseReason::Failing },
        What::WebhookTest { webhook },
        What::QuotaLow { percent_left: 19 },
        What::MonitorTriggered {
            vin: vin(),
            rule: RuleId::random(),
            name: "low".to_owned(),
            about_places: false,
            at,
            refresh: false,
            readings: vec![Reading {
                field: Field::ElectricLevel,
                value: Held::Number(19.0),
                unit: Some(Unit::Percent),
                observed_at: Some(at),
            }],
            maker_values: [("vehicle.energy.electric.level".to_owned(), "19".to_owned())].into(),
        },
    ];
    for full in [true, false] {
        samples.extend([
            What::AlertRaised(warning(full)),
            What::AlertCleared(warning(full)),
            trip(full),
        ]);
        samples.push(What::RemoteUpdated {
            vin: vin(),
            remote: RemoteId::random(),
            kind: "horn".to_owned(),
            state: "done".to_owned(),
            outcome: full.then(|| "failed".to_owned()),
            failure_cause: full.then(|| "vehicle_offline".to_owned()),
        });
    }
    samples
}

fn event(what: What) -> Event {
    match what {
        What::WebhookPaused { .. } | What::WebhookTest { .. } | What::QuotaLow { .. } => {
            Event::of_deployment(what, Timestamp::UNIX_EPOCH)
        }
        what => Event::new(&EnrollmentId::random(), what, Timestamp::UNIX_EPOCH),
    }
}

fn schema(name: &str) -> (Value, Validator) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let text = fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&value).unwrap();
    (value, validator)
}

#[test]
fn every_type_is_as_its_schema_says_and_has_one() {
    let (_, envelope) = schema("cloudevent");
    let mut seen = BTreeSet::new();
    for (what, positions) in samples().into_iter().flat_map(|it| [(it.clone(), true), (it, false)])
    {
        let name = what.name();
        let cloud = CloudEvent::new(event(what), "https://cars.example.com/", positions);
        let json = serde_json::to_value(&cloud).unwrap();

        let wrong: Vec<_> = envelope.iter_errors(&json).map(|error| format!("{error}")).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:?} {json}");
        let (document, data) = schema(&format!("{name}.v1"));
        assert_eq!(document["$id"], json["dataschema"]);
        let wrong: Vec<_> =
            data.iter_errors(&json["data"]).map(|error| format!("{error}")).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:?} {json}");
        seen.insert(name);
    }
    let known: BTreeSet<String> = TYPES.iter().map(ToString::to_string).collect();
    assert_eq!(seen, known, "the list of types, and the samples");
}

#[test]
fn every_schema_is_of_a_type_that_is_told_and_refuses_what_it_does_not_know() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let mut files = 0;
    for file in fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let name = name.trim_end_matches(".json");
        let (document, validator) = schema(name);
        assert!(jsonschema::meta::is_valid(&document), "{name}");
        assert!(!validator.is_valid(&serde_json::json!({"unheard": "of"})), "{name}");
        files += 1;
    }
    assert_eq!(files, TYPES.len() + 1);
}

#[test]
fn an_event_names_its_car_and_whose_it_is() {
    let id = EnrollmentId::random();
    let told = Event::new(&id, What::VehicleDiscovered { vin: vin() }, Timestamp::UNIX_EPOCH);
    let cloud = CloudEvent::new(told.clone(), "https://cars.example.com/", false);

    assert_eq!(cloud.kind, "vehicle.discovered");
    assert_eq!(cloud.subject.unwrap(), format!("enrollments/{id}/vehicles/VR3UHZKXZPT000208"));
    assert_eq!(
        (cloud.id.as_str(), cloud.time.as_str()),
        (told.id.as_str(), "1970-01-01T00:00:00Z")
    );
    assert_eq!(cloud.source, "https://cars.example.com");
    let data = serde_json::json!({"enrollment": id.as_str(), "vin": "VR3UHZKXZPT000208"});
    assert_eq!(cloud.data, data);
}

#[test]
fn a_monitors_event_that_an_earlier_version_stored_is_read() {
    let rule = RuleId::random();
    let stored = serde_json::json!({
        "type": "vehicle.monitor.triggered", "vin": "VR3UHZKXZPT000208", "rule": rule.as_str(),
        "name": "low", "about_places": false, "at": "1970-01-01T00:00:00Z", "refresh": false,
        "values": {"vehicle.energy.electric.level": "19"},
    });

    let told = serde_json::to_value(serde_json::from_value::<What>(stored).unwrap()).unwrap();

    assert_eq!(told["monitor"], rule.as_str());
    assert_eq!(told["maker_values"]["vehicle.energy.electric.level"], "19");
    assert_eq!(told["readings"], serde_json::json!([]));
}

#[test]
fn a_place_goes_only_to_who_asked_for_places() {
    let moved = || event(What::StateChanged { vin: vin(), changes: vec![place(), level()] });

    let with = CloudEvent::new(moved(), "https://cars.example.com", true).data.to_string();
    let without = CloudEvent::new(moved(), "https://cars.example.com", false).data.to_string();

    assert!(with.contains("48.8") && !with.contains("withheld"), "{with}");
    assert!(!without.contains("48.8") && without.contains(r#""withheld":true"#), "{without}");
    assert!(without.contains("41.5"), "{without}");
}
