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

/// Who asks, for which brand's account, and in which account of the operator's it will be seen.
fn question(app: &App, language: Language, ticket: &Ticket, href: String) -> Page {
    let operator = app.config.operator_name.clone();
    let brand = ticket.brand.label();
    let title = match language {
        Language::English => format!("Connect your {brand} with {operator}?"),
        Language::French => format!("Relier votre {brand} à {operator} ?"),
        Language::German => format!("Ihren {brand} mit {operator} verbinden?"),
    };
    let whose = ticket.account_label.as_ref().map(|account| match language {
        Language::English => format!("Your car will be seen in the account “{account}”."),
        Language::French => format!("Votre véhicule sera visible dans le compte « {account} »."),
        Language::German => format!("Ihr Fahrzeug wird im Konto „{account}“ zu sehen sein."),
    });
    let line = language.pick([
        "You will sign in at the car maker and decide there what may be read. If you did not ask for this, or do not know the account, close the page.",
        "Vous vous identifierez chez le constructeur et y choisirez ce qui peut être lu. Si vous n’avez rien demandé, ou si vous ne connaissez pas ce compte, fermez cette page.",
        "Sie melden sich beim Hersteller an und entscheiden dort, was gelesen werden darf. Haben Sie das nicht verlangt oder kennen Sie das Konto nicht, schließen Sie diese Seite.",
    ]);
    let label = language.pick(["Yes, connect", "Oui, relier", "Ja, verbinden"]);
    Page {
        lang: language.tag(),
        operator,
        title,
        lines: whose.into_iter().chain([line.to_owned()]).collect(),
        actions: vec![Action { href, label: label.to_owned() }],
    }
}
