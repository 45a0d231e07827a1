//! The end-user API (`OpenAPI` 4.17.2, `GET` operations): typed requests, pages followed, errors
//! told apart, answers in the domain's terms.

mod callbacks;
mod error;
mod events;
mod monitors;
mod page;
mod query;
mod remotes;
mod vehicles;

use http::{HeaderMap, HeaderValue, Method, header};
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use self::error::Refusal;
pub use self::{
    callbacks::{Callback, Run, Wanted},
    error::{ApiError, Reset, Upstream},
    monitors::{Compiled, MOST_MONITORS, Monitor},
    page::Listed,
    query::{Period, TelemetryQuery, TripQuery},
    remotes::Told,
    vehicles::{Extension, Listing, User},
};
use super::{
    Client,
    outgoing::{Ask, Cause, Credential, Reply},
    quota::Quota,
    settings::below,
};
use crate::domain::{brand::Brand, vin::Vin};

const HAL: &str = "application/hal+json";
/// What a position is served as: an `Accept` of HAL alone gets 406.
const GEO_JSON: &str = "application/vnd.geo+json";

/// What was asked for, and what the maker said about the limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer<T> {
    /// What was asked for.
    pub value: T,
    /// The limits; of several pages, as the last one had them.
    pub quota: Option<Quota>,
}

impl<T> Answer<T> {
    /// Makes something else of the value.
    pub fn map<U>(self, with: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { value: with(self.value), quota: self.quota }
    }
}

/// The API on behalf of one user: every call goes out with the token of the enrollment it is for.
#[derive(Clone, Copy)]
pub struct Api<'a> {
    client: &'a Client,
    brand: Brand,
    token: &'a SecretString,
}

type Query = Vec<(&'static str, String)>;
/// A document that is there, or the quota of an answer that says "no data".
type Found = Answer<Option<Value>>;

impl Client {
    /// The API on behalf of the user who gave this access token.
    #[must_use]
    pub const fn api<'a>(&'a self, brand: Brand, token: &'a SecretString) -> Api<'a> {
        Api { client: self, brand, token }
    }

    /// What a car can tell and do, before its user is asked: `GET {b2b}/vehicle/{vin}`. No user's
    /// token; the client certificate is the credential. `None`: the maker doesn't say.
    ///
    /// # Errors
    /// See [`ApiError`]; [`ApiError::NotFound`] if the maker doesn't know the car.
    pub async fn eligibility(
        &self,
        brand: Brand,
        vin: &Vin,
    ) -> Result<Answer<Option<crate::domain::vehicle::Capabilities>>, ApiError> {
        let url = below(&self.settings.b2b_url, &["vehicle", vin.as_str()]);
        let query = vec![("extension", Extension::OnboardCapabilities.as_str().to_owned())];
        let found = self.call(brand, url, &query, HAL, Credential::Certificate).await?;
        Ok(found.map(|found| vehicles::capabilities_of(Some(found))))
    }

    /// One call, its answer told apart; what it wants stands in the credential.
    async fn call(
        &self,
        brand: Brand,
        mut url: Url,
        query: &[(&'static str, String)],
        accept: &'static str,
        credential: Credential<'_>,
    ) -> Result<Answer<Value>, Refusal> {
        url.query_pairs_mut()
            .append_pair("client_id", self.secret.client_id(brand))
            .extend_pairs(query);
        let realm = &self.settings.identity.get(brand).realm;
        let realm = HeaderValue::try_from(realm).map_err(|_| Cause::Refused)?;
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        headers.insert("x-introspect-realm", realm);
        let reply = self.send(brand, url, headers, credential).await?;
        let quota = Quota::read(&reply.headers);
        document(&reply).map(|value| Answer { value, quota })
    }
}

impl Api<'_> {
    /// One document below the base.
    async fn get(
        &self,
        path: &[&str],
        query: &[(&'static str, String)],
        accept: &'static str,
    ) -> Result<Answer<Value>, Refusal> {
        let url = below(&self.client.settings.api_url, path);
        let credential = Credential::Bearer(self.token, Ask::Read);
        self.client.call(self.brand, url, query, accept, credential).await
    }

    /// Changes something below the base: `POST`, `PUT` or `DELETE`, with JSON or without. Any 2xx
    /// is a success, with or without a document. Never sent again here: see
    /// [`ApiError::may_have_arrived`].
    async fn change(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<Found, ApiError> {
        let url = below(&self.client.settings.api_url, path);
        let body = body.map(serde_json::to_vec).transpose().map_err(|_| Cause::Refused);
        let body = body.map_err(Refusal::from)?;
        let credential = Credential::Bearer(self.token, Ask::Change(method, body));
        match self.client.call(self.brand, url, &[], HAL, credential).await {
            Ok(found) => Ok(found.map(Some)),
            // A success without a document; a 404 is none.
            Err(Refusal::Empty(quota)) => Ok(Answer { value: None, quota }),
            Err(other) => Err(other.into()),
        }
    }

    /// One document, or "no data yet".
    async fn find(&self, path: &[&str]) -> Result<Found, ApiError> {
        found_or_none(self.get(path, &[], HAL).await)
    }
}

/// "No data" is an answer, not a failure.
fn found_or_none(found: Result<Answer<Value>, Refusal>) -> Result<Found, ApiError> {
    match found {
        Ok(found) => Ok(found.map(Some)),
        Err(Refusal::NoData(quota) | Refusal::Empty(quota)) => Ok(Answer { value: None, quota }),
        Err(other) => Err(other.into()),
    }
}

/// The JSON of a success.
fn document(reply: &Reply) -> Result<Value, Refusal> {
    if !reply.status.is_success() || reply.is_html() {
        return Err(error::judge(reply));
    }
    if reply.body.trim_ascii().is_empty() {
        return Err(Refusal::Empty(Quota::read(&reply.headers)));
    }
    // `serde_json` refuses more than 128 levels.
    serde_json::from_slice(&reply.body).map_err(|_| Cause::Malformed.into())
}

#[cfg(test)]
mod tests;
