//! Collections in pages. A page token carries all it needs (filters, place, moment) and is only
//! good for the account and address it was made for.

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{gate::Call, refusal::Refusal};
use crate::{params::Params, random, time::at_second, world::World};

/// What names a page or the caller, and is no filter.
const NO_FILTER: [&str; 4] = ["client_id", "pageToken", "pageSize", "indexRange"];
const MAC: usize = 16;

/// Which page was asked for.
pub(super) struct Paging {
    pub(super) as_of: Timestamp,
    offset: usize,
    size: Option<usize>,
    range: Option<(usize, Option<usize>)>,
}

/// The inside of a page token.
#[derive(Serialize, Deserialize)]
struct Token {
    filters: String,
    offset: usize,
    size: usize,
    range: Option<(usize, Option<usize>)>,
    as_of: i64,
}

impl Paging {
    /// The first page, as of a moment.
    pub(super) fn first(as_of: Timestamp) -> Self {
        Self { as_of, offset: 0, size: None, range: None }
    }

    /// Reads the page wanted; a token's filters take the place of the query's.
    pub(super) fn read(
        world: &World,
        account: &str,
        path: &str,
        params: Params,
    ) -> Result<(Params, Self), Refusal> {
        if let Some(text) = params.get("pageToken") {
            let token = open(&key(world, account, path), text)
                .ok_or(Refusal::InvalidParameter("pageToken"))?;
            let paging = Self {
                as_of: at_second(token.as_of),
                offset: token.offset,
                size: Some(token.size),
                range: token.range,
            };
            return Ok((Params::joined(token.filters.as_bytes()), paging));
        }
        let size = params.get("pageSize").map(str::parse).transpose();
        let range = params.get("indexRange").map(index_range).transpose()?;
        let paging = Self {
            as_of: world.now(),
            offset: 0,
            size: size.map_err(|_| Refusal::InvalidParameter("pageSize"))?,
            range,
        };
        Ok((params, paging))
    }
}

/// A HAL collection of the page wanted.
pub(super) fn collection<T>(
    call: &Call<'_>,
    name: &str,
    largest: usize,
    items: &[T],
    render: impl Fn(&T) -> Value,
) -> Result<Value, Refusal> {
    let size = call.paging.size.unwrap_or(60);
    if size == 0 || size > largest {
        return Err(Refusal::InvalidParameter("pageSize"));
    }
    let (start, end) = call.paging.range.unwrap_or((0, None));
    let end = end.map_or(items.len(), |last| items.len().min(last.saturating_add(1)));
    let window = items.get(start.min(end)..end).unwrap_or_default();
    let offset = call.paging.offset.min(window.len());
    let page = &window[offset..window.len().min(offset + size)];
    let rendered: Vec<Value> = page.iter().map(render).collect();
    let last = window.len().saturating_sub(1) / size * size;
    let mut links = Map::new();
    let mut link = |name: &str, offset: usize| {
        links.insert(name.to_owned(), json!({"href": href(call, offset, size)}));
    };
    link("self", offset);
    link("first", 0);
    link("last", last);
    if offset > 0 {
        link("prev", offset.saturating_sub(size));
    }
    if offset + size < window.len() {
        link("next", offset + size);
    }
    Ok(json!({
        "_links": links,
        "total": window.len(),
        "totalPage": last / size + 1,
        "currentPage": offset / size + 1,
        "_embedded": {name: rendered},
    }))
}

/// A page's address: filters and token, but never the client id.
fn href(call: &Call<'_>, offset: usize, size: usize) -> String {
    let filters = call.params.encode_without(&NO_FILTER);
    let mut query = url::form_urlencoded::Serializer::new(filters.clone());
    query.append_pair("pageSize", &size.to_string());
    if let Some((start, end)) = call.paging.range {
        let end = end.map(|end| end.to_string()).unwrap_or_default();
        query.append_pair("indexRange", &format!("{start}-{end}"));
    }
    if offset > 0 {
        let as_of = call.as_of().as_second();
        let token = Token { filters, offset, size, range: call.paging.range, as_of };
        let key = key(call.world, &call.account, &call.path);
        query.append_pair("pageToken", &seal(&key, &token));
    }
    format!("{}{}?{}", call.base, call.path, query.finish())
}

fn key(world: &World, account: &str, path: &str) -> [u8; 32] {
    random::mac(&world.seed().to_be_bytes(), format!("page {account} {path}").as_bytes())
}

fn seal(key: &[u8], token: &Token) -> String {
    let body = serde_json::to_vec(token).unwrap_or_default();
    let tag = random::mac(key, &body);
    BASE64URL_NOPAD.encode(&[&tag[..MAC], &body].concat())
}

fn open(key: &[u8], text: &str) -> Option<Token> {
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
    let (tag, body) = bytes.split_at_checked(MAC)?;
    (random::mac(key, body)[..MAC] == *tag).then(|| serde_json::from_slice(body).ok())?
}

/// `0-9`, `5-`, `5`.
fn index_range(text: &str) -> Result<(usize, Option<usize>), Refusal> {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<usize>().ok()).flatten()
    };
    let (start, end) = text.split_once('-').unwrap_or((text, ""));
    let refused = Refusal::InvalidParameter("indexRange");
    let start = number(start).ok_or(refused)?;
    let end = if end.is_empty() { None } else { Some(number(end).ok_or(refused)?) };
    if end.is_some_and(|end| end < start) {
        return Err(refused);
    }
    Ok((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_ranges_are_read_as_the_portal_writes_them() {
        assert_eq!(index_range("0-9"), Ok((0, Some(9))));
        assert_eq!(index_range("5-"), Ok((5, None)));
        assert_eq!(index_range("5"), Ok((5, None)));
        for wrong in ["", "-5", "9-0", "a-b", "1-2-3", "+1-2"] {
            assert!(index_range(wrong).is_err(), "{wrong}");
        }
    }
}
