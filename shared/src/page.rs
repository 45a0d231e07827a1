//! Pages for the user's eyes: small, without script, in the browser's language.

mod failure;

use askama::Template;
use axum::{
    http::{HeaderMap, header},
    response::{Html, IntoResponse, Response},
};

pub use self::failure::for_people;
use crate::http::Problem;

/// The one style sheet.
pub const STYLE: &str = include_str!("../templates/style.css");

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English, for everybody else.
    English,
    /// French.
    French,
    /// German.
    German,
}

impl Language {
    /// The first language of `Accept-Language` (RFC 9110 §12.5.4) or a locale that we speak.
    #[must_use]
    pub fn preferred(header: &str) -> Self {
        let mut wanted: Vec<_> = header.split(',').map(weighted).collect();
        wanted.sort_by(|one, other| other.1.total_cmp(&one.1));
        let known =
            wanted.iter().filter(|(_, weight)| *weight > 0.0).find_map(|(tag, _)| match tag {
                tag if tag.starts_with("en") => Some(Self::English),
                tag if tag.starts_with("fr") => Some(Self::French),
                tag if tag.starts_with("de") => Some(Self::German),
                _ => None,
            });
        known.unwrap_or(Self::English)
    }

    /// That of the browser that sent these headers.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Self::preferred(accepted.unwrap_or_default())
    }

    /// As HTML has it.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::German => "de",
        }
    }

    /// One of three texts.
    #[must_use]
    pub const fn pick(self, [english, french, german]: [&str; 3]) -> &str {
        match self {
            Self::English => english,
            Self::French => french,
            Self::German => german,
        }
    }
}

/// A language or a type, in lower case, and how much it is wanted (RFC 9110 §12.4.2).
fn weighted(entry: &str) -> (String, f32) {
    let mut parts = entry.split(';');
    let tag = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    let weight = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse().ok());
    (tag, weight.unwrap_or(1.0))
}

/// A page: what is said, and what can be done next.
#[derive(Debug, Template)]
#[template(path = "page.html")]
pub struct Page {
    /// `en`, `fr`, `de`.
    pub lang: &'static str,
    /// Who runs this.
    pub operator: String,
    /// The heading.
    pub title: String,
    /// Paragraphs.
    pub lines: Vec<String>,
    /// Links that look like buttons.
    pub actions: Vec<Action>,
}

/// A link that looks like a button.
#[derive(Debug)]
pub struct Action {
    /// Where to.
    pub href: String,
    /// Its text.
    pub label: String,
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        match self.render() {
            Ok(html) => Html(html).into_response(),
            Err(error) => Problem::internal(&error).into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browsers_first_known_language_is_spoken() {
        assert_eq!(Language::preferred("nl, de;q=0.8, fr;q=0.9"), Language::French);
        assert_eq!(Language::preferred("fr;q=0, de-AT"), Language::German);
        assert_eq!(Language::preferred(""), Language::English);
    }

    #[test]
    fn what_comes_from_outside_is_escaped() {
        let page = Page {
            lang: "en",
            operator: "<script>".into(),
            title: "a&b".into(),
            lines: vec![],
            actions: vec![],
        };

        let html = page.render().unwrap();

        assert!(html.contains("a&#38;b") && !html.contains("<script>"));
    }
}
