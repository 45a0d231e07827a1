//! Where the maker is and how it spells things: data, with the real maker as default.

use url::Url;

use super::tls::Timeouts;
use crate::domain::brand::Brand;

/// One value for each brand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerBrand<T>([T; 5]);

impl<T> PerBrand<T> {
    /// Asks for each brand's value.
    pub fn new(value: impl FnMut(Brand) -> T) -> Self {
        Self(Brand::ALL.map(value))
    }

    /// The brand's value.
    #[must_use]
    pub fn get(&self, brand: Brand) -> &T {
        &self.0[brand as usize]
    }

    /// The brand's value, to change.
    pub fn get_mut(&mut self, brand: Brand) -> &mut T {
        &mut self.0[brand as usize]
    }
}

/// What holds for one brand's identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityProvider {
    /// Its base: `/am/oauth2/…` comes below.
    pub url: Url,
    /// The realm of its customers.
    pub realm: String,
    /// The `iss` of its id tokens.
    pub issuer: String,
    /// Whether its id tokens must hold our nonce.
    pub nonce: NonceRule,
}

/// What to do about an id token without nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NonceRule {
    /// Refuse it (OIDC Core §3.1.3.7, 11).
    #[default]
    Required,
    /// Accept it, for a provider proven to omit it. One that is there must still be equal.
    Omittable,
}

/// Between two scopes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScopeSeparator {
    /// As RFC 6749 §3.3 and live clients have it.
    #[default]
    Space,
    /// As the portal's table writes it.
    Comma,
}

impl ScopeSeparator {
    /// The character.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Space => " ",
            Self::Comma => ",",
        }
    }
}

impl std::str::FromStr for ScopeSeparator {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "space" => Ok(Self::Space),
            "comma" => Ok(Self::Comma),
            _ => Err(()),
        }
    }
}

/// Everything about the maker that is data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Base of the end-user API.
    pub api_url: Url,
    /// Base of the B2B API, which tells what a VIN can do before its owner is asked.
    pub b2b_url: Url,
    /// The brands' identity providers.
    pub identity: PerBrand<IdentityProvider>,
    /// Between two scopes.
    pub scope_separator: ScopeSeparator,
    /// Names under which the user's language is sent to the identity provider: the portal's
    /// spelling and the one live clients send.
    pub locale_parameters: Vec<String>,
    /// Sent with every call, `name/version`.
    pub user_agent: String,
    /// How long a call may take.
    pub timeouts: Timeouts,
}

impl Settings {
    /// Settings for a maker at these addresses, everything else as the real one has it.
    pub fn new(api_url: Url, b2b_url: Url, mut identity_url: impl FnMut(Brand) -> Url) -> Self {
        let identity = PerBrand::new(|brand| {
            let url = identity_url(brand);
            IdentityProvider {
                issuer: below(&url, &["am", "oauth2"]).into(),
                url,
                realm: brand.realm().to_owned(),
                nonce: NonceRule::default(),
            }
        });
        Self {
            api_url,
            b2b_url,
            identity,
            scope_separator: ScopeSeparator::default(),
            locale_parameters: vec!["local".to_owned(), "locale".to_owned()],
            user_agent: concat!("accessing-party/", env!("CARGO_PKG_VERSION")).to_owned(),
            timeouts: Timeouts::default(),
        }
    }
}

/// An address below a base. Each segment is escaped, so that none can climb out.
pub(super) fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_cannot_climb_out_of_its_base() {
        let base = "https://api.example/connectedcar/v4/?x=1".parse().unwrap();

        let url = below(&base, &["user", "vehicles", "../../secret?a=b#c"]);

        assert_eq!(
            url.as_str(),
            "https://api.example/connectedcar/v4/user/vehicles/..%2F..%2Fsecret%3Fa=b%23c"
        );
    }

    #[test]
    fn each_brand_has_its_own_value() {
        let names = PerBrand::new(Brand::as_str);

        assert!(Brand::ALL.into_iter().all(|brand| *names.get(brand) == brand.as_str()));
    }
}
