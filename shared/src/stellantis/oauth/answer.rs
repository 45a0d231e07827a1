//! The token answer (RFC 6749 §5.1), read as leniently as can be: what is lost here is a grant.

use std::time::Duration;

use oauth2::{AccessToken, RefreshToken, Scope, TokenResponse, basic::BasicTokenType};
use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::{DEFAULT_LIFETIME, TokenSet};

/// A lifetime beyond this is a mistake.
const LONGEST_LIFETIME: Duration = Duration::from_hours(24);

/// Only the access token must be there.
#[derive(Debug, Deserialize)]
#[serde(from = "Parts")]
pub(super) struct TokenAnswer {
    access_token: AccessToken,
    refresh_token: Option<RefreshToken>,
    id_token: Option<SecretString>,
    expires_in: Option<Duration>,
    scope: Option<String>,
}

/// The JSON. No `Debug`: it holds tokens.
#[derive(Deserialize)]
struct Parts {
    access_token: String,
    #[serde(default)]
    refresh_token: Value,
    #[serde(default)]
    id_token: Value,
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    scope: Value,
}

/// Whether a body is JSON with an access token, whatever it calls itself.
pub(super) fn has_token(body: &[u8]) -> bool {
    serde_json::from_slice::<Parts>(body).is_ok_and(|parts| !parts.access_token.is_empty())
}

impl From<Parts> for TokenAnswer {
    fn from(parts: Parts) -> Self {
        Self {
            access_token: AccessToken::new(parts.access_token),
            refresh_token: text(parts.refresh_token).map(RefreshToken::new),
            id_token: text(parts.id_token).map(SecretString::from),
            expires_in: seconds(&parts.expires_in),
            scope: text(parts.scope),
        }
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// Seconds, as a number or in a string.
fn seconds(value: &Value) -> Option<Duration> {
    let seconds = match value {
        Value::String(text) => text.trim().parse().ok()?,
        number => number.as_f64()?,
    };
    Duration::try_from_secs_f64(seconds).ok().map(|lifetime| lifetime.min(LONGEST_LIFETIME))
}

impl From<TokenAnswer> for TokenSet {
    fn from(answer: TokenAnswer) -> Self {
        Self {
            access_token: answer.access_token.into_secret().into(),
            refresh_token: answer.refresh_token.map(|token| token.into_secret().into()),
            id_token: answer.id_token,
            expires_in: answer.expires_in.unwrap_or(DEFAULT_LIFETIME),
            scope: answer.scope,
        }
    }
}

impl TokenResponse for TokenAnswer {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    /// Always bearer: the API takes nothing else.
    fn token_type(&self) -> &BasicTokenType {
        &BasicTokenType::Bearer
    }

    fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    /// Not split: kept as it came, in [`TokenSet::scope`].
    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

/// `oauth2` asks for it and never uses it; tokens are stored sealed or not at all.
impl Serialize for TokenAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn tokens(json: &str) -> TokenSet {
        serde_json::from_str::<TokenAnswer>(json).unwrap().into()
    }

    #[test]
    fn the_documented_answer_is_read() {
        let set = tokens(
            r#"{"scope":"openid profile","expires_in":3599,"token_type":"Bearer",
                "refresh_token":"r-1","id_token":"j.w.t","access_token":"a-1"}"#,
        );

        assert_eq!(set.access_token.expose_secret(), "a-1");
        assert_eq!(set.refresh_token.unwrap().expose_secret(), "r-1");
        assert_eq!(set.id_token.unwrap().expose_secret(), "j.w.t");
        assert_eq!(set.expires_in, Duration::from_secs(3599));
        assert_eq!(set.scope.as_deref(), Some("openid profile"));
    }

    #[test]
    fn an_answer_of_odd_types_still_gives_its_tokens() {
        let set = tokens(
            r#"{"access_token":"a","refresh_token":"r","expires_in":"3599","scope":["x"],
                "id_token":null,"token_type":7,"more":{}}"#,
        );

        assert_eq!(set.refresh_token.unwrap().expose_secret(), "r");
        assert_eq!(set.expires_in, Duration::from_secs(3599));
        assert!(set.scope.is_none() && set.id_token.is_none());
    }

    #[test]
    fn a_missing_or_senseless_lifetime_is_taken_as_a_short_one() {
        for json in [r#"{"access_token":"a"}"#, r#"{"access_token":"a","expires_in":-1}"#] {
            assert_eq!(tokens(json).expires_in, Duration::from_mins(15));
        }
        let forever = tokens(r#"{"access_token":"a","expires_in":1e9}"#);
        assert_eq!(forever.expires_in, LONGEST_LIFETIME);
    }

    #[test]
    fn no_token_shows_in_debug() {
        let json =
            r#"{"access_token":"seeded-1","refresh_token":"seeded-2","id_token":"seeded-3"}"#;
        let answer: TokenAnswer = serde_json::from_str(json).unwrap();

        assert!(!format!("{answer:?}").contains("seeded"));
        assert!(!format!("{:?}", TokenSet::from(answer)).contains("seeded"));
    }
}
