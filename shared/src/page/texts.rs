//! What the pages say, in each language: one file a language. A word in braces stands for what
//! [`fill`] puts there.

pub(super) mod de;
pub(super) mod en;
pub(super) mod es;
pub(super) mod fr;
pub(super) mod it;
pub(super) mod nl;

/// All texts of a language.
#[derive(Debug)]
pub struct Texts {
    /// Asked before a login that came by mail or QR code: `{brand}`, `{operator}`.
    pub question: &'static str,
    /// In whose account the car will be seen: `{account}`.
    pub question_account: &'static str,
    /// What the maker will ask for: a list follows.
    pub question_scopes: &'static str,
    /// What will happen, and what to do if it was not wanted.
    pub question_advice: &'static str,
    /// The button that goes on.
    pub question_yes: &'static str,
    /// What the scopes mean.
    pub scopes: ScopeTexts,
    /// The account is connected; its cars are not known yet.
    pub connected: Said,
    /// The account is connected, and has one car.
    pub one_car: &'static str,
    /// The account is connected, and has several: `{count}`.
    pub cars: &'static str,
    /// The account is connected, and has no car: `{brand}`.
    pub no_car: Said,
    /// The user declined at the maker.
    pub declined: Said,
    /// The maker or we could not answer.
    pub unavailable: Said,
    /// The login does not belong to this browser, or came too late.
    pub expired: Said,
    /// The link was used in another browser.
    pub used: Said,
    /// Something was refused.
    pub failed: Said,
    /// Where anybody may begin: the button that does.
    pub again: &'static str,
    /// The link is spent.
    pub new_link: &'static str,
    /// The link may still be good.
    pub same_link: &'static str,
    /// The button that leads back to where the link came from.
    pub back: &'static str,
    /// A link is too old.
    pub link_expired: Said,
    /// There is no link.
    pub link_needed: Said,
    /// A link is not one of ours, or was changed.
    pub link_broken: Said,
    /// There is no such page.
    pub not_found: Said,
    /// Our own fault, before anything was spent.
    pub our_fault: Said,
}

/// A heading and a paragraph.
#[derive(Debug, Clone, Copy)]
pub struct Said {
    /// The heading.
    pub title: &'static str,
    /// The paragraph.
    pub line: &'static str,
}

/// What the maker's scopes mean, each as an item of a list.
#[derive(Debug)]
pub struct ScopeTexts {
    /// `data:telemetry` and its parts.
    pub telemetry: &'static str,
    /// `data:position`.
    pub position: &'static str,
    /// `data:trip`.
    pub trips: &'static str,
    /// `data:alert`.
    pub alerts: &'static str,
    /// `data:collision`.
    pub collisions: &'static str,
    /// `data:vehicle:devices:pnc`.
    pub plug_and_charge: &'static str,
    /// `profile` and `email`.
    pub identity: &'static str,
    /// Any `remote:…`.
    pub commands: &'static str,
}

impl ScopeTexts {
    /// What these scopes mean, each thing once.
    #[must_use]
    pub fn of(&self, scopes: &[String]) -> Vec<&'static str> {
        let kinds = [
            ("data:telemetry", self.telemetry),
            ("data:position", self.position),
            ("data:trip", self.trips),
            ("data:alert", self.alerts),
            ("data:collision", self.collisions),
            ("data:vehicle:devices:pnc", self.plug_and_charge),
            ("profile", self.identity),
            ("email", self.identity),
            ("remote", self.commands),
        ];
        let mut meant: Vec<&'static str> = Vec::new();
        for (kind, text) in kinds {
            let asked = scopes.iter().any(|scope| crate::domain::vehicle::covers(kind, scope));
            if asked && !meant.contains(&text) {
                meant.push(text);
            }
        }
        meant
    }
}

/// A text with its words in braces replaced; what replaces them is not looked at again.
#[must_use]
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        let value = values.iter().find(|(known, _)| *known == name);
        filled.push_str(value.map_or("", |(_, value)| value));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Language;

    #[test]
    fn what_is_filled_in_is_not_looked_at_again() {
        let filled = fill("{a} with {b}, {c}", &[("a", "{b}"), ("b", "}{")]);

        assert_eq!(filled, "{b} with }{, ");
    }

    #[test]
    fn every_language_has_the_same_places_to_fill() {
        let places = |texts: &Texts| {
            [
                (texts.question, &["{brand}", "{operator}"][..]),
                (texts.question_account, &["{account}"]),
                (texts.cars, &["{count}"]),
                (texts.no_car.line, &["{brand}"]),
                (texts.back, &["{operator}"]),
            ]
            .into_iter()
            .all(|(text, places)| {
                places.iter().all(|place| text.contains(place))
                    && text.matches('{').count() == places.len()
            })
        };
        for language in Language::ALL {
            assert!(places(language.texts()), "{language:?}");
        }
    }

    #[test]
    fn scopes_are_told_once_each_in_words() {
        let scopes = ["openid", "data:telemetry:vehicle:energies", "remote:horn:write", "email"];
        let scopes = scopes.map(str::to_owned);
        let texts = &Language::English.texts().scopes;

        assert_eq!(texts.of(&scopes), [texts.telemetry, texts.identity, texts.commands]);
    }
}
