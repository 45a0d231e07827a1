//! Sealing: AES-256-GCM under a key derived for one typed purpose, so that a stolen table, or an
//! item moved elsewhere, gives nothing.
//!
//! A sealed value is `version (1) ‖ key id length (1) ‖ key id ‖ nonce (12) ‖ ciphertext ‖ tag (16)`.
//! A ring key never encrypts by itself: HKDF-SHA256 (RFC 5869) derives one for each purpose. The
//! associated data binds the purpose, the key id and where the value belongs.

use std::collections::BTreeMap;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
};
use data_encoding::BASE64;
use secrecy::SecretString;
use serde::Deserialize;

use crate::{
    domain::{ids::WebhookId, webhook::Generation},
    random,
};

const FORMAT: u8 = 1;

/// What a key is for. Values sealed for one purpose never open for another.
#[derive(Debug, Clone, Copy)]
pub enum Purpose<'a> {
    /// Tokens at rest, bound to their grant and its version.
    Token {
        /// The grant's id.
        grant: &'a str,
        /// The version that these tokens are.
        version: u64,
    },
    /// The cookie of a login under way.
    Login,
    /// A login link of the operator's.
    Ticket,
    /// A page token of the operator's API.
    Cursor,
}

impl Purpose<'_> {
    /// The derivation's label: changing one makes everything sealed under it unreadable.
    fn label(self) -> String {
        match self {
            Self::Token { grant, .. } => format!("token/v1 {grant}"),
            Self::Login => "login/v1".into(),
            Self::Ticket => "ticket/v1".into(),
            Self::Cursor => "cursor/v1".into(),
        }
    }

    fn associated_data(self, key_id: &str) -> String {
        match self {
            Self::Token { version, .. } => format!("{} {key_id} {version}", self.label()),
            _ => format!("{} {key_id}", self.label()),
        }
    }
}

/// A sealed value can't be opened. Always our fault or an attack, never a dead grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The ring has no such key: re-reading the secret may bring it.
    #[error("sealed with a key that the ring does not hold")]
    UnknownKey,
    /// Altered, cut short, moved from another place, or of another purpose.
    #[error("not sealed by us for this place")]
    Forged,
}

/// Keys by id, one of which seals; all open. Rotation is add, wait, promote.
#[derive(Deserialize)]
#[serde(try_from = "RingJson")]
pub struct KeyRing {
    primary: String,
    keys: BTreeMap<String, [u8; 32]>,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").field("primary", &self.primary).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct RingJson {
    primary: String,
    keys: BTreeMap<String, String>,
}

/// The ring's JSON is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRing {
    /// `primary` names no key of the ring.
    #[error("primary names no key of the ring")]
    NoPrimary,
    /// A key is not the base64 of 32 bytes.
    #[error("every key must be the base64 of 32 bytes")]
    Key,
    /// A key id is empty or longer than 32 bytes.
    #[error("a key id has 1 to 32 bytes")]
    KeyId,
}

impl TryFrom<RingJson> for KeyRing {
    type Error = InvalidRing;

    fn try_from(json: RingJson) -> Result<Self, InvalidRing> {
        let mut keys = BTreeMap::new();
        for (id, text) in json.keys {
            if id.is_empty() || id.len() > 32 {
                return Err(InvalidRing::KeyId);
            }
            let bytes = BASE64.decode(text.as_bytes()).map_err(|_| InvalidRing::Key)?;
            keys.insert(id, bytes.try_into().map_err(|_| InvalidRing::Key)?);
        }
        if !keys.contains_key(&json.primary) {
            return Err(InvalidRing::NoPrimary);
        }
        Ok(Self { primary: json.primary, keys })
    }
}

impl KeyRing {
    /// The id of the key that seals, and that new secrets are derived from.
    #[must_use]
    pub fn primary(&self) -> &str {
        &self.primary
    }

    /// The ids of all its keys.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// 32 bytes that belong to a label and can't be told from random without the key: for a MAC
    /// over the label, or a secret of its own. `None` if the ring has no such key.
    #[must_use]
    pub fn derived(&self, key_id: &str, label: &str) -> Option<[u8; 32]> {
        self.keys.get(key_id).map(|key| expand(key, label))
    }

    /// Seals with the primary key.
    ///
    /// # Panics
    /// Never: a 32-byte key and a fresh nonce always seal what fits in memory.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the lengths are constants")]
    pub fn seal(&self, purpose: Purpose<'_>, plain: &[u8]) -> Vec<u8> {
        let key = &self.keys[&self.primary];
        let nonce = random::bytes::<NONCE_LEN>();
        let mut sealed = plain.to_vec();
        derive(key, purpose)
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(purpose.associated_data(&self.primary)),
                &mut sealed,
            )
            .expect("sealing a small value");

        let id = self.primary.as_bytes();
        let mut out = Vec::with_capacity(2 + id.len() + NONCE_LEN + sealed.len());
        out.push(FORMAT);
        out.push(u8::try_from(id.len()).expect("a key id of at most 32 bytes"));
        out.extend_from_slice(id);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        out
    }

    /// A secret of an endpoint, as the Standard Webhooks specification spells it: derived anew
    /// whenever it is needed, so that it lies nowhere.
    ///
    /// # Errors
    /// [`OpenError::UnknownKey`].
    pub fn webhook_secret(
        &self,
        webhook: &WebhookId,
        generation: &Generation,
    ) -> Result<SecretString, OpenError> {
        let label = format!("webhook/v1 {webhook} {}", generation.number);
        let bytes = self.derived(&generation.key, &label).ok_or(OpenError::UnknownKey)?;
        Ok(format!("whsec_{}", BASE64.encode(&bytes)).into())
    }

    /// Opens what [`seal`](Self::seal) made for the same purpose and place.
    ///
    /// # Errors
    /// [`OpenError`]; nothing of the value is told.
    pub fn open(&self, purpose: Purpose<'_>, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (key_id, rest) = split(sealed).ok_or(OpenError::Forged)?;
        let key = self.keys.get(key_id).ok_or(OpenError::UnknownKey)?;
        let (nonce, body) = rest.split_at_checked(NONCE_LEN).ok_or(OpenError::Forged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| OpenError::Forged)?;
        let mut body = body.to_vec();
        let plain = derive(key, purpose)
            .open_in_place(nonce, Aad::from(purpose.associated_data(key_id)), &mut body)
            .map_err(|_| OpenError::Forged)?;
        Ok(plain.to_vec())
    }
}

fn split(sealed: &[u8]) -> Option<(&str, &[u8])> {
    let (&[format, length], rest) = sealed.split_first_chunk::<2>()?;
    let (id, rest) = rest.split_at_checked(usize::from(length))?;
    (format == FORMAT).then_some(())?;
    Some((std::str::from_utf8(id).ok()?, rest))
}

#[expect(clippy::expect_used, reason = "the lengths are constants")]
fn derive(key: &[u8; 32], purpose: Purpose<'_>) -> LessSafeKey {
    let derived = expand(key, &purpose.label());
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &derived).expect("a 32-byte key"))
}

#[expect(clippy::expect_used, reason = "the lengths are constants")]
fn expand(key: &[u8; 32], label: &str) -> [u8; 32] {
    let mut derived = [0; 32];
    Salt::new(HKDF_SHA256, b"accessing-party")
        .extract(key)
        .expand(&[label.as_bytes()], HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut derived))
        .expect("32 bytes of HKDF-SHA256");
    derived
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn ring(primary: &str) -> KeyRing {
        let keys = ["a", "b"].map(|id| (id.to_owned(), BASE64.encode(&[id.as_bytes()[0]; 32])));
        RingJson { primary: primary.to_owned(), keys: keys.into() }.try_into().unwrap()
    }

    const HERE: Purpose<'_> = Purpose::Token { grant: "gr_1", version: 7 };

    #[test]
    fn what_was_sealed_opens_in_its_own_place_and_nowhere_else() {
        let sealed = ring("a").seal(HERE, b"secret");

        let elsewhere = [
            Purpose::Token { grant: "gr_2", version: 7 },
            Purpose::Token { grant: "gr_1", version: 8 },
            Purpose::Login,
            Purpose::Ticket,
        ];
        assert_eq!(ring("b").open(HERE, &sealed).unwrap(), b"secret");
        for place in elsewhere {
            assert_eq!(ring("a").open(place, &sealed), Err(OpenError::Forged));
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        let sealed = ring("a").seal(Purpose::Login, b"secret");

        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            assert!(ring("a").open(Purpose::Login, &flipped).is_err(), "flipped byte {at}");
            assert!(ring("a").open(Purpose::Login, &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_key_that_is_not_in_the_ring_is_told_apart_from_a_forgery() {
        let mut old = ring("a");
        let sealed = ring("b").seal(HERE, b"secret");
        old.keys.remove("b");

        assert_eq!(old.open(HERE, &sealed), Err(OpenError::UnknownKey));
    }

    #[test]
    fn every_endpoint_and_generation_has_a_secret_of_its_own_and_always_the_same() {
        let secret = |ring: &str, id: &WebhookId, number, key: &str| {
            let generation = Generation { number, key: key.to_owned(), valid_until: None };
            let secret = self::ring(ring).webhook_secret(id, &generation);
            secret.map(|secret| secret.expose_secret().to_owned())
        };
        let (one, two) = (WebhookId::random(), WebhookId::random());

        let first = secret("a", &one, 1, "a").unwrap();
        assert_eq!(secret("b", &one, 1, "a").unwrap(), first, "promoting a key changes nothing");
        for other in
            [secret("a", &two, 1, "a"), secret("a", &one, 2, "a"), secret("a", &one, 1, "b")]
        {
            assert_ne!(other.unwrap(), first);
        }
        assert_eq!(secret("a", &one, 1, "c"), Err(OpenError::UnknownKey));
        let body = first.strip_prefix("whsec_").unwrap();
        assert_eq!(BASE64.decode(body.as_bytes()).unwrap().len(), 32);
    }
}
