//! Links by mail or QR code, with no session to come back to: a page of ours says who asks for
//! which brand's account, and goes on only in the browser that saw it.

use accessing_party::browser::Page;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{ACCOUNT, Begun, World, browser};
use url::Url;

const OPERATOR: &str = "Wheels & <Sons>";
const LABEL: &str = "Family <Miller> & \"friends\"";

async fn world() -> World {
    World::with(|options| {
        options.parameters.insert("OperatorName".into(), OPERATOR.into());
    })
    .await
}

async fn begin(world: &World, user: &str) -> Begun {
    let wish = json!({"user_ref": user, "brand": "peugeot", "locale": "en",
        "confirm": "page", "account_label": LABEL});
    let answer = world.api("POST", "/v1/enrollments", Some(wish)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let login_url: Url = answer.body["login_url"].as_str().unwrap().parse().unwrap();
    assert_eq!(login_url.path(), "/start");
    Begun { id: answer.body["id"].as_str().unwrap().to_owned(), login_url }
}

/// Where the page's one button leads.
fn button(page: &Page) -> Url {
    assert_eq!(page.status, 200, "{}", page.body);
    let (_, rest) = page.body.split_once("class=\"action\" href=\"").expect("a button");
    let href = rest.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
    Url::parse("http://page.invalid").unwrap().join(&href).unwrap()
}

fn on(world: &World, link: &Url) -> Url {
    world.url(&link[url::Position::BeforePath..])
}

async fn enrollment(world: &World, id: &str) -> Value {
    world.read(&format!("/v1/enrollments/{id}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_who_asks_for_what_and_a_yes_connects_without_a_confirmation() {
    let world = world().await;
    let begun = begin(&world, "user-1").await;
    let mut browser = browser();

    let page = browser.get(&begun.login_url).await.unwrap();
    assert!(page.body.contains("Peugeot") && page.body.contains("Wheels &#38; &#60;Sons&#62;"));
    let account = "the account “Family &#60;Miller&#62; &#38; &#34;friends&#34;”";
    assert!(page.body.contains(account), "{}", page.body);
    assert!(!page.body.contains("<Miller>"), "{}", page.body);
    assert!(!page.body.contains("<Sons>") && !page.body.contains("user-1"), "{}", page.body);
    assert_eq!(world.status(&begun.id).await, "begun", "to look at it changes nothing");
    let link = on(&world, &button(&page));
    let back = world.consent(&mut browser, &link, ACCOUNT).await;
    let ended = browser.get(&back).await.unwrap();
    world.settle().await;

    let shown = ended.location.unwrap();
    assert_eq!((ended.status, shown.path()), (303, "/result/connected"));
    assert_eq!(enrollment(&world, &begun.id).await["status"], "active");
    let cars = world.read(&format!("/v1/enrollments/{}/vehicles", begun.id)).await;
    assert_eq!(cars["items"].as_array().unwrap().len(), 1);
    let told = world.event_types(&begun.id).await;
    assert!(told.contains(&"enrollment.completed".to_owned()), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_says_no_at_the_maker_or_closes_the_page_connects_nothing() {
    let world = world().await;
    let (refused, closed) = (begin(&world, "user-1").await, begin(&world, "user-2").await);
    let mut one = browser();
    let page = one.get(&refused.login_url).await.unwrap();
    button(&browser().get(&closed.login_url).await.unwrap());

    let back = world.refuse(&mut one, &on(&world, &button(&page)), ACCOUNT).await;
    let ended = one.get(&back).await.unwrap().location.unwrap();
    world.pass(SignedDuration::from_mins(30)).await;

    assert_eq!(ended.path(), "/result/declined");
    assert_eq!(enrollment(&world, &refused.id).await["status"], "declined");
    assert_eq!(enrollment(&world, &closed.id).await["status"], "begun");
    assert_eq!(world.maker().live_grants(ACCOUNT), 0);
    world.clock.advance(SignedDuration::from_hours(25));
    assert_eq!(browser().get(&closed.login_url).await.unwrap().status, 410);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_ticket_shows_no_page_and_begins_nothing() {
    let world = world().await;
    let begun = begin(&world, "user-1").await;
    let ticket = tests::query(&begun.login_url, "ticket").unwrap();
    let middle = ticket.len() / 2;
    let flipped = if ticket.as_bytes()[middle] == b'A' { "B" } else { "A" };
    let altered = format!("{}{flipped}{}", &ticket[..middle], &ticket[middle + 1..]);

    for forged in ["", "forged", &ticket[1..], &ticket[..ticket.len() - 2], &altered] {
        for path in ["/start", "/login"] {
            let page = browser().get(&world.url(&format!("{path}?ticket={forged}"))).await.unwrap();
            assert_eq!(page.status, 400, "{path} {forged}");
            assert!(!page.body.contains("Peugeot") && page.location.is_none());
        }
    }
    let twice = world.url(&format!("/start?ticket={ticket}&ticket={ticket}"));
    assert_eq!(browser().get(&twice).await.unwrap().status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_buttons_address_in_another_browser_shows_the_page_first() {
    let world = world().await;
    let (begun, other) = (begin(&world, "user-1").await, begin(&world, "user-2").await);
    let mut first = browser();
    let link = on(&world, &button(&first.get(&begun.login_url).await.unwrap()));

    // Copied into a browser that never saw the page, and into one that saw another one.
    let mut second = browser();
    for saw_another in [false, true] {
        if saw_another {
            second.get(&other.login_url).await.unwrap();
        }
        let answer = second.get(&link).await.unwrap();
        assert_eq!(answer.status, 303, "{}", answer.body);
        assert_eq!(answer.location.unwrap().path(), "/start", "saw another: {saw_another}");
    }
    let mut forger = browser();
    let departed = forger.get(&link).await.unwrap();
    assert_ne!(departed.status, 302, "never to the maker");
    let departed = first.get(&link).await.unwrap();
    assert_eq!(departed.status, 302);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_opens_the_page_unasked_and_then_goes_on_gets_no_further_than_the_page() {
    let world = world().await;
    let begun = begin(&world, "user-1").await;
    let ticket = tests::query(&begun.login_url, "ticket").unwrap();
    // What the site can have by itself: the link, and what the page says to its own browser.
    let mut site = browser();
    let own = button(&site.get(&begun.login_url).await.unwrap());
    let foreign = tests::query(&own, "yes").unwrap();
    let mut driver = browser();
    let shown = driver.get(&begun.login_url).await.unwrap();
    let pressed = on(&world, &button(&shown));

    for yes in ["", "&yes=", "&yes=true", &format!("&yes={foreign}")] {
        let link = world.url(&format!("/login?ticket={ticket}{yes}"));
        let answer = driver.get(&link).await.unwrap();
        assert_eq!(answer.status, 303, "{yes}: {}", answer.body);
        let location = answer.location.unwrap();
        assert_eq!((location.path(), location.query()), ("/start", begun.login_url.query()));
    }

    let departed = driver.get(&pressed).await.unwrap();
    assert_eq!(departed.status, 302, "the button itself does: {}", departed.body);
    let other = begin(&world, "user-2").await;
    let mut moved = other.login_url.clone();
    moved.set_path("/login");
    moved.query_pairs_mut().append_pair("yes", &tests::query(&pressed, "yes").unwrap());
    let answer = driver.get(&moved).await.unwrap();
    assert_eq!(answer.status, 303, "a yes to one link is none to another: {}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_used_twice_connects_once_and_another_browser_can_not_end_it() {
    let world = world().await;
    let begun = begin(&world, "user-1").await;
    let mut browser_one = browser();
    let mut browser_two = browser();
    let one = on(&world, &button(&browser_one.get(&begun.login_url).await.unwrap()));
    let two = on(&world, &button(&browser_two.get(&begun.login_url).await.unwrap()));
    let back_one = world.consent(&mut browser_one, &one, ACCOUNT).await;
    let back_two = world.consent(&mut browser_two, &two, ACCOUNT).await;

    // What belongs to one browser is brought by another: it has no cookie for it.
    let stolen = browser_two.get(&back_one).await.unwrap().location.unwrap();
    assert_eq!(stolen.path(), "/result/expired");
    let ended = browser_one.get(&back_one).await.unwrap().location.unwrap();
    assert_eq!(ended.path(), "/result/connected");
    let second = browser_two.get(&back_two).await.unwrap().location.unwrap();
    assert_eq!(second.path(), "/result/used", "spent");
    world.settle().await;

    assert_eq!(enrollment(&world, &begun.id).await["status"], "active");
    assert_eq!(world.maker().live_grants(ACCOUNT), 1);
}
