//! What a driver reads when an address of ours can't do what it should.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use url::Url;

use super::{Action, Language, Mark, Page, Part, Said, Texts, fill, language::weighted};
use crate::app::App;

/// Where whoever reads of a failure can go back to: in the extensions of the answer that tells it.
#[derive(Debug, Clone)]
pub struct WayBack(pub Url);

/// Gives people a page where programs get a problem's JSON, of the same status: for routers whose
/// addresses drivers open. A page says less than a problem: only what to do next.
pub async fn for_people(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let language = prefers_page(request.headers()).then(|| Language::of(request.headers()));
    let response = next.run(request).await;
    match language {
        Some(language) if is_problem(&response) => {
            let back = response.extensions().get::<WayBack>();
            failure(&app, language, response.status(), back)
        }
        _ => response,
    }
}

/// Whether whoever asks would rather read HTML than JSON (RFC 9110 §12.5.1). A program that takes
/// anything does not say so.
fn prefers_page(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let wanted: Vec<_> = values.flat_map(|value| value.split(',')).map(weighted).collect();
    let weight = |kinds: &[&str]| {
        let ours = wanted.iter().filter(|(kind, _)| kinds.contains(&kind.as_str()));
        ours.map(|(_, weight)| *weight).fold(0.0, f32::max)
    };
    weight(&["text/html"]) > weight(&["application/json", "application/problem+json"])
}

fn is_problem(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes() == b"application/problem+json")
}

fn failure(app: &App, language: Language, status: StatusCode, back: Option<&WayBack>) -> Response {
    let (texts, operator) = (language.texts(), app.config.operator_name.clone());
    let Said { title, line } = said(texts, status);
    let back = back.map(|WayBack(url)| Action {
        href: url.to_string(),
        label: fill(texts.back, &[("operator", &operator)]),
    });
    let page = Page {
        language,
        operator,
        mark: Mark::Failure,
        title: title.to_owned(),
        parts: vec![Part::from(line)],
        actions: back.into_iter().collect(),
    };
    (status, page).into_response()
}

fn said(texts: &Texts, status: StatusCode) -> Said {
    match status {
        StatusCode::GONE => texts.link_expired,
        StatusCode::FORBIDDEN => texts.link_needed,
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => texts.not_found,
        status if status.is_client_error() => texts.link_broken,
        _ => texts.our_fault,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_page_is_for_whoever_says_that_it_would_rather_have_one() {
        let prefers = |accept: &'static str| {
            let value = (header::ACCEPT, HeaderValue::from_static(accept));
            prefers_page(&[value].into_iter().collect())
        };

        for page in [
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "TEXT/HTML",
            "application/json;q=0.5, text/html;q=0.6",
        ] {
            assert!(prefers(page), "{page}");
        }
        for json in [
            "",
            "*/*",
            "application/json, text/plain, */*",
            "application/problem+json, text/html",
            "text/html;q=0",
            "text/html;q=0.5, application/json",
        ] {
            assert!(!prefers(json), "{json}");
        }
        assert!(!prefers_page(&HeaderMap::new()));
    }
}
