//! Cars are found, however many enrollments came to nothing and however small the pages.

use serde_json::{Value, json};
use tests::World;

const E208: &str = "VR3UHZKXZPT000208";

/// The cars of all pages of a list, and how many pages that were.
async fn pages(world: &World, list: &str, limit: usize) -> (Vec<Value>, usize) {
    let (mut all, mut next) = (Vec::new(), String::new());
    for count in 1..100 {
        let page = world.read(&format!("{list}limit={limit}{next}")).await;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit, "{page}");
        all.extend(items.clone());
        let Some(cursor) = page["next"].as_str() else { return (all, count) };
        next = format!("&cursor={cursor}");
    }
    panic!("a list without an end: {list}");
}

/// Puts so many more enrollments of the same user, all begun and sorted before any other.
async fn begin_often(world: &World, user: &str, times: usize) {
    let begun = world.begin_enrollment(user, "opel").await.id;
    let items = world.cloud.items("Records").await.unwrap();
    let pk = format!("ENR#{begun}");
    let anchor = items.iter().find(|item| item["pk"]["S"] == pk && item["sk"]["S"] == "META");
    for number in 0..times {
        let id = format!("enr_{number:026}");
        let mut item = anchor.unwrap().clone();
        item["pk"] = json!({"S": format!("ENR#{id}")});
        item["body"]["M"]["id"] = json!({"S": id});
        world.cloud.put_item("Records", item).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_car_is_found_behind_more_than_a_page_of_enrollments_that_came_to_nothing() {
    let world = World::start().await;
    begin_often(&world, "user-1", 130).await;
    let id = world.enroll("user-1", "peugeot", "peugeot-alex").await;

    for by in ["user_ref=user-1".to_owned(), format!("user_ref=user-1&vin={E208}")] {
        let found = world.read(&format!("/v1/vehicles?{by}")).await;
        let cars = found["items"].as_array().unwrap();
        let found = cars.iter().find(|car| car["vin"] == E208);
        assert_eq!(found.unwrap()["enrollment"], id.as_str(), "{by}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cars_come_in_pages_of_any_size_each_once() {
    let world = World::start().await;
    begin_often(&world, "user-1", 3).await;
    let many = world.enroll("user-1", "citroen", "citroen-dominique").await;
    world.enroll("user-1", "peugeot", "peugeot-alex").await;
    world.enroll("user-2", "peugeot", "peugeot-alex").await;
    let of_one = format!("/v1/enrollments/{many}/vehicles?");
    let by_vin = format!("/v1/vehicles?vin={E208}&");

    for (list, least) in
        [(of_one.as_str(), 2), (by_vin.as_str(), 2), ("/v1/vehicles?user_ref=user-1&", 3)]
    {
        let (whole, _) = pages(&world, list, 100).await;
        assert!(whole.len() >= least, "{list}: {whole:?}");
        for limit in [1, 2] {
            let (parts, count) = pages(&world, list, limit).await;
            assert_eq!(parts, whole, "{list}{limit}");
            assert!(count >= whole.len() / limit, "{list}{limit}: {count} pages");
        }
    }

    let page = world.read(&format!("{of_one}limit=1")).await;
    let cursor = page["next"].as_str().unwrap();
    let foreign = world.api("GET", &format!("{by_vin}cursor={cursor}"), None).await;
    assert_eq!((foreign.status, &foreign.body["field"]), (422, &json!("cursor")));
}
