//! Names, origins and the control token.

use reqwest::{Method, StatusCode, header};
use simulator::Brand;

use crate::support::{CONTROL, Maker};

/// One address of every kind.
fn addresses(maker: &Maker) -> Vec<(Method, String)> {
    let origin = format!("http://{}", maker.simulator.addr());
    vec![
        (Method::GET, maker.idp(Brand::Peugeot, "/authorize")),
        (Method::POST, maker.idp(Brand::Peugeot, "/consent")),
        (Method::POST, maker.idp(Brand::Peugeot, "/access_token")),
        (Method::POST, maker.idp(Brand::Peugeot, "/token/revoke")),
        (Method::GET, format!("{}/user", maker.simulator.api_url())),
        (Method::GET, format!("{}/vehicle/VR3UHZKXZPT000208", maker.simulator.b2b_url())),
        (Method::GET, format!("{origin}/_control/state")),
        (Method::POST, format!("{origin}/_control/fault")),
        (Method::GET, format!("{origin}/nowhere")),
    ]
}

#[tokio::test]
async fn foreign_names_and_origins_are_refused_everywhere() {
    let maker = Maker::start().await;
    let port = maker.simulator.addr().port();
    let hosts = ["evil.example".to_owned(), format!("evil.example:{port}"), "127.0.0.1".to_owned()];

    for (method, url) in addresses(&maker) {
        for host in &hosts {
            let request = maker.http.request(method.clone(), &url).header(header::HOST, host);
            assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{url}");
        }
        for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
            let request = maker.http.request(method.clone(), &url).header(header::ORIGIN, origin);
            assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN, "{url}");
        }
    }
}

#[tokio::test]
async fn both_own_names_and_the_own_origin_are_taken() {
    let maker = Maker::start().await;
    let url = maker.idp(Brand::Peugeot, "/style.css");

    for host in
        [maker.simulator.addr().to_string(), format!("localhost:{}", maker.simulator.addr().port())]
    {
        let request = maker
            .http
            .get(&url)
            .header(header::HOST, &host)
            .header(header::ORIGIN, format!("http://{host}"));
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn controls_want_their_token() {
    let maker = Maker::start().await;
    let url = format!("http://{}/_control/state", maker.simulator.addr());

    for token in [None, Some("Bearer wrong".to_owned()), Some(CONTROL.to_owned())] {
        let mut request = maker.http.get(&url);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, token);
        }
        assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    }
    let request = maker.http.get(&url).header(header::AUTHORIZATION, format!("Bearer {CONTROL}"));
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_body_too_large_for_a_form_is_refused() {
    let maker = Maker::start().await;
    let request =
        maker.http.post(maker.idp(Brand::Peugeot, "/access_token")).body("x".repeat(20_000));

    assert_eq!(request.send().await.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
}
