//! The doors: what every answer carries, and what is not let in.

use std::collections::BTreeSet;

use accessing_party::{
    Drive,
    template::{Scope, Template},
};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tests::{RETURN_TO, World};
use url::Url;

fn client() -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    builder.build().unwrap()
}

async fn get(url: Url) -> Response {
    client().get(url).send().await.unwrap()
}

fn assert_secured(answer: &Response, path: &str) {
    // What is the same for everybody may be kept.
    let shared = ["/style.css", "/icon.svg"].iter().any(|it| path.ends_with(it));
    let wanted = [
        ("cache-control", if shared { "public, max-age=3600" } else { "no-store" }),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-opener-policy", "same-origin"),
    ];
    for (name, value) in wanted {
        let found = answer.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!(found, Some(value), "{path}: {name}");
    }
    let policy = answer.headers()["content-security-policy"].to_str().unwrap();
    for part in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{path}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{path}: {policy}");
    assert!(answer.headers().get("access-control-allow-origin").is_none(), "{path}");
}

/// What is asked of a route beside itself: where it leads anywhere, and what is wrong.
async fn variants(world: &World, route: &str) -> Vec<String> {
    let begun = world.begin_enrollment("user-2", "opel").await;
    let ticket = begun.login_url.query().unwrap();
    let callbacks = world.maker().callbacks();
    let address = callbacks[0].target.rsplit('/').next().unwrap();
    match route {
        "/login" => {
            let queries = [ticket, "brand=peugeot", "brand=tesla", "ticket=forged"];
            queries.map(|query| format!("/login?{query}")).into()
        }
        "/start" => vec![format!("/start?{ticket}")],
        "/callback/{brand}" => vec!["/callback/peugeot?state=x&code=y".into()],
        "/result/{outcome}" => vec!["/result/connected".into()],
        "/notifications/{address}" => vec![format!("/notifications/{address}")],
        _ => Vec::new(),
    }
}

/// Every route of the template, with its methods and each parameter filled in.
async fn routes(world: &World) -> Vec<(Method, String)> {
    let mut routes = Vec::new();
    let parameters =
        ["PublicUrl", "OperatorName"].map(|it| (it.to_owned(), "http://127.0.0.1".to_owned()));
    let template = Template::bundled(&Scope::new(parameters.into())).unwrap();
    for route in template.functions.values().flat_map(|function| &function.routes) {
        let methods = match route.method.as_str() {
            "ANY" => METHODS.to_vec(),
            one => vec![one.parse().unwrap()],
        };
        let plain =
            route.path.split('/').map(|it| if it.starts_with('{') { "nothing" } else { it });
        let mut paths = vec![plain.collect::<Vec<_>>().join("/")];
        paths.extend(variants(world, &route.path).await);
        for path in paths {
            routes.extend(methods.iter().map(|method| (method.clone(), path.clone())));
        }
    }
    routes
}

const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

/// That an answer is protected, no failure, and says in the one form what is wrong.
fn assert_answered(answer: &Response, asked: &str) {
    assert_secured(answer, asked);
    let status = answer.status().as_u16();
    assert!(status < 500, "{asked}: {status}");
    if status >= 400 {
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_with_the_headers_that_protect_it() {
    let world = World::with(|options| {
        options.open = true;
        options.streams = Drive::Running;
    })
    .await;
    let asks = world.all_asks().await;
    let http = client();

    let routes = routes(&world).await;
    assert!(routes.len() > 20, "{routes:?}");
    for (method, path) in routes {
        let answer = http.request(method.clone(), world.url(&path)).send().await.unwrap();
        assert_answered(&answer, &format!("{method} {path}"));
    }
    // By the methods that are described, by all others, and with and without a key.
    let paths: BTreeSet<_> = asks.iter().map(|ask| &ask.path).collect();
    for path in paths {
        for method in METHODS {
            let answer = http.request(method.clone(), world.url(path)).send().await.unwrap();
            let asked = format!("{method} {path}");
            assert_answered(&answer, &asked);
            // Whoever may read the whole may read its head.
            let like = if method == Method::HEAD { Method::GET } else { method };
            let described = asks.iter().any(|ask| ask.path == *path && ask.method == like.as_str());
            assert_eq!(answer.status(), if described { 401 } else { 405 }, "{asked}");
        }
    }
    let mut done = 0;
    for ask in &asks {
        let answer = ask.request(&world, &http).bearer_auth(world.key()).send().await.unwrap();
        assert_answered(&answer, &format!("{ask:?}"));
        done += usize::from(answer.status().is_success());
    }
    assert!(done > 25, "{done} of {}", asks.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_answers_nobody_without_a_key_of_ours() {
    let world = World::start().await;
    let (id, secret) = world.key().rsplit_once('_').unwrap();
    let wrong = format!("{id}_{}", secret.replace(['0', '1', '2'], "3"));
    let url = world.url("/v1/enrollments?user_ref=user-1");

    for authorization in [
        None,
        Some("Bearer ".to_owned()),
        Some("Bearer ap_local_nobody_0123456789abcdef".to_owned()),
        Some(format!("Bearer {wrong}")),
        Some(format!("Basic {}", world.key())),
        Some(world.key().to_owned()),
    ] {
        let mut request = client().get(url.clone());
        if let Some(value) = &authorization {
            request = request.header("authorization", value);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    let twice = client().get(url.clone()).bearer_auth(world.key()).bearer_auth(world.key());
    assert_eq!(twice.send().await.unwrap().status(), 401, "two keys");
    let mut in_query = url;
    in_query.query_pairs_mut().append_pair("access_token", world.key());
    assert_eq!(get(in_query).await.status(), 401, "only the header counts");
}

async fn post(world: &World, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
    let request = client().post(world.url(path)).bearer_auth(world.key());
    let request = request.header("content-type", "application/json").body(body);
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.text().await.unwrap();
    (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_that_is_wrong_is_refused_with_its_field_and_writes_nothing() {
    let world = World::start().await;
    let good = json!({"user_ref": "user-1", "brand": "peugeot", "return_to": RETURN_TO});
    let with = |name: &str, value: Value| {
        let mut wish = good.clone();
        wish[name] = value;
        wish.to_string()
    };
    let bodies = [
        ("{".to_owned(), "body"),
        ("[]".to_owned(), "body"),
        ("\u{0}".to_owned(), "body"),
        (with("surprise", json!(1)), "surprise"),
        (with("user_ref", json!("alex@example.org")), "user_ref"),
        (with("user_ref", json!("")), "user_ref"),
        (with("brand", json!("tesla")), "brand"),
        (with("vin", json!("NOT-A-VIN")), "vin"),
        (with("scopes", json!(["openid", 1])), "scopes.1"),
        (with("confirm", json!(true)), "confirm"),
        (json!({"brand": "peugeot", "return_to": RETURN_TO}).to_string(), "user_ref"),
        (with("scopes", json!(["data:everything"])), "scopes"),
        (with("locale", json!("french")), "locale"),
        (with("confirm", json!("none")), "confirm"),
        (with("account_label", json!("two\nlines")), "account_label"),
        (with("return_to", json!(format!("{RETURN_TO}\r\n"))), "return_to"),
        (with("return_to", json!("http://127.0.0.1/con\nnected")), "return_to"),
        (with("return_to", json!(format!(" {RETURN_TO}"))), "return_to"),
        (json!(["user-1", "peugeot", null, null, null, RETURN_TO, null, null]).to_string(), "body"),
        (String::new(), "body"),
    ];
    for (body, field) in bodies {
        let (status, problem) = post(&world, "/v1/enrollments", body.clone()).await;
        assert_eq!(status, 400, "{body}: {problem}");
        assert_eq!(problem["field"], field, "{body}: {problem}");
        let said = problem["detail"].as_str().unwrap();
        for rust in ["struct", "u32", "sequence", "EOF", "elements", "enum"] {
            assert!(!said.contains(rust), "{body}: {said}");
        }
        for sent in ["alex@example.org", "tesla", "NOT-A-VIN", "evil.example"] {
            assert!(!problem.to_string().contains(sent), "{body}: {problem}");
        }
    }
    // Each of these can be read, and does not go with the rest or with this deployment.
    let bodies = [
        (with("confirm", json!("page")), "account_label"),
        (with("account_label", json!("of a session, which needs none")), "account_label"),
        (with("return_to", json!("https://evil.example/")), "return_to"),
        (with("return_to", json!("http://127.0.0.1.evil.example/")), "return_to"),
        (with("return_to", json!("http://me@127.0.0.1/")), "return_to"),
        (with("return_to", json!("http://127.0.0.1/../x#y")), "return_to"),
        (with("return_to", json!("javascript:alert(1)")), "return_to"),
        (json!({"user_ref": "user-1", "return_to": RETURN_TO}).to_string(), "brand"),
    ];
    for (body, field) in bodies {
        let (status, problem) = post(&world, "/v1/enrollments", body.clone()).await;
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{body}: {problem}");
        assert!(!problem.to_string().contains("evil.example"), "{body}: {problem}");
    }
    let invalid = post(&world, "/v1/enrollments", b"{\"user_ref\": \"\xff\"}".to_vec()).await;
    assert_eq!(invalid.0, 400, "{}", invalid.1);
    let long = with("locale", json!("x".repeat(70_000)));
    assert_eq!(post(&world, "/v1/enrollments", long).await.0, 413);
    for table in ["Records", "Outbox"] {
        assert!(world.items(table).await.is_empty(), "{table}");
    }
    assert_eq!(post(&world, "/v1/enrollments", good.to_string()).await.0, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_address_names_wrongly_is_refused_by_the_name_of_its_part() {
    let world = World::start().await;
    let cars = "/v1/enrollments/enr_00000000000000000000000000/vehicles";
    let car = format!("{cars}/VR3UHZKXZPT000208");

    for (path, part) in [
        ("/v1/enrollments/nobody".to_owned(), "id"),
        ("/v1/enrollments/nobody/vehicles/VR3UHZKXZPT000208/remotes".to_owned(), "id"),
        ("/v1/monitors/nothing".to_owned(), "id"),
        ("/v1/webhooks/nothing/deliveries".to_owned(), "id"),
        (format!("{cars}/NOT-A-VIN"), "vin"),
        (format!("{cars}/NOT-A-VIN/trips"), "vin"),
        (format!("{car}/remotes/nothing"), "remote"),
    ] {
        let answer = world.api("GET", &path, None).await;
        assert_eq!((answer.status, &answer.body["field"]), (400, &json!(part)), "{path}");
        assert!(!answer.body.to_string().contains("NOT-A-VIN"), "{}", answer.body);
    }
    assert_eq!(world.api("GET", &car, None).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_method_is_not_allowed_and_a_wrong_type_not_read() {
    let world = World::start().await;
    let id = world.begin_enrollment("user-1", "peugeot").await.id;

    for (method, path) in [
        (Method::PUT, "/v1/enrollments".to_owned()),
        (Method::PATCH, format!("/v1/enrollments/{id}")),
        (Method::GET, format!("/v1/enrollments/{id}/confirm")),
    ] {
        let request = client().request(method.clone(), world.url(&path)).bearer_auth(world.key());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 405, "{method} {path}");
    }
    let form = client().post(world.url("/v1/enrollments")).bearer_auth(world.key());
    let form = form.header("content-type", "application/x-www-form-urlencoded").body("user_ref=x");
    assert_eq!(form.send().await.unwrap().status(), 415);
    let posted = client().post(world.url("/callback/peugeot")).send().await.unwrap().status();
    assert!(posted == 404 || posted == 405, "{posted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_not_read_and_writes_nothing() {
    let world = World::start().await;
    let wish = |padding: usize| {
        let user = "u".repeat(padding);
        json!({"user_ref": user, "brand": "peugeot", "return_to": RETURN_TO}).to_string()
    };

    let (status, problem) = post(&world, "/v1/enrollments", wish(64 * 1024)).await;
    assert_eq!((status, problem["type"].as_str()), (413, Some("body_not_read")), "{problem}");
    let (status, problem) = post(&world, "/v1/enrollments", wish(60 * 1024)).await;
    assert_eq!(status, 400, "read, and then refused for what it says: {problem}");
    assert!(world.items("Records").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_page_or_name_is_refused_at_the_database_and_at_the_maker() {
    let world = World::start().await;
    let maker = format!("http://{}", world.cloud.simulator().unwrap().addr());
    let doors = [("front", world.cloud.front_url()), ("maker", maker)];

    for (name, base) in doors {
        let url: Url = format!("{base}/").parse().unwrap();
        for (header, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("host", "evil.example"),
            ("host", "127.0.0.1:1"),
        ] {
            for method in [Method::GET, Method::POST] {
                let request = client().request(method, url.clone()).header(header, value);
                let status = request.send().await.unwrap().status();
                assert_eq!(status, 403, "{name}: {header}: {value}");
            }
        }
    }
    let request = client().get(world.url("/start")).header("host", "evil.example");
    assert_eq!(request.send().await.unwrap().status(), 403, "gateway");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_gives_one_enrollment_for_one_body_and_refuses_another() {
    let world = World::start().await;
    let wish = |user: &str| json!({"user_ref": user, "brand": "peugeot", "return_to": RETURN_TO});
    let begin = async |user: &str, key: &str| {
        let answer = world.post_once(key, "/v1/enrollments", wish(user)).await;
        (answer.status, answer.body)
    };

    let (first, second) = tokio::join!(begin("user-1", "one"), begin("user-1", "one"));
    let third = begin("user-1", "one").await;
    let another = begin("user-1", "two").await;
    let (refused, problem) = begin("user-2", "one").await;

    assert_eq!(third.0, 201, "{}", third.1);
    for seen in [&first, &second] {
        // Both at once: the one that comes second may be told so.
        assert!(matches!(seen.0, 201 | 409), "{}", seen.1);
        assert!(seen.0 == 409 || seen.1["id"] == third.1["id"]);
    }
    assert!(first.0 == 201 || second.0 == 201);
    assert_ne!(another.1["id"], third.1["id"]);
    assert_eq!((refused, problem["type"].as_str()), (409, Some("idempotency_key_reused")));
    let list = world.read("/v1/enrollments?user_ref=user-1").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 2, "{list}");
}
