//! A login that goes wrong: refused with a reason, and nothing written that should not be.

use accessing_party::browser::{Browser, Page};
use jiff::SignedDuration;
use serde_json::Value;
use simulator::{Fault, FaultKind, Flaw, Operation};
use tests::{Begun, World, browser, minutes, query};
use url::Url;

/// Everything that is stored, to see that nothing was written.
async fn stored(world: &World) -> Vec<Value> {
    let mut all = Vec::new();
    for table in ["Grants", "Records", "Outbox"] {
        all.extend(world.items(table).await);
    }
    all.sort_by_key(ToString::to_string);
    all
}

/// A login up to where the maker sends the browser back: the link, the browser, the address.
async fn come_back(world: &World, user: &str, account: &str) -> (Begun, Browser, Url) {
    let brand = account.split('-').next().unwrap();
    let begun = world.begin_enrollment(user, brand).await;
    let mut browser = browser();
    let back = world.consent(&mut browser, &begun.login_url, account).await;
    (begun, browser, back)
}

fn outcome(page: &Page) -> String {
    assert_eq!(page.status, 303, "{}", page.body);
    let location = page.location.as_ref().expect("a way on");
    let told = query(location, "outcome");
    told.unwrap_or_else(|| location.path_segments().unwrap().next_back().unwrap().to_owned())
}

fn problem(page: &Page) -> Value {
    assert_eq!(page.headers["content-type"], "application/problem+json", "{}", page.body);
    serde_json::from_str(&page.body).unwrap()
}

fn with_parameter(url: &Url, name: &str, value: &str) -> Url {
    let mut changed = url.clone();
    changed.query_pairs_mut().clear().extend_pairs(
        url.query_pairs()
            .map(|(key, old)| if key == name { (key, value.into()) } else { (key, old) }),
    );
    changed
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_ticket_nobody_departs_while_the_deployment_is_not_open() {
    let world = World::start().await;

    let page = browser().get(&world.url("/login?brand=peugeot")).await.unwrap();

    assert_eq!(page.status, 403);
    assert_eq!(problem(&page)["field"], "ticket");
    assert_eq!(browser().get(&world.url("/login")).await.unwrap().status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_deployment_refuses_what_is_no_brand_of_ours_and_names_the_field() {
    let world = World::with(|options| options.open = true).await;

    for (asked, field) in [
        ("brand=tesla", "brand"),
        ("brand=peugeot&vin=VR3UHZKXZPT000208", "brand"),
        ("vin=NOT-A-VIN", "vin"),
        ("brand=peugeot&locale=french", "locale"),
        ("brand=peugeot&brand=opel", "brand"),
        ("brand=%FF", "query"),
    ] {
        let page = browser().get(&world.url(&format!("/login?{asked}"))).await.unwrap();
        assert_eq!(page.status, 400, "{asked}: {}", page.body);
        assert_eq!(problem(&page)["field"], field, "{asked}");
        assert!(page.headers.get("set-cookie").is_none(), "{asked}");
    }
    let page = browser().get(&world.url("/login?brand=peugeot")).await.unwrap();
    assert_eq!(page.status, 302, "{}", page.body);
    assert!(stored(&world).await.is_empty(), "a login writes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_is_forged_cut_short_or_given_twice_is_refused() {
    let world = World::start().await;
    let begun = world.begin_enrollment("user-1", "peugeot").await;
    let before = stored(&world).await;
    let ticket = query(&begun.login_url, "ticket").unwrap();
    let middle = ticket.len() / 2;
    let other = if ticket.as_bytes()[middle] == b'A' { "B" } else { "A" };
    let mut forged = ticket.clone();
    forged.replace_range(middle..=middle, other);

    let bad = [
        format!("ticket={forged}"),
        format!("ticket={}", &ticket[..ticket.len() - 3]),
        format!("ticket={}", &ticket[..1]),
        "ticket=".to_owned(),
        format!("ticket={}", "A".repeat(5000)),
        format!("ticket={ticket}&ticket={ticket}"),
    ];
    for parameters in bad {
        let page = browser().get(&world.url(&format!("/login?{parameters}"))).await.unwrap();
        assert_eq!(page.status, 400, "{parameters}: {}", page.body);
        assert_eq!(problem(&page)["field"], "ticket", "{parameters}");
        assert!(page.headers.get("set-cookie").is_none(), "{parameters}");
    }
    assert_eq!(stored(&world).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_good_for_a_day_and_no_longer() {
    let world = World::start().await;
    let begun = world.begin_enrollment("user-1", "peugeot").await;

    world.clock.advance(SignedDuration::from_hours(24) - SignedDuration::from_secs(1));
    assert_eq!(browser().get(&begun.login_url).await.unwrap().status, 302);
    world.clock.advance(SignedDuration::from_secs(1));
    let page = browser().get(&begun.login_url).await.unwrap();

    assert_eq!(page.status, 410, "{}", page.body);
    assert_eq!(problem(&page)["type"], "expired_ticket");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_for_an_unknown_brand_or_with_a_parameter_twice_is_refused() {
    let world = World::start().await;
    let (_, mut browser, back) = come_back(&world, "user-1", "peugeot-alex").await;
    let before = stored(&world).await;

    let mut unknown = back.clone();
    unknown.set_path("/callback/tesla");
    let page = browser.get(&unknown).await.unwrap();
    assert_eq!((page.status, problem(&page)["field"].as_str()), (404, Some("brand")));
    for name in ["state", "code"] {
        let mut twice = back.clone();
        twice.query_pairs_mut().append_pair(name, "another");
        let page = browser.get(&twice).await.unwrap();
        assert_eq!((page.status, problem(&page)["field"].as_str()), (400, Some(name)));
    }

    assert_eq!(stored(&world).await, before);
    assert_eq!(world.maker().calls(Operation::Token), 0);
    assert_eq!(outcome(&browser.get(&back).await.unwrap()), "connected", "nothing was spent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_belongs_to_no_login_of_this_browser_ends_as_expired_and_writes_nothing() {
    let world = World::start().await;
    let (_, mut own, back) = come_back(&world, "user-1", "peugeot-alex").await;
    let (_, mut other, _) = come_back(&world, "user-2", "peugeot-camille").await;
    let before = stored(&world).await;
    let refused = with_parameter(&back, "code", "");
    let refused = Url::parse(&refused.as_str().replace("code=", "error=access_denied&x=")).unwrap();

    for (seen, page) in [
        ("no cookie", browser().get(&back).await.unwrap()),
        ("another browser", other.get(&back).await.unwrap()),
        ("no cookie, refused", browser().get(&refused).await.unwrap()),
        ("a foreign state", own.get(&with_parameter(&back, "state", "foreign")).await.unwrap()),
        ("nothing", own.get(&world.url("/callback/peugeot")).await.unwrap()),
    ] {
        assert_eq!(page.status, 303, "{seen}: {}", page.body);
        let location = page.location.unwrap();
        assert_eq!(location.path(), "/result/expired", "{seen}");
        assert_eq!(location.query(), None, "{seen}");
    }

    assert_eq!(stored(&world).await, before);
    assert_eq!(world.maker().calls(Operation::Token), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_in_another_brands_name_is_refused_and_its_code_never_sent() {
    let world = World::start().await;
    let (begun, mut browser, back) = come_back(&world, "user-1", "peugeot-alex").await;
    let mut mixed = back.clone();
    mixed.set_path("/callback/opel");

    assert_eq!(outcome(&browser.clone().get(&mixed).await.unwrap()), "failed");
    let mut issuer = back;
    issuer.query_pairs_mut().append_pair("iss", "https://idp.evil.example");
    assert_eq!(outcome(&browser.get(&issuer).await.unwrap()), "failed");

    assert_eq!(world.maker().calls(Operation::Token), 0);
    assert_eq!(world.status(&begun.id).await, "begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_took_longer_than_half_an_hour_has_expired() {
    let world = World::start().await;
    let (_, mut browser, back) = come_back(&world, "user-1", "peugeot-alex").await;

    world.clock.advance(SignedDuration::from_mins(30));

    assert_eq!(outcome(&browser.get(&back).await.unwrap()), "expired");
    assert_eq!(world.maker().calls(Operation::Token), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_declines_is_declined_and_the_makers_words_go_nowhere() {
    let world = World::start().await;
    let begun = world.begin_enrollment("user-1", "peugeot").await;
    let mut browser = browser();
    let mut back = world.refuse(&mut browser, &begun.login_url, "peugeot-alex").await;
    assert_eq!(query(&back, "error").as_deref(), Some("access_denied"));
    if query(&back, "error_description").is_none() {
        back.query_pairs_mut().append_pair("error_description", "They-said-no");
    }
    let words = query(&back, "error_description").unwrap();

    let page = browser.get(&back).await.unwrap();

    assert_eq!(outcome(&page), "declined");
    let location = page.location.unwrap();
    assert!(!location.as_str().contains("description"), "{location}");
    assert_eq!(query(&location, "confirmation"), None);
    assert_eq!(world.status(&begun.id).await, "declined");
    assert!(world.event_types(&begun.id).await.contains(&"enrollment.declined".to_owned()));
    assert!(!format!("{:?}", stored(&world).await).contains(&words));
    let again = browser.get(&back).await.unwrap();
    assert_eq!(again.location, Some(location), "whoever comes back is told the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maker_that_is_unavailable_at_its_own_page_is_told_as_such() {
    let world = World::start().await;
    for (error, told) in [("temporarily_unavailable", "unavailable"), ("invalid_scope", "failed")] {
        let begun = world.begin_enrollment("user-1", "peugeot").await;
        let mut browser = browser();
        let back = world.refuse(&mut browser, &begun.login_url, "peugeot-alex").await;

        let page = browser.get(&with_parameter(&back, "error", error)).await.unwrap();

        assert_eq!(outcome(&page), told);
        assert_eq!(world.status(&begun.id).await, "failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_callbacks_with_one_state_at_once_send_the_code_once_and_both_connect() {
    let world = World::start().await;
    let (begun, browser, back) = come_back(&world, "user-1", "peugeot-alex").await;
    let (mut one, mut two) = (browser.clone(), browser);

    let (first, second) = tokio::join!(one.get(&back), two.get(&back));
    let (first, second) = (first.unwrap(), second.unwrap());

    assert_eq!((outcome(&first).as_str(), outcome(&second).as_str()), ("connected", "connected"));
    assert_eq!(first.location, second.location, "the same confirmation");
    assert_eq!(world.maker().calls(Operation::Token), 1);
    assert_eq!(world.maker().live_grants("peugeot-alex"), 1);
    let confirmation = query(&first.location.unwrap(), "confirmation").unwrap();
    assert_eq!(world.confirm(&begun.id, &confirmation).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_of_one_browser_can_each_finish_their_own_login() {
    let world = World::start().await;
    let (first, second) = (
        world.begin_enrollment("user-1", "peugeot").await,
        world.begin_enrollment("user-2", "opel").await,
    );
    let mut browser = browser();

    let back_of_first = world.consent(&mut browser, &first.login_url, "peugeot-alex").await;
    let back_of_second = world.consent(&mut browser, &second.login_url, "opel-kim").await;

    assert_eq!(outcome(&browser.get(&back_of_first).await.unwrap()), "connected");
    assert_eq!(outcome(&browser.get(&back_of_second).await.unwrap()), "connected");
    for begun in [first, second] {
        assert_eq!(world.status(&begun.id).await, "awaiting_confirmation");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_link_opened_in_two_tabs_connects_once_and_both_say_so() {
    let world = World::start().await;
    let begun = world.begin_enrollment("user-1", "peugeot").await;
    let mut browser = browser();
    let one = world.consent(&mut browser, &begun.login_url, "peugeot-alex").await;
    let two = world.consent(&mut browser, &begun.login_url, "peugeot-alex").await;

    let connected = browser.get(&two).await.unwrap();
    assert_eq!(outcome(&connected), "connected");
    assert_eq!(browser.get(&one).await.unwrap().location, connected.location);
    let again = world.consent(&mut browser, &begun.login_url, "peugeot-alex").await;
    assert_eq!(browser.get(&again).await.unwrap().location, connected.location);
    // Another browser may be anybody's: it is told that the link is spent, and no confirmation.
    let mut other = Browser::new().unwrap();
    let elsewhere = world.consent(&mut other, &begun.login_url, "peugeot-alex").await;
    let used = other.get(&elsewhere).await.unwrap();
    assert_eq!(outcome(&used), "used");
    assert_eq!(query(&used.location.unwrap(), "confirmation"), None);

    assert_eq!(world.maker().calls(Operation::Token), 1);
    assert_eq!(world.maker().live_grants("peugeot-alex"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_token_with_any_flaw_is_refused_and_the_grant_revoked() {
    let world = World::start().await;
    let flaws = [
        Flaw::Missing,
        Flaw::Garbage,
        Flaw::WrongNonce,
        Flaw::NoNonce,
        Flaw::WrongIssuer,
        Flaw::WrongAudience,
        Flaw::WrongParty,
        Flaw::Expired,
    ];
    for flaw in flaws {
        let (begun, mut browser, back) = come_back(&world, "user-1", "peugeot-alex").await;
        world.maker().fault(Fault::once(Operation::Token, FaultKind::IdToken(flaw)));

        let page = browser.get(&back).await.unwrap();

        assert_eq!(outcome(&page), "failed", "{flaw:?}");
        let enrollment = world.read(&format!("/v1/enrollments/{}", begun.id)).await;
        assert_eq!(enrollment["status"], "failed", "{flaw:?}");
        assert_eq!(enrollment["reason"], "identity_refused", "{flaw:?}");
        assert_eq!(world.maker().live_grants("peugeot-alex"), 0, "{flaw:?}");
    }
    assert!(world.items("Grants").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maker_that_answers_nonsense_or_not_at_all_to_the_code_is_unavailable() {
    let world = World::start().await;
    let kinds = [
        FaultKind::Html,
        FaultKind::BrokenJson,
        FaultKind::Status(500),
        FaultKind::Status(503),
        FaultKind::Detour,
        FaultKind::RetryAfter(60),
        FaultKind::LostAnswer,
        FaultKind::Timeout,
    ];
    for kind in kinds {
        let (begun, mut browser, back) = come_back(&world, "user-1", "peugeot-alex").await;
        let calls = world.maker().calls(Operation::Token);
        world.maker().fault(Fault::once(Operation::Token, kind.clone()));

        let page = browser.get(&back).await.unwrap();

        assert_eq!(outcome(&page), "unavailable", "{kind:?}");
        let enrollment = world.read(&format!("/v1/enrollments/{}", begun.id)).await;
        assert_eq!(enrollment["status"], "failed", "{kind:?}");
        assert_eq!(enrollment["reason"], "provider_unavailable", "{kind:?}");
        assert_eq!(
            world.maker().calls(Operation::Token),
            calls + 1,
            "a code is sent once: {kind:?}"
        );
        // A host that asked for a minute is left alone for that long.
        world.clock.advance(minutes(2));
        assert!(world.event_types(&begun.id).await.contains(&"enrollment.declined".to_owned()));
    }
    assert!(world.items("Grants").await.is_empty());
}
