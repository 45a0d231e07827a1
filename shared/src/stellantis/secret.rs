//! What the maker gave the accessing party: the content of the `maker` secret.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{Context, SHA256};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use x509_cert::{Certificate, der::DecodePem};

use crate::domain::brand::Brand;

/// Client credentials, certificate, key and authority, as the `maker` secret's JSON holds them.
#[derive(Debug, Clone, Deserialize)]
pub struct MakerSecret {
    /// The application's id, sent with every call.
    pub client_id: String,
    /// The application's secret, for the identity providers alone.
    pub client_secret: SecretString,
    /// PEM of the client certificate (and its chain) that the API demands.
    #[serde(default)]
    pub certificate: Option<String>,
    /// PEM of the certificate's key.
    #[serde(default)]
    pub private_key: Option<SecretString>,
    /// PEM of the maker's private authority, trusted beside the public ones.
    #[serde(default)]
    pub ca: Option<String>,
    /// Other credentials for single brands.
    #[serde(default)]
    pub brands: BTreeMap<Brand, BrandSecret>,
}

/// Credentials that hold for one brand alone.
#[derive(Debug, Clone, Deserialize)]
pub struct BrandSecret {
    /// As [`MakerSecret::client_id`].
    pub client_id: String,
    /// As [`MakerSecret::client_secret`].
    pub client_secret: SecretString,
}

impl MakerSecret {
    /// The client id to use with a brand.
    #[must_use]
    pub fn client_id(&self, brand: Brand) -> &str {
        self.brands.get(&brand).map_or(&self.client_id, |own| &own.client_id)
    }

    /// The client secret to use with a brand.
    #[must_use]
    pub fn client_secret(&self, brand: Brand) -> &SecretString {
        self.brands.get(&brand).map_or(&self.client_secret, |own| &own.client_secret)
    }

    /// When the client certificate ends; `None` without one, or for one that can't be read.
    #[must_use]
    pub fn certificate_ends(&self) -> Option<Timestamp> {
        let certificate = Certificate::from_pem(self.certificate.as_ref()?).ok()?;
        let end = certificate.tbs_certificate().validity().not_after.to_unix_duration();
        Timestamp::from_second(i64::try_from(end.as_secs()).ok()?).ok()
    }

    /// Tells identities apart: another certificate, key or authority needs another HTTP client.
    pub(super) fn identity_fingerprint(&self) -> [u8; 32] {
        let mut hash = Context::new(&SHA256);
        let key = self.private_key.as_ref().map(ExposeSecret::expose_secret);
        for part in [self.certificate.as_deref(), key, self.ca.as_deref()] {
            // Length first, or the border between two parts could move unseen.
            hash.update(&part.map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
            hash.update(part.unwrap_or_default().as_bytes());
        }
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(hash.finish().as_ref());
        fingerprint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> MakerSecret {
        let json = r#"{"client_id":"all","client_secret":"seeded-secret","certificate":null,
            "brands":{"opel":{"client_id":"own","client_secret":"own-secret"}},"later":1}"#;
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_brand_with_credentials_of_its_own_uses_them() {
        let secret = secret();

        assert_eq!(secret.client_id(Brand::Opel), "own");
        assert_eq!(secret.client_secret(Brand::Opel).expose_secret(), "own-secret");
        assert_eq!(secret.client_id(Brand::Ds), "all");
    }

    #[test]
    fn no_secret_shows_in_debug() {
        assert!(!format!("{:?}", secret()).contains("secret\""));
        assert!(!format!("{:?}", secret()).contains("seeded-secret"));
    }

    #[test]
    fn the_certificates_end_is_read() {
        let mut parameters = rcgen::CertificateParams::new(vec!["x".to_owned()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(2027, 3, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let mut secret = secret();
        assert_eq!(secret.certificate_ends(), None);

        secret.certificate = Some(parameters.self_signed(&key).unwrap().pem());

        assert_eq!(secret.certificate_ends(), Some("2027-03-01T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn only_the_identity_changes_the_fingerprint() {
        let (plain, mut other) = (secret(), secret());
        other.client_secret = "another".into();
        assert_eq!(plain.identity_fingerprint(), other.identity_fingerprint());

        other.ca = Some(String::new());
        assert_ne!(plain.identity_fingerprint(), other.identity_fingerprint());
    }
}
