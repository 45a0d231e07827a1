//! The address that takes the browser to the brand's consent page.

use url::Url;

use super::super::{Maker, settings::below};
use crate::domain::brand::Brand;

/// An authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3, OIDC Core §3.1.2.1).
#[derive(Debug, Clone, Copy)]
pub struct Authorize<'a> {
    /// Whose identity provider.
    pub brand: Brand,
    /// The application's id.
    pub client_id: &'a str,
    /// Where the browser comes back, exactly as registered.
    pub redirect_uri: &'a Url,
    /// What to ask for.
    pub scopes: &'a [&'a str],
    /// Ties the answer to this browser.
    pub state: &'a str,
    /// Ties the id token to this request.
    pub nonce: &'a str,
    /// The S256 challenge of the verifier that the exchange will show.
    pub pkce_challenge: &'a str,
    /// The language of the pages, such as `en-GB`.
    pub locale: &'a str,
}

impl Maker {
    /// Where to send the browser. Pure: nothing is called and no secret is in it.
    #[must_use]
    pub fn authorize_url(&self, request: &Authorize<'_>) -> Url {
        let settings = self.settings();
        let base = &settings.identity.get(request.brand).url;
        let mut url = below(base, &["am", "oauth2", "authorize"]);
        let scope = request.scopes.join(settings.scope_separator.as_str());
        let mut query = url.query_pairs_mut();
        query.append_pair("client_id", request.client_id);
        query.append_pair("response_type", "code");
        query.append_pair("redirect_uri", request.redirect_uri.as_str());
        query.append_pair("scope", &scope);
        query.append_pair("state", request.state);
        query.append_pair("nonce", request.nonce);
        query.append_pair("code_challenge", request.pkce_challenge);
        query.append_pair("code_challenge_method", "S256");
        for name in &settings.locale_parameters {
            query.append_pair(name, request.locale);
        }
        drop(query);
        // `+` means a space only in forms; live clients percent-encode.
        let encoded = url.query().map(|query| query.replace('+', "%20"));
        url.set_query(encoded.as_deref());
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stellantis::{Settings, settings::ScopeSeparator};

    fn maker(separator: ScopeSeparator) -> Maker {
        let api: Url = "https://api.example/v4".parse().unwrap();
        let mut settings = Settings::new(api.clone(), api, |brand| {
            format!("https://{}", brand.idp_host()).parse().unwrap()
        });
        settings.scope_separator = separator;
        crate::stellantis::testing::maker(settings)
    }

    fn url(separator: ScopeSeparator) -> String {
        let redirect_uri = "https://own.example/callback/ds?a=b+c".parse().unwrap();
        let request = Authorize {
            brand: Brand::Ds,
            client_id: "id",
            redirect_uri: &redirect_uri,
            scopes: &["openid", "data:telemetry"],
            state: "s+s",
            nonce: "n",
            pkce_challenge: "c",
            locale: "fr-FR",
        };
        maker(separator).authorize_url(&request).into()
    }

    #[test]
    fn the_address_holds_everything_the_flow_needs() {
        assert_eq!(
            url(ScopeSeparator::Space),
            "https://idpcvs.driveds.com/am/oauth2/authorize?client_id=id&response_type=code\
             &redirect_uri=https%3A%2F%2Fown.example%2Fcallback%2Fds%3Fa%3Db%2Bc\
             &scope=openid%20data%3Atelemetry&state=s%2Bs&nonce=n&code_challenge=c\
             &code_challenge_method=S256&local=fr-FR&locale=fr-FR"
        );
    }

    #[test]
    fn scopes_can_be_separated_as_the_portal_writes_them() {
        assert!(url(ScopeSeparator::Comma).contains("scope=openid%2Cdata%3Atelemetry&"));
    }
}
