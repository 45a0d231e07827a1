//! Cars: their lives, their oddities, their owners.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use simulator::{Account, Brand, Car, CarKind, Privacy, Reporting, WorldError};

use crate::support::{EVERYTHING, Maker, Session, field};

const ALEX: &str = "peugeot-alex";
const E208: &str = "VR3UHZKXZPT000208";

async fn of_car(session: &Session<'_>, rest: &str) -> Value {
    let car = session.car().await;
    session.get(&format!("/user/vehicles/{car}/{rest}")).await.json()
}

#[tokio::test]
async fn a_car_parks_then_drives_then_charges() {
    let maker = Maker::start().await;
    let world = maker.simulator.world();
    let (start, stop) = world.drives(E208, world.now(), 1)[0];

    maker.set_time(start);
    maker.advance(Duration::from_mins(4));
    let session = maker.access(ALEX, EVERYTHING).await;
    let driving = of_car(&session, "status").await;
    assert_eq!(driving["kinetic"]["moving"], true);
    assert_eq!(driving["ignition"]["type"], "Start");
    let trip = of_car(&session, "trips").await["_embedded"]["trips"][0].clone();
    assert_eq!((&trip["done"], &trip["stoppedAt"]), (&json!(false), &json!(null)));

    maker.set_time(stop);
    maker.advance(Duration::from_mins(10));
    let session = maker.access(ALEX, EVERYTHING).await;
    let parked = of_car(&session, "status").await;
    assert_eq!(parked["kinetic"]["moving"], false);
    assert_eq!(parked["doorsState"]["lockedStates"], json!(["Locked"]));
    assert!(parked["odometer"]["mileage"].as_f64() > driving["odometer"]["mileage"].as_f64());
    let done = of_car(&session, "trips").await["_embedded"]["trips"][0].clone();
    assert_eq!((&done["id"], &done["done"]), (&trip["id"], &json!(true)));

    maker.set_time("2026-03-04T22:45:00Z".parse().unwrap());
    let session = maker.access(ALEX, EVERYTHING).await;
    let charging = of_car(&session, "status").await;
    let electric = &charging["energies"][0]["extension"]["electric"]["charging"];
    assert_eq!((&electric["plugged"], &electric["status"]), (&json!(true), &json!("InProgress")));
}

#[tokio::test]
async fn a_sleeping_car_sends_nothing_new() {
    let maker = Maker::start().await;
    maker.set_time("2026-03-05T04:10:00Z".parse().unwrap());
    let session = maker.access(ALEX, EVERYTHING).await;

    let before = of_car(&session, "status").await;
    maker.advance(Duration::from_mins(40));
    let after = of_car(&session, "status").await;

    assert_eq!(before, after);
}

#[tokio::test]
async fn a_car_in_its_garage_is_as_old_as_its_last_drive() {
    let maker = Maker::start().await;
    let (account, vin) = ("peugeot-camille", "VF3CCHMZ6FW000301");
    let world = maker.simulator.world();
    let parked = world.cars(account).into_iter().find(|car| car.vin == vin).unwrap().parked_since;
    let session = maker.access(account, EVERYTHING).await;
    let id = world.vehicle_id(account, vin).unwrap();

    let status = session.get(&format!("/user/vehicles/{id}/status")).await.json();

    assert!(field(&status, "createdAt").parse::<Timestamp>().unwrap() <= parked.unwrap());
    assert_eq!(world.drives(vin, world.now(), 1), []);
}

#[tokio::test]
async fn two_runs_of_one_seed_are_alike_and_another_seed_is_not() {
    let mut statuses = Vec::new();
    for seed in [5, 5, 6] {
        let maker = Maker::start_with(|options| options.seed = seed).await;
        let session = maker.access(ALEX, EVERYTHING).await;
        statuses.push(of_car(&session, "status").await["odometer"].clone());
    }

    assert_eq!(statuses[0], statuses[1]);
    assert_ne!(statuses[0], statuses[2]);
}

#[tokio::test]
async fn cars_that_never_reported_say_so_in_two_ways() {
    let maker = Maker::start().await;

    let empty = maker.access("ds-sacha", EVERYTHING).await;
    assert_eq!(of_car(&empty, "status").await, json!({}));
    assert_eq!(of_car(&empty, "trips").await["total"], 0);
    assert_eq!(of_car(&empty, "maintenance").await["code"], 40499);

    let vin = "VR7ATTENTPL000009";
    let id = maker.simulator.world().vehicle_id("citroen-dominique", vin).unwrap();
    let missing = maker.access("citroen-dominique", EVERYTHING).await;
    let status = format!("/user/vehicles/{id}/status");
    assert_eq!(missing.get(&status).await.json()["code"], 40499);
    maker.simulator.world().edit_car(vin, |car| car.reporting = Reporting::Live).unwrap();
    assert_eq!(missing.get(&status).await.status, 200);
}

#[tokio::test]
async fn privacy_hides_positions_or_everything_since() {
    let maker = Maker::start().await;
    let world = maker.simulator.world();
    let session = maker.access(ALEX, EVERYTHING).await;
    let since = world.now();
    let hide = |privacy| {
        world
            .edit_car(E208, |car| {
                car.privacy = privacy;
                car.privacy_since = Some(since);
            })
            .unwrap();
    };

    hide(Privacy::Geolocation);
    let status = of_car(&session, "status").await;
    assert_eq!(status["privacy"]["state"], "Geolocation");
    assert_eq!(status["lastPosition"], json!(null));
    let trip = of_car(&session, "trips").await["_embedded"]["trips"][0].clone();
    assert_eq!(trip["faults"][0]["cause"], "GeoPrivacy");
    assert_eq!(trip["startPosition"], json!(null));
    let position = format!("/user/vehicles/{}/lastPosition", session.car().await);
    let position = session.get_as(&position, "application/vnd.geo+json").await;
    assert_eq!((position.status, &position.json()["code"]), (404, &json!(40499)));

    hide(Privacy::Full);
    maker.advance(Duration::from_hours(48));
    let session = maker.access(ALEX, EVERYTHING).await;
    let status = of_car(&session, "status").await;
    assert_eq!(status["privacy"]["state"], "Full");
    let sent: Timestamp = field(&status, "createdAt").parse().unwrap();
    assert!(sent <= since);
}

#[tokio::test]
async fn odd_cars_are_odd() {
    let maker = Maker::start().await;

    let odd = maker.access("citroen-alex", EVERYTHING).await;
    let vehicles = odd.get("/user/vehicles").await.json();
    assert_eq!(vehicles["_embedded"]["vehicles"][0]["vin"], "vr7bczkxcne000004");
    let status = of_car(&odd, "status").await;
    assert_eq!(status["energies"][0]["type"], "Fuel");
    assert_eq!(status["energies"][0]["level"], 0);
    assert_eq!(status["energies"][1]["type"], "Electric");

    let old = maker.access("citroen-dominique", EVERYTHING).await;
    let status = of_car(&old, "status").await;
    for name in ["energy", "energies", "preconditionning", "preconditioning", "timed", "odometer"] {
        assert!(!status[name].is_null(), "{name}");
    }
    assert!(status["_links"]["vehicles"].is_object());
    assert_eq!(status["lastPosition"]["properties"]["type"], "Aquire");
    assert!(field(&status["environment"]["air"], "createdAt").contains(" GMT 2026"));
    let preconditioning: Timestamp =
        field(&status["preconditioning"]["airConditioning"], "createdAt").parse().unwrap();
    let two_years = 2 * 365 * 86_400;
    assert!(maker.simulator.world().now().as_second() - preconditioning.as_second() > two_years);
    assert_eq!(of_car(&old, "maintenance").await["code"], 40499);
}

#[tokio::test]
async fn a_vehicle_id_can_change_on_demand_and_by_itself_while_the_vin_stays() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, EVERYTHING).await;
    let old = session.car().await;

    maker.simulator.world().change_vehicle_id(E208).unwrap();

    let gone = session.get(&format!("/user/vehicles/{old}/status")).await;
    assert_eq!((gone.status, &gone.json()["code"]), (404, &json!(40400)));
    let vehicles = session.get("/user/vehicles").await.json();
    assert_eq!(vehicles["_embedded"]["vehicles"][0]["vin"], E208);

    let before = maker.access("ds-alex", EVERYTHING).await.car().await;
    maker.advance(Duration::from_hours(10 * 24));
    let after = maker.access("ds-alex", EVERYTHING).await.car().await;
    assert_ne!(before, after);
    assert_eq!(after.len(), 128);
}

#[tokio::test]
async fn a_sold_car_is_closed_to_its_old_owner_and_silent_about_him_to_the_new() {
    let maker = Maker::start().await;
    let world = maker.simulator.world();
    let seller = maker.access("opel-kim", EVERYTHING).await;
    let id = seller.car().await;
    maker.advance(Duration::from_secs(1));

    world.sell("VXKUHZKXZP4000011", "opel-alex").unwrap();

    let old = seller.get(&format!("/user/vehicles/{id}/status")).await;
    assert_eq!((old.status, &old.json()["code"]), (403, &json!(40300)));
    assert_eq!(seller.get("/user/vehicles").await.json()["total"], 0);
    maker.advance(Duration::from_hours(72));
    let buyer = maker.access("opel-alex", EVERYTHING).await;
    let id = world.vehicle_id("opel-alex", "VXKUHZKXZP4000011").unwrap();
    let trips = buyer.get(&format!("/user/vehicles/{id}/trips")).await.json();
    let total = trips["total"].as_u64().unwrap();
    assert!((1..=12).contains(&total), "{total} trips in three days");
    assert_eq!(world.sell("VXKUHZKXZP4000011", ALEX), Err(WorldError::OtherBrand));
    assert_eq!(world.sell(&"X".repeat(17), ALEX), Err(WorldError::UnknownCar));
}

#[tokio::test]
async fn accounts_and_cars_can_be_added_and_shared() {
    let maker = Maker::start().await;
    let world = maker.simulator.world();
    world.add_account(Account::new("vauxhall-test", Brand::Vauxhall, "Test", "Driver"));
    let car = Car::new("w0lpe6ec9fg000077", Brand::Vauxhall, CarKind::Thermic, "Astra");

    world.add_car("vauxhall-test", car.clone()).unwrap();
    world.add_car("vauxhall-alex", car.clone()).unwrap();

    assert_eq!(world.add_car(ALEX, car.clone()), Err(WorldError::OtherBrand));
    assert_eq!(world.add_car("nobody", car), Err(WorldError::UnknownAccount));
    let wrong = Car::new("TOO-SHORT", Brand::Vauxhall, CarKind::Thermic, "Astra");
    assert_eq!(world.add_car("vauxhall-test", wrong), Err(WorldError::Vin));
    let session = maker.access("vauxhall-test", EVERYTHING).await;
    let vin = session.get("/user/vehicles").await.json()["_embedded"]["vehicles"][0]["vin"].clone();
    assert_eq!(vin, "W0LPE6EC9FG000077");
    assert_ne!(
        world.vehicle_id("vauxhall-test", "W0LPE6EC9FG000077"),
        world.vehicle_id("vauxhall-alex", "W0LPE6EC9FG000077")
    );
}
