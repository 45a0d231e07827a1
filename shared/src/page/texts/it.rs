//! Italian.

use super::{Said, ScopeTexts, Texts};

pub(crate) const TEXTS: Texts = Texts {
    question: "Collegare la sua {brand} a {operator}?",
    question_account: "La sua auto sarà visibile nell’account «{account}».",
    question_scopes: "Il costruttore le chiederà di consentire l’accesso a:",
    question_advice: "Accede presso il costruttore e decide lì. Se non l’ha chiesto lei, o se non conosce questo account, chiuda la pagina.",
    question_yes: "Sì, collega",
    scopes: ScopeTexts {
        telemetry: "lo stato della sua auto, come batteria o carburante, chilometraggio e porte",
        position: "la posizione della sua auto",
        trips: "i viaggi della sua auto",
        alerts: "gli avvisi della sua auto",
        collisions: "gli incidenti segnalati dalla sua auto",
        plug_and_charge: "i contratti «plug and charge» della sua auto",
        identity: "il suo nome e il suo indirizzo e-mail",
        commands: "funzioni a distanza della sua auto, come la ricarica o il clacson",
    },
    connected: Said {
        title: "Il suo account è collegato",
        line: "I dati delle sue auto arriveranno tra poco. Può chiudere questa pagina.",
    },
    one_car: "La sua auto è stata trovata e i suoi dati sono in lettura. Può chiudere questa pagina.",
    cars: "Sono state trovate {count} auto e i loro dati sono in lettura. Può chiudere questa pagina.",
    no_car: Said {
        title: "Collegato, ma senza auto",
        line: "Il suo account è collegato, ma non contiene alcuna {brand} i cui dati si possano leggere. Quando la sua auto sarà nel suo account presso il costruttore, con i servizi connessi attivi, verrà trovata entro un giorno.",
    },
    declined: Said { title: "Ha rifiutato", line: "Non è stato collegato nulla." },
    unavailable: Said {
        title: "Al momento non funziona",
        line: "Il costruttore o noi stessi non abbiamo potuto rispondere. Di solito passa: attenda qualche minuto.",
    },
    expired: Said {
        title: "Questo accesso non è più valido",
        line: "È durato troppo, è iniziato in un altro browser o appartiene a un link non più valido. Se il suo account era già collegato, lo è ancora.",
    },
    used: Said {
        title: "Questo link è già stato usato",
        line: "Con esso è stato collegato un account in un altro browser. Se è stato lei, non c’è altro da fare. Altrimenti chieda un nuovo link.",
    },
    failed: Said {
        title: "Il collegamento non è riuscito",
        line: "Questa volta non è stato collegato nulla.",
    },
    again: "Ricominciare",
    new_link: "Per riprovare, chieda un nuovo link dove ha ricevuto questo.",
    same_link: "Per riprovare, apra di nuovo il suo link o ne chieda uno nuovo.",
    back: "Torna a {operator}",
    link_expired: Said {
        title: "Questo link è scaduto",
        line: "Un link vale un giorno. Ne chieda uno nuovo dove ha ricevuto questo.",
    },
    link_needed: Said {
        title: "Per iniziare serve un link",
        line: "Inizi da dove le è stato proposto di collegare la sua auto.",
    },
    link_broken: Said {
        title: "Questo link non funziona",
        line: "È incompleto o è stato modificato. Lo apra di nuovo così come le è stato dato, o ne chieda uno nuovo.",
    },
    not_found: Said {
        title: "Questa pagina non esiste",
        line: "Apra di nuovo il link così come le è stato dato.",
    },
    our_fault: Said {
        title: "Al momento non funziona",
        line: "È colpa nostra e nulla è andato perso. Apra di nuovo lo stesso link tra qualche minuto.",
    },
};
