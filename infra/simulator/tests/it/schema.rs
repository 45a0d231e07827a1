//! Every document against the maker's own description, where that is at hand.

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use jiff::Timestamp;
use jsonschema::Validator;
use serde_json::{Value, json};
use simulator::Operation;

use crate::support::{EVERYTHING, Maker, Session};

/// Schemas by name, out of the `OpenAPI` file.
pub(crate) struct Reference {
    document: Value,
    validators: BTreeMap<&'static str, Validator>,
}

impl Reference {
    /// The folder named by `STELLANTIS_REFERENCE`, or the one beside the repository.
    fn find() -> Option<Self> {
        Self::read("api-b2c.yaml")
    }

    /// One of its files.
    pub(crate) fn read(name: &str) -> Option<Self> {
        let folder = env::var_os("STELLANTIS_REFERENCE").map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference"),
            PathBuf::from,
        );
        let text = fs::read_to_string(folder.join(name)).ok()?;
        let document = yaml_serde::from_str(&text).expect("the OpenAPI file is YAML");
        Some(Self { document, validators: BTreeMap::new() })
    }

    /// What is wrong with a document.
    pub(crate) fn complaints(&mut self, schema: &'static str, document: &Value) -> Vec<String> {
        let components = &self.document["components"];
        assert!(components["schemas"][schema].is_object(), "no schema {schema}");
        let validator = self.validators.entry(schema).or_insert_with(|| {
            let root = json!({
                "allOf": [{"$ref": format!("#/components/schemas/{schema}")}],
                "components": components,
            });
            // OpenAPI 3.0 describes by an early JSON Schema.
            jsonschema::options()
                .with_draft(jsonschema::Draft::Draft4)
                .should_validate_formats(true)
                .build(&root)
                .expect("the schema is one")
        });
        validator
            .iter_errors(document)
            .map(|error| format!("{schema} at {}: {error}", error.instance_path()))
            .collect()
    }
}

/// What must be there even where no description is at hand.
fn required(schema: &str) -> &'static [&'static str] {
    match schema {
        "Vehicles" | "Trips" | "Alerts" | "Alarms" | "Collisions" | "Telemetries" | "WayPoints" => {
            &["total", "totalPage", "currentPage", "_embedded", "_links"]
        }
        "Vehicle" | "User" => &["_links"],
        "Position" => &["geometry", "properties", "type"],
        "Alert" => &["id", "active", "type", "updatedAt", "startedAt", "_links"],
        "AlarmDetails" => &["id"],
        "Status" | "Maintenance" => &["_links", "createdAt"],
        _ => &["_links", "createdAt", "id"],
    }
}

/// What the live service does against its own description, put right before it is judged.
fn without_known_oddities(document: &Value) -> Value {
    let mut text = document.to_string().replace("\"Aquire\"", "\"Acquire\"");
    while let Some(at) = text.find(" GMT 20") {
        // `Mon Jun 03 08:35:36 GMT 2019`
        text.replace_range(at - 19..at + 9, "2019-06-03T08:35:36Z");
    }
    serde_json::from_str(&text).unwrap()
}

struct Judge {
    reference: Option<Reference>,
    complaints: Vec<String>,
    seen: BTreeMap<&'static str, usize>,
}

impl Judge {
    fn judge(&mut self, schema: &'static str, document: &Value) {
        *self.seen.entry(schema).or_default() += 1;
        let document = without_known_oddities(document);
        for field in required(schema) {
            if document.get(field).is_none() {
                self.complaints.push(format!("{schema} lacks {field}"));
            }
        }
        if let Some(reference) = &mut self.reference {
            self.complaints.extend(reference.complaints(schema, &document));
        }
    }

    /// A list, and the first of its items by its own address.
    async fn list(
        &mut self,
        session: &Session<'_>,
        path: &str,
        list: (&'static str, &str),
        item: Option<&'static str>,
    ) -> Option<String> {
        let reply = session.get(path).await;
        if reply.status == 404 {
            return None;
        }
        assert_eq!(reply.status, 200, "{path}");
        self.judge(list.0, &reply.json());
        let id = reply.json()["_embedded"][list.1][0]["id"].as_str()?.to_owned();
        if let Some(schema) = item {
            let path = path.split('?').next().unwrap();
            self.judge(schema, &session.get(&format!("{path}/{id}")).await.json());
        }
        Some(id)
    }
}

async fn walk(judge: &mut Judge, session: &Session<'_>) {
    let all = "extension=branding&extension=pictures&extension=onboardCapabilities";
    judge.judge("User", &session.get("/user").await.json());
    let vehicles = session.get(&format!("/user/vehicles?{all}")).await.json();
    if vehicles.get("_embedded").is_none() {
        return; // The account whose lists are bare.
    }
    judge.judge("Vehicles", &vehicles);
    for vehicle in vehicles["_embedded"]["vehicles"].as_array().unwrap() {
        let car = format!("/user/vehicles/{}", vehicle["id"].as_str().unwrap());
        judge.judge("Vehicle", &session.get(&format!("{car}?{all}")).await.json());
        for (rest, schema) in [("status", "Status"), ("maintenance", "Maintenance")] {
            let reply = session.get(&format!("{car}/{rest}")).await;
            // A car that never reported has neither.
            if reply.status == 200 && reply.text != "{}" {
                judge.judge(schema, &reply.json());
            }
        }
        let geo = "application/vnd.geo+json";
        let position = session.get_as(&format!("{car}/lastPosition"), geo).await;
        if position.status == 200 {
            judge.judge("Position", &position.json());
        }
        walk_lists(judge, session, &car).await;
    }
}

async fn walk_lists(judge: &mut Judge, session: &Session<'_>, car: &str) {
    let telemetry = "telemetry?pageSize=120&extension=location&extension=maintenance";
    judge.list(session, &format!("{car}/{telemetry}"), ("Telemetries", "telemetries"), None).await;
    judge.list(session, &format!("{car}/alerts"), ("Alerts", "alerts"), Some("Alert")).await;
    judge.list(session, &format!("{car}/alarms"), ("Alarms", "alarms"), Some("AlarmDetails")).await;
    let collisions = ("Collisions", "Collisions");
    judge.list(session, &format!("{car}/collisions"), collisions, Some("Collision")).await;
    let trips = ("Trips", "trips");
    let Some(trip) = judge.list(session, &format!("{car}/trips"), trips, Some("Trip")).await else {
        return;
    };
    let trip = format!("{car}/trips/{trip}");
    judge.list(session, &format!("{trip}/wayPoints"), ("WayPoints", "positions"), None).await;
    judge.list(session, &format!("{trip}/telemetry"), ("Telemetries", "telemetries"), None).await;
    judge.list(session, &format!("{trip}/alerts"), ("Alerts", "alerts"), Some("Alert")).await;
    judge.list(session, &format!("{trip}/collisions"), collisions, Some("Collision")).await;
}

#[tokio::test]
async fn every_document_is_as_the_maker_describes_it() {
    let reference = Reference::find();
    if reference.is_none() {
        eprintln!(
            "the maker's OpenAPI file is not here: documents are checked for required fields only; \
             set STELLANTIS_REFERENCE to its folder for the full check"
        );
    }
    let mut judge = Judge { reference, complaints: Vec::new(), seen: BTreeMap::new() };
    let maker = Maker::start().await;
    let world = maker.simulator.world();
    // Parked at noon, on the road, charging, asleep; winter and summer.
    let (start, _) = world.drives("VR3UHZKXZPT000208", world.now(), 1)[0];
    let moments = [
        "2026-03-04T12:00:00Z".to_owned(),
        start.to_string(),
        "2026-03-04T23:05:00Z".to_owned(),
        "2026-07-19T03:00:00Z".to_owned(),
    ];

    for moment in moments {
        maker.set_time(moment.parse::<Timestamp>().unwrap());
        maker.advance(std::time::Duration::from_mins(2));
        for account in world.accounts() {
            let session = maker.access(&account.id, EVERYTHING).await;
            walk(&mut judge, &session).await;
        }
    }

    judge.complaints.sort();
    judge.complaints.dedup();
    assert!(judge.complaints.is_empty(), "{:#?}", judge.complaints);
    for schema in [
        "User",
        "Vehicles",
        "Vehicle",
        "Status",
        "Maintenance",
        "Position",
        "Telemetries",
        "Alerts",
        "Alert",
        "Alarms",
        "AlarmDetails",
        "Collisions",
        "Collision",
        "Trips",
        "Trip",
        "WayPoints",
    ] {
        assert!(judge.seen.contains_key(schema), "no {schema} was made");
    }
    assert!(world.calls(Operation::TripAlert) + world.calls(Operation::TripAlerts) > 0);
}
