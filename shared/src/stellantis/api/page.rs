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
        let listed = self.collect(path, query, names).await?;
        Ok(listed.map(|listed| listed.items))
    }

    /// Everything in a collection, and whether that is all of it: for whom absence means something.
    pub(super) async fn collect<T: Read>(
        &self,
        path: &[&str],
        query: &[(&'static str, String)],
        names: &[&str],
    ) -> Result<Answer<Listed<T>>, Refusal> {
        let (mut items, mut listed, mut total) = (Vec::new(), 0, 0);
        let mut seen = BTreeSet::new();
        let mut taken = Query::new();
        loop {
            let found = self.get(path, &merged(query, &taken), HAL).await?;
            let page = Page::read(&found.value).ok_or(Cause::Malformed)?;
            listed += page.count(names);
            total = total.max(page.total.map_or(0, whole));
            items.extend(page.items::<T>(names));
            taken = next(&page);
            let is_cut =
                !taken.is_empty() && (seen.len() + 1 >= MOST_PAGES || !seen.insert(taken.clone()));
            if taken.is_empty() || is_cut {
                let unread = listed.max(total).saturating_sub(items.len());
                let unread = unread.max(usize::from(is_cut));
                return Ok(Answer { value: Listed { items, unread }, quota: found.quota });
            }
        }
    }
}

/// What was read of a collection.
pub struct Listed<T> {
    /// What can be read.
    pub items: Vec<T>,
    /// How many there must be beside.
    pub unread: usize,
}

impl<T> Listed<T> {
    /// Each item as something else; those that can't be are counted.
    pub(super) fn read<U>(self, with: impl Fn(T) -> Option<U>) -> Listed<U> {
        let listed = self.items.len();
        let items: Vec<U> = self.items.into_iter().filter_map(with).collect();
        Listed { unread: self.unread + listed - items.len(), items }
    }
}

/// A collection that may be empty, or not there.
pub(super) fn listed_or_empty<T>(
    found: Result<Answer<Listed<T>>, Refusal>,
) -> Result<Answer<Listed<T>>, ApiError> {
    match found {
        Err(Refusal::NoData(quota) | Refusal::Empty(quota)) => {
            Ok(Answer { value: Listed { items: Vec::new(), unread: 0 }, quota })
        }
        other => Ok(other?),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "in range: checked just before"
)]
fn whole(number: f64) -> usize {
    if (0.0..1e6).contains(&number) { number as usize } else { 0 }
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
