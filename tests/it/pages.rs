//! What drivers read: pages in their language, where programs get a problem's JSON.

use accessing_party::{Effect, Operation as Db, Rule};
use jiff::SignedDuration;
use reqwest::{Client, redirect::Policy};
use serde_json::{Value, json};
use tests::{World, browser, query};
use url::Url;

/// As browsers send it.
const ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const LANGUAGES: [(&str, &str); 6] = [
    ("en-GB,en;q=0.9", "en"),
    ("fr-FR,fr;q=0.9,en;q=0.5", "fr"),
    ("pl,de;q=0.7,fr;q=0.6", "de"),
    ("it-CH", "it"),
    ("es-ES,es;q=0.9", "es"),
    ("nl-BE", "nl"),
];

struct Seen {
    status: u16,
    kind: String,
    location: Option<String>,
    body: String,
}

async fn open(url: &Url, accept: &str, language: &str) -> Seen {
    let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let request = client.get(url.clone()).header("accept", accept);
    let answer = request.header("accept-language", language).send().await.unwrap();
    let header = |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (kind, location) = (header("content-type").unwrap_or_default(), header("location"));
    Seen { status: answer.status().as_u16(), kind, location, body: answer.text().await.unwrap() }
}

/// The one text between two tags.
fn between<'a>(body: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = body.split_once(start).unwrap_or_else(|| panic!("{start} in {body}"));
    assert!(!rest.contains(start), "{start} once in {body}");
    rest.split_once(end).unwrap().0
}

/// The words that a page says, from its heading on.
fn texts(body: &str) -> Vec<String> {
    let main = between(body, "<h1>", "</main>");
    let texts = main.split("</").map(|part| part.rsplit('>').next().unwrap().trim().to_owned());
    texts.filter(|text| !text.is_empty()).collect()
}

/// The page in each language: well-formed, spoken to people alone, and each in its own words.
async fn in_each_language(url: &Url, status: u16) -> Vec<String> {
    let mut bodies = Vec::new();
    for (header, lang) in LANGUAGES {
        let seen = open(url, ACCEPT, header).await;
        assert_eq!(
            (seen.status, seen.kind.as_str()),
            (status, "text/html; charset=utf-8"),
            "{url}"
        );
        assert!(seen.body.starts_with("<!doctype html>"), "{}", seen.body);
        assert_eq!(between(&seen.body, "<html lang=\"", "\""), lang, "{url}");
        let title = between(&seen.body, "<title>", "</title>");
        assert_eq!(between(&seen.body, "<h1>", "</h1>"), title, "{url}");
        for text in texts(&seen.body) {
            let technical = ["problem", "ticket", "_", "{", "}"];
            assert!(!technical.iter().any(|word| text.contains(word)), "{text}");
        }
        bodies.push(seen.body);
    }
    for (at, one) in bodies.iter().enumerate() {
        for other in &bodies[at + 1..] {
            let (one, other) = (texts(one), texts(other));
            assert_eq!(one.len(), other.len());
            for (one, other) in one.iter().zip(&other) {
                assert_ne!(one, other, "{url}");
            }
        }
    }
    bodies
}

#[tokio::test(flavor = "multi_thread")]
async fn every_result_is_told_in_the_browsers_language() {
    let world = World::start().await;

    for outcome in ["connected", "declined", "unavailable", "expired", "used", "failed"] {
        let url = world.url(&format!("/result/{outcome}?brand=peugeot"));
        for body in in_each_language(&url, 200).await {
            assert!(!body.contains("<a "), "no way to begin but a link of the operator's: {body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_everybody_may_begin_a_failure_offers_to_begin_again() {
    let world = World::with(|options| options.open = true).await;
    let again = |body: &str| body.contains("<a class=\"action\" href=\"/login?brand=opel\">");

    for (outcome, offered) in [
        ("connected", false),
        ("declined", true),
        ("unavailable", true),
        ("expired", true),
        ("used", true),
        ("failed", true),
    ] {
        let url = world.url(&format!("/result/{outcome}?brand=opel"));
        for body in in_each_language(&url, 200).await {
            assert_eq!(again(&body), offered, "{outcome}: {body}");
        }
    }
    for parameters in ["", "?brand=tesla", "?brand=opel&brand=opel", "?brand=%22%3E"] {
        let seen = open(&world.url(&format!("/result/failed{parameters}")), ACCEPT, "en").await;
        assert!(seen.status == 200 && !seen.body.contains("<a "), "{parameters}: {}", seen.body);
        assert!(seen.body.contains("ask for a new link"), "a link has a way on: {}", seen.body);
    }

    // Whoever comes back with nothing in hand, and whoever declines, is led there.
    let strange = open(&world.url("/callback/opel?state=x&code=y"), ACCEPT, "en").await;
    assert_eq!(strange.location, Some(world.url("/result/expired?brand=opel").to_string()));
    let mut driver = browser();
    let back = world.refuse(&mut driver, &world.url("/login?brand=opel"), "opel-kim").await;
    let ended = driver.get(&back).await.unwrap().location.unwrap();
    assert_eq!(ended, world.url("/result/declined?brand=opel"));
    // A link of the operator's belongs to its user: nobody is led from it to an open login.
    let wish = json!({"user_ref": "user-1", "brand": "opel", "confirm": "page",
        "account_label": "my own"});
    let begun = world.api("POST", "/v1/enrollments", Some(wish)).await.body;
    let page = driver.get(&begun["login_url"].as_str().unwrap().parse().unwrap()).await.unwrap();
    let href = between(&page.body, "class=\"action\" href=\"", "\"").replace("&#38;", "&");
    let back = world.refuse(&mut driver, &world.url(&href), "opel-kim").await;
    let ended = driver.get(&back).await.unwrap().location.unwrap();
    assert_eq!(ended, world.url("/result/declined"));
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_question_is_asked_in_the_browsers_language() {
    let world = World::start().await;
    let wish = json!({"user_ref": "user-1", "brand": "peugeot", "confirm": "page",
        "account_label": "ZZ 9"});
    let begun = world.api("POST", "/v1/enrollments", Some(wish)).await.body;

    for body in in_each_language(&begun["login_url"].as_str().unwrap().parse().unwrap(), 200).await
    {
        assert!(body.contains("ZZ 9") && body.contains("Peugeot"), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_whose_link_does_not_work_reads_a_page_and_a_program_a_problem() {
    let world = World::start().await;
    let begun = world.begin_enrollment("user-1", "peugeot").await;
    let wish = json!({"user_ref": "user-2", "brand": "peugeot", "confirm": "page",
        "account_label": "my own"});
    let mailed = world.api("POST", "/v1/enrollments", Some(wish)).await.body;
    let mailed: Url = mailed["login_url"].as_str().unwrap().parse().unwrap();
    let ticket = query(&begun.login_url, "ticket").unwrap();
    world.clock.advance(SignedDuration::from_hours(25));

    for (url, status, kind) in [
        (begun.login_url, 410, "expired_ticket"),
        (mailed, 410, "expired_ticket"),
        (world.url("/login?ticket=forged"), 400, "invalid_ticket"),
        (world.url("/start?ticket=forged"), 400, "invalid_ticket"),
        (world.url("/start"), 400, "invalid_ticket"),
        (world.url(&format!("/login?ticket={ticket}&ticket={ticket}")), 400, "invalid_request"),
        (world.url("/login"), 403, "ticket_required"),
        (world.url("/callback/tesla?state=x"), 404, "unknown_brand"),
        (world.url("/callback/peugeot?state=x&state=y"), 400, "invalid_request"),
        (world.url("/result/nothing"), 404, "not_found"),
    ] {
        in_each_language(&url, status).await;
        for accept in ["application/json", "*/*"] {
            let seen = open(&url, accept, "fr").await;
            assert_eq!((seen.status, seen.kind.as_str()), (status, "application/problem+json"));
            let problem: Value = serde_json::from_str(&seen.body).unwrap();
            assert_eq!(problem["type"], kind, "{url}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_ours_is_told_without_its_reason_and_the_link_stays_good() {
    let world = World::start().await;
    let begun = world.begin_enrollment("user-1", "peugeot").await;
    let down = Rule::once(Effect::Unavailable).of("login").at(Db::GetSecretValue).times(1000);
    world.cloud.faults().next(down);

    for body in in_each_language(&begun.login_url, 500).await {
        assert!(!body.to_lowercase().contains("secret"), "{body}");
    }
    let seen = open(&begun.login_url, "application/json", "en").await;
    assert_eq!((seen.status, seen.kind.as_str()), (500, "application/problem+json"));
    world.cloud.faults().clear();

    assert_eq!(browser().get(&begun.login_url).await.unwrap().status, 302);
}
