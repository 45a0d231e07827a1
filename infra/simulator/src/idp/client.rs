//! The client's authentication: HTTP Basic and nothing else (RFC 6749 §2.3.1).

use axum::{
    body::Bytes,
    http::{HeaderMap, header},
};
use data_encoding::BASE64;

use super::TokenError;
use crate::{App, brand::Brand, params::Params};

/// Who asks, and what, as both POST endpoints take it.
pub(super) struct ClientCall {
    pub(super) brand: Brand,
    pub(super) params: Params,
}

/// Reads the brand, the client and the parameters (in the query or the form), and the realm if
/// one is named.
pub(super) fn client_call(
    app: &App,
    brand: &str,
    headers: &HeaderMap,
    query: Option<&str>,
    body: &Bytes,
) -> Result<ClientCall, TokenError> {
    let brand: Brand = brand.parse().map_err(|_| TokenError::UnknownBrand)?;
    let registration = app.world.registration();
    let (id, secret) = basic(headers).ok_or(TokenError::InvalidClient)?;
    if id != registration.client_id || !registration.client_secrets.contains(&secret) {
        return Err(TokenError::InvalidClient);
    }
    let form = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    if !form && !body.is_empty() {
        return Err(TokenError::InvalidRequest);
    }
    let params = Params::parse(query.unwrap_or_default().as_bytes())
        .and_then(|params| params.and(body))
        .map_err(|_| TokenError::InvalidRequest)?;
    if params.get("realm").is_some_and(|realm| !is_realm(realm, brand)) {
        return Err(TokenError::Realm);
    }
    Ok(ClientCall { brand, params })
}

/// `ForgeRock` takes a realm with and without its leading slash.
pub(super) fn is_realm(realm: &str, brand: Brand) -> bool {
    realm.strip_prefix('/').unwrap_or(realm) == brand.realm()
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64.decode(encoded.trim().as_bytes()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((form_decoded(id), form_decoded(secret)))
}

/// Both halves are form-encoded before they are joined (RFC 6749 §2.3.1).
fn form_decoded(text: &str) -> String {
    let pair = format!("={}", text.replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_decoded_twice() {
        let mut headers = HeaderMap::new();
        let encoded = BASE64.encode(b"a%3Ab:s%2Be+c%26r=et");
        headers.insert(header::AUTHORIZATION, format!("bAsIc {encoded}").parse().unwrap());

        let (id, secret) = basic(&headers).unwrap();

        assert_eq!((id.as_str(), secret.as_str()), ("a:b", "s+e c&r=et"));
    }
}
