//! What a driver is told in the end: the truth, also to whoever comes back, and a way on.

use std::sync::Arc;

use accessing_party::{
    Effect, Operation as Db, Rule,
    browser::{Browser, Page},
};
use reqwest::{Client, redirect::Policy};
use serde_json::json;
use simulator::{Fault, FaultKind, Operation};
use tests::{ACCOUNT, Begun, Moment, WRITES, World, browser, each_death, minutes, query};
use url::Url;

async fn come_back(world: &World) -> (Begun, Browser, Url) {
    let begun = world.begin_enrollment("user-1", "peugeot").await;
    let mut browser = browser();
    let back = world.consent(&mut browser, &begun.login_url, ACCOUNT).await;
    (begun, browser, back)
}

/// Where the operator's site is told what became of it.
async fn ended(browser: &mut Browser, back: &Url) -> Url {
    let page = browser.get(back).await.unwrap();
    assert_eq!(page.status, 303, "{}", page.body);
    page.location.unwrap()
}

async fn outcome(browser: &mut Browser, back: &Url) -> String {
    query(&ended(browser, back).await, "outcome").unwrap()
}

/// A link by mail; and its page's button, pressed in a browser, up to where the maker sends it back.
async fn mailed(world: &World) -> Url {
    let wish = json!({"user_ref": "user-1", "brand": "peugeot", "confirm": "page",
        "account_label": "my own"});
    let begun = world.api("POST", "/v1/enrollments", Some(wish)).await.body;
    begun["login_url"].as_str().unwrap().parse().unwrap()
}

async fn press(world: &World, browser: &mut Browser, link: &Url, account: &str) -> Url {
    let page = browser.get(link).await.unwrap();
    let (_, rest) = page.body.split_once("class=\"action\" href=\"").expect("a button");
    let href = rest.split('"').next().unwrap().replace("&#38;", "&");
    world.consent(browser, &world.url(&href), account).await
}

async fn read(browser: &mut Browser, url: &Url) -> Page {
    let page = browser.get(url).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.body);
    page
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_connected_is_told_so_and_what_is_left_to_confirm() {
    let world = World::start().await;
    let (begun, mut browser, back) = come_back(&world).await;
    let first = ended(&mut browser, &back).await;
    let confirmation = query(&first, "confirmation").unwrap();

    // The same address; back to the maker's page and accepted again; and even refused there.
    assert_eq!(ended(&mut browser, &back).await, first);
    let mut again = back.clone();
    again.set_query(Some(&format!("code=another&state={}", query(&back, "state").unwrap())));
    assert_eq!(ended(&mut browser, &again).await, first);
    let refused = again.as_str().replace("code=another", "error=access_denied").parse().unwrap();
    assert_eq!(ended(&mut browser, &refused).await, first);
    assert_eq!(world.confirm(&begun.id, &confirmation).await.status, 200);
    let confirmed = ended(&mut browser, &back).await;

    assert_eq!(query(&confirmed, "outcome").as_deref(), Some("connected"));
    assert_eq!(query(&confirmed, "confirmation"), None, "nothing is left to confirm");
    assert_eq!(world.maker().calls(Operation::Token), 1);
    assert_eq!(world.status(&begun.id).await, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_refused_first_and_accepts_then_is_told_that_nothing_is_connected() {
    let world = World::start().await;
    let begun = world.begin_enrollment("user-1", "peugeot").await;
    let mut browser = browser();
    let refused = world.refuse(&mut browser, &begun.login_url, ACCOUNT).await;
    assert_eq!(outcome(&mut browser, &refused).await, "declined");

    let mut accepted = refused;
    let state = query(&accepted, "state").unwrap();
    accepted.set_query(Some(&format!("code=a-code&state={state}")));

    assert_eq!(outcome(&mut browser, &accepted).await, "declined");
    assert_eq!(world.maker().calls(Operation::Token), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailed_link_used_again_tells_its_own_browser_that_the_account_is_connected() {
    let world = World::start().await;
    let link = mailed(&world).await;
    let (mut own, mut other) = (browser(), browser());
    let back = press(&world, &mut own, &link, ACCOUNT).await;
    let connected = ended(&mut own, &back).await;
    assert_eq!(connected.path(), "/result/connected");
    world.settle().await;

    let again = press(&world, &mut own, &link, ACCOUNT).await;
    assert_eq!(ended(&mut own, &again).await.path(), "/result/connected");
    // Another one may be anybody's: whose account is connected is not known there.
    let elsewhere = press(&world, &mut other, &link, ACCOUNT).await;
    let used = ended(&mut other, &elsewhere).await;

    assert_eq!(used.path(), "/result/used");
    assert!(read(&mut other, &used).await.body.contains("has been used already"));
    assert_eq!(world.maker().calls(Operation::Token), 1);
    assert_eq!(world.maker().live_grants(ACCOUNT), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_how_many_cars_were_found_and_if_there_are_none() {
    let world = World::start().await;
    for (account, said) in [
        ("peugeot-nobody", "has no Peugeot whose data can be read"),
        (ACCOUNT, "Your car was found"),
        ("peugeot-camille", "2 cars were found"),
    ] {
        let link = mailed(&world).await;
        let mut driver = browser();
        let back = press(&world, &mut driver, &link, account).await;
        let connected = ended(&mut driver, &back).await;
        world.settle().await;

        let body = read(&mut driver, &connected).await.body;
        assert!(body.contains(said), "{account}: {body}");
        // The address alone, in another browser, tells nothing.
        let stranger = read(&mut browser(), &connected).await.body;
        assert!(stranger.contains("will be there shortly"), "{stranger}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_exchange_ends_in_begin_again_and_the_link_says_the_same() {
    let story = async |moment: Moment| {
        let world = World::start().await;
        let (begun, mut browser, back) = come_back(&world).await;
        let Some(page) = moment.during(&world, browser.get(&back)).await else { return false };
        assert!(page.unwrap().status >= 500, "{moment:?}");
        let status = world.status(&begun.id).await;
        // No request lives so long, but the maker's code does.
        world.clock.advance(jiff::SignedDuration::from_secs(31));

        let told = ended(&mut browser, &back).await;
        if status == "exchanging" {
            assert_eq!(query(&told, "outcome").as_deref(), Some("failed"), "{moment:?}");
            let enrollment = world.read(&format!("/v1/enrollments/{}", begun.id)).await;
            assert_eq!(enrollment["reason"], "interrupted", "{moment:?}");
            assert_eq!(world.told(&begun.id, "enrollment.declined").await.len(), 1);
            let again = world.consent(&mut browser, &begun.login_url, ACCOUNT).await;
            assert_eq!(outcome(&mut browser, &again).await, "failed", "{moment:?}");
        } else {
            // It died before the link was spent, or when all was done.
            assert_eq!(query(&told, "outcome").as_deref(), Some("connected"), "{moment:?}");
        }
        true
    };

    let deaths = each_death("callback", &WRITES, story).await;
    assert!(deaths >= 3, "{deaths}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_given_up_by_a_second_request_finds_no_place_for_its_tokens() {
    let world = Arc::new(World::start().await);
    let (begun, browser, back) = come_back(&world).await;
    world.maker().fault(Fault::once(Operation::Token, FaultKind::Hold));
    let first = tokio::spawn({
        let (mut browser, back) = (browser.clone(), back.clone());
        async move { ended(&mut browser, &back).await }
    });
    world.maker().wait_until_held(1).await;
    world.clock.advance(minutes(1));

    let mut second = browser;
    assert_eq!(outcome(&mut second, &back).await, "failed");
    world.maker().release();
    let first = first.await.unwrap();

    assert_ne!(query(&first, "outcome").as_deref(), Some("connected"));
    assert_eq!(world.status(&begun.id).await, "failed");
    assert_eq!(world.maker().live_grants(ACCOUNT), 0, "revoked");
    assert!(world.items("Grants").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_can_not_be_read_spends_no_link() {
    let world = World::start().await;
    let (begun, mut browser, back) = come_back(&world).await;
    // The first one opens the cookie.
    let down = Rule::once(Effect::Unavailable).of("callback").at(Db::GetSecretValue);
    world.cloud.faults().next(down.after(1).times(1000));

    assert_eq!(outcome(&mut browser, &back).await, "unavailable");
    world.cloud.faults().clear();

    assert_eq!(world.status(&begun.id).await, "begun");
    assert_eq!(world.maker().calls(Operation::Token), 0);
    assert_eq!(outcome(&mut browser, &back).await, "connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_has_expired_leads_back_to_where_it_came_from() {
    let world = World::start().await;
    let begun = world.begin_enrollment("user-1", "peugeot").await;
    world.clock.advance(minutes(25 * 60));

    let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let request = client.get(begun.login_url.clone()).header("accept", "text/html");
    let answer = request.send().await.unwrap();

    assert_eq!(answer.status(), 410);
    let body = answer.text().await.unwrap().replace("&#38;", "&");
    let back = format!("{}?outcome=expired&enrollment={}", tests::RETURN_TO, begun.id);
    assert!(body.contains(&format!("<a class=\"action\" href=\"{back}\">")), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_begun_at_another_host_goes_to_the_public_one_first_and_connects() {
    let world = World::with(|options| options.open = true).await;
    let port = world.url("/").port().unwrap();
    let link = mailed(&world).await;
    let elsewhere = |url: &Url| {
        let mut url = url.clone();
        url.set_host(Some("localhost")).unwrap();
        assert_eq!(url.port(), Some(port));
        url
    };

    for url in [world.url("/login?brand=peugeot"), link] {
        let mut driver = browser();
        let sent = driver.get(&elsewhere(&url)).await.unwrap();
        assert_eq!(sent.status, 303, "{}", sent.body);
        assert!(sent.headers.get("set-cookie").is_none(), "no cookie for another host");
        let at_home = sent.location.unwrap();
        assert_eq!((at_home.origin(), at_home.path()), (url.origin(), url.path()));
        let back = if url.path() == "/login" {
            world.consent(&mut driver, &at_home, ACCOUNT).await
        } else {
            press(&world, &mut driver, &at_home, ACCOUNT).await
        };
        assert_eq!(ended(&mut driver, &back).await.path(), "/result/connected");
    }
    // A proxy that writes another name: the browser is sent once, and not for ever.
    let stays = elsewhere(&world.url("/login?brand=peugeot&at=public"));
    assert_eq!(browser().get(&stays).await.unwrap().status, 302);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_maker_speaks_the_browsers_language_unless_the_operator_names_one() {
    let world = World::start().await;
    let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();

    for (locale, accepted, told) in [
        (None, Some("fr-FR,fr;q=0.9"), "fr-FR"),
        (None, Some("pl"), "pl"),
        (None, None, "en-GB"),
        (Some("de-AT"), Some("fr"), "de-AT"),
    ] {
        let wish = json!({"user_ref": "user-1", "brand": "peugeot",
            "return_to": tests::RETURN_TO, "locale": locale});
        let begun = world.api("POST", "/v1/enrollments", Some(wish)).await.body;
        let mut request = client.get(begun["login_url"].as_str().unwrap());
        if let Some(accepted) = accepted {
            request = request.header("accept-language", accepted);
        }
        let answer = request.send().await.unwrap();
        let url: Url = answer.headers()["location"].to_str().unwrap().parse().unwrap();
        assert_eq!(query(&url, "locale").as_deref(), Some(told), "{locale:?} {accepted:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_data_is_there_without_a_run_of_the_schedule_and_asked_for_once() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", ACCOUNT).await;

    let cars = world.read(&format!("/v1/enrollments/{id}/vehicles")).await;
    assert!(cars["items"][0]["last_seen"].is_string(), "{cars}");
    let asked = world.maker().all_calls();
    world.run("fetch").await;

    assert_eq!(world.maker().all_calls(), asked, "nothing twice");
    assert_eq!(world.maker().calls(Operation::Status), 1);
}
