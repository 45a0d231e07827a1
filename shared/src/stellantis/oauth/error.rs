//! What an identity provider's refusal means. Its texts stop here: they are for nobody.

use std::time::Duration;

use http::{StatusCode, header};
use oauth2::{RequestTokenError, basic::BasicErrorResponse};
use serde_json::Value;

use super::{
    super::outgoing::{Cause, Reply},
    answer,
};

/// Why there are no tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The code or the refresh token is dead. Of a refresh token only to be believed once the
    /// store, read consistently, shows that nobody else has just rotated it.
    #[error("the grant is not valid any more")]
    InvalidGrant,
    /// The provider refuses *our* credentials: the secret may have been rotated.
    #[error("the identity provider refuses our credentials")]
    InvalidClient,
    /// Another refusal (RFC 6749 §5.2): our request or configuration is wrong, no grant is dead.
    #[error("the identity provider refuses: {0}")]
    Refused(OAuthCode),
    /// Too many calls.
    #[error("the identity provider limits our calls")]
    Limited {
        /// When it wants to hear from us again.
        retry_after: Option<Duration>,
    },
    /// No usable answer. It will pass.
    #[error("the identity provider {cause}")]
    Transient {
        /// What came instead.
        cause: Cause,
        /// When it wants to hear from us again.
        retry_after: Option<Duration>,
    },
}

impl TokenError {
    /// Whether the provider may have acted (rotated, spent the code) though we hold no answer.
    #[must_use]
    pub const fn may_have_acted(self) -> bool {
        matches!(self, Self::Transient { cause, .. } if cause.may_have_arrived())
    }

    /// Whether the same code may be exchanged once more: the provider did not refuse it, and gave no
    /// tokens that a second use of it could cost (RFC 6749 §4.1.2). At worst it says then that the
    /// code was used.
    #[must_use]
    pub const fn may_exchange_again(self) -> bool {
        matches!(self, Self::Transient { .. } | Self::Limited { .. })
    }

    /// Whether the `maker` secret should be read again before the next call.
    #[must_use]
    pub const fn doubts_our_secret(self) -> bool {
        matches!(
            self,
            Self::InvalidClient | Self::Transient { cause: Cause::ClientCertificate, .. }
        )
    }
}

/// The error codes of OAuth (RFC 6749 §4.1.2.1 and §5.2, OIDC Core §3.1.2.6, RFC 7009 §2.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OAuthCode {
    /// `access_denied`: the user said no.
    AccessDenied,
    /// `consent_required`
    ConsentRequired,
    /// `interaction_required`
    InteractionRequired,
    /// `invalid_request`
    InvalidRequest,
    /// `invalid_scope`
    InvalidScope,
    /// `login_required`
    LoginRequired,
    /// `server_error`
    ServerError,
    /// `temporarily_unavailable`
    TemporarilyUnavailable,
    /// `unauthorized_client`
    UnauthorizedClient,
    /// `unsupported_grant_type`
    UnsupportedGrantType,
    /// `unsupported_response_type`
    UnsupportedResponseType,
    /// `unsupported_token_type`
    UnsupportedTokenType,
    /// One that no standard names.
    Unknown,
}

impl OAuthCode {
    const NAMES: [(Self, &'static str); 12] = [
        (Self::AccessDenied, "access_denied"),
        (Self::ConsentRequired, "consent_required"),
        (Self::InteractionRequired, "interaction_required"),
        (Self::InvalidRequest, "invalid_request"),
        (Self::InvalidScope, "invalid_scope"),
        (Self::LoginRequired, "login_required"),
        (Self::ServerError, "server_error"),
        (Self::TemporarilyUnavailable, "temporarily_unavailable"),
        (Self::UnauthorizedClient, "unauthorized_client"),
        (Self::UnsupportedGrantType, "unsupported_grant_type"),
        (Self::UnsupportedResponseType, "unsupported_response_type"),
        (Self::UnsupportedTokenType, "unsupported_token_type"),
    ];

    /// Reads an `error` parameter or field; anything else is [`OAuthCode::Unknown`].
    #[must_use]
    pub fn read(text: &str) -> Self {
        let known = Self::NAMES.iter().find(|(_, name)| *name == text);
        known.map_or(Self::Unknown, |(code, _)| *code)
    }

    /// As the standards spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        let known = Self::NAMES.iter().find(|(code, _)| *code == self);
        known.map_or("unknown", |(_, name)| *name)
    }
}

impl std::fmt::Display for OAuthCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Cause> for TokenError {
    fn from(cause: Cause) -> Self {
        Self::Transient { cause, retry_after: None }
    }
}

/// The border: `oauth2`'s own errors print the body, and a body holds tokens.
impl From<RequestTokenError<Self, BasicErrorResponse>> for TokenError {
    fn from(error: RequestTokenError<Self, BasicErrorResponse>) -> Self {
        match error {
            RequestTokenError::Request(error) => error,
            // Only a success gets past `sift`, so the rest is a success that can't be read.
            _ => Cause::Malformed.into(),
        }
    }
}

/// Lets a success with something like JSON through; everything else is an error.
pub(super) fn sift(reply: Reply) -> Result<Reply, TokenError> {
    let retry_after = reply.retry_after();
    let transient = |cause| Err(TokenError::Transient { cause, retry_after });
    match reply.status {
        StatusCode::TOO_MANY_REQUESTS => Err(TokenError::Limited { retry_after }),
        status if status.is_redirection() => transient(Cause::Redirect),
        status if status.is_server_error() => transient(Cause::Status(status.as_u16())),
        // Whatever it calls itself: what is thrown away here is a grant.
        status if status.is_success() && answer::has_token(&reply.body) => Ok(reply),
        _ if reply.is_html() => transient(Cause::NotJson),
        status if status.is_success() => Ok(reply),
        status => match code(&reply.body).as_deref() {
            Some("invalid_grant") => Err(TokenError::InvalidGrant),
            Some("invalid_client") => Err(TokenError::InvalidClient),
            Some("server_error" | "temporarily_unavailable") => {
                transient(Cause::Status(status.as_u16()))
            }
            Some(code) => Err(TokenError::Refused(OAuthCode::read(code))),
            // Credentials missing or wrong, said by HTTP alone.
            None if reply.headers.contains_key(header::WWW_AUTHENTICATE) => {
                Err(TokenError::InvalidClient)
            }
            None => transient(Cause::Status(status.as_u16())),
        },
    }
}

/// A revocation's answer: any 2xx, whatever its body, and a token unknown there are success.
pub(super) fn revocation(reply: Reply) -> Result<(), TokenError> {
    let unknown = code(&reply.body).is_some_and(|code| code == "invalid_token");
    match sift(reply) {
        Ok(_) | Err(TokenError::InvalidGrant) => Ok(()),
        Err(TokenError::Refused(_)) if unknown => Ok(()),
        Err(error) => Err(error),
    }
}

/// The `error` of an error body (RFC 6749 §5.2).
fn code(body: &[u8]) -> Option<String> {
    match serde_json::from_slice::<Value>(body).ok()?.get_mut("error")?.take() {
        Value::String(code) => Some(code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn reply(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Reply {
        let headers = headers.iter().map(|(name, value)| {
            (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap())
        });
        Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers: headers.collect::<HeaderMap>(),
            body: body.as_bytes().to_vec(),
        }
    }

    fn error(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> TokenError {
        sift(reply(status, headers, body)).err().unwrap()
    }

    fn transient(cause: Cause) -> TokenError {
        cause.into()
    }

    #[test]
    fn each_refusal_is_told_apart() {
        let dead = r#"{"error":"invalid_grant","error_description":"grant is invalid"}"#;
        assert_eq!(error(400, &[], dead), TokenError::InvalidGrant);
        assert_eq!(error(401, &[], r#"{"error":"invalid_client"}"#), TokenError::InvalidClient);
        assert_eq!(error(401, &[("www-authenticate", "Basic")], ""), TokenError::InvalidClient);
        assert_eq!(
            error(400, &[], r#"{"error":"invalid_scope"}"#),
            TokenError::Refused(OAuthCode::InvalidScope)
        );
        assert_eq!(
            error(400, &[], r#"{"error":"made_up"}"#),
            TokenError::Refused(OAuthCode::Unknown)
        );
        assert_eq!(
            error(429, &[("retry-after", "7")], ""),
            TokenError::Limited { retry_after: Some(Duration::from_secs(7)) }
        );
    }

    #[test]
    fn tokens_are_taken_whatever_their_content_type_says() {
        let tokens = r#"{"access_token":"a","refresh_token":"r"}"#;
        for kind in ["text/html; charset=utf-8", "text/plain", "application/xhtml+xml", ""] {
            assert!(sift(reply(200, &[("content-type", kind)], tokens)).is_ok(), "{kind}");
        }
        let html = [("content-type", "text/html")];
        for body in ["<html>busy</html>", r#"{"access_token":7}"#, r#"{"a":1}"#, ""] {
            assert_eq!(error(200, &html, body), transient(Cause::NotJson), "{body}");
        }
        assert_eq!(error(503, &[], tokens), transient(Cause::Status(503)));
    }

    #[test]
    fn a_code_is_exchanged_again_only_where_nothing_was_decided() {
        for status in [500, 503, 302] {
            assert!(error(status, &[], "").may_exchange_again(), "{status}");
        }
        assert!(error(200, &[], "<html>").may_exchange_again());
        assert!(error(429, &[], "").may_exchange_again());
        assert!(!TokenError::InvalidGrant.may_exchange_again());
        assert!(!TokenError::InvalidClient.may_exchange_again());
        assert!(!TokenError::Refused(OAuthCode::InvalidRequest).may_exchange_again());
    }

    #[test]
    fn what_will_pass_never_looks_like_a_dead_grant() {
        let dead = r#"{"error":"invalid_grant"}"#;
        assert_eq!(error(503, &[], dead), transient(Cause::Status(503)));
        assert_eq!(error(400, &[("content-type", "text/html")], dead), transient(Cause::NotJson));
        assert_eq!(error(200, &[], " <html>busy</html>"), transient(Cause::NotJson));
        assert_eq!(
            error(302, &[("location", "/am/oauth2c/OAuthProxy.jsp")], ""),
            transient(Cause::Redirect)
        );
        assert_eq!(error(400, &[], r#"{"error":"server_error"}"#), transient(Cause::Status(400)));
        assert_eq!(error(403, &[], "{"), transient(Cause::Status(403)));
        assert_eq!(
            error(502, &[("retry-after", "99999999")], ""),
            TokenError::Transient {
                cause: Cause::Status(502),
                retry_after: Some(Duration::from_hours(24))
            }
        );
    }

    #[test]
    fn a_token_unknown_to_the_provider_counts_as_revoked() {
        assert_eq!(revocation(reply(200, &[], "")), Ok(()));
        assert_eq!(revocation(reply(200, &[], "{}")), Ok(()));
        assert_eq!(revocation(reply(400, &[], r#"{"error":"invalid_token"}"#)), Ok(()));
        assert_eq!(revocation(reply(400, &[], r#"{"error":"invalid_grant"}"#)), Ok(()));
        assert_eq!(
            revocation(reply(400, &[], r#"{"error":"invalid_request"}"#)),
            Err(TokenError::Refused(OAuthCode::InvalidRequest))
        );
        assert_eq!(revocation(reply(500, &[], "")), Err(transient(Cause::Status(500))));
    }

    #[test]
    fn only_what_may_have_arrived_may_have_acted() {
        assert!(transient(Cause::Timeout).may_have_acted());
        assert!(transient(Cause::Malformed).may_have_acted());
        assert!(!transient(Cause::Connect).may_have_acted());
        assert!(!TokenError::InvalidGrant.may_have_acted());
    }
}
