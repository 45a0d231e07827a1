//! French.

use super::{Said, ScopeTexts, Texts};

pub(crate) const TEXTS: Texts = Texts {
    question: "Relier votre {brand} à {operator} ?",
    question_account: "Votre véhicule sera visible dans le compte « {account} ».",
    question_scopes: "Le constructeur vous demandera d’autoriser l’accès à :",
    question_advice: "Vous vous identifiez chez le constructeur et y décidez. Si vous n’avez rien demandé, ou si vous ne connaissez pas ce compte, fermez cette page.",
    question_yes: "Oui, relier",
    scopes: ScopeTexts {
        telemetry: "l’état de votre véhicule : batterie ou carburant, kilométrage, portes, etc.",
        position: "l’endroit où se trouve votre véhicule",
        trips: "les trajets de votre véhicule",
        alerts: "les alertes de votre véhicule",
        collisions: "les accidents que signale votre véhicule",
        plug_and_charge: "les contrats « plug and charge » de votre véhicule",
        identity: "votre nom et votre adresse e-mail",
        commands: "des fonctions à distance de votre véhicule, comme la charge ou le klaxon",
    },
    connected: Said {
        title: "Votre compte est relié",
        line: "Les données de vos véhicules arrivent. Vous pouvez fermer cette page.",
    },
    one_car: "Votre véhicule a été trouvé et ses données sont en cours de lecture. Vous pouvez fermer cette page.",
    cars: "{count} véhicules ont été trouvés et leurs données sont en cours de lecture. Vous pouvez fermer cette page.",
    no_car: Said {
        title: "Relié, mais sans véhicule",
        line: "Votre compte est relié, mais il ne contient pas de {brand} dont les données puissent être lues. Dès que votre véhicule sera dans votre compte chez le constructeur, services connectés activés, il sera trouvé en un jour au plus.",
    },
    declined: Said { title: "Vous avez refusé", line: "Rien n’a été relié." },
    unavailable: Said {
        title: "Cela ne fonctionne pas pour le moment",
        line: "Le constructeur ou nous-mêmes n’avons pas pu répondre. Cela passe en général : patientez quelques minutes.",
    },
    expired: Said {
        title: "Cette connexion n’est plus valable",
        line: "Elle a pris trop de temps, a commencé dans un autre navigateur, ou vient d’un lien qui n’est plus valable. Si votre compte était déjà relié, il l’est toujours.",
    },
    used: Said {
        title: "Ce lien a déjà servi",
        line: "Un compte a été relié avec ce lien dans un autre navigateur. Si c’était vous, il n’y a plus rien à faire. Sinon, demandez un nouveau lien.",
    },
    failed: Said {
        title: "La connexion a échoué", line: "Rien n’a été relié cette fois-ci."
    },
    again: "Recommencer",
    new_link: "Pour réessayer, demandez un nouveau lien là où vous avez reçu celui-ci.",
    same_link: "Pour réessayer, ouvrez de nouveau votre lien, ou demandez-en un nouveau.",
    back: "Retour à {operator}",
    link_expired: Said {
        title: "Ce lien a expiré",
        line: "Un lien est valable un jour. Demandez-en un nouveau là où vous avez reçu celui-ci.",
    },
    link_needed: Said {
        title: "Il vous faut un lien pour commencer",
        line: "Commencez là où l’on vous a proposé de relier votre véhicule.",
    },
    link_broken: Said {
        title: "Ce lien ne fonctionne pas",
        line: "Il lui manque une partie, ou il a été modifié. Ouvrez-le de nouveau, tel qu’il vous a été donné, ou demandez-en un nouveau.",
    },
    not_found: Said {
        title: "Cette page n’existe pas",
        line: "Ouvrez de nouveau le lien, tel qu’il vous a été donné.",
    },
    our_fault: Said {
        title: "Cela ne fonctionne pas pour le moment",
        line: "C’est notre faute, et rien n’est perdu. Ouvrez le même lien de nouveau dans quelques minutes.",
    },
};
