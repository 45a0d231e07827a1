//! `/user`, `/user/vehicles`, `/user/vehicles/{id}`: who the user is and what they drive.

use serde_json::{Map, Value, json};

use super::{
    Answer,
    capabilities::onboard,
    gate::Call,
    paging::collection,
    part::{link, of_vehicle},
    refusal::Refusal,
};
use crate::{
    cars::{Car, CarKind, Life},
    time::rfc3339,
};

/// `GET /user`: e-mail and names by the scopes `email` and `profile`.
pub(super) fn user(call: &Call<'_>) -> Answer {
    let cars = own_cars(call);
    let vehicles: Vec<Value> = cars.iter().map(|car| vehicle(call, car, &[])).collect();
    let mut user = json!({
        "_links": {"self": link(call, "/user"), "vehicles": link(call, "/user/vehicles")},
        "_embedded": {"Vehicles": vehicles},
        "createdAt": "2024-02-29T09:00:00Z",
        "updatedAt": rfc3339(call.as_of()),
    });
    call.world.look(|state| {
        let account = state.accounts.get(&call.account).ok_or(Refusal::Unknown)?;
        if call.scopes.allow("email") {
            user["email"] = json!(account.email);
        }
        if call.scopes.allow("profile") {
            user["firstName"] = json!(account.first_name);
            user["lastName"] = json!(account.last_name);
        }
        Ok(user)
    })
}

/// `GET /user/vehicles`.
pub(super) fn list(call: &Call<'_>) -> Answer {
    let extensions = extensions(call)?;
    let prefix = call.params.get("vinPrefix").unwrap_or_default();
    let mut cars = own_cars(call);
    cars.retain(|car| car.vin.starts_with(prefix));
    let mut list = collection(call, "vehicles", 60, &cars, |car| vehicle(call, car, &extensions))?;
    let bare =
        call.world.look(|state| state.accounts.get(&call.account).is_some_and(|a| a.bare_lists));
    if bare && cars.is_empty() {
        list = json!({"_links": list["_links"]});
    }
    Ok(list)
}

/// `GET /user/vehicles/{id}`.
pub(super) fn one(call: &Call<'_>) -> Answer {
    let extensions = extensions(call)?;
    Ok(vehicle(call, &call.seen()?.car, &extensions))
}

fn own_cars(call: &Call<'_>) -> Vec<Car> {
    call.world.look(|state| state.cars_of(&call.account).into_iter().cloned().collect())
}

fn extensions<'a>(call: &'a Call<'_>) -> Result<Vec<&'a str>, Refusal> {
    let wanted: Vec<&str> =
        call.params.get("extension").map(|list| list.split(',').collect()).unwrap_or_default();
    let known = ["onboardCapabilities", "branding", "pictures"];
    if wanted.iter().all(|extension| known.contains(extension)) {
        Ok(wanted)
    } else {
        Err(Refusal::InvalidParameter("extension"))
    }
}

pub(super) fn motorization(kind: CarKind) -> &'static str {
    match kind {
        CarKind::Electric => "Electric",
        CarKind::Hybrid => "Hybrid",
        CarKind::Thermic => "Thermic",
    }
}

fn vehicle(call: &Call<'_>, car: &Car, extensions: &[&str]) -> Value {
    let id = Life::new(call.world.seed(), car).vehicle_id(&call.account, call.world.now());
    let at = format!("/user/vehicles/{id}");
    let mut links = Map::new();
    links.insert("self".to_owned(), link(call, &at));
    links.insert("user".to_owned(), link(call, "/user"));
    let resources =
        ["status", "lastPosition", "trips", "maintenance", "alerts", "telemetry", "alarms"];
    for resource in resources.into_iter().chain(["collisions"]) {
        links.insert(resource.to_owned(), link(call, &format!("{at}/{resource}")));
    }
    let lower = car.quirks.lower_case_vin;
    let mut vehicle = json!({
        "_links": links,
        "id": id,
        "vin": if lower { car.vin.to_ascii_lowercase() } else { car.vin.clone() },
        "motorization": motorization(car.kind),
        "createdAt": "2024-03-01T08:30:00Z",
        "updatedAt": "2024-03-01T08:30:00Z",
    });
    if car.quirks.old_names {
        vehicle["brand"] = json!(car.brand.name());
        vehicle["label"] = json!(car.label);
    }
    if !extensions.is_empty() {
        vehicle["_embedded"] = json!({"extension": extension(call, car, extensions)});
    }
    vehicle
}

fn extension(call: &Call<'_>, car: &Car, wanted: &[&str]) -> Value {
    let mut extension = Map::new();
    for name in wanted {
        let value = match *name {
            "onboardCapabilities" => onboard(car),
            "branding" => json!({"brand": car.brand.name(), "label": car.label}),
            _ => json!([
                format!("{}/pictures/{}?view=001", call.base, car.brand),
                format!("{}/pictures/{}?view=002", call.base, car.brand),
            ]),
        };
        extension.insert((*name).to_owned(), value);
    }
    Value::Object(extension)
}

/// The links that most resources of a car carry: to themselves and to the car.
pub(super) fn links(call: &Call<'_>, seen: &super::gate::Seen, rest: &str) -> Value {
    let mut links = json!({
        "self": link(call, &of_vehicle(seen, rest)),
        "vehicle": link(call, &of_vehicle(seen, "")),
    });
    if seen.car.quirks.old_names {
        links["vehicles"] = links["vehicle"].clone();
    }
    links
}
