//! Signature Version 4: a call is answered only if this run's key signed it.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use aws_lc_rs::{constant_time, digest, hmac};
use axum::http::{HeaderMap, header, request::Parts};
use data_encoding::HEXLOWER;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The call is not signed as it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum SignatureError {
    #[error("the Authorization header is missing or not of Signature Version 4")]
    Missing,
    #[error("the access key is not one of this run")]
    UnknownKey,
    #[error("the signature does not fit")]
    Mismatch,
    #[error("the time of signing is missing or too far off")]
    Stale,
}

/// The parts of an `Authorization` header.
#[derive(Debug)]
pub(super) struct Credential<'a> {
    pub(super) key_id: &'a str,
    pub(super) service: &'a str,
    scope: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Credential<'a> {
    pub(super) fn read(headers: &'a HeaderMap) -> Result<Self, SignatureError> {
        let text = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let fields =
            text.and_then(|text| text.strip_prefix(ALGORITHM)).ok_or(SignatureError::Missing)?;
        let field = |name: &str| {
            let mut fields = fields.split(',').map(str::trim);
            fields
                .find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
                .ok_or(SignatureError::Missing)
        };
        let (key_id, scope) =
            field("Credential")?.split_once('/').ok_or(SignatureError::Missing)?;
        let service = scope.split('/').nth(2).ok_or(SignatureError::Missing)?;
        Ok(Self {
            key_id,
            service,
            scope,
            signed_headers: field("SignedHeaders")?,
            signature: field("Signature")?,
        })
    }

    /// Computes the signature anew.
    pub(super) fn verify(
        &self,
        parts: &Parts,
        body: &[u8],
        secret: &SecretString,
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        let date =
            parts.headers.get("x-amz-date").and_then(|date| date.to_str().ok()).unwrap_or_default();
        let signed_at = Timestamp::strptime("%Y%m%dT%H%M%S%z", date.replace('Z', "+0000"));
        let signed_at = signed_at.map_err(|_| SignatureError::Stale)?;
        if now.duration_since(signed_at).abs() > SKEW
            || !date.starts_with(self.scope.split('/').next().unwrap_or("-"))
        {
            return Err(SignatureError::Stale);
        }
        // What is not signed could be another's: the target decides what is done, the host where.
        let named = |name: &str| self.signed_headers.split(';').any(|signed| signed == name);
        if !named("host") || !named("x-amz-target") || !named("x-amz-date") {
            return Err(SignatureError::Mismatch);
        }
        let canonical = self.canonical_request(parts, body);
        let to_sign =
            format!("{ALGORITHM}\n{date}\n{}\n{}", self.scope, sha256(canonical.as_bytes()));
        let expected = HEXLOWER.encode(sign(&self.key(secret), &to_sign).as_ref());
        constant_time::verify_slices_are_equal(expected.as_bytes(), self.signature.as_bytes())
            .map_err(|_| SignatureError::Mismatch)
    }

    fn canonical_request(&self, parts: &Parts, body: &[u8]) -> String {
        let headers = self.signed_headers.split(';').map(|name| {
            let values = parts.headers.get_all(name).iter().map(|value| {
                let text = String::from_utf8_lossy(value.as_bytes());
                text.split_whitespace().collect::<Vec<_>>().join(" ")
            });
            format!("{name}:{}\n", values.collect::<Vec<_>>().join(","))
        });
        let headers = headers.collect::<Vec<_>>().concat();
        let mut query: Vec<_> = parts.uri.query().unwrap_or_default().split('&').collect();
        query.sort_unstable();
        let (method, path, query) = (&parts.method, parts.uri.path(), query.join("&"));
        format!("{method}\n{path}\n{query}\n{headers}\n{}\n{}", self.signed_headers, sha256(body))
    }

    fn key(&self, secret: &SecretString) -> Vec<u8> {
        let first = format!("AWS4{}", secret.expose_secret()).into_bytes();
        self.scope.split('/').fold(first, |key, part| sign(&key, part).as_ref().to_vec())
    }
}

fn sign(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, bytes).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    /// Signed by botocore's `SigV4Auth`, an implementation that is not ours.
    fn signed() -> (Parts, &'static [u8]) {
        let request = Request::post("/")
            .header("host", "127.0.0.1:8000")
            .header("x-amz-date", "20260101T120000Z")
            .header("x-amz-target", "DynamoDB_20120810.GetItem")
            .header("authorization", concat!(
                "AWS4-HMAC-SHA256 Credential=AKID/20260101/local-1/dynamodb/aws4_request, ",
                "SignedHeaders=host;x-amz-date;x-amz-target, Signature=23368ded944f0b0a757089ca07e02d25e32589ef4f721e2af07ea016d53e766b"
            ))
            .body(())
            .unwrap();
        (request.into_parts().0, b"{}")
    }

    fn judge(
        change: impl FnOnce(&mut Parts),
        secret: &str,
        now: &str,
    ) -> Result<(), SignatureError> {
        let (mut parts, body) = signed();
        change(&mut parts);
        let headers = parts.headers.clone();
        let credential = Credential::read(&headers)?;
        credential.verify(&parts, body, &secret.to_owned().into(), now.parse().unwrap())
    }

    const NOON: &str = "2026-01-01T12:01:00Z";

    #[test]
    fn a_signature_made_elsewhere_fits_and_only_with_its_secret_and_time() {
        assert_eq!(judge(|_| (), "secret", NOON), Ok(()));
        assert_eq!(judge(|_| (), "another", NOON), Err(SignatureError::Mismatch));
        assert_eq!(judge(|_| (), "secret", "2026-01-01T12:06:00Z"), Err(SignatureError::Stale));
    }

    #[test]
    fn what_was_signed_cannot_be_changed() {
        let target = |parts: &mut Parts| {
            parts.headers.insert("x-amz-target", "DynamoDB_20120810.PutItem".parse().unwrap());
        };
        let query = |parts: &mut Parts| parts.uri = "/?a=b".parse().unwrap();
        let none = |parts: &mut Parts| {
            parts.headers.remove("authorization");
        };

        assert_eq!(judge(target, "secret", NOON), Err(SignatureError::Mismatch));
        assert_eq!(judge(query, "secret", NOON), Err(SignatureError::Mismatch));
        assert_eq!(judge(none, "secret", NOON), Err(SignatureError::Missing));
    }
}
