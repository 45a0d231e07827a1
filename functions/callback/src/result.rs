use std::sync::Arc;

use axum::{
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use shared::{
    App,
    domain::brand::Brand,
    http::{self, query_once},
    page::{Action, Language, Page},
};

use crate::outcome::Outcome;

/// `GET /result/{outcome}`: what the user reads when the operator named no address to return to.
/// In open mode `?brand=…` says what a failure offers to begin again.
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Path(outcome): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Ok(outcome) = outcome.parse::<Outcome>() else {
        return http::not_found().await.into_response();
    };
    let language = Language::of(&headers);
    let (title, line) = texts(outcome);
    let mut lines = vec![language.pick(line).to_owned()];
    let mut actions = Vec::new();
    if outcome.can_begin_again(&app) {
        actions.extend(asked_brand(query.as_deref()).map(|brand| again(language, brand)));
    } else if outcome != Outcome::Connected {
        lines.push(language.pick(NEW_LINK).to_owned());
    }
    Page {
        lang: language.tag(),
        operator: app.config.operator_name.clone(),
        title: language.pick(title).to_owned(),
        lines,
        actions,
    }
    .into_response()
}

fn asked_brand(query: Option<&str>) -> Option<Brand> {
    query_once(query).ok()?.get("brand")?.parse().ok()
}

fn again(language: Language, brand: Brand) -> Action {
    let label = language.pick(["Start again", "Recommencer", "Neu beginnen"]);
    Action { href: format!("/login?brand={brand}"), label: label.to_owned() }
}

const NEW_LINK: [&str; 3] = [
    "To try again, ask for a new link.",
    "Pour réessayer, demandez un nouveau lien.",
    "Für einen neuen Versuch erbitten Sie einen neuen Link.",
];

const fn texts(outcome: Outcome) -> ([&'static str; 3], [&'static str; 3]) {
    match outcome {
        Outcome::Connected => (
            ["Your account is connected", "Votre compte est relié", "Ihr Konto ist verbunden"],
            [
                "The data of your cars will be there shortly. You may close this page.",
                "Les données de vos véhicules arrivent. Vous pouvez fermer cette page.",
                "Die Daten Ihrer Fahrzeuge sind gleich da. Sie können diese Seite schließen.",
            ],
        ),
        Outcome::Declined => (
            ["You declined", "Vous avez refusé", "Sie haben abgelehnt"],
            ["Nothing was stored.", "Rien n’a été enregistré.", "Es wurde nichts gespeichert."],
        ),
        Outcome::Unavailable => (
            [
                "This does not work at the moment",
                "Cela ne fonctionne pas pour le moment",
                "Das geht im Augenblick nicht",
            ],
            [
                "The car maker or we ourselves could not answer. This usually passes: please wait a few minutes.",
                "Le constructeur ou nous-mêmes n’avons pas pu répondre. Cela passe en général : patientez quelques minutes.",
                "Der Hersteller oder wir selbst konnten nicht antworten. Das geht meist vorüber: Bitte warten Sie einige Minuten.",
            ],
        ),
        Outcome::Expired => (
            [
                "This login is not valid any more",
                "Cette connexion n’est plus valable",
                "Diese Anmeldung gilt nicht mehr",
            ],
            [
                "It took too long, was begun in another browser, or was already used.",
                "Elle a pris trop de temps, a commencé dans un autre navigateur ou a déjà servi.",
                "Sie dauerte zu lange, begann in einem anderen Browser oder wurde schon benutzt.",
            ],
        ),
        Outcome::Failed => (
            ["The connection failed", "La connexion a échoué", "Die Verbindung ist fehlgeschlagen"],
            ["Nothing was stored.", "Rien n’a été enregistré.", "Es wurde nichts gespeichert."],
        ),
    }
}
