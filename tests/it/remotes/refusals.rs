//! What is refused, and that nothing of it is written or sent.

use accessing_party::browser::Page;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{World, browser};
use url::Url;

use super::{ACCOUNT, CAR, Garage, SCOPES, USER, horn};

fn problem(answer: &tests::Answer) -> (u16, String) {
    (answer.status, answer.body["type"].as_str().unwrap_or_default().to_owned())
}

async fn assert_refused(garage: &Garage, once: &str, action: &Value, status: u16, kind: &str) {
    let answer = garage.ask(once, action).await;
    assert_eq!(problem(&answer), (status, kind.to_owned()), "{}", answer.body);
    garage.world.settle().await;
    assert!(garage.world.maker().remote_posts().is_empty(), "{kind}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_makes_no_sense_is_refused() {
    let garage = Garage::open().await;
    for (index, wrong) in [
        json!({"horn": {"on": "loud"}}),
        json!({"horn": {"on": true, "times": 3}}),
        json!({"horn": [true]}),
        json!({"wake_up": []}),
        json!({"boot": {}}),
    ]
    .iter()
    .enumerate()
    {
        assert_refused(&garage, &index.to_string(), wrong, 400, "invalid_request").await;
    }
    for (index, wrong) in [
        json!({}),
        json!({"horn": {"on": true}, "lights": {"on": true}}),
        json!({"charging": {}}),
        json!({"navigation": {"positions": [{"latitude": 91.0, "longitude": 0.0}]}}),
        json!({"horn": {"on": true}, "not_after": "2026-03-02T05:59:59Z"}),
        json!({"horn": {"on": true}, "not_after": "2026-03-02T06:15:01Z"}),
    ]
    .iter()
    .enumerate()
    {
        assert_refused(&garage, &format!("c{index}"), wrong, 422, "unprocessable").await;
    }
    let mut body = horn();
    body["on_behalf_of"] = json!(USER);
    let unsure = garage.world.api("POST", &garage.path(), Some(body)).await;
    assert_eq!(unsure.body["field"], "Idempotency-Key", "{}", unsure.body);
    let listed = garage.world.read(&garage.path()).await;
    assert_eq!(listed["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_for_another_user_is_refused() {
    let garage = Garage::open().await;
    let body = json!({"horn": {"on": true}, "on_behalf_of": "user-2"});

    let answer = garage.world.post_once("one", &garage.path(), body).await;

    assert_eq!(problem(&answer), (403, "wrong_user".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_needs_its_own_scope_of_the_key_and_doors_a_setting() {
    let garage = Garage::with(|options| {
        options.parameters.insert("RemoteDoor".into(), "off".into());
    })
    .await;
    let world = &garage.world;
    let door = json!({"door": {"state": "unlocked"}});
    assert_refused(&garage, "door", &door, 403, "remote_door_off").await;

    world.narrow_key(&["read", "enroll", "erase", "admin", "remote:lights"]);

    assert_refused(&garage, "horn", &horn(), 403, "insufficient_scope").await;
    assert_refused(&garage, "door2", &door, 403, "insufficient_scope").await;
    garage.command("lights", &json!({"lights": {"on": true}})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_user_did_not_consent_to_or_the_car_cannot_do_is_refused() {
    let world = World::start().await;
    let scopes =
        json!(["openid", "data:telemetry", "remote:lights:write", "remote:navigation:write"]);
    let id = world.enroll_with(USER, "peugeot", ACCOUNT, &scopes).await;
    let garage = Garage { world, id };
    let pending = json!({"state": "pending", "day": 0, "callback": null});
    garage.put_subscription(&pending).await;
    let lights = json!({"lights": {"on": true}});
    assert_refused(&garage, "early", &lights, 409, "subscription_not_ready").await;
    garage.subscribe().await;

    assert_refused(&garage, "horn", &horn(), 403, "scope_not_granted").await;
    let place = json!({"latitude": 48.0, "longitude": 2.0});
    let navigation = json!({"navigation": {"positions": [place]}});
    assert_refused(&garage, "navigation", &navigation, 422, "not_supported").await;
    let other = format!("/v1/enrollments/{}/vehicles/VR3UHZKXZPT000999/remotes", garage.id);
    let mut body = lights;
    body["on_behalf_of"] = json!(USER);
    assert_eq!(garage.world.post_once("other", &other, body).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_no_backend_confirmed_is_not_commanded() {
    let world = World::start().await;
    let wish = json!({"user_ref": USER, "brand": "peugeot", "scopes": SCOPES,
        "confirm": "page", "account_label": "my own"});
    let begun = world.api("POST", "/v1/enrollments", Some(wish)).await;
    let link: Url = begun.body["login_url"].as_str().unwrap().parse().unwrap();
    let mut browser = browser();
    let page = browser.get(&link).await.unwrap();
    let button = button(&page);
    let go_on = world.url(&button[url::Position::BeforePath..]);
    let back = world.consent(&mut browser, &go_on, ACCOUNT).await;
    browser.get(&back).await.unwrap();
    world.settle().await;
    let garage = Garage { world, id: begun.body["id"].as_str().unwrap().to_owned() };
    garage.subscribe().await;
    let enrollment = garage.world.read(&format!("/v1/enrollments/{}", garage.id)).await;
    assert_eq!(
        (&enrollment["status"], &enrollment["confirmed_by"]),
        (&json!("active"), &json!("link"))
    );

    assert_refused(&garage, "one", &horn(), 403, "not_confirmed_by_backend").await;
}

fn button(page: &Page) -> Url {
    let (_, rest) = page.body.split_once("class=\"action\" href=\"").expect("a button");
    let href = rest.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
    Url::parse("http://page.invalid").unwrap().join(&href).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_used_twice_is_one_command_and_another_of_its_kind_must_wait() {
    let garage = Garage::open().await;
    let first = garage.command("one", &horn()).await;

    assert_eq!(garage.command("one", &horn()).await, first);
    let other = garage.ask("one", &json!({"lights": {"on": true}})).await;
    assert_eq!(problem(&other), (409, "idempotency_key_reused".into()));
    let busy = garage.ask("two", &horn()).await;
    assert_eq!(problem(&busy), (409, "remote_under_way".into()));
    assert!(busy.body["detail"].as_str().unwrap().contains(&first), "{}", busy.body);
    let lights = garage.command("three", &json!({"lights": {"on": true}})).await;

    garage.world.settle().await;
    garage.wait(70).await;
    garage.settled(&first).await;
    garage.settled(&lights).await;
    assert_eq!(garage.command("one", &horn()).await, first, "the same for a day");
    let next = garage.command("two", &horn()).await;
    garage.world.settle().await;
    assert_eq!((garage.posted(&first), garage.posted(&next)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_switch_stops_what_is_asked_for_and_what_waits() {
    let garage = Garage::open().await;
    let waiting = garage.command("one", &horn()).await;
    let stop = |stopped: bool| json!({"stopped": [], "remotes_stopped": stopped});
    let told = garage.world.api("PUT", "/v1/control", Some(stop(true))).await;
    assert_eq!(told.body["remotes_stopped"], true, "{}", told.body);

    let lights = json!({"lights": {"on": true}});
    assert_refused(&garage, "two", &lights, 409, "remotes_stopped").await;
    let stopped = garage.settled(&waiting).await;
    assert_eq!(stopped["failure_cause"], "remotes_stopped");
    // A word about brands alone leaves it as it is.
    let brands = json!({"stopped": ["opel"]});
    let told = garage.world.api("PUT", "/v1/control", Some(brands)).await;
    assert_eq!(told.body["remotes_stopped"], true);

    garage.world.api("PUT", "/v1/control", Some(stop(false))).await;
    let lights = garage.command("two", &lights).await;
    garage.world.settle().await;
    assert_eq!((garage.posted(&waiting), garage.posted(&lights)), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_and_wake_ups_are_limited() {
    let garage = Garage::with(|options| {
        options.parameters.insert("RemotesPerCar".into(), "3".into());
        options.parameters.insert("WakeUpsPerMonth".into(), "1".into());
    })
    .await;
    let wake = json!({"wake_up": {}});
    let first = garage.command("one", &wake).await;
    garage.world.settle().await;
    garage.wait(70).await;
    garage.settled(&first).await;
    let answer = garage.ask("two", &wake).await;
    assert_eq!(problem(&answer), (409, "wake_ups_used_up".into()));

    garage.command("three", &horn()).await;
    garage.command("four", &json!({"lights": {"on": true}})).await;
    let charging = json!({"charging": {"immediate": false}});
    let answer = garage.ask("five", &charging).await;
    assert_eq!(problem(&answer), (429, "remote_limit".into()));
    garage.world.clock.advance(SignedDuration::from_hours(1));
    garage.command("five", &charging).await;
    garage.world.clock.advance(SignedDuration::from_hours(31 * 24));
    assert_eq!(garage.ask("six", &wake).await.status, 202, "{CAR} may be woken next month");
}
