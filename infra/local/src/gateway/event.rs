//! API Gateway's event, payload format 2.0, and its answer
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>).

use std::{collections::BTreeMap, net::IpAddr};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use data_encoding::BASE64;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// What the gateway knows of a request beside the request.
pub(super) struct Around<'a> {
    pub(super) route: &'a str,
    pub(super) parameters: &'a BTreeMap<String, String>,
    /// The path, decoded: that is what HTTP APIs send as `rawPath`.
    pub(super) path: &'a str,
    pub(super) source: IpAddr,
    pub(super) https: bool,
    pub(super) now: Timestamp,
    pub(super) request_id: &'a str,
}

/// The event for a request.
pub(super) fn event(parts: &Parts, body: &[u8], around: &Around<'_>) -> Value {
    let headers = headers(&parts.headers, around);
    let host = headers.get("host").cloned().unwrap_or_default();
    let query = parts.uri.query().unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": around.route,
        "rawPath": around.path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": host,
            "domainPrefix": "local",
            "http": {
                "method": parts.method.as_str(),
                "path": around.path,
                "protocol": "HTTP/1.1",
                "sourceIp": around.source,
                "userAgent": headers.get("user-agent").cloned().unwrap_or_default(),
            },
            "requestId": around.request_id,
            "routeKey": around.route,
            "stage": "$default",
            "time": around.now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": around.now.as_millisecond(),
        },
        "isBase64Encoded": false,
    });
    let cookies = cookies(&parts.headers);
    if !cookies.is_empty() {
        event["cookies"] = cookies.into();
    }
    if !query.is_empty() {
        event["queryStringParameters"] = query_parameters(query).into();
    }
    if !around.parameters.is_empty() {
        event["pathParameters"] = json!(around.parameters);
    }
    if !body.is_empty() {
        let text = std::str::from_utf8(body).ok().filter(|_| is_text(&parts.headers));
        event["isBase64Encoded"] = text.is_none().into();
        event["body"] = text.map_or_else(|| BASE64.encode(body), str::to_owned).into();
    }
    event
}

/// Lower-case names, several values joined by commas, cookies apart; and what a proxy adds.
fn headers(given: &HeaderMap, around: &Around<'_>) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in given.iter().filter(|(name, _)| *name != header::COOKIE) {
        let value = String::from_utf8_lossy(value.as_bytes());
        let joined = headers.entry(name.as_str().to_owned());
        joined
            .and_modify(|all| *all = format!("{all},{value}"))
            .or_insert_with(|| value.into_owned());
    }
    let forwarded = match headers.get("x-forwarded-for") {
        Some(earlier) => format!("{earlier}, {}", around.source),
        None => around.source.to_string(),
    };
    headers.insert("x-forwarded-for".to_owned(), forwarded);
    headers.insert(
        "x-forwarded-proto".to_owned(),
        if around.https { "https" } else { "http" }.to_owned(),
    );
    headers
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split("; "))
        .filter(|cookie| !cookie.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Several values of one name are joined by commas: nothing should read them here.
fn query_parameters(query: &str) -> Map<String, Value> {
    let mut parameters: Map<String, Value> = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let joined = match parameters.get(name.as_ref()).and_then(Value::as_str) {
            Some(earlier) => format!("{earlier},{value}"),
            None => value.into_owned(),
        };
        parameters.insert(name.into_owned(), joined.into());
    }
    parameters
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind =
        headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.starts_with("text/")
        || matches!(kind, "application/json" | "application/javascript" | "application/xml")
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
}

/// The function's answer as HTTP. None: it is not one, which the gateway calls a bad gateway.
pub(super) fn response(mut answer: Value) -> Option<Response> {
    let status = answer["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok())?;
    let body = match answer["body"].take() {
        Value::String(text) if answer["isBase64Encoded"] == true => {
            BASE64.decode(text.as_bytes()).ok()?
        }
        Value::String(text) => text.into_bytes(),
        _ => Vec::new(),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
    let single = answer["headers"].as_object().into_iter().flatten();
    let several = answer["multiValueHeaders"].as_object().into_iter().flatten();
    for (name, value) in single.chain(several) {
        let values = value.as_array().map_or_else(|| vec![value.clone()], Clone::clone);
        for value in values.iter().filter_map(Value::as_str) {
            response
                .headers_mut()
                .append(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
        }
    }
    for cookie in answer["cookies"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        response.headers_mut().append(header::SET_COOKIE, HeaderValue::try_from(cookie).ok()?);
    }
    // The server writes its own.
    response.headers_mut().remove(header::CONTENT_LENGTH);
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn event_of(request: axum::http::request::Builder, body: &[u8]) -> Value {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let parameters = [("brand".to_owned(), "opel".to_owned())].into();
        event(
            &parts,
            body,
            &Around {
                route: "GET /callback/{brand}",
                parameters: &parameters,
                path: "/callback/opel",
                source: IpAddr::from([127, 0, 0, 1]),
                https: false,
                now: "2026-03-12T19:03:58Z".parse().unwrap(),
                request_id: "req",
            },
        )
    }

    #[test]
    fn an_event_is_what_the_gateway_would_send() {
        let request = Request::get("http://localhost/callback/opel?a=1&a=2&b=x%20y")
            .header("host", "localhost:8080")
            .header("Accept", "text/html")
            .header("accept", "text/plain")
            .header("cookie", "one=1; two=2")
            .header("cookie", "three=3")
            .header("user-agent", "test");

        let event = event_of(request, b"");

        assert_eq!(
            event,
            json!({
                "version": "2.0",
                "routeKey": "GET /callback/{brand}",
                "rawPath": "/callback/opel",
                "rawQueryString": "a=1&a=2&b=x%20y",
                "cookies": ["one=1", "two=2", "three=3"],
                "headers": {
                    "accept": "text/html,text/plain",
                    "host": "localhost:8080",
                    "user-agent": "test",
                    "x-forwarded-for": "127.0.0.1",
                    "x-forwarded-proto": "http",
                },
                "queryStringParameters": {"a": "1,2", "b": "x y"},
                "pathParameters": {"brand": "opel"},
                "requestContext": {
                    "accountId": "000000000000", "apiId": "local", "domainName": "localhost:8080", "domainPrefix": "local",
                    "http": {
                        "method": "GET", "path": "/callback/opel", "protocol": "HTTP/1.1",
                        "sourceIp": "127.0.0.1", "userAgent": "test",
                    },
                    "requestId": "req", "routeKey": "GET /callback/{brand}", "stage": "$default",
                    "time": "12/Mar/2026:19:03:58 +0000", "timeEpoch": 1_773_342_238_000_i64,
                },
                "isBase64Encoded": false,
            })
        );
    }

    #[test]
    fn a_body_that_is_no_text_travels_as_base64() {
        let post = || Request::post("/v1/x").header("host", "h");

        let json =
            event_of(post().header("content-type", "application/json; charset=utf-8"), b"{}");
        let binary = event_of(post().header("content-type", "application/json"), b"\xff\x00");
        let unnamed = event_of(post(), b"{}");

        assert_eq!((&json["body"], &json["isBase64Encoded"]), (&json!("{}"), &json!(false)));
        assert_eq!((&binary["body"], &binary["isBase64Encoded"]), (&json!("/wA="), &json!(true)));
        assert_eq!((&unnamed["body"], &unnamed["isBase64Encoded"]), (&json!("e30="), &json!(true)));
    }

    #[test]
    fn an_answer_gets_its_cookies_and_its_bytes_back() {
        let answer = json!({
            "statusCode": 303, "headers": {"location": "/x"}, "multiValueHeaders": {},
            "cookies": ["a=1; Path=/", "b=2"], "body": "/wA=", "isBase64Encoded": true,
        });

        let response = response(answer).unwrap();

        let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
        assert_eq!(response.status(), 303);
        assert_eq!(response.headers()["location"], "/x");
        assert_eq!(cookies, ["a=1; Path=/", "b=2"]);
        assert!(super::response(json!({"no": "status"})).is_none());
    }
}
