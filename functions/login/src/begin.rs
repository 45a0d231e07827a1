use std::{collections::BTreeMap, sync::Arc};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use data_encoding::BASE64URL_NOPAD;
use shared::{
    App,
    domain::{brand::Brand, enrollment::LINK_LIVES, ids::EnrollmentId, vin::Vin},
    http::{Problem, query_once},
    page::locale_of,
    random,
    round_trip::{self, Asked, Attempt, Confirm, Cookies, Ticket, returned},
    seal::Purpose,
    stellantis::oauth::Authorize,
};

use crate::{Error, cookies_of};

/// `GET /login?ticket=…`, from our own page with `&yes=…`; in open mode also `?brand=…` or
/// `?vin=…`, and `&locale=…`.
#[tracing::instrument(name = "login.get", skip_all)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let query = query_once(query.as_deref()).map_err(Error::Parameter)?;
    let ticket = match query.get("ticket") {
        Some(sealed) => read_ticket(&app, sealed).await?,
        None if app.config.enrolling.open => open_ticket(&app, &query)?,
        None => return Err(Error::Closed),
    };
    let sent = cookies_of(&headers);
    let given = |name| query.get(name).map(String::as_str).unwrap_or_default();
    if ticket.confirm == Confirm::Page && !said_yes(&app, &sent, &ticket, given("yes")).await? {
        return Ok(see_other(&format!("/start?ticket={}", given("ticket"))));
    }
    depart(&app, ticket, &sent, locale_of(&headers)).await
}

/// Opens a ticket and checks its time.
pub(crate) async fn read_ticket(app: &App, sealed: &str) -> Result<Ticket, Error> {
    let ticket: Option<Ticket> = round_trip::open(&app.secrets, Purpose::Ticket, sealed).await?;
    let ticket = ticket.ok_or(Error::Ticket)?;
    if ticket.expires <= app.clock.now().as_second() {
        // Its seal is ours, so it may say where to go back to.
        let back = ticket.return_to.as_deref();
        let back = back.and_then(|to| returned(to, "expired", &ticket.enrollment));
        return Err(Error::Expired { back });
    }
    Ok(ticket)
}

/// What anybody may begin in open mode.
fn open_ticket(app: &App, query: &BTreeMap<String, String>) -> Result<Ticket, Error> {
    let invalid = |field, wanted| Error::Parameter(Problem::invalid(field, wanted));
    let brand = match (query.get("brand"), query.get("vin")) {
        (Some(brand), None) => brand
            .parse::<Brand>()
            .map_err(|error| Error::Parameter(Problem::invalid("brand", error)))?,
        (None, Some(vin)) => {
            let vin: Vin =
                vin.parse().map_err(|error| Error::Parameter(Problem::invalid("vin", error)))?;
            Brand::from_vin(&vin).ok_or_else(|| {
                invalid("vin", "the VIN does not tell the brand; give brand instead")
            })?
        }
        _ => return Err(invalid("brand", "give either brand or vin")),
    };
    let locale = query.get("locale").cloned();
    if locale.as_ref().is_some_and(|locale| !round_trip::is_locale(locale)) {
        return Err(invalid("locale", "expected a language such as fr or fr-FR"));
    }
    Ok(Ticket {
        enrollment: EnrollmentId::random(),
        brand,
        scopes: app.config.enrolling.default_scopes.clone(),
        locale,
        return_to: None,
        confirm: Confirm::None,
        account_label: None,
        expires: (app.clock.now() + LINK_LIVES).as_second(),
    })
}

/// Whether the button of our own page was pressed in the browser that shows it.
async fn said_yes(app: &App, sent: &str, ticket: &Ticket, yes: &str) -> Result<bool, Error> {
    let cookies = Cookies::new(app.config.is_https());
    let Some(sealed) = cookies.find_asked(sent) else { return Ok(false) };
    let asked: Option<Asked> = round_trip::open(&app.secrets, Purpose::Login, sealed).await?;
    Ok(asked.is_some_and(|asked| asked.is_answered(&ticket.enrollment, yes)))
}

/// The redirect: `state`, `nonce` and PKCE verifier are new, the last two go sealed into a cookie.
async fn depart(
    app: &App,
    ticket: Ticket,
    sent: &str,
    preferred: Option<String>,
) -> Result<Response, Error> {
    let (state, nonce, verifier) = (random::token(), random::token(), random::token());
    let edge = app.secrets.edge().await?;
    let challenge = BASE64URL_NOPAD.encode(digest(&SHA256, verifier.as_bytes()).as_ref());
    let scopes: Vec<&str> = ticket.scopes.iter().map(String::as_str).collect();
    let url = app.maker.authorize_url(&Authorize {
        brand: ticket.brand,
        client_id: edge.client_ids.of(ticket.brand),
        redirect_uri: &app.config.redirect_uri(ticket.brand),
        scopes: &scopes,
        state: &state,
        nonce: &nonce,
        pkce_challenge: &challenge,
        locale: ticket.locale.as_deref().or(preferred.as_deref()).unwrap_or("en-GB"),
    });

    let attempt = Attempt::new(&state, verifier, nonce, ticket, app.clock.now());
    let sealed = round_trip::seal(&edge.ring, Purpose::Login, &attempt);
    let cookies = Cookies::new(app.config.is_https());
    let values = cookies.begin(sent, &attempt.state_sha256, &sealed, app.clock.now());

    tracing::info!(enrollment.id = %attempt.ticket.enrollment, brand = %attempt.ticket.brand, "a login departs");
    let mut response = (StatusCode::FOUND, [(header::LOCATION, url.as_str())]).into_response();
    for cookie in values {
        if let Ok(value) = HeaderValue::try_from(cookie) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    Ok(response)
}

/// Elsewhere, by GET.
pub(crate) fn see_other(location: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}
