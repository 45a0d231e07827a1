//! Following a collection page by page. Links are data: the paging parameters are taken from
//! them, hosts and paths never.

use std::collections::BTreeSet;

use url::Url;

use super::{
    super::{
        outgoing::Cause,
        wire::{Page, Read},
    },
    Answer, Api, ApiError, HAL, Query, Refusal,
};

/// More pages than this are no listing any more.
const MOST_PAGES: usize = 200;
/// What may be taken from a link.
const TAKEN: [&str; 4] = ["pageToken", "indexRange", "pageSize", "timestamps"];

impl Api<'_> {
    /// Everything in a collection: what each page holds under one of the names. "No data" is an
    /// empty collection.
    pub(super) async fn list<T: Read>(
        &self,
        path: &[&str],
        query: &[(&'static str, String)],
        names: &[&str],
    ) -> Result<Answer<Vec<T>>, ApiError> {
        match self.list_or_refusal(path, query, names).await {
            Ok(answer) => Ok(answer),
            Err(Refusal::NoData(quota) | Refusal::Empty(quota)) => {
                Ok(Answer { value: Vec::new(), quota })
            }
            Err(other) => Err(other.into()),
        }
    }

    pub(super) async fn list_or_refusal<T: Read>(
        &self,
        path: &[&str],
        query: &[(&'static str, String)],
        names: &[&str],
    ) -> Result<Answer<Vec<T>>, Refusal> {
        let mut items = Vec::new();
        let mut seen = BTreeSet::new();
        let mut taken = Query::new();
        loop {
            let found = self.get(path, &merged(query, &taken), HAL).await?;
            let page = Page::read(&found.value).ok_or(Cause::Malformed)?;
            items.extend(page.items::<T>(names));
            taken = next(&page);
            let ends = taken.is_empty() || seen.len() + 1 >= MOST_PAGES;
            if ends || !seen.insert(taken.clone()) {
                return Ok(Answer { value: items, quota: found.quota });
            }
        }
    }
}

/// The paging parameters of the next page; none if there is none.
fn next(page: &Page) -> Query {
    let href = page.links.as_ref().and_then(|links| links.next.as_ref()?.href.as_ref());
    let Some(url) = href.and_then(|href| anywhere(href)) else { return Query::new() };
    let mut query = Query::new();
    for (name, value) in url.query_pairs() {
        if let Some(known) = TAKEN.iter().find(|known| **known == name) {
            query.push((known, value.into_owned()));
        }
    }
    query
}

/// A link as an address, wherever it leads: nobody goes there.
fn anywhere(href: &str) -> Option<Url> {
    Url::parse("http://link.invalid").ok()?.join(href).ok()
}

/// Our own parameters, except those that the link gives anew.
fn merged(own: &[(&'static str, String)], taken: &[(&'static str, String)]) -> Query {
    let kept = own.iter().filter(|(name, _)| !taken.iter().any(|(other, _)| other == name));
    kept.chain(taken).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn next_of(href: &str) -> Query {
        next(&Page::read(&json!({"_links": {"next": {"href": href}}})).unwrap())
    }

    #[test]
    fn of_a_link_only_the_paging_parameters_are_taken() {
        let href =
            "https://evil.example/steal?pageToken=a%2Bb&client_id=x&access_token=y&pageSize=5";

        let taken = next_of(href);

        assert_eq!(taken, [("pageToken", "a+b".to_owned()), ("pageSize", "5".to_owned())]);
    }

    #[test]
    fn a_link_without_paging_parameters_or_host_ends_the_listing() {
        assert!(next_of("/user/vehicles?client_id=x").is_empty());
        assert!(next_of("http://[broken").is_empty());
        assert!(next(&Page::read(&json!({"_links": null})).unwrap()).is_empty());
        assert_eq!(next_of("vehicles?indexRange=10-").len(), 1);
    }

    #[test]
    fn what_a_link_gives_anew_replaces_our_own() {
        let own = [("pageSize", "60".to_owned()), ("type", "x".to_owned())];
        let taken = [("pageSize", "10".to_owned())];

        let query = merged(&own, &taken);

        assert_eq!(query, [("type", "x".to_owned()), ("pageSize", "10".to_owned())]);
    }
}
