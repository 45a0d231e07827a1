use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use shared::{
    App,
    http::query_once,
    page::{Action, Language, Mark, Page, Part, fill},
    round_trip::{self, Asked, Confirm, Cookies, Ticket},
    seal::Purpose,
};

use crate::{Error, begin};

/// `GET /start?ticket=…`: for a link that came by mail or QR code, asks whether the person before
/// the screen wants just this. A yes has two halves: a cookie, which a link copied from the page
/// lacks, and a word in the button's address, which a site that opens this page unasked can't read.
#[tracing::instrument(name = "start.get", skip_all)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let query = query_once(query.as_deref()).map_err(Error::Parameter)?;
    let sealed = query.get("ticket").ok_or(Error::Ticket)?;
    let ticket = begin::read_ticket(&app, sealed).await?;
    if ticket.confirm != Confirm::Page {
        return Ok(begin::see_other(&format!("/login?ticket={sealed}")));
    }

    let language = ticket.locale.as_deref().map_or(Language::of(&headers), Language::preferred);
    let asked = Asked::new(ticket.enrollment.clone());
    let href = format!("/login?ticket={sealed}&yes={}", asked.yes());
    let page = question(&app, language, &ticket, href);
    let edge = app.secrets.edge().await?;
    let asked = round_trip::seal(&edge.ring, Purpose::Login, &asked);
    let cookie = Cookies::new(app.config.is_https()).asked(&asked);
    Ok(([(header::SET_COOKIE, cookie)], page).into_response())
}

/// Who asks, for which brand's account, for what, and in which account of the operator's it will be
/// seen.
fn question(app: &App, language: Language, ticket: &Ticket, href: String) -> Page {
    let (texts, operator) = (language.texts(), app.config.operator_name.clone());
    let asked = [("brand", ticket.brand.label()), ("operator", operator.as_str())];
    let title = fill(texts.question, &asked);
    let account = ticket.account_label.as_ref().map(|account| {
        Part::Line(fill(texts.question_account, &[("account", &account.to_string())]))
    });
    let meant = texts.scopes.of(&ticket.scopes);
    let scopes = (!meant.is_empty())
        .then(|| [Part::from(texts.question_scopes), Part::List(meant)])
        .into_iter()
        .flatten();
    let advice = Part::from(texts.question_advice);
    Page {
        language,
        operator,
        mark: Mark::None,
        title,
        parts: account.into_iter().chain(scopes).chain([advice]).collect(),
        actions: vec![Action { href, label: texts.question_yes.to_owned() }],
    }
}
