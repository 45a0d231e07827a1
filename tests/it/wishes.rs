//! What a backend may ask for works to the end, and what could not is refused at once.

use serde_json::{Value, json};
use shared::domain::scope;
use tests::{RETURN_TO, World, browser, query};
use url::Url;

const ACCOUNT: &str = "peugeot-alex";

/// An address of exactly so many bytes.
fn long(bytes: usize) -> String {
    let start = format!("{RETURN_TO}?page=");
    format!("{start}{}", "x".repeat(bytes - start.len()))
}

async fn begin(world: &World, wish: Value) -> (u16, Value) {
    let answer = world.api("POST", "/v1/enrollments", Some(wish)).await;
    (answer.status, answer.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_wish_that_is_granted_connects_and_its_cookie_is_below_a_kibibyte() {
    let world = World::start().await;
    let wish = json!({
        "user_ref": "u".repeat(128), "brand": "peugeot", "locale": "en-GB",
        "scopes": scope::KNOWN.as_slice(), "return_to": long(400),
    });
    let (status, begun) = begin(&world, wish).await;
    assert_eq!(status, 201, "{begun}");
    let link: Url = begun["login_url"].as_str().unwrap().parse().unwrap();

    let mut browser = browser();
    let departed = browser.get(&link).await.unwrap();
    let cookie = departed.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap();
    assert!(cookie.len() <= 1024, "{}", cookie.len());
    let back = world.consent(&mut browser, &link, ACCOUNT).await;
    let ended = browser.get(&back).await.unwrap().location.unwrap();

    assert!(ended.as_str().starts_with(&long(400)), "{ended}");
    assert_eq!(query(&ended, "outcome").as_deref(), Some("connected"));
    let id = begun["id"].as_str().unwrap();
    assert_eq!(world.confirm(id, &query(&ended, "confirmation").unwrap()).await.status, 200);
    let asked = world.maker().grants(ACCOUNT)[0].scopes.len();
    assert_eq!(asked, scope::KNOWN.len(), "all of them reached the maker");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_mailed_link_connects_too() {
    let world = World::start().await;
    let wish = json!({
        "user_ref": "user-1", "brand": "peugeot", "locale": "en-GB", "confirm": "page",
        "scopes": scope::KNOWN.as_slice(), "return_to": long(400), "account_label": "\u{1f697}".repeat(80),
    });
    let (status, begun) = begin(&world, wish).await;
    assert_eq!(status, 201, "{begun}");
    let link: Url = begun["login_url"].as_str().unwrap().parse().unwrap();

    let mut browser = browser();
    let page = browser.get(&link).await.unwrap();
    let (_, rest) = page.body.split_once("class=\"action\" href=\"").expect("a button");
    let href = rest.split('"').next().unwrap().replace("&#38;", "&");
    let back = world.consent(&mut browser, &world.url(&href), ACCOUNT).await;
    let ended = browser.get(&back).await.unwrap().location.unwrap();

    assert!(ended.as_str().starts_with(&long(400)), "{ended}");
    assert_eq!(query(&ended, "outcome").as_deref(), Some("connected"));
    assert_eq!(world.status(begun["id"].as_str().unwrap()).await, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_the_maker_does_not_have_and_an_address_too_long_are_refused_by_name() {
    let world = World::start().await;
    // Short as it is written, but too long as it travels.
    let escaped = format!("{RETURN_TO}?page={}", "é".repeat(100));
    for (name, value) in [
        ("scopes", json!(["data:telemetry:anything"])),
        ("scopes", json!(["data:telemetry:vehicle:energies:more"])),
        ("scopes", json!(["openid", "data:trip:first"])),
        ("scopes", json!(["remote:door"])),
        ("scopes", json!([""])),
        ("return_to", json!(long(401))),
        ("return_to", json!(escaped)),
    ] {
        let mut wish = json!({"user_ref": "user-1", "brand": "peugeot", "return_to": RETURN_TO});
        wish[name] = value.clone();

        let (status, problem) = begin(&world, wish).await;

        let expected = if name == "return_to" { 422 } else { 400 };
        assert_eq!((status, &problem["field"]), (expected, &json!(name)), "{value}: {problem}");
    }
    for table in ["Records", "Outbox"] {
        assert!(world.cloud.items(table).await.unwrap().is_empty(), "{table}");
    }
}
