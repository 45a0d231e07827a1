use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use serde::{Deserialize, Serialize};
use shared::{
    App,
    config::Config,
    domain::{
        brand::Brand,
        enrollment::{Enrollment, UserRef},
        event::{Event, What},
        ids::EnrollmentId,
        scope,
        vin::Vin,
    },
    http::Problem,
    round_trip::{self, AccountLabel, Confirm, LONGEST_RETURN_TO, Ticket},
    seal::Purpose,
    store::Transaction,
};
use url::Url;
use utoipa::ToSchema;

use crate::{
    Error,
    auth::{Key, Scope},
    body::Body,
    idempotency,
};

/// Whom to connect, and with what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Begin {
    /// Your own name for the user: opaque, no e-mail address.
    user_ref: UserRef,
    /// The brand whose account is to be connected; or `vin`.
    brand: Option<Brand>,
    /// A VIN that tells the brand. Opel and Vauxhall share theirs: give `brand` there.
    vin: Option<Vin>,
    /// What to ask for, each a scope of the maker's; by default as the deployment says. `openid` is
    /// always added.
    #[schema(value_type = Option<Vec<scope::Scope>>)]
    scopes: Option<Vec<String>>,
    /// The user's language, such as `fr-FR`.
    #[schema(pattern = "^[a-z]{2}(-[A-Z]{2})?$", example = "fr-FR")]
    locale: Option<String>,
    /// Where the browser goes in the end: on the deployment's list, and of at most 400 bytes.
    #[schema(format = "uri", max_length = 400, example = "http://localhost:3000/cars")]
    return_to: Option<String>,
    /// Who vouches for the browser: `session` (default) or `page`.
    confirm: Option<ConfirmBy>,
    /// Needed for `confirm=page`, and for nothing else: what our page calls the account that the
    /// car will be seen in, so that its receiver can tell whose it is. Shown, never stored.
    account_label: Option<AccountLabel>,
}

/// Who vouches that the browser is the right user's.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ConfirmBy {
    /// Your backend, from the session of the browser that came back to `return_to`.
    Session,
    /// A page of ours, which names you and asks: for links in a mail or a QR code.
    Page,
}

/// A link for the user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Begun {
    /// The enrollment that it begins.
    id: EnrollmentId,
    /// Give this to the user's browser.
    login_url: String,
    /// Until when the link is good.
    #[schema(value_type = String, format = DateTime)]
    expires_at: jiff::Timestamp,
}

/// Begins an enrollment: gives a login link for one user and one brand.
#[utoipa::path(
    post, path = "/v1/enrollments", operation_id = "enrollments.begin",
    tag = "enrollments", security(("key" = ["enroll"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same enrollment, for a day")),
    request_body = Begin,
    responses((status = 201, body = Begun), (status = 400, body = Problem), (status = 409, body = Problem, description = "The idempotency key was used for another body"))
)]
#[tracing::instrument(name = "enrollments.begin", skip_all)]
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    key: Key,
    headers: HeaderMap,
    body: Body<Begin>,
) -> Result<(StatusCode, Json<Begun>), Error> {
    key.require(Scope::Enroll)?;
    let wish = check(&app.config, body.value)?;
    let now = app.clock.now();

    let request = ("POST /v1/enrollments", &body.bytes[..]);
    let id = idempotency::id(&app, &key, &headers, request, EnrollmentId::random()).await?;
    let enrollment = match app.store.enrollment(&id, now).await? {
        Some(found) => found.value,
        None => create(&app, id, &wish, now).await?,
    };
    let begun = link(&app, enrollment, wish).await?;
    Ok((StatusCode::CREATED, Json(begun)))
}

/// A wish that may be granted.
struct Wish {
    user_ref: UserRef,
    brand: Brand,
    scopes: Vec<String>,
    locale: Option<String>,
    return_to: Option<String>,
    confirm: Confirm,
    account_label: Option<AccountLabel>,
}

fn check(config: &Config, begin: Begin) -> Result<Wish, Error> {
    let brand = match (begin.brand, &begin.vin) {
        (Some(brand), _) => brand,
        (None, Some(vin)) => Brand::from_vin(vin).ok_or_else(|| {
            Error::unprocessable("vin", "this VIN does not tell the brand; give `brand` too")
        })?,
        (None, None) => return Err(Error::unprocessable("brand", "give `brand` or `vin`")),
    };
    let confirm = match begin.confirm {
        None | Some(ConfirmBy::Session) => Confirm::Session,
        Some(ConfirmBy::Page) => Confirm::Page,
    };
    let return_to = begin.return_to.map(|text| allowed(config, &text)).transpose()?;
    if confirm == Confirm::Session && return_to.is_none() {
        let wanted = "needed to bring the confirmation back to your session; or use confirm=page";
        return Err(Error::unprocessable("return_to", wanted));
    }
    if (confirm == Confirm::Page) != begin.account_label.is_some() {
        let wanted = "needed for confirm=page, and for nothing else: whose account the page names";
        return Err(Error::unprocessable("account_label", wanted));
    }
    if begin.locale.as_ref().is_some_and(|locale| !round_trip::is_locale(locale)) {
        return Err(Error::invalid("locale", "expected a language such as fr or fr-FR"));
    }
    let scopes = scopes(begin.scopes.unwrap_or_else(|| config.enrolling.default_scopes.clone()))?;
    let Begin { user_ref, locale, account_label, .. } = begin;
    Ok(Wish { user_ref, brand, scopes, locale, return_to, confirm, account_label })
}

fn scopes(asked: Vec<String>) -> Result<Vec<String>, Error> {
    if !asked.iter().all(|scope| scope::is_known(scope)) {
        let known = scope::KNOWN.join(", ");
        return Err(Error::invalid("scopes", format!("expected some of {known}")));
    }
    let mut scopes: Vec<String> = Vec::new();
    for scope in ["openid".to_owned()].into_iter().chain(asked) {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Ok(scopes)
}

/// An address on the list, compared after parsing: exactly, or below a prefix that ends in `/`.
fn allowed(config: &Config, text: &str) -> Result<String, Error> {
    let wanted = || Error::unprocessable("return_to", "not on this deployment's list (RETURN_TO)");
    // The parser would leave line breaks out, and strip spaces: such text is no URL (RFC 3986).
    if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
        return Err(Error::invalid("return_to", "expected a URL, without spaces or line breaks"));
    }
    let url = Url::parse(text).map_err(|_| wanted())?;
    // As it travels: parsing may have escaped letters.
    if url.as_str().len() > LONGEST_RETURN_TO {
        let wanted = format!("expected at most {LONGEST_RETURN_TO} bytes");
        return Err(Error::unprocessable("return_to", wanted));
    }
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
        && !text.contains("..")
        && !text.contains('\\');
    let listed = config.enrolling.return_to.iter().any(|entry| {
        let below = entry.path().ends_with('/') && url.path().starts_with(entry.path());
        entry.origin() == url.origin() && (entry.path() == url.path() || below)
    });
    if plain && listed && shared::config::is_secure(&url) { Ok(url.into()) } else { Err(wanted()) }
}

async fn create(
    app: &App,
    id: EnrollmentId,
    wish: &Wish,
    now: jiff::Timestamp,
) -> Result<Enrollment, Error> {
    let enrollment =
        Enrollment::begin(id, wish.user_ref.clone(), wish.brand, wish.scopes.clone(), now);
    let mut transaction = Transaction::new();
    app.store.save_enrollment_in(&mut transaction, &enrollment, 0)?;
    let event = Event::new(&enrollment.id, What::Begun { brand: wish.brand }, now);
    app.store.tell_in(&mut transaction, event)?;
    app.store.commit(transaction).await?;
    tracing::info!(enrollment.id = %enrollment.id, brand = %wish.brand, "an enrollment begins");
    Ok(enrollment)
}

async fn link(app: &App, enrollment: Enrollment, wish: Wish) -> Result<Begun, Error> {
    let ticket = Ticket {
        enrollment: enrollment.id.clone(),
        brand: wish.brand,
        scopes: wish.scopes,
        locale: wish.locale,
        return_to: wish.return_to,
        confirm: wish.confirm,
        account_label: wish.account_label,
        expires: enrollment.link_expires_at.as_second(),
    };
    let edge = app.secrets.edge().await?;
    let path = if ticket.confirm == Confirm::Page { "/start" } else { "/login" };
    let mut url = app.config.public_address(path);
    let sealed = round_trip::seal(&edge.ring, Purpose::Ticket, &ticket);
    url.query_pairs_mut().append_pair("ticket", &sealed);
    Ok(Begun { id: enrollment.id, login_url: url.into(), expires_at: enrollment.link_expires_at })
}
