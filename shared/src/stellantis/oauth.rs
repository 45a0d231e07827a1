//! The identity providers (`ForgeRock` AM, one per brand): authorization code flow with PKCE
//! (RFC 6749 §4.1, RFC 7636), renewal (§6), revocation (RFC 7009).

mod answer;
mod authorize;
mod error;

use std::{borrow::Cow, future::Future, pin::Pin, time::Duration};

use data_encoding::BASE64;
use http::{HeaderMap, HeaderValue, header};
use oauth2::{
    AsyncHttpClient, AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl, RefreshToken,
    StandardRevocableToken, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse},
};
use secrecy::{ExposeSecret, SecretString};
use url::{Url, form_urlencoded};

use self::answer::TokenAnswer;
pub use self::{
    authorize::Authorize,
    error::{OAuthCode, TokenError},
};
use super::{
    Client,
    outgoing::{Cause, Credential},
    permission::Urgency,
    settings::below,
};
use crate::domain::brand::Brand;

/// Taken when the answer doesn't say how long its access token lives.
const DEFAULT_LIFETIME: Duration = Duration::from_mins(15);

/// What a successful exchange or renewal gives. **Store it before anything else happens.**
#[derive(Debug)]
pub struct TokenSet {
    /// For the API.
    pub access_token: SecretString,
    /// For the next renewal. `None`: the one used stays good.
    pub refresh_token: Option<SecretString>,
    /// Who the user is (a JWT, unread).
    pub id_token: Option<SecretString>,
    /// How long the access token lives from now.
    pub expires_in: Duration,
    /// What the provider says was granted. To record, not to compare: its names look nothing
    /// like those asked for.
    pub scope: Option<String>,
}

type OAuth = oauth2::Client<
    BasicErrorResponse,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

impl Client {
    /// Exchanges a code for tokens (RFC 6749 §4.1.3). A code is good once: never call this twice
    /// with one, whatever became of the first call.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn exchange(
        &self,
        brand: Brand,
        code: SecretString,
        redirect_uri: &Url,
        verifier: SecretString,
    ) -> Result<TokenSet, TokenError> {
        let oauth = self.oauth(brand, self.token_url(brand));
        let answer = oauth
            .exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.expose_secret().to_owned()))
            .set_redirect_uri(Cow::Owned(RedirectUrl::from_url(redirect_uri.clone())))
            .request_async(&Identity { client: self, brand, urgency: Urgency::Normal })
            .await?;
        Ok(answer.into())
    }

    /// Renews a grant (RFC 6749 §6). The old refresh token may be dead from then on.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn renew(
        &self,
        brand: Brand,
        refresh_token: &SecretString,
        urgency: Urgency,
    ) -> Result<TokenSet, TokenError> {
        let oauth = self.oauth(brand, self.with_realm(brand, self.token_url(brand)));
        let answer = oauth
            .exchange_refresh_token(&RefreshToken::new(refresh_token.expose_secret().to_owned()))
            .request_async(&Identity { client: self, brand, urgency })
            .await?;
        Ok(answer.into())
    }

    /// Revokes a refresh token, and with it its access tokens (RFC 7009). A token that the
    /// provider no longer knows counts as revoked.
    ///
    /// The portal's table names the field `token`, as the RFC does, and its example
    /// `refresh_token`. Both are sent: an unknown parameter must be ignored (RFC 6749 §3.2), a
    /// missing one would leave the grant alive. By hand, since `oauth2` refuses to revoke at a
    /// loopback address without TLS.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub async fn revoke(&self, brand: Brand, token: &SecretString) -> Result<(), TokenError> {
        let base = &self.settings.identity.get(brand).url;
        let url = self.with_realm(brand, below(base, &["am", "oauth2", "token", "revoke"]));
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("token", token.expose_secret())
            .append_pair("token_type_hint", "refresh_token")
            .append_pair("refresh_token", token.expose_secret())
            .finish();
        let basic = self.basic(brand).ok_or(Cause::Refused)?;
        let (form, urgency) = (form.into_bytes(), Urgency::Normal);
        let credential = Credential::Client { brand, basic, form, urgency };
        let accept = HeaderMap::from_iter([(header::ACCEPT, JSON)]);
        let reply = self.send(brand, url, accept, credential).await?;
        error::revocation(reply)
    }

    fn token_url(&self, brand: Brand) -> Url {
        below(&self.settings.identity.get(brand).url, &["am", "oauth2", "access_token"])
    }

    fn with_realm(&self, brand: Brand, mut url: Url) -> Url {
        url.query_pairs_mut().append_pair("realm", &self.settings.identity.get(brand).realm);
        url
    }

    fn oauth(&self, brand: Brand, token_url: Url) -> OAuth {
        oauth2::Client::new(ClientId::new(self.secret.client_id(brand).to_owned()))
            .set_client_secret(ClientSecret::new(
                self.secret.client_secret(brand).expose_secret().to_owned(),
            ))
            .set_auth_type(AuthType::BasicAuth)
            .set_token_uri(TokenUrl::from_url(token_url))
    }

    /// HTTP Basic, id and secret form-encoded first (RFC 6749 §2.3.1).
    fn basic(&self, brand: Brand) -> Option<HeaderValue> {
        let encode =
            |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let id = encode(self.secret.client_id(brand));
        let secret = encode(self.secret.client_secret(brand).expose_secret());
        let value = BASE64.encode(format!("{id}:{secret}").as_bytes());
        HeaderValue::try_from(format!("Basic {value}")).ok()
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What `oauth2` speaks through: our client, our door, one brand's provider.
struct Identity<'a> {
    client: &'a Client,
    brand: Brand,
    urgency: Urgency,
}

impl<'c> AsyncHttpClient<'c> for Identity<'_> {
    type Error = TokenError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, TokenError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let url = Url::parse(&request.uri().to_string()).map_err(|_| Cause::Refused)?;
            let (mut parts, form) = request.into_parts();
            let basic = parts.headers.remove(header::AUTHORIZATION).ok_or(Cause::Refused)?;
            let (brand, urgency) = (self.brand, self.urgency);
            let credential = Credential::Client { brand, basic, form, urgency };
            let reply = self.client.send(brand, url, parts.headers, credential).await?;
            // Without its content type: JSON that is called plain text still holds the tokens.
            error::sift(reply).map(|reply| HttpResponse::new(reply.body))
        })
    }
}

#[cfg(test)]
mod tests;
