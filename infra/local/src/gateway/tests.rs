use axum::{
    Router,
    http::{HeaderMap, Uri},
    response::{AppendHeaders, IntoResponse},
    routing::{any, get},
};

use crate::{
    Cloud,
    faults::Faults,
    functions::Program,
    lambda::Code,
    testing::{http, manual_clock, options},
};

/// A router in the place of `login` and `api`, which shows what reached it.
fn router(_: std::sync::Arc<shared::App>) -> Router {
    Router::new()
        .route("/login", get(login))
        .route("/start", get(|headers: HeaderMap| async move { format!("{headers:?}") }))
        .route("/v1/panic", any(panics))
        .route("/v1/{*rest}", any(|body: axum::body::Bytes| async move { body }))
}

async fn login(uri: Uri) -> impl IntoResponse {
    (AppendHeaders([("set-cookie", "a=1"), ("set-cookie", "b=2")]), uri.to_string())
}

async fn panics() -> &'static str {
    panic!("asked to")
}

async fn cloud(throttled: bool) -> Cloud {
    let mut options = options(&manual_clock(), Faults::none());
    options.throttled = throttled;
    for name in ["login", "api"] {
        options.programs.insert(name.to_owned(), Program { code: Code::Http(router), needs: &[] });
    }
    Cloud::start(options).await.unwrap()
}

async fn ask(request: reqwest::RequestBuilder) -> (u16, String) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_request_reaches_its_function_and_the_answer_comes_back_whole() {
    let cloud = cloud(false).await;
    let url = cloud.gateway_url();

    let login = http().get(format!("{url}/login?a=1&a=2&b=%20")).send().await.unwrap();
    let cookies: Vec<_> = login.headers().get_all("set-cookie").iter().cloned().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!(login.text().await.unwrap(), format!("{url}/login?a=1&a=2&b=%20"));
    let binary =
        http().post(format!("{url}/v1/echo")).body(vec![0, 159, 146, 150]).send().await.unwrap();
    assert_eq!(binary.bytes().await.unwrap().as_ref(), [0, 159, 146, 150]);
}

#[tokio::test]
async fn other_hosts_other_origins_and_unknown_routes_are_refused() {
    let cloud = cloud(false).await;
    let login = || http().get(format!("{}/login", cloud.gateway_url()));
    let unknown = http().get(format!("{}/elsewhere", cloud.gateway_url()));
    let method = http().post(format!("{}/login", cloud.gateway_url()));

    let forbidden = (403, r#"{"message":"Forbidden"}"#.to_owned());
    let not_found = (404, r#"{"message":"Not Found"}"#.to_owned());
    assert_eq!(ask(login().header("host", "evil.example")).await, forbidden);
    assert_eq!(ask(login().header("origin", "https://evil.example")).await, forbidden);
    assert_eq!(ask(login().header("origin", "null")).await, forbidden);
    assert_eq!(ask(login().header("origin", cloud.gateway_url())).await.0, 200);
    assert_eq!(ask(unknown).await, not_found);
    assert_eq!(ask(method).await, not_found);
}

#[tokio::test]
async fn what_breaks_the_gateways_limits_reaches_no_function() {
    let cloud = cloud(false).await;
    let url = cloud.gateway_url();

    let line = http().get(format!("{url}/start?long={}", "x".repeat(10 << 10)));
    let headers = http().get(format!("{url}/start")).header("x-long", "x".repeat(10 << 10));
    let body = http().post(format!("{url}/v1/panic")).body(vec![b'x'; (10 << 20) + 1]);
    let most = http().post(format!("{url}/v1/echo")).body(vec![b'x'; 1 << 20]);

    assert_eq!(ask(line).await.0, 431);
    assert_eq!(ask(headers).await.0, 431);
    assert_eq!(ask(body).await.0, 413, "and no panic, which would be a 500");
    assert_eq!(ask(most).await.0, 200);
}

#[tokio::test]
async fn a_route_admits_its_burst_and_spends_no_other_routes_share() {
    let cloud = cloud(true).await;
    let status = |path: &str| {
        let request = http().get(format!("{}{path}", cloud.gateway_url()));
        async { ask(request).await.0 }
    };
    let mut statuses = Vec::new();

    while statuses.len() < 400 && statuses.last() != Some(&429) {
        let many = (0..20).map(|_| status("/start"));
        statuses.extend(futures_util::future::join_all(many).await);
        statuses.sort_unstable();
    }

    assert!(statuses.iter().filter(|status| **status == 200).count() >= 40, "the burst");
    assert_eq!(statuses.last(), Some(&429));
    let mut limited = http().get(format!("{}/start", cloud.gateway_url())).send().await.unwrap();
    while limited.status() != 429 {
        limited = http().get(format!("{}/start", cloud.gateway_url())).send().await.unwrap();
    }
    assert_eq!(limited.headers()["retry-after"], "1");
    assert!(limited.headers().contains_key("apigw-requestid"));
    assert_eq!(status("/login").await, 200);
}

#[tokio::test]
async fn a_function_that_panics_is_a_500_that_says_nothing_and_the_next_one_is_new() {
    let cloud = cloud(false).await;
    let url = cloud.gateway_url();

    let answer = ask(http().post(format!("{url}/v1/panic"))).await;
    let next = ask(http().post(format!("{url}/v1/echo")).body("still here")).await;

    assert_eq!(answer, (500, r#"{"message":"Internal Server Error"}"#.to_owned()));
    assert_eq!(next, (200, "still here".to_owned()));
}
