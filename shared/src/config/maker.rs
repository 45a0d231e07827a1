//! Where the car maker is, and how it spells.

use std::{collections::BTreeMap, str::FromStr};

use serde::Deserialize;
use url::Url;

use super::read::{Reader, is_secure, placeholder};
use crate::{
    domain::brand::Brand,
    stellantis::{
        Settings,
        settings::{NonceRule, ScopeSeparator},
    },
};

/// Where the car maker is, and how it spells.
#[derive(Debug, Clone)]
pub struct MakerUrls {
    /// `IDP_URL`: a base address with `{brand}` in it, instead of the brands' real hosts.
    pub idp: Option<String>,
    /// `API_URL`: the End-User API.
    pub api: Url,
    /// `B2B_API_URL`: the capability check by VIN.
    pub b2b: Url,
    /// `SCOPE_SEPARATOR`: `space` (RFC 6749 §3.3, default) or `comma` (the portal's table).
    pub scope_separator: ScopeSeparator,
    /// `LOCALE_PARAMETERS`: names under which the user's language is sent, separated by spaces.
    pub locale_parameters: Vec<String>,
    /// `MAKER_BRANDS`: how brands differ from what is known of them.
    pub brands: Brands,
}

/// How brands differ from what is known of them: what only a contract's first logins can show, and
/// what the maker may change.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Brands(BTreeMap<Brand, Differences>);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Differences {
    /// The base of its identity provider.
    url: Option<Url>,
    /// Its realm.
    realm: Option<String>,
    /// The `iss` of its id tokens.
    issuer: Option<String>,
    /// Whether its id tokens hold the nonce.
    nonce: Option<NonceRule>,
}

impl FromStr for Brands {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let brands: Self = serde_json::from_str(text).map_err(|_| ())?;
        let secure = brands.0.values().filter_map(|brand| brand.url.as_ref()).all(is_secure);
        secure.then_some(brands).ok_or(())
    }
}

impl MakerUrls {
    /// The maker's settings: these, all else as the real one has it.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let differences = |brand| self.brands.0.get(&brand).cloned().unwrap_or_default();
        let idp = |brand: Brand| {
            let url = match &self.idp {
                Some(base) => Url::parse(&base.replace("{brand}", brand.as_str())),
                None => Url::parse(&format!("https://{}", brand.idp_host())),
            };
            differences(brand).url.unwrap_or_else(|| url.unwrap_or_else(|_| placeholder()))
        };
        let mut settings = Settings::new(self.api.clone(), self.b2b.clone(), idp);
        for brand in Brand::ALL {
            let (own, Differences { realm, issuer, nonce, .. }) =
                (settings.identity.get_mut(brand), differences(brand));
            own.realm = realm.unwrap_or_else(|| own.realm.clone());
            own.issuer = issuer.unwrap_or_else(|| own.issuer.clone());
            own.nonce = nonce.unwrap_or(own.nonce);
        }
        settings.scope_separator = self.scope_separator;
        settings.locale_parameters.clone_from(&self.locale_parameters);
        settings
    }
}

impl Reader<'_> {
    pub(super) fn maker(&mut self) -> MakerUrls {
        MakerUrls {
            idp: self.idp_url(),
            api: self.url("API_URL", Some("https://api-cert.groupe-psa.com/connectedcar/v4")),
            b2b: self.url("B2B_API_URL", Some("https://api-cert.groupe-psa.com/connectedcar/v3")),
            scope_separator: self.parsed("SCOPE_SEPARATOR", "space", "space or comma"),
            locale_parameters: self.names("LOCALE_PARAMETERS", "local locale"),
            brands: self.parsed(
                "MAKER_BRANDS",
                "{}",
                "JSON such as {\"opel\": {\"issuer\": \"…\", \"nonce\": \"omittable\"}}; also url and realm",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maker(brands: &str) -> (MakerUrls, usize) {
        let lookup = |name: &str| (name == "MAKER_BRANDS").then(|| brands.to_owned());
        let mut reader = Reader { lookup: &lookup, problems: Vec::new() };
        let maker = reader.maker();
        (maker, reader.problems.len())
    }

    #[test]
    fn what_a_brand_differs_in_replaces_what_is_known_of_it_and_nothing_else() {
        let (plain, _) = maker("{}");
        let opel = r#"{"opel": {"issuer": "https://id.example", "nonce": "omittable"}}"#;

        let (maker, problems) = maker(opel);

        let (plain, settings) = (plain.settings(), maker.settings());
        assert_eq!(problems, 0);
        let own = settings.identity.get(Brand::Opel);
        assert_eq!((own.issuer.as_str(), own.nonce), ("https://id.example", NonceRule::Omittable));
        assert_eq!(own.realm, plain.identity.get(Brand::Opel).realm);
        assert_eq!(settings.identity.get(Brand::Ds), plain.identity.get(Brand::Ds));
        assert_eq!(settings.locale_parameters, ["local", "locale"]);
    }

    #[test]
    fn what_can_not_be_meant_is_a_problem() {
        for wrong in [
            "opel",
            r#"{"fiat": {}}"#,
            r#"{"opel": {"isuer": "https://id.example"}}"#,
            r#"{"opel": {"nonce": "never"}}"#,
            r#"{"opel": {"url": "http://id.example"}}"#,
        ] {
            assert_eq!(maker(wrong).1, 1, "{wrong}");
        }
    }
}
