use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use shared::{
    App, http,
    page::{Language, Page},
};

use crate::outcome::Outcome;

/// `GET /result/{outcome}`: what the user reads when the operator named no address to return to.
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Path(outcome): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Ok(outcome) = outcome.parse::<Outcome>() else {
        return http::not_found().await.into_response();
    };
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let language = Language::preferred(accepted.unwrap_or_default());
    let (title, line) = texts(outcome);
    Page {
        lang: language.tag(),
        operator: app.config.operator_name.clone(),
        title: language.pick(title).to_owned(),
        lines: vec![language.pick(line).to_owned()],
        actions: Vec::new(),
    }
    .into_response()
}

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
            [
                "Nothing was stored. To connect after all, ask for a new link.",
                "Rien n’a été enregistré. Pour relier votre compte, demandez un nouveau lien.",
                "Es wurde nichts gespeichert. Um doch zu verbinden, fordern Sie einen neuen Link an.",
            ],
        ),
        Outcome::Unavailable => (
            [
                "The car maker did not answer",
                "Le constructeur n’a pas répondu",
                "Der Hersteller hat nicht geantwortet",
            ],
            [
                "This usually passes. Please start again in a few minutes with a new link.",
                "Cela passe en général. Recommencez dans quelques minutes avec un nouveau lien.",
                "Das geht meist vorüber. Bitte beginnen Sie in einigen Minuten mit einem neuen Link.",
            ],
        ),
        Outcome::Expired => (
            [
                "This login is not valid any more",
                "Cette connexion n’est plus valable",
                "Diese Anmeldung gilt nicht mehr",
            ],
            [
                "It took too long, was begun in another browser, or was already used. Please start again.",
                "Elle a pris trop de temps, a commencé dans un autre navigateur ou a déjà servi. Recommencez.",
                "Sie dauerte zu lange, begann in einem anderen Browser oder wurde schon benutzt. Bitte beginnen Sie neu.",
            ],
        ),
        Outcome::Failed => (
            ["The connection failed", "La connexion a échoué", "Die Verbindung ist fehlgeschlagen"],
            [
                "Nothing was stored. Please start again with a new link.",
                "Rien n’a été enregistré. Recommencez avec un nouveau lien.",
                "Es wurde nichts gespeichert. Bitte beginnen Sie mit einem neuen Link.",
            ],
        ),
    }
}
