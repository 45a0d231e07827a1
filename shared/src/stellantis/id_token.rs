//! Who the user is: the id token of an exchange.
//!
//! It comes straight from the token endpoint over TLS, so its signature need not be checked
//! (OIDC Core §3.1.3.7, 6). Its claims are.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use data_encoding::BASE64URL_NOPAD;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::settings::{IdentityProvider, NonceRule};

/// Our clock and theirs may differ by this.
const SKEW: SignedDuration = SignedDuration::from_mins(2);

/// Who a user is to one brand's identity provider: the `sub` of its id tokens. Personal data:
/// `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subject(String);

impl Subject {
    /// The identifier itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subject(hidden)")
    }
}

/// Why an id token is not taken. Then the grant must be refused and revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// Not three parts, not base64url, not a JSON object.
    #[error("the id token cannot be read")]
    Malformed,
    /// `iss` is another provider's.
    #[error("the id token has another issuer")]
    Issuer,
    /// `aud` doesn't name us.
    #[error("the id token is for another application")]
    Audience,
    /// `azp` doesn't name us, or is missing where several are named.
    #[error("the id token was issued to another application")]
    AuthorizedParty,
    /// `exp` is missing or has passed.
    #[error("the id token has expired")]
    Expired,
    /// `nonce` is missing or another request's.
    #[error("the id token answers another request")]
    Nonce,
}

/// What an id token must say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Whose it is.
    pub provider: &'a IdentityProvider,
    /// Our application's id.
    pub client_id: &'a str,
    /// The nonce of our request.
    pub nonce: &'a str,
}

/// Reads and judges an id token. `None`: it names no subject, so every consent is a new one.
///
/// # Errors
/// When it can't be read, or one of its claims is not as it must be.
pub fn validate(
    token: &SecretString,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<Option<Subject>, IdTokenError> {
    let claims = claims(token.expose_secret()).ok_or(IdTokenError::Malformed)?;
    if claims.iss.as_str() != Some(expected.provider.issuer.as_str()) {
        return Err(IdTokenError::Issuer);
    }
    let ours = |value: &Value| value.as_str() == Some(expected.client_id);
    let (named, alone) = match &claims.aud {
        Value::Array(several) => (several.iter().any(ours), several.len() < 2),
        single => (ours(single), true),
    };
    if !named {
        return Err(IdTokenError::Audience);
    }
    if !(ours(&claims.azp) || claims.azp.is_null() && alone) {
        return Err(IdTokenError::AuthorizedParty);
    }
    let expires = claims.exp.as_f64().and_then(|exp| SignedDuration::try_from_secs_f64(exp).ok());
    let earliest = now.as_duration() - SKEW;
    if expires.is_none_or(|expires| expires <= earliest) {
        return Err(IdTokenError::Expired);
    }
    let is_nonce_right = match (&claims.nonce, expected.provider.nonce) {
        (Value::String(nonce), _) => {
            verify_slices_are_equal(nonce.as_bytes(), expected.nonce.as_bytes()).is_ok()
        }
        (Value::Null, NonceRule::Omittable) => true,
        _ => false,
    };
    if !is_nonce_right {
        return Err(IdTokenError::Nonce);
    }
    Ok(claims.sub.as_str().filter(|sub| !sub.is_empty()).map(|sub| Subject(sub.to_owned())))
}

/// The claims judged (OIDC Core §2). Of any type: a wrong one is as good as none.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Claims {
    iss: Value,
    sub: Value,
    aud: Value,
    azp: Value,
    exp: Value,
    nonce: Value,
}

fn claims(token: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let claims = BASE64URL_NOPAD.decode(claims.trim_end_matches('=').as_bytes()).ok()?;
    serde_json::from_slice(&claims).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{domain::brand::Brand, stellantis::Settings};

    const ISSUER: &str = "https://idp.example/am/oauth2";

    fn judge_with(claims: &Value, nonce: NonceRule) -> Result<Option<Subject>, IdTokenError> {
        let body = BASE64URL_NOPAD.encode(claims.to_string().as_bytes());
        let url: url::Url = "https://idp.example".parse().unwrap();
        let settings = Settings::new(url.clone(), url.clone(), |_| url.clone());
        let mut provider = settings.identity.get(Brand::Peugeot).clone();
        provider.nonce = nonce;
        let expected = Expected { provider: &provider, client_id: "us", nonce: "n-1" };
        let now = Timestamp::from_second(1_000_000).unwrap();
        validate(&format!("e30.{body}.sig").into(), &expected, now)
    }

    fn judge(change: &Value) -> Result<Option<Subject>, IdTokenError> {
        let mut claims =
            json!({"iss": ISSUER, "sub": "u-1", "aud": "us", "exp": 1_000_060, "nonce": "n-1"});
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        judge_with(&claims, NonceRule::Required)
    }

    #[test]
    fn a_good_token_names_its_subject() {
        assert_eq!(judge(&json!({})).unwrap().unwrap().as_str(), "u-1");
        assert!(judge(&json!({"aud": ["us", "b"], "azp": "us"})).is_ok());
        assert!(judge(&json!({"aud": ["us"]})).is_ok());
        assert_eq!(judge(&json!({"sub": null})), Ok(None));
    }

    #[test]
    fn each_wrong_claim_is_refused() {
        for (change, error) in [
            (json!({"iss": "https://evil.example"}), IdTokenError::Issuer),
            (json!({"iss": null}), IdTokenError::Issuer),
            (json!({"aud": "them"}), IdTokenError::Audience),
            (json!({"aud": []}), IdTokenError::Audience),
            (json!({"azp": "them"}), IdTokenError::AuthorizedParty),
            (json!({"aud": ["us", "them"]}), IdTokenError::AuthorizedParty),
            (json!({"exp": 1_000_000 - 120}), IdTokenError::Expired),
            (json!({"exp": null}), IdTokenError::Expired),
            (json!({"exp": "1000060"}), IdTokenError::Expired),
            (json!({"nonce": "n-2"}), IdTokenError::Nonce),
            (json!({"nonce": null}), IdTokenError::Nonce),
        ] {
            assert_eq!(judge(&change), Err(error), "{change}");
        }
    }

    #[test]
    fn two_minutes_of_skew_are_forgiven() {
        assert!(judge(&json!({"exp": 1_000_000 - 119})).is_ok());
    }

    #[test]
    fn a_provider_that_omits_the_nonce_still_may_not_send_another() {
        let claims = json!({"iss": ISSUER, "sub": "u", "aud": "us", "exp": 1_000_060});
        assert!(judge_with(&claims, NonceRule::Omittable).is_ok());

        let mut other = claims;
        other["nonce"] = "n-2".into();
        assert_eq!(judge_with(&other, NonceRule::Omittable), Err(IdTokenError::Nonce));
    }

    #[test]
    fn what_is_no_token_is_malformed() {
        let url: url::Url = "https://idp.example".parse().unwrap();
        let settings = Settings::new(url.clone(), url.clone(), |_| url.clone());
        let provider = settings.identity.get(Brand::Peugeot);
        let expected = Expected { provider, client_id: "us", nonce: "n" };

        for text in ["", "a.b", "a.b.c.d", "e30.!.s", "e30.bm8.s", "e30.WzFd.s.t"] {
            let judged = validate(&text.into(), &expected, Timestamp::UNIX_EPOCH);
            assert_eq!(judged, Err(IdTokenError::Malformed), "{text}");
        }
    }

    #[test]
    fn a_subject_never_shows_itself_unasked() {
        assert_eq!(format!("{:?}", judge(&json!({})).unwrap().unwrap()), "Subject(hidden)");
    }
}
