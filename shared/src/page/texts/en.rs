//! English.

use super::{Said, ScopeTexts, Texts};

pub(crate) const TEXTS: Texts = Texts {
    question: "Connect your {brand} with {operator}?",
    question_account: "Your car will be seen in the account “{account}”.",
    question_scopes: "The car maker will ask you to allow access to:",
    question_advice: "You sign in at the car maker and decide there. If you did not ask for this, or do not know the account, close the page.",
    question_yes: "Yes, connect",
    scopes: ScopeTexts {
        telemetry: "the state of your car, such as battery or fuel level, mileage and doors",
        position: "where your car is",
        trips: "the trips of your car",
        alerts: "the warnings of your car",
        collisions: "accidents that your car reports",
        plug_and_charge: "your car’s contracts for plug and charge",
        identity: "your name and e-mail address",
        commands: "functions of your car that can be used from afar, such as charging or the horn",
    },
    connected: Said {
        title: "Your account is connected",
        line: "The data of your cars will be there shortly. You may close this page.",
    },
    one_car: "Your car was found, and its data is being read. You may close this page.",
    cars: "{count} cars were found, and their data is being read. You may close this page.",
    no_car: Said {
        title: "Connected, but without a car",
        line: "Your account is connected, but it has no {brand} whose data can be read. Once your car is in your account at the maker and its connected services are on, it will be found within a day.",
    },
    declined: Said { title: "You declined", line: "Nothing was connected." },
    unavailable: Said {
        title: "This does not work at the moment",
        line: "The car maker or we ourselves could not answer. This usually passes: please wait a few minutes.",
    },
    expired: Said {
        title: "This sign-in is no longer valid",
        line: "It took too long, was begun in another browser, or belongs to a link that is no longer good. If your account was connected before, it still is.",
    },
    used: Said {
        title: "This link has been used already",
        line: "An account was connected with it in another browser. If that was you, there is nothing left to do. If not, ask for a new link.",
    },
    failed: Said { title: "The connection failed", line: "Nothing was connected this time." },
    again: "Start again",
    new_link: "To try again, ask for a new link where you got this one.",
    same_link: "To try again, open your link once more, or ask for a new one.",
    back: "Back to {operator}",
    link_expired: Said {
        title: "This link has expired",
        line: "A link is good for one day. Please ask for a new one where you got this one.",
    },
    link_needed: Said {
        title: "You need a link to begin",
        line: "Please begin where you were offered to connect your car.",
    },
    link_broken: Said {
        title: "This link does not work",
        line: "It is incomplete, or was changed. Please open it again, just as you were given it, or ask for a new one where you got it.",
    },
    not_found: Said {
        title: "There is no such page",
        line: "Please open the link again, just as you were given it.",
    },
    our_fault: Said {
        title: "This does not work at the moment",
        line: "It is our fault, and nothing is lost. Please open the same link again in a few minutes.",
    },
};
