//! Who asks: `Authorization: Bearer ap_{live|local}_{id}_{secret}` and nothing else (RFC 6750 §2.1).

use std::sync::Arc;

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};
use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use data_encoding::HEXLOWER;
use shared::{App, domain::remote::Kind, secrets::ApiKeyRecord};
use utoipa::{
    Modify,
    openapi::{
        OpenApi,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{Error, query::Parameters};

/// What a key may do. None implies another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Enroll,
    Read,
    ReadPosition,
    Erase,
    Admin,
    /// To command a car, kind by kind.
    Remote(Kind),
}

impl Scope {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Enroll => "enroll",
            Self::Read => "read",
            Self::ReadPosition => "read:position",
            Self::Erase => "erase",
            Self::Admin => "admin",
            Self::Remote(kind) => kind.key_scope(),
        }
    }
}

/// A key that is valid now.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) id: String,
    scopes: Vec<String>,
}

impl Key {
    pub(crate) fn has(&self, scope: Scope) -> bool {
        self.scopes.iter().any(|own| own == scope.as_str())
    }

    pub(crate) fn require(&self, scope: Scope) -> Result<(), Error> {
        if self.has(scope) { Ok(()) } else { Err(Error::Scope(scope.as_str())) }
    }
}

impl FromRequestParts<Arc<App>> for Key {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Error> {
        let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return Err(Error::Key) };
        let presented = value.to_str().ok().and_then(credentials);
        let (id, secret) = presented.and_then(split).ok_or(Error::Key)?;
        let edge = app.secrets.edge_now().await?;
        let record = edge.api_keys.iter().find(|record| record.id == id).ok_or(Error::Key)?;
        let now = app.clock.now();
        let expired = record.expires_at.is_some_and(|end| end <= now);
        if expired || !is_secret_of(record, secret) {
            return Err(Error::Key);
        }
        let key = Self { id: record.id.clone(), scopes: record.scopes.clone() };
        // Whoever may ask learns first what can't be asked.
        if let Some(parameters) = parts.extensions.get::<Parameters>() {
            parameters.check(parts.uri.query())?;
        }
        Ok(key)
    }
}

/// What follows the scheme, whose case does not matter (RFC 9110 §11.1).
fn credentials(header: &str) -> Option<&str> {
    let (scheme, rest) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim_start_matches(' '))
}

fn split(key: &str) -> Option<(&str, &str)> {
    let rest = key.strip_prefix("ap_live_").or_else(|| key.strip_prefix("ap_local_"))?;
    rest.split_once('_')
}

fn is_secret_of(record: &ApiKeyRecord, secret: &str) -> bool {
    let hash = HEXLOWER.encode(digest(&SHA256, secret.as_bytes()).as_ref());
    verify_slices_are_equal(hash.as_bytes(), record.sha256.as_bytes()).is_ok()
}

/// Describes it.
pub(crate) struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A key made by `accessing-party secret api-key`."))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(scheme));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_taken_in_any_case_and_no_other_one_is() {
        for header in ["Bearer ap_live_a_b", "bearer ap_live_a_b", "BEARER  ap_live_a_b"] {
            assert_eq!(credentials(header), Some("ap_live_a_b"), "{header}");
        }
        for header in ["Basic ap_live_a_b", "Bearerap_live_a_b", "ap_live_a_b", ""] {
            assert_eq!(credentials(header), None, "{header}");
        }
    }

    #[test]
    fn a_key_is_taken_apart_only_in_its_own_form() {
        assert_eq!(split("ap_live_abc_def"), Some(("abc", "def")));
        assert_eq!(split("ap_local_abc_def"), Some(("abc", "def")));
        assert_eq!(split("ap_other_abc_def"), None);
        assert_eq!(split("ap_live_abc"), None);
    }
}
