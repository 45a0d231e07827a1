//! Reads one variable at a time, and collects what is wrong with each.

use std::{collections::BTreeSet, fmt, str::FromStr};

use url::{Host, Url};

use super::Problem;
use crate::domain::brand::Brand;

/// Collects problems while reading, and goes on with a placeholder that is never returned.
pub(super) struct Reader<'a> {
    pub(super) lookup: &'a dyn Fn(&str) -> Option<String>,
    pub(super) problems: Vec<Problem>,
}

impl Reader<'_> {
    pub(super) fn problem(&mut self, variable: &'static str, wanted: &'static str) {
        self.problems.push(Problem { variable, wanted });
    }

    pub(super) fn optional(&self, variable: &str) -> Option<String> {
        (self.lookup)(variable)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    pub(super) fn text(&mut self, variable: &'static str, default: Option<&str>) -> String {
        let value = self.optional(variable).or_else(|| default.map(str::to_owned));
        value.unwrap_or_else(|| {
            self.problem(variable, "must be set");
            String::new()
        })
    }

    #[expect(clippy::expect_used, reason = "defaults are constants of this code")]
    pub(super) fn parsed<T: FromStr<Err: fmt::Debug>>(
        &mut self,
        variable: &'static str,
        default: &str,
        wanted: &'static str,
    ) -> T {
        let value = self.text(variable, Some(default));
        value.parse().unwrap_or_else(|_| {
            self.problem(variable, wanted);
            default.parse().expect("a valid default")
        })
    }

    pub(super) fn words(&mut self, variable: &'static str, default: &str) -> Vec<String> {
        self.text(variable, Some(default)).split_whitespace().map(str::to_owned).collect()
    }

    /// Scopes of OAuth 2.0 (RFC 6749 §3.3).
    pub(super) fn scopes(&mut self, variable: &'static str, default: &str) -> Vec<String> {
        let token = |byte: u8| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
        let scopes = self.words(variable, default);
        if !scopes.iter().all(|scope| scope.bytes().all(token)) {
            self.problem(variable, "scopes, separated by spaces");
        }
        scopes
    }

    /// Names of parameters in a query.
    pub(super) fn names(&mut self, variable: &'static str, default: &str) -> Vec<String> {
        let unreserved =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        let names = self.words(variable, default);
        if !names.iter().all(|name| name.bytes().all(unreserved)) {
            self.problem(variable, "names of parameters, separated by spaces");
        }
        names
    }

    pub(super) fn brands(&mut self, variable: &'static str) -> BTreeSet<Brand> {
        let brands = self.words(variable, "").into_iter().map(|word| word.parse());
        brands.collect::<Result<_, _>>().unwrap_or_else(|_| {
            self.problem(variable, "brands, such as: peugeot opel");
            BTreeSet::new()
        })
    }

    pub(super) fn url(&mut self, variable: &'static str, default: Option<&str>) -> Url {
        let value = self.optional(variable).or_else(|| default.map(str::to_owned));
        value.as_deref().and_then(safe_url).unwrap_or_else(|| {
            self.problem(variable, URL_WANTED);
            placeholder()
        })
    }

    pub(super) fn urls(&mut self, variable: &'static str) -> Vec<Url> {
        let mut urls = Vec::new();
        for word in self.words(variable, "") {
            match safe_url(&word) {
                Some(url) => urls.push(url),
                None => self.problem(variable, URL_WANTED),
            }
        }
        urls
    }

    pub(super) fn idp_url(&mut self) -> Option<String> {
        let value = self.optional("IDP_URL")?;
        let well_formed =
            value.contains("{brand}") && safe_url(&value.replace("{brand}", "peugeot")).is_some();
        if !well_formed {
            self.problem(
                "IDP_URL",
                "an https URL with {brand} in it (http only on loopback), or empty",
            );
        }
        Some(value)
    }
}

const URL_WANTED: &str = "an https URL without query, fragment or user (http only on loopback)";

/// An address that credentials may go to: https, or http to this machine.
fn safe_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let bare = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    (bare && is_secure(&url)).then_some(url)
}

/// Whether nobody between us and the host of `url` can read along.
#[must_use]
pub fn is_secure(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return false,
    };
    url.scheme() == "https" || (loopback && url.scheme() == "http")
}

#[expect(clippy::expect_used, reason = "a constant")]
pub(super) fn placeholder() -> Url {
    Url::parse("https://invalid.invalid").expect("a valid URL")
}
