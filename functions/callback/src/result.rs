use std::sync::Arc;

use axum::{
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use shared::{
    App,
    domain::{
        brand::Brand,
        enrollment::{Enrollment, Status},
    },
    http::{self, query_once},
    page::{Action, Language, Mark, Page, Part, Said, Texts, fill},
};

use crate::{again, answer::Error, browser::Browser, outcome::Outcome};

/// For how many half seconds a page waits for the account to be looked through: that is done within
/// a second or two of the consent.
const PATIENCE: u32 = 10;

/// `GET /result/{outcome}`: what the user reads when the operator named no address to return to.
/// `?login=…` says which login of this browser has connected an account; in open mode `?brand=…`
/// says what a failure offers to begin again.
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Path(outcome): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Ok(outcome) = outcome.parse::<Outcome>() else {
        return http::not_found().await.into_response();
    };
    let query = query_once(query.as_deref()).unwrap_or_default();
    let language = Language::of(&headers);
    let texts = language.texts();
    let (mut mark, mut said) = says(texts, outcome);
    let (mut parts, mut actions) = (Vec::new(), Vec::new());
    let login = query.get("login").filter(|_| outcome == Outcome::Connected);
    let connected = match login {
        Some(login) => connected(&app, &Browser::new(&app, &headers), login).await,
        None => None,
    };
    match connected.and_then(|found| Some((found.vehicles?, found.brand))) {
        Some((0, brand)) => {
            (mark, said) = (Mark::Notice, texts.no_car);
            parts.push(Part::Line(fill(said.line, &[("brand", brand.label())])));
        }
        Some((1, _)) => parts.push(Part::from(texts.one_car)),
        Some((count, _)) => {
            parts.push(Part::Line(fill(texts.cars, &[("count", &count.to_string())])));
        }
        None => parts.push(Part::from(said.line)),
    }
    let brand = query.get("brand").and_then(|brand| brand.parse::<Brand>().ok());
    match brand.filter(|_| outcome.can_begin_again(&app)) {
        Some(brand) => actions.push(start_again(texts, brand)),
        None => parts.extend(way_on(texts, outcome).map(Part::from)),
    }
    let operator = app.config.operator_name.clone();
    let title = said.title.to_owned();
    Page { language, operator, mark, title, parts, actions }.into_response()
}

fn start_again(texts: &Texts, brand: Brand) -> Action {
    Action { href: format!("/login?brand={brand}"), label: texts.again.to_owned() }
}

/// What this login of this browser has connected, once its account was looked through. `None`: that
/// can't be told, and the page does without.
async fn connected(app: &App, browser: &Browser<'_>, login: &str) -> Option<Enrollment> {
    let found = async {
        let Some(attempt) = browser.login(login).await? else { return Ok(None) };
        let mut id = attempt.ticket.enrollment;
        for _ in 0..PATIENCE {
            let found = app.store.enrollment(&id, app.clock.now()).await?;
            let Some(found) = found.map(|found| found.value) else { return Ok(None) };
            if let Some(older) = found.merged_into {
                id = older;
                continue;
            }
            if found.status != Status::Active || found.vehicles.is_some() {
                return Ok(Some(found));
            }
            again::pause().await;
        }
        Ok::<_, Error>(None)
    };
    found.await.unwrap_or_else(|error| {
        tracing::warn!(error = %error, "a page could not tell what was connected");
        None
    })
}

fn says(texts: &Texts, outcome: Outcome) -> (Mark, Said) {
    match outcome {
        Outcome::Connected => (Mark::Success, texts.connected),
        Outcome::Declined => (Mark::Notice, texts.declined),
        Outcome::Unavailable => (Mark::Failure, texts.unavailable),
        Outcome::Expired => (Mark::Failure, texts.expired),
        Outcome::Used => (Mark::Notice, texts.used),
        Outcome::Failed => (Mark::Failure, texts.failed),
    }
}

/// How to try again with a link.
fn way_on(texts: &Texts, outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Connected | Outcome::Used => None,
        // Its link is spent.
        Outcome::Declined | Outcome::Failed => Some(texts.new_link),
        Outcome::Unavailable | Outcome::Expired => Some(texts.same_link),
    }
}
