//! Cars are sold: the VIN names the car, never the right to it.

use jiff::SignedDuration;
use tests::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_sold_car_leaves_the_seller() {
    let world = World::start().await;
    let vin = "VXKUHZKXZP4000011";
    let id = world.enroll("user-1", "opel", "opel-kim").await;
    world.pass(SignedDuration::from_mins(10)).await;

    world.maker().sell(vin, "opel-alex").unwrap();
    world.pass(SignedDuration::from_hours(2)).await;

    let left = world.read(&format!("/v1/enrollments/{id}/vehicles")).await;
    assert_eq!(left["items"].as_array().unwrap().len(), 0, "{left}");
    assert!(world.event_types(&id).await.contains(&"vehicle.removed".to_owned()));
}
