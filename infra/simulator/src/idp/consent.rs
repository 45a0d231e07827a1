//! The consent page, and `POST /{brand}/am/oauth2/consent`, its buttons.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Bytes,
    extract::{Path, State},
    response::Response,
};

use super::{
    authorize::{Refused, send_back},
    page, scope,
};
use crate::{
    App, brand::Brand, cars::CarKind, faults, operation::Operation, params::Params,
    world::grants::AuthorizationRequest,
};

#[derive(Template)]
#[template(path = "consent.html")]
struct Consent<'a> {
    brand: Brand,
    request: &'a str,
    drivers: Vec<Driver>,
    wishes: Vec<Wish<'a>>,
}

struct Driver {
    id: String,
    name: String,
    cars: String,
}

struct Wish<'a> {
    scope: &'a str,
    meaning: &'static str,
}

/// The page for a request, which waits for its button from now on.
pub(super) fn show(app: &App, request: AuthorizationRequest) -> Response {
    let brand = request.brand;
    let scopes = request.scopes.clone();
    let id = app.world.change(|state| state.put_request(request));
    let wishes =
        scopes.iter().map(|scope| Wish { scope, meaning: scope::meaning(scope) }).collect();
    let page = Consent { brand, request: &id, drivers: drivers(app, brand), wishes };
    page::html(200, &page)
}

fn drivers(app: &App, brand: Brand) -> Vec<Driver> {
    app.world.look(|state| {
        let accounts = state.accounts.values().filter(|account| account.brand == brand);
        accounts
            .map(|account| {
                let cars: Vec<String> = state
                    .cars_of(&account.id)
                    .iter()
                    .map(|car| format!("{} ({})", car.label, kind(car.kind)))
                    .collect();
                Driver {
                    id: account.id.clone(),
                    name: format!("{} {}", account.first_name, account.last_name),
                    cars: if cars.is_empty() { "no car".to_owned() } else { cars.join(", ") },
                }
            })
            .collect()
    })
}

fn kind(kind: CarKind) -> &'static str {
    match kind {
        CarKind::Electric => "electric",
        CarKind::Hybrid => "plug-in hybrid",
        CarKind::Thermic => "combustion",
    }
}

/// The hidden `request` field of a consent page, for whoever plays the browser.
#[must_use]
pub fn consent_request(html: &str) -> Option<&str> {
    let (_, rest) = html.split_once("name=\"request\" value=\"")?;
    rest.split_once('"').map(|(id, _)| id)
}

pub(super) async fn decide(
    State(app): State<Arc<App>>,
    Path(brand): Path<String>,
    body: Bytes,
) -> Response {
    faults::meet(&app, Operation::Consent, false, || async {
        answer(&app, &brand, &body).unwrap_or_else(|refused| page::refused(&refused))
    })
    .await
}

fn answer(app: &App, brand: &str, body: &[u8]) -> Result<Response, Refused> {
    let brand: Brand = brand.parse().map_err(|_| Refused::UnknownBrand)?;
    let form = Params::parse(body).map_err(|_| Refused::Repeated)?;
    let now = app.world.now();
    let id = form.get("request").ok_or(Refused::BadForm)?;
    let decision = form.get("decision").ok_or(Refused::BadForm)?;
    let account = form.get("account");
    let known = app.world.look(|state| {
        account.and_then(|id| state.accounts.get(id)).is_some_and(|known| known.brand == brand)
    });
    let accepted = match (decision, account) {
        ("accept", Some(account)) if known => Some(account),
        ("refuse", _) => None,
        _ => return Err(Refused::BadForm),
    };
    let request = app
        .world
        .change(|state| state.take_request(id, now))
        .filter(|request| request.brand == brand)
        .ok_or(Refused::UnknownRequest)?;
    let (redirect_uri, state) = (request.redirect_uri.clone(), request.state.clone());
    let Some(account) = accepted else {
        let refusal = [("error", "access_denied")];
        return send_back(app, brand, &redirect_uri, state.as_deref(), &refusal);
    };
    let names = scope::redirect_names(&request.scopes);
    let code = app.world.change(|world| world.put_code(request, account, now));
    let answer = [("scope", names), ("code", code.as_str())];
    send_back(app, brand, &redirect_uri, state.as_deref(), &answer)
}
