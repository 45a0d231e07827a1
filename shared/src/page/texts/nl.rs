//! Dutch.

use super::{Said, ScopeTexts, Texts};

pub(crate) const TEXTS: Texts = Texts {
    question: "Uw {brand} met {operator} verbinden?",
    question_account: "Uw auto is dan te zien in het account ‘{account}’.",
    question_scopes: "De fabrikant vraagt u toegang te geven tot:",
    question_advice: "U meldt zich aan bij de fabrikant en beslist daar. Hebt u hier niet om gevraagd, of kent u het account niet, sluit dan deze pagina.",
    question_yes: "Ja, koppelen",
    scopes: ScopeTexts {
        telemetry: "de toestand van uw auto, zoals batterij of brandstof, kilometerstand en deuren",
        position: "de plaats van uw auto",
        trips: "de ritten van uw auto",
        alerts: "de waarschuwingen van uw auto",
        collisions: "ongevallen die uw auto meldt",
        plug_and_charge: "de plug-and-charge-contracten van uw auto",
        identity: "uw naam en e-mailadres",
        commands: "functies van uw auto op afstand, zoals laden of de claxon",
    },
    connected: Said {
        title: "Uw account is verbonden",
        line: "De gegevens van uw auto’s zijn er zo. U kunt deze pagina sluiten.",
    },
    one_car: "Uw auto is gevonden en zijn gegevens worden gelezen. U kunt deze pagina sluiten.",
    cars: "Er zijn {count} auto’s gevonden en hun gegevens worden gelezen. U kunt deze pagina sluiten.",
    no_car: Said {
        title: "Verbonden, maar zonder auto",
        line: "Uw account is verbonden, maar bevat geen {brand} waarvan de gegevens te lezen zijn. Zodra uw auto in uw account bij de fabrikant staat en de connected services aan staan, wordt hij binnen een dag gevonden.",
    },
    declined: Said { title: "U hebt geweigerd", line: "Er is niets verbonden." },
    unavailable: Said {
        title: "Dit werkt op het moment niet",
        line: "De fabrikant of wijzelf konden niet antwoorden. Meestal gaat dat voorbij: wacht een paar minuten.",
    },
    expired: Said {
        title: "Deze aanmelding is niet meer geldig",
        line: "Ze duurde te lang, begon in een andere browser of hoort bij een link die niet meer geldt. Was uw account al verbonden, dan is het dat nog.",
    },
    used: Said {
        title: "Deze link is al gebruikt",
        line: "Er is in een andere browser een account mee verbonden. Was u dat, dan hoeft u niets meer te doen. Zo niet, vraag dan om een nieuwe link.",
    },
    failed: Said { title: "De verbinding is mislukt", line: "Er is deze keer niets verbonden." },
    again: "Opnieuw beginnen",
    new_link: "Om het opnieuw te proberen vraagt u een nieuwe link waar u deze hebt gekregen.",
    same_link: "Om het opnieuw te proberen opent u uw link nog eens, of vraagt u om een nieuwe.",
    back: "Terug naar {operator}",
    link_expired: Said {
        title: "Deze link is verlopen",
        line: "Een link geldt één dag. Vraag een nieuwe waar u deze hebt gekregen.",
    },
    link_needed: Said {
        title: "U hebt een link nodig om te beginnen",
        line: "Begin waar u werd aangeboden uw auto te verbinden.",
    },
    link_broken: Said {
        title: "Deze link werkt niet",
        line: "Hij is onvolledig of gewijzigd. Open hem nog eens, precies zoals u hem hebt gekregen, of vraag om een nieuwe.",
    },
    not_found: Said {
        title: "Deze pagina bestaat niet",
        line: "Open de link nog eens, precies zoals u hem hebt gekregen.",
    },
    our_fault: Said {
        title: "Dit werkt op het moment niet",
        line: "Het ligt aan ons, en er is niets verloren. Open dezelfde link over een paar minuten nog eens.",
    },
};
