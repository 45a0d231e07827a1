use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use shared::{
    App,
    http::query_once,
    page::{Action, Language, Page},
    round_trip::{self, Confirm, Cookies},
    seal::Purpose,
};

use crate::{Error, accept_language, begin};

/// `GET /start?ticket=…`: for a link that came by mail or QR code, asks whether the person before
/// the screen wants just this. The yes is a cookie: a link copied from the page carries nothing.
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

    let language =
        Language::preferred(ticket.locale.as_deref().unwrap_or(accept_language(&headers)));
    let operator = app.config.operator_name.clone();
    let brand = ticket.brand.label();
    let lines = language.pick([
        "You will sign in at the car maker and decide there what may be read. If you did not ask for this, close the page.",
        "Vous vous identifierez chez le constructeur et y choisirez ce qui peut être lu. Si vous n’avez rien demandé, fermez cette page.",
        "Sie melden sich beim Hersteller an und entscheiden dort, was gelesen werden darf. Haben Sie das nicht verlangt, schließen Sie diese Seite.",
    ]);
    let title = match language {
        Language::English => format!("Connect your {brand} with {operator}?"),
        Language::French => format!("Relier votre {brand} à {operator} ?"),
        Language::German => format!("Ihren {brand} mit {operator} verbinden?"),
    };
    let label = language.pick(["Yes, connect", "Oui, relier", "Ja, verbinden"]);
    let page = Page {
        lang: language.tag(),
        operator,
        title,
        lines: vec![lines.to_owned()],
        actions: vec![Action { href: format!("/login?ticket={sealed}"), label: label.to_owned() }],
    };
    let edge = app.secrets.edge().await?;
    let asked = round_trip::seal(&edge.ring, Purpose::Login, &ticket.enrollment);
    let cookie = Cookies::new(app.config.is_https()).asked(&asked);
    Ok(([(header::SET_COOKIE, cookie)], page).into_response())
}
