use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::*;

fn reply(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Reply {
    let headers = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    Reply {
        status: StatusCode::from_u16(status).unwrap(),
        headers: headers.collect::<HeaderMap>(),
        body: body.as_bytes().to_vec(),
    }
}

fn error(status: u16, body: &Value) -> ApiError {
    match judge(&reply(status, &[], &body.to_string())) {
        Refusal::Error(error) => error,
        Refusal::NoData(_) | Refusal::Empty(_) => panic!("no data"),
        Refusal::Extension(_) => panic!("extension"),
    }
}

#[test]
fn the_gateways_shape_tells_the_token_from_the_plan() {
    let gateway = |more: &str| json!({"httpCode": "401", "httpMessage": "Unauthorized", "moreInformation": more});

    let token = error(401, &gateway("Token is invalid"));
    assert!(matches!(&token, ApiError::Unauthorized(upstream) if upstream.code == Some(401)));
    let plan = error(401, &gateway("Not registered to plan"));
    assert!(matches!(plan, ApiError::NotRegistered(_)));
    let plan = error(403, &gateway("Not registered to plan"));
    assert!(matches!(plan, ApiError::NotRegistered(_)));
}

#[test]
fn the_backends_shape_keeps_what_their_support_asks_for() {
    let uuid = "0af9-77";
    let time = "2026-01-02T03:04:05+0000";
    let body = json!({"code": "40301", "uuid": uuid, "message": "no", "timestamp": time});

    let ApiError::Forbidden(upstream) = error(403, &body) else { panic!("not forbidden") };

    assert_eq!(upstream.to_string(), format!("403, code 40301, uuid {uuid} at {time}"));
}

#[test]
fn what_could_hold_personal_data_is_not_kept() {
    let vin = "VF3ABCDE0FG123456";
    let long = format!("https://api.example/vehicle/{vin}");
    let body = json!({"code": 40_000, "uuid": long, "message": vin, "timestamp": "a@b.example"});

    let error = error(400, &body);

    assert!(!format!("{error:?} {error}").contains(vin));
    assert!(!format!("{error:?}").contains('@'));
}

#[test]
fn no_data_is_told_from_unknown() {
    for code in [json!(40_400), json!("40499")] {
        let refusal = judge(&reply(404, &[], &json!({"code": code}).to_string()));
        assert!(matches!(refusal, Refusal::NoData(_)), "{code}");
    }
    assert!(matches!(error(404, &json!({"code": 40_401})), ApiError::NotFound(_)));
    assert!(matches!(error(404, &json!(null)), ApiError::NotFound(_)));
}

#[test]
fn what_may_be_an_extensions_fault_is_marked() {
    for (status, body) in [
        (400, json!({"code": 40_000, "message": "Invalid parameter"})),
        (400, json!({"httpCode": "400", "moreInformation": "invalid parameter: extension"})),
        (500, json!({"code": 50_055})),
    ] {
        let refusal = judge(&reply(status, &[], &body.to_string()));
        assert!(matches!(refusal, Refusal::Extension(_)), "{body}");
    }
    assert!(matches!(error(400, &json!({"code": 1001, "debug": "x"})), ApiError::Invalid(_)));
}

#[test]
fn their_own_failures_are_transient_whatever_they_look_like() {
    let cause = |reply: &Reply| match judge(reply) {
        Refusal::Error(ApiError::Transient { cause, .. }) => cause,
        _ => panic!("not transient"),
    };

    assert_eq!(cause(&reply(500, &[], r#"{"code":50000}"#)), Cause::Status(500));
    assert_eq!(cause(&reply(404, &[], r#"{"code":50038}"#)), Cause::Status(404));
    assert_eq!(cause(&reply(503, &[], "<html>")), Cause::Status(503));
    assert_eq!(cause(&reply(200, &[], "<html>")), Cause::NotJson);
    assert_eq!(cause(&reply(403, &[("content-type", "text/HTML")], "")), Cause::NotJson);
    assert_eq!(cause(&reply(302, &[], "")), Cause::Redirect);
}

#[test]
fn a_limit_says_when_to_come_back() {
    let headers = [
        ("retry-after", "30"),
        ("x-ratelimit-reset", "3600"),
        ("x-ratelimit-limit-1", "100"),
        ("x-ratelimit-remaining-1", "0"),
    ];

    let Refusal::Error(ApiError::Limited { retry_after, reset, upstream }) =
        judge(&reply(429, &headers, ""))
    else {
        panic!("not limited")
    };

    assert_eq!(retry_after, Some(Duration::from_secs(30)));
    assert_eq!(reset, Some(Reset::In(Duration::from_hours(1))));
    assert_eq!(upstream.quota.unwrap().day.unwrap().remaining, 0);
}

#[test]
fn a_reset_may_be_a_time_and_a_wait_may_not() {
    let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    for (text, wait) in [
        ("1772367000", Some(Duration::from_mins(10))),
        ("1772367000000", Some(Duration::from_mins(10))),
        ("1772366000", Some(Duration::ZERO)),
        ("1799999999", Some(Duration::from_hours(24))),
        ("30", Some(Duration::from_secs(30))),
        ("soon", None),
    ] {
        let limited = judge(&reply(429, &[("x-ratelimit-reset", text)], ""));
        let Refusal::Error(ApiError::Limited { reset, .. }) = limited else { panic!("{text}") };
        assert_eq!(reset.map(|reset| reset.wait(now)), wait, "{text}");
    }
    assert_eq!(reply(429, &[("retry-after", "1772367000")], "").retry_after(), None);
    assert_eq!(
        reply(429, &[("retry-after", "99999999")], "").retry_after(),
        Some(Duration::from_hours(24))
    );
}
