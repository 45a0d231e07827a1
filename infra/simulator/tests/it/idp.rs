//! Authorize and consent.

use simulator::Brand;

use crate::support::{Maker, REDIRECT};

#[tokio::test]
async fn an_unknown_client_or_redirect_uri_gets_a_page_and_never_a_redirect() {
    let maker = Maker::start().await;
    let longer = format!("{REDIRECT}/");
    let cases = [
        ("client_id", "somebody"),
        ("client_id", ""),
        ("redirect_uri", longer.as_str()),
        ("redirect_uri", "https://evil.example/"),
        ("redirect_uri", ""),
        ("realm", "clientsB2COpel"),
    ];

    for case in cases {
        let reply = maker.authorize(Brand::Peugeot, &[case]).await;

        assert_eq!(reply.status, 400, "{case:?}");
        assert_eq!(reply.header("location"), "");
        assert!(reply.text.contains("simulated car maker"));
    }
    assert_eq!(maker.get(&maker.simulator.idp_url().replace("{brand}", "fiat")).await.status, 404);
}

#[tokio::test]
async fn other_mistakes_go_back_to_the_application_with_its_state() {
    let maker = Maker::start().await;
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "")], "invalid_request"),
        (&[("scope", "openid data:everything")], "invalid_scope"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
    ];

    for (change, error) in cases {
        let reply = maker.authorize(Brand::Peugeot, change).await;

        assert_eq!(reply.status, 302, "{change:?}");
        assert!(reply.header("location").starts_with(REDIRECT));
        assert_eq!(reply.sent("error").as_deref(), Some(error), "{change:?}");
        assert_eq!(reply.sent("state").as_deref(), Some("the state & more"));
        assert_eq!(reply.sent("code"), None);
    }
}

#[tokio::test]
async fn a_parameter_given_twice_is_refused_on_the_spot() {
    let maker = Maker::start().await;

    let reply = maker.authorize(Brand::Peugeot, &[("scope", "openid"), ("scope", "email")]).await;

    assert_eq!((reply.status, reply.header("location")), (400, ""));
}

#[tokio::test]
async fn the_page_shows_this_brands_drivers_their_cars_and_what_is_asked() {
    let maker = Maker::start().await;

    let page = maker.authorize(Brand::Peugeot, &[("scope", "openid,data:position")]).await;

    assert_eq!(page.status, 200);
    for text in [
        "simulated car maker",
        "Alex Martin",
        "Peugeot e-208 (electric)",
        "no car",
        "Read where your car is",
        "data:position",
        "Accept",
        "Refuse",
    ] {
        assert!(page.text.contains(text), "{text}");
    }
    assert!(!page.text.contains("Becker"), "a driver of another brand");
    assert!(!page.text.contains("<style") && !page.text.contains("<script"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"));
    // Chromium judges by `form-action` every redirect behind the form, also those of others.
    assert!(!policy.contains("form-action"));
    // `no-referrer` would make the browser send `Origin: null`.
    assert_eq!(page.header("referrer-policy"), "same-origin");
    let css = maker.get(&maker.idp(Brand::Peugeot, "/style.css")).await;
    assert_eq!((css.status, css.header("content-type")), (200, "text/css; charset=utf-8"));
}

#[tokio::test]
async fn accept_sends_a_code_the_state_and_the_makers_own_scope_names() {
    let maker = Maker::start().await;
    let page = maker.authorize(Brand::Peugeot, &[("scope", "openid remote:horn:write")]).await;

    let reply = maker.press(&page, "peugeot-alex", "accept").await;

    assert_eq!(reply.status, 302);
    assert_eq!(reply.sent("code").unwrap().len(), 36);
    assert_eq!(reply.sent("state").as_deref(), Some("the state & more"));
    assert_eq!(reply.sent("scope").as_deref(), Some("ConnectivityForPartners,Remote"));
    assert_eq!(reply.sent("iss"), None);
}

#[tokio::test]
async fn the_redirect_names_the_issuer_when_set_so() {
    let maker = Maker::start().await;
    maker.simulator.world().configure(|settings| settings.iss_in_redirect = true);
    let page = maker.authorize(Brand::Peugeot, &[]).await;

    let reply = maker.press(&page, "peugeot-alex", "accept").await;

    assert_eq!(reply.sent("iss"), Some(maker.idp(Brand::Peugeot, "")));
}

#[tokio::test]
async fn refuse_sends_access_denied_and_no_code() {
    let maker = Maker::start().await;
    let page = maker.authorize(Brand::Peugeot, &[]).await;

    let reply = maker.press(&page, "peugeot-alex", "refuse").await;

    assert_eq!(reply.sent("error").as_deref(), Some("access_denied"));
    assert_eq!(reply.sent("state").as_deref(), Some("the state & more"));
    assert_eq!(reply.sent("code"), None);
}

#[tokio::test]
async fn a_page_works_once_and_only_for_a_driver_of_its_brand() {
    let maker = Maker::start().await;
    let page = maker.authorize(Brand::Peugeot, &[]).await;

    // Another brand's provider, then another brand's driver at the right one.
    assert_eq!(maker.press(&page, "opel-alex", "accept").await.status, 400);
    let page = maker.authorize(Brand::Peugeot, &[]).await;
    let request = simulator::consent_request(&page.text).unwrap();
    let form = [("request", request), ("account", "opel-alex"), ("decision", "accept")];
    let reply = maker.post(&maker.idp(Brand::Peugeot, "/consent"), &form).await;
    assert_eq!((reply.status, reply.header("location")), (400, ""));
    assert_eq!(maker.press(&page, "peugeot-stranger", "accept").await.status, 400);
    assert_eq!(maker.press(&page, "peugeot-alex", "perhaps").await.status, 400);
    assert_eq!(maker.press(&page, "peugeot-alex", "accept").await.status, 302);
    assert_eq!(maker.press(&page, "peugeot-alex", "accept").await.status, 400);
}

#[tokio::test]
async fn a_page_left_open_too_long_works_no_more() {
    let maker = Maker::start().await;
    let page = maker.authorize(Brand::Peugeot, &[]).await;
    maker.advance(std::time::Duration::from_hours(1));

    assert_eq!(maker.press(&page, "peugeot-alex", "accept").await.status, 400);
}

#[tokio::test]
async fn a_redirect_address_registered_later_is_taken() {
    let maker = Maker::start().await;
    let other = [("redirect_uri", "http://localhost:9/back")];
    assert_eq!(maker.authorize(Brand::Ds, &other).await.status, 400);

    maker.simulator.world().allow_redirect(other[0].1);

    assert_eq!(maker.authorize(Brand::Ds, &other).await.status, 200);
}
