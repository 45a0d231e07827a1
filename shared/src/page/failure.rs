//! What a driver reads when an address of ours can't do what it should.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Language, Page, weighted};
use crate::app::App;

/// Gives people a page where programs get a problem's JSON, of the same status: for routers whose
/// addresses drivers open. A page says less than a problem: only what to do next.
pub async fn for_people(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let language = prefers_page(request.headers()).then(|| Language::of(request.headers()));
    let response = next.run(request).await;
    match language {
        Some(language) if is_problem(&response) => failure(&app, language, response.status()),
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

fn failure(app: &App, language: Language, status: StatusCode) -> Response {
    let (title, line) = texts(status);
    let page = Page {
        lang: language.tag(),
        operator: app.config.operator_name.clone(),
        title: language.pick(title).to_owned(),
        lines: vec![language.pick(line).to_owned()],
        actions: Vec::new(),
    };
    (status, page).into_response()
}

fn texts(status: StatusCode) -> ([&'static str; 3], [&'static str; 3]) {
    match status {
        StatusCode::GONE => (
            ["This link has expired", "Ce lien a expiré", "Dieser Link ist abgelaufen"],
            [
                "A link is good for one day. Please ask whoever gave it to you for a new one.",
                "Un lien est valable un jour. Demandez-en un nouveau à qui vous l’a donné.",
                "Links gelten einen Tag. Bitte erbitten Sie einen neuen von dort, woher Sie diesen haben.",
            ],
        ),
        StatusCode::FORBIDDEN => (
            [
                "You need a link to begin",
                "Il vous faut un lien pour commencer",
                "Sie brauchen einen Link, um zu beginnen",
            ],
            [
                "Please begin where you were offered to connect your car.",
                "Commencez là où l’on vous a proposé de relier votre véhicule.",
                "Bitte beginnen Sie dort, wo Ihnen angeboten wurde, Ihr Fahrzeug zu verbinden.",
            ],
        ),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => (
            ["There is no such page", "Cette page n’existe pas", "Diese Seite gibt es nicht"],
            [
                "Please open the link again, just as you were given it.",
                "Ouvrez de nouveau le lien, tel qu’il vous a été donné.",
                "Bitte öffnen Sie den Link noch einmal, genau wie Sie ihn bekommen haben.",
            ],
        ),
        status if status.is_client_error() => (
            ["This link does not work", "Ce lien ne fonctionne pas", "Dieser Link geht nicht"],
            [
                "It is incomplete, or was changed. Please open it again, just as you were given it, or ask for a new one.",
                "Il lui manque une partie, ou il a été modifié. Ouvrez-le de nouveau, tel qu’il vous a été donné, ou demandez-en un nouveau.",
                "Er ist unvollständig oder wurde verändert. Bitte öffnen Sie ihn noch einmal, genau wie Sie ihn bekommen haben, oder erbitten Sie einen neuen.",
            ],
        ),
        _ => (
            [
                "This does not work at the moment",
                "Cela ne fonctionne pas pour le moment",
                "Das geht im Augenblick nicht",
            ],
            [
                "It is our fault, and nothing is lost. Please open the same link again in a few minutes.",
                "C’est notre faute, et rien n’est perdu. Ouvrez le même lien de nouveau dans quelques minutes.",
                "Es liegt an uns, und nichts ist verloren. Bitte öffnen Sie denselben Link in einigen Minuten noch einmal.",
            ],
        ),
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
