//! The parameters of a request: each once, and what pages through a list among them.

use std::{collections::BTreeMap, str::FromStr};

use axum::{extract::FromRequestParts, http::request::Parts};
use jiff::Timestamp;
use shared::{App, http::query_once};

use crate::{Error, body::is_name, cursor, views::Page};

/// A query string, taken apart.
pub(crate) struct Query(BTreeMap<String, String>);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        query_once(parts.uri.query()).map(Self).map_err(Error::Request)
    }
}

/// The parameters that an operation has.
#[derive(Clone, Copy)]
pub(crate) struct Parameters(pub(crate) &'static [&'static str]);

impl Parameters {
    /// Refuses a query with any other: who writes `orderby` must not believe that it was heeded.
    pub(crate) fn check(self, query: Option<&str>) -> Result<(), Error> {
        let given = query_once(query).map_err(Error::Request)?;
        let Some(unknown) = given.keys().find(|name| !self.0.contains(&name.as_str())) else {
            return Ok(());
        };
        let wanted = match self.0 {
            [] => "no such parameter; this operation takes none".to_owned(),
            known => format!("no such parameter; expected some of {}", known.join(", ")),
        };
        Err(Error::invalid(if is_name(unknown) { unknown } else { "query" }, wanted))
    }
}

impl Query {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A parameter of a kind that says itself what is wrong with it.
    pub(crate) fn parsed<T: FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, Error> {
        let value = self.get(name).map(str::parse).transpose();
        value.map_err(|error| Error::invalid(name, error))
    }
}

impl Query {
    /// A time.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, Error> {
        let time = self.get(name).map(str::parse).transpose();
        time.map_err(|_| Error::invalid(name, "expected a time such as 2026-01-31T12:00:00Z"))
    }
}

/// Which part of a list is asked for.
pub(crate) struct Paging {
    of: String,
    /// The key that the page before ended with.
    pub(crate) after: Option<String>,
    /// How many at most.
    pub(crate) limit: i32,
}

impl Paging {
    /// `of` names the list: a cursor of another one is of no use in it.
    pub(crate) async fn read(
        app: &App,
        of: impl Into<String>,
        query: &Query,
    ) -> Result<Self, Error> {
        let of = of.into();
        let after = cursor::read(app, &of, query.get("cursor")).await?;
        Ok(Self { of, after, limit: cursor::limit(query.get("limit"))? })
    }

    /// A page that ends with the key `next`, unless it is the last.
    pub(crate) async fn page<T>(
        &self,
        app: &App,
        items: impl IntoIterator<Item = T>,
        next: Option<String>,
    ) -> Result<Page<T>, Error> {
        let items = items.into_iter().collect();
        Ok(Page { items, next: cursor::write(app, &self.of, next).await? })
    }
}
