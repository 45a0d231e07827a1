//! German.

use super::{Said, ScopeTexts, Texts};

pub(crate) const TEXTS: Texts = Texts {
    question: "Ihren {brand} mit {operator} verbinden?",
    question_account: "Ihr Fahrzeug wird im Konto „{account}“ zu sehen sein.",
    question_scopes: "Der Hersteller bittet Sie, Zugriff zu erlauben auf:",
    question_advice: "Sie melden sich beim Hersteller an und entscheiden dort. Haben Sie das nicht verlangt oder kennen Sie das Konto nicht, schließen Sie diese Seite.",
    question_yes: "Ja, verbinden",
    scopes: ScopeTexts {
        telemetry: "den Zustand Ihres Fahrzeugs, etwa Batterie- oder Tankstand, Kilometerstand und Türen",
        position: "den Standort Ihres Fahrzeugs",
        trips: "die Fahrten Ihres Fahrzeugs",
        alerts: "die Warnungen Ihres Fahrzeugs",
        collisions: "Unfälle, die Ihr Fahrzeug meldet",
        plug_and_charge: "die Plug-and-Charge-Verträge Ihres Fahrzeugs",
        identity: "Ihren Namen und Ihre E-Mail-Adresse",
        commands: "Funktionen Ihres Fahrzeugs aus der Ferne, etwa Laden oder Hupe",
    },
    connected: Said {
        title: "Ihr Konto ist verbunden",
        line: "Die Daten Ihrer Fahrzeuge sind gleich da. Sie können diese Seite schließen.",
    },
    one_car: "Ihr Fahrzeug wurde gefunden, und seine Daten werden gelesen. Sie können diese Seite schließen.",
    cars: "{count} Fahrzeuge wurden gefunden, und ihre Daten werden gelesen. Sie können diese Seite schließen.",
    no_car: Said {
        title: "Verbunden, aber ohne Fahrzeug",
        line: "Ihr Konto ist verbunden, enthält aber keinen {brand}, dessen Daten gelesen werden können. Sobald Ihr Fahrzeug in Ihrem Konto beim Hersteller steht und seine vernetzten Dienste eingeschaltet sind, wird es innerhalb eines Tages gefunden.",
    },
    declined: Said { title: "Sie haben abgelehnt", line: "Es wurde nichts verbunden." },
    unavailable: Said {
        title: "Das funktioniert im Augenblick nicht",
        line: "Der Hersteller oder wir selbst konnten nicht antworten. Das geht meist vorüber: Bitte warten Sie einige Minuten.",
    },
    expired: Said {
        title: "Diese Anmeldung ist nicht mehr gültig",
        line: "Sie dauerte zu lange, begann in einem anderen Browser oder gehört zu einem Link, der nicht mehr gilt. War Ihr Konto schon verbunden, so ist es das weiterhin.",
    },
    used: Said {
        title: "Dieser Link wurde schon benutzt",
        line: "Mit ihm wurde in einem anderen Browser ein Konto verbunden. Waren Sie das, ist nichts mehr zu tun. Wenn nicht, bitten Sie um einen neuen Link.",
    },
    failed: Said {
        title: "Die Verbindung ist fehlgeschlagen",
        line: "Diesmal wurde nichts verbunden.",
    },
    again: "Neu beginnen",
    new_link: "Bitten Sie für einen neuen Versuch dort um einen neuen Link, wo Sie diesen bekommen haben.",
    same_link: "Öffnen Sie für einen neuen Versuch Ihren Link noch einmal, oder bitten Sie um einen neuen.",
    back: "Zurück zu {operator}",
    link_expired: Said {
        title: "Dieser Link ist abgelaufen",
        line: "Ein Link gilt einen Tag. Bitten Sie dort um einen neuen, wo Sie diesen bekommen haben.",
    },
    link_needed: Said {
        title: "Sie brauchen einen Link, um zu beginnen",
        line: "Bitte beginnen Sie dort, wo Ihnen angeboten wurde, Ihr Fahrzeug zu verbinden.",
    },
    link_broken: Said {
        title: "Dieser Link funktioniert nicht",
        line: "Er ist unvollständig oder wurde verändert. Öffnen Sie ihn noch einmal, genau wie Sie ihn bekommen haben, oder bitten Sie um einen neuen.",
    },
    not_found: Said {
        title: "Diese Seite gibt es nicht",
        line: "Bitte öffnen Sie den Link noch einmal, genau wie Sie ihn bekommen haben.",
    },
    our_fault: Said {
        title: "Das funktioniert im Augenblick nicht",
        line: "Es liegt an uns, und nichts ist verloren. Bitte öffnen Sie denselben Link in einigen Minuten noch einmal.",
    },
};
