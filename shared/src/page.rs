//! Pages for the user's eyes: small, without script, in the browser's language.

mod failure;
mod language;
mod texts;

use askama::Template;
use axum::response::{Html, IntoResponse, Response};

pub use self::{
    failure::{WayBack, for_people},
    language::{Language, locale_of},
    texts::{Said, Texts, fill},
};
use crate::http::Problem;

/// The one style sheet.
pub const STYLE: &str = include_str!("../templates/style.css");
/// What a browser shows beside the title.
pub const ICON: &str = include_str!("../templates/icon.svg");

/// A page: what is said, and what can be done next.
#[derive(Debug, Template)]
#[template(path = "page.html")]
pub struct Page {
    /// In which language.
    pub language: Language,
    /// Who runs this.
    pub operator: String,
    /// What is seen before anything is read.
    pub mark: Mark,
    /// The heading.
    pub title: String,
    /// What follows it.
    pub parts: Vec<Part>,
    /// Links that look like buttons.
    pub actions: Vec<Action>,
}

/// What is seen before anything is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Nothing: a question.
    None,
    /// It went well.
    Success,
    /// It went otherwise than hoped.
    Notice,
    /// It failed.
    Failure,
}

impl Mark {
    /// Its name in the style sheet.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::None => "question",
            Self::Success => "success",
            Self::Notice => "notice",
            Self::Failure => "failure",
        }
    }

    /// What it looks like; the words say the same.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Success => "✓",
            Self::Notice => "!",
            Self::Failure => "✕",
        }
    }
}

/// A part of a page.
#[derive(Debug)]
pub enum Part {
    /// A paragraph.
    Line(String),
    /// A list.
    List(Vec<&'static str>),
}

impl From<&'static str> for Part {
    fn from(line: &'static str) -> Self {
        Self::Line(line.to_owned())
    }
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
    fn what_comes_from_outside_is_escaped() {
        let page = Page {
            language: Language::English,
            operator: "<script>".into(),
            mark: Mark::None,
            title: "a&b".into(),
            parts: vec![],
            actions: vec![],
        };

        let html = page.render().unwrap();

        assert!(html.contains("a&#38;b") && !html.contains("<script>"));
    }
}
