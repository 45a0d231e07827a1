//! Logins that come back wrongly, or to a house that can't take them in: each ends with a 303 that
//! says what to do, and leaves behind neither half an enrollment nor a grant that nobody keeps.

use accessing_party::{Effect, Operation as Db, Rule, browser::Page};
use reqwest::{Client, Response, redirect::Policy};
use serde_json::{Value, json};
use simulator::{EndReason, Fault, FaultKind, Flaw, Operation};
use tests::{Begun, World, browser, query};
use url::Url;

const ACCOUNT: &str = "peugeot-alex";

/// A login up to where the maker sends the browser back, and the cookie that its browser holds.
struct Login {
    begun: Begun,
    name: String,
    value: String,
    back: Url,
}

async fn depart(world: &World, user: &str) -> Login {
    let begun = world.begin_enrollment(user, "peugeot").await;
    let mut browser = browser();
    let departed = browser.get(&begun.login_url).await.unwrap();
    let cookie = departed.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap();
    let (name, value) = cookie.split_once('=').unwrap();
    let authorize = departed.location.unwrap();
    let page = browser.get(&authorize).await.unwrap();
    let request = simulator::consent_request(&page.body).unwrap().to_owned();
    let fields = [("request", request.as_str()), ("account", ACCOUNT), ("decision", "accept")];
    let decided = browser.post(&authorize.join("consent").unwrap(), &fields).await.unwrap();
    let back = decided.location.unwrap();
    Login { begun, name: name.to_owned(), value: value.to_owned(), back }
}

async fn get(url: &Url, cookie: &str) -> Response {
    let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    client.get(url.clone()).header("cookie", cookie).send().await.unwrap()
}

fn path_of(response: &Response) -> String {
    assert_eq!(response.status(), 303);
    let location = response.headers()["location"].to_str().unwrap();
    Url::parse(location).unwrap()[url::Position::BeforePath..].to_owned()
}

fn outcome(page: &Page) -> String {
    assert_eq!(page.status, 303, "{}", page.body);
    query(page.location.as_ref().unwrap(), "outcome").unwrap()
}

async fn stored(world: &World) -> Vec<Value> {
    let mut all = Vec::new();
    for table in ["Grants", "Records", "Outbox"] {
        all.extend(world.cloud.items(table).await.unwrap());
    }
    all.sort_by_key(ToString::to_string);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_is_forged_cut_short_or_moved_is_none_and_its_code_is_never_sent() {
    let world = World::start().await;
    let login = depart(&world, "user-1").await;
    let other = depart(&world, "user-2").await;
    let ticket = query(&login.begun.login_url, "ticket").unwrap();
    let before = stored(&world).await;
    let Login { name, value, .. } = &login;
    let middle = value.len() / 2;
    let flipped = if value.as_bytes()[middle] == b'A' { "B" } else { "A" };
    let mut forged = value.clone();
    forged.replace_range(middle..=middle, flipped);

    for (seen, cookie) in [
        ("forged", format!("{name}={forged}")),
        ("cut short", format!("{name}={}", &value[..value.len() - 3])),
        ("begun late", format!("{name}={}", &value[1..])),
        ("almost nothing", format!("{name}={}", &value[..1])),
        ("empty", format!("{name}=")),
        ("endless", format!("{name}={}", "A".repeat(5000))),
        ("no base64", format!("{name}=*{}", &value[1..])),
        ("of another purpose", format!("{name}={ticket}")),
        ("of another login", format!("{name}={}", other.value)),
        ("under a shorter name", format!("{}={value}", &name[..name.len() - 1])),
    ] {
        assert_eq!(path_of(&get(&login.back, &cookie).await), "/result/expired", "{seen}");
    }

    assert_eq!(stored(&world).await, before);
    assert_eq!(world.maker().calls(Operation::Token), 0);
    let own = path_of(&get(&login.back, &format!("{name}={value}")).await);
    assert!(own.contains("outcome=connected"), "{own}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_neither_code_nor_error_fails_and_spends_nothing() {
    let world = World::start().await;
    let login = depart(&world, "user-1").await;
    let before = stored(&world).await;
    let state = query(&login.back, "state").unwrap();
    let cookie = format!("{}={}", login.name, login.value);

    for parameters in [format!("state={state}"), format!("state={state}&code=")] {
        let page = get(&world.url(&format!("/callback/peugeot?{parameters}")), &cookie).await;
        assert!(path_of(&page).contains("outcome=failed"), "{parameters}");
    }

    assert_eq!(stored(&world).await, before);
    assert_eq!(world.maker().calls(Operation::Token), 0);
    assert!(path_of(&get(&login.back, &cookie).await).contains("outcome=connected"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_can_not_be_stored_are_revoked_and_the_enrollment_says_so() {
    let world = World::start().await;
    let begun = world.begin_enrollment("user-1", "peugeot").await;
    let mut browser = browser();
    let back = world.consent(&mut browser, &begun.login_url, ACCOUNT).await;
    let full = Rule::once(Effect::Unavailable).of("callback").at(Db::TransactWriteItems);
    world.cloud.faults().next(full.on("Grants").times(1000));

    let page = browser.get(&back).await.unwrap();
    world.cloud.faults().clear();

    assert_eq!(outcome(&page), "unavailable");
    let enrollment = world.read(&format!("/v1/enrollments/{}", begun.id)).await;
    let told = (&enrollment["status"], &enrollment["reason"]);
    assert_eq!(told, (&json!("failed"), &json!("not_stored")), "{enrollment}");
    assert!(world.event_types(&begun.id).await.contains(&"enrollment.declined".to_owned()));
    assert!(world.cloud.items("Grants").await.unwrap().is_empty());
    let grants = world.maker().grants(ACCOUNT);
    assert_eq!(grants.len(), 1, "the maker did give one");
    assert_eq!(grants[0].ended, Some(EndReason::Revoked));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_subject_in_the_id_token_every_consent_is_a_new_enrollment() {
    let world = World::start().await;
    let without = Fault::times(Operation::Token, 2, FaultKind::IdToken(Flaw::NoSubject));
    world.maker().fault(without);

    let one = world.enroll("user-1", "peugeot", ACCOUNT).await;
    let two = world.enroll("user-1", "peugeot", ACCOUNT).await;
    let with = world.enroll("user-1", "peugeot", ACCOUNT).await;

    for id in [&one, &two, &with] {
        let enrollment = world.read(&format!("/v1/enrollments/{id}")).await;
        assert_eq!(enrollment["status"], "active", "{enrollment}");
        assert!(enrollment["merged_into"].is_null(), "{enrollment}");
    }
    assert!(one != two && two != with);
    assert_eq!(world.maker().live_grants(ACCOUNT), 3, "none was renewed by another");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_house_that_can_not_read_its_own_things_sends_the_browser_on_and_spends_nothing() {
    let world = World::start().await;
    let login = depart(&world, "user-1").await;
    let cookie = format!("{}={}", login.name, login.value);
    let before = stored(&world).await;
    let fails = |operation| {
        let down = Rule::once(Effect::Unavailable).of("callback").at(operation);
        world.cloud.faults().next(down.times(1000));
    };

    // Without the secret the cookie can't be read, so nothing is known of where to go.
    fails(Db::GetSecretValue);
    let answer = get(&login.back, &cookie).await;
    assert_eq!(path_of(&answer), "/result/unavailable");
    assert!(answer.headers().get("set-cookie").is_none(), "its cookie is kept");
    world.cloud.faults().clear();
    for operation in [Db::GetItem, Db::PutItem] {
        fails(operation);
        let answer = get(&login.back, &cookie).await;
        let enrollment = &login.begun.id;
        let expected = format!("/connected?outcome=unavailable&enrollment={enrollment}");
        assert_eq!(path_of(&answer), expected, "{operation:?}");
        assert!(answer.headers().get("set-cookie").is_none(), "its cookie is kept");
        world.cloud.faults().clear();
    }

    assert_eq!(stored(&world).await, before);
    assert_eq!(world.maker().calls(Operation::Token), 0);
    assert!(path_of(&get(&login.back, &cookie).await).contains("outcome=connected"));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_one_address_is_registered_for_all_brands_a_login_comes_back_to_it_and_connects() {
    let world = World::with(|options| {
        options.parameters.insert("RedirectUri".into(), "single".into());
    })
    .await;

    for (user, brand, account) in [("user-1", "peugeot", ACCOUNT), ("user-2", "opel", "opel-kim")] {
        let begun = world.begin_enrollment(user, brand).await;
        let mut browser = browser();
        let back = world.consent(&mut browser, &begun.login_url, account).await;
        assert_eq!(back.path(), "/callback");
        let page = browser.get(&back).await.unwrap();
        assert_eq!(outcome(&page), "connected");
        let confirmation = query(&page.location.unwrap(), "confirmation").unwrap();
        assert_eq!(world.confirm(&begun.id, &confirmation).await.status, 200);
        assert_eq!(world.status(&begun.id).await, "active");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_open_mode_a_vin_that_tells_its_brand_is_enough_and_one_that_does_not_is_refused() {
    let world = World::with(|options| options.open = true).await;

    // Opel and Vauxhall share theirs, and nobody is known to have the last one.
    for vin in ["VXKUHZKXZPT000208", "ZZZUHZKXZPT000208"] {
        let page = browser().get(&world.url(&format!("/login?vin={vin}"))).await.unwrap();
        assert_eq!(page.status, 400, "{vin}: {}", page.body);
        let problem: Value = serde_json::from_str(&page.body).unwrap();
        assert_eq!(problem["field"], "vin", "{vin}");
        assert!(!page.body.contains(vin) && page.headers.get("set-cookie").is_none());
    }
    let mut browser = browser();
    let link = world.url("/login?vin=VR3UHZKXZPT000208&locale=fr-FR");
    let back = world.consent(&mut browser, &link, ACCOUNT).await;
    assert_eq!(back.path(), "/callback/peugeot");
    let ended = browser.get(&back).await.unwrap().location.unwrap();

    assert_eq!(ended.path(), "/result/connected");
    let list = world.read("/v1/enrollments?user_ref=open").await;
    let one = &list["items"][0];
    assert_eq!((&one["brand"], &one["status"]), (&json!("peugeot"), &json!("active")), "{list}");
}
