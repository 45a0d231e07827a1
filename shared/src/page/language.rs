//! The languages of the pages, and which of them a browser would rather read.

use axum::http::{HeaderMap, header};

use super::texts::{Texts, de, en, es, fr, it, nl};
use crate::round_trip::is_locale;

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English, for everybody else.
    English,
    /// French.
    French,
    /// German.
    German,
    /// Italian.
    Italian,
    /// Spanish.
    Spanish,
    /// Dutch.
    Dutch,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::English, Self::French, Self::German, Self::Italian, Self::Spanish, Self::Dutch];

    /// The first language of `Accept-Language` (RFC 9110 §12.5.4) or a locale that we speak.
    #[must_use]
    pub fn preferred(header: &str) -> Self {
        let known = wanted(header).find_map(|tag| {
            let primary = tag.split('-').next().unwrap_or_default();
            Self::ALL.into_iter().find(|language| language.tag() == primary)
        });
        known.unwrap_or(Self::English)
    }

    /// That of the browser that sent these headers.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        Self::preferred(accepted(headers))
    }

    /// As HTML has it.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::German => "de",
            Self::Italian => "it",
            Self::Spanish => "es",
            Self::Dutch => "nl",
        }
    }

    /// What the pages say in it.
    #[must_use]
    pub const fn texts(self) -> &'static Texts {
        match self {
            Self::English => &en::TEXTS,
            Self::French => &fr::TEXTS,
            Self::German => &de::TEXTS,
            Self::Italian => &it::TEXTS,
            Self::Spanish => &es::TEXTS,
            Self::Dutch => &nl::TEXTS,
        }
    }
}

/// What a browser would rather read, as the maker takes it: `fr` or `fr-FR`. The maker speaks more
/// languages than these pages.
#[must_use]
pub fn locale_of(headers: &HeaderMap) -> Option<String> {
    wanted(accepted(headers)).find_map(|tag| {
        let mut parts = tag.split('-');
        let language = parts.next().unwrap_or_default().to_owned();
        // What follows may also be a script, as in `zh-hant-tw`.
        let country = parts.find(|part| part.len() == 2).map(str::to_ascii_uppercase);
        let full = country.map(|country| format!("{language}-{country}"));
        full.into_iter().chain([language]).find(|locale| is_locale(locale))
    })
}

fn accepted(headers: &HeaderMap) -> &str {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    accepted.unwrap_or_default()
}

/// The languages of a header, in lower case, the most wanted first.
fn wanted(header: &str) -> impl Iterator<Item = String> {
    let mut wanted: Vec<_> = header.split(',').map(weighted).collect();
    wanted.sort_by(|one, other| other.1.total_cmp(&one.1));
    wanted.into_iter().filter(|(_, weight)| *weight > 0.0).map(|(tag, _)| tag)
}

/// A language or a type, in lower case, and how much it is wanted (RFC 9110 §12.4.2).
pub(super) fn weighted(entry: &str) -> (String, f32) {
    let mut parts = entry.split(';');
    let tag = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    let weight = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse().ok());
    (tag, weight.unwrap_or(1.0))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_browsers_first_known_language_is_spoken() {
        assert_eq!(Language::preferred("pl, de;q=0.8, fr;q=0.9"), Language::French);
        assert_eq!(Language::preferred("fr;q=0, de-AT"), Language::German);
        assert_eq!(Language::preferred("nl-BE,en;q=0.5"), Language::Dutch);
        assert_eq!(Language::preferred("est, *;q=0.1"), Language::English);
        assert_eq!(Language::preferred(""), Language::English);
    }

    #[test]
    fn the_maker_is_told_what_the_browser_would_rather_read() {
        let told = |accepted: &'static str| {
            let header = (header::ACCEPT_LANGUAGE, HeaderValue::from_static(accepted));
            locale_of(&[header].into_iter().collect())
        };

        assert_eq!(told("fr").as_deref(), Some("fr"));
        assert_eq!(told("en;q=0.5, pl-pl").as_deref(), Some("pl-PL"));
        assert_eq!(told("zh-Hant-TW, en").as_deref(), Some("zh-TW"));
        assert_eq!(told("gsw, *, de;q=0.3").as_deref(), Some("de"));
        assert_eq!(told("*"), None);
        assert_eq!(told("\"><script>"), None);
    }
}
