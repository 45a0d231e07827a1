//! Pages and redirects of the identity provider, with the headers that every one of them carries.

use askama::Template;
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::authorize::Refused;

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage {
    message: String,
}

/// An error page: never a redirect.
pub(super) fn refused(refused: &Refused) -> Response {
    let status = if matches!(refused, Refused::UnknownBrand) { 404 } else { 400 };
    html(status, &RefusedPage { message: refused.to_string() })
}

/// What a page may load, and who may frame it. There is no `form-action`: Chromium judges by it
/// every redirect that follows a form, so it would have to list not only the application that the
/// browser goes back to but wherever that one sends it next, which an identity provider can't know.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page.
pub(super) fn html(status: u16, page: &impl Template) -> Response {
    let Ok(body) = page.render() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = hardened(status, body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// 302.
pub(super) fn redirect(location: &str) -> Response {
    let mut response = hardened(302, "");
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

pub(super) async fn style() -> Response {
    let css = include_str!("../../templates/style.css");
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], css).into_response()
}

pub(super) async fn icon() -> Response {
    let svg = include_str!("../../templates/icon.svg");
    ([(header::CONTENT_TYPE, "image/svg+xml")], svg).into_response()
}

fn hardened(status: u16, body: impl Into<Body>) -> Response {
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        // Not `no-referrer`: with that a browser sends `Origin: null` with the form.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, headers, body.into()).into_response()
}
