//! Where the maker sends an enrollment's notifications. They are unsigned, so the address itself
//! is the secret: `{enrollment}.{day}.{mac}`. An enrollment has one subscription, and its id names
//! both; `day` is the version, the day of issue counted from 1970. The body carries a secret of
//! its own, derived likewise, since an address stands in access logs along the way.
//!
//! Nothing is looked up to check it: the MAC proves that we issued it, the day that it is in force.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use data_encoding::{BASE32HEX_NOPAD, BASE64URL_NOPAD};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use crate::{domain::ids::EnrollmentId, seal::KeyRing};

/// How long an address is in use before another takes its place.
pub const USED_DAYS: i64 = 30;
/// How much longer it is taken: the maker sends for 72 h what it could not deliver.
pub const OVERLAP_DAYS: i64 = 4;

const DAY: i64 = 24 * 60 * 60;

/// An address that was proven to be ours, or is.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    enrollment: EnrollmentId,
    day: i64,
    key: String,
}

/// The text is no address of ours, or no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not made by us.
    #[error("not an address of ours")]
    Forged,
    /// Issued too long ago.
    #[error("an address that is not in force any more")]
    Expired,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address")
            .field("enrollment", &self.enrollment)
            .field("day", &self.day)
            .finish_non_exhaustive()
    }
}

impl Address {
    /// The address of today, under the ring's primary key.
    #[must_use]
    pub fn issue(ring: &KeyRing, enrollment: &EnrollmentId, now: Timestamp) -> Self {
        Self::issued(ring.primary(), enrollment, day_of(now))
    }

    /// The address that was issued on `day` under a key.
    #[must_use]
    pub fn issued(key: &str, enrollment: &EnrollmentId, day: i64) -> Self {
        Self { enrollment: enrollment.clone(), day, key: key.to_owned() }
    }

    /// Checks an address that somebody sends to.
    ///
    /// # Errors
    /// When we did not issue it, or too long ago.
    pub fn read(ring: &KeyRing, text: &str, now: Timestamp) -> Result<Self, Refused> {
        let mut parts = text.split('.');
        let (Some(id), Some(day), Some(mac), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refused::Forged);
        };
        let enrollment: EnrollmentId = id.parse().map_err(|_| Refused::Forged)?;
        let day: i64 = day.parse().map_err(|_| Refused::Forged)?;
        let is_by = |key: &&str| {
            let own = Self::issued(key, &enrollment, day).mac(ring);
            own.is_some_and(|own| same(&own, mac))
        };
        // A handful of keys: which one it was need not stand in the address.
        let key = ring.key_ids().find(is_by).ok_or(Refused::Forged)?;
        let address = Self::issued(key, &enrollment, day);
        address.is_in_force(now).then_some(address).ok_or(Refused::Expired)
    }

    /// Whose notifications arrive there.
    #[must_use]
    pub const fn enrollment(&self) -> &EnrollmentId {
        &self.enrollment
    }

    /// The day of issue, counted from 1970.
    #[must_use]
    pub const fn day(&self) -> i64 {
        self.day
    }

    /// Whether it is to be replaced: in use for long enough, or under a key that is not the
    /// primary one any more.
    #[must_use]
    pub fn is_worn(&self, ring: &KeyRing, now: Timestamp) -> bool {
        self.key != ring.primary() || day_of(now) - self.day >= USED_DAYS
    }

    /// Whether what arrives there is still taken.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        // A day of issue ahead of ours is a clock that runs fast by a little.
        (-1..=USED_DAYS + OVERLAP_DAYS).contains(&(day_of(now).saturating_sub(self.day)))
    }

    /// The last part of the path, if the ring still has its key.
    #[must_use]
    pub fn path(&self, ring: &KeyRing) -> Option<SecretString> {
        let (enrollment, day) = (&self.enrollment, self.day);
        self.mac(ring).map(|mac| format!("{enrollment}.{day}.{mac}").into())
    }

    /// The secret that a message's body carries, if the ring still has its key.
    #[must_use]
    pub fn secret(&self, ring: &KeyRing) -> Option<SecretString> {
        let bytes = ring.derived(&self.key, &self.label_of("notification-secret/v1"))?;
        Some(BASE64URL_NOPAD.encode(&bytes).into())
    }

    /// Whether this is the secret that belongs to the address.
    #[must_use]
    pub fn is_secret(&self, ring: &KeyRing, given: &str) -> bool {
        self.secret(ring).is_some_and(|own| same(own.expose_secret(), given))
    }

    /// How the maker's side names the subscription: by it, one whose creation was never answered
    /// is found again.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}.{}", self.enrollment, self.day)
    }

    /// 128 bits suffice for what can only be tried against our door.
    fn mac(&self, ring: &KeyRing) -> Option<String> {
        let bytes = ring.derived(&self.key, &self.label_of("notification-path/v1"))?;
        let (half, _) = bytes.split_at(16);
        Some(BASE32HEX_NOPAD.encode(half).to_ascii_lowercase())
    }

    fn label_of(&self, purpose: &str) -> String {
        format!("{purpose} {} {}", self.enrollment, self.day)
    }
}

fn day_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(DAY)
}

/// When an address issued on `day` stops being taken.
#[must_use]
pub fn refused_from(day: i64) -> Option<Timestamp> {
    let end = day.checked_add(USED_DAYS + OVERLAP_DAYS + 1)?;
    Timestamp::UNIX_EPOCH.checked_add(SignedDuration::from_secs(end.checked_mul(DAY)?)).ok()
}

fn same(own: &str, given: &str) -> bool {
    verify_slices_are_equal(own.as_bytes(), given.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(primary: &str) -> KeyRing {
        let keys = r#""a": "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=", "b": "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI=""#;
        serde_json::from_str(&format!(r#"{{"primary": "{primary}", "keys": {{{keys}}}}}"#)).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn issued(on: &str) -> (Address, String) {
        let address = Address::issue(&ring("a"), &EnrollmentId::random(), at(on));
        let path = address.path(&ring("a")).unwrap().expose_secret().to_owned();
        (address, path)
    }

    #[test]
    fn an_address_reads_back_under_any_primary_key_and_knows_its_secret() {
        let (address, path) = issued("2026-03-02T06:00:00Z");

        let read = Address::read(&ring("b"), &path, at("2026-03-02T06:00:00Z")).unwrap();

        assert_eq!(read, address);
        assert!(read.is_secret(&ring("b"), address.secret(&ring("a")).unwrap().expose_secret()));
        assert!(read.is_worn(&ring("b"), at("2026-03-02T06:00:00Z")));
        assert!(!read.is_worn(&ring("a"), at("2026-03-31T23:00:00Z")));
        assert!(read.is_worn(&ring("a"), at("2026-04-01T00:00:00Z")));
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_refused() {
        let (_, path) = issued("2026-03-02T06:00:00Z");
        let read = |text: &str| Address::read(&ring("a"), text, at("2026-03-02T06:00:00Z"));

        for index in 0..path.len() {
            let mut bytes = path.clone().into_bytes();
            bytes[index] ^= 1;
            let flipped = String::from_utf8(bytes).unwrap();
            assert_eq!(read(&flipped), Err(Refused::Forged), "flipped byte {index}");
            assert_eq!(read(&path[..index]), Err(Refused::Forged), "cut at {index}");
        }
        assert!(read(&path).is_ok());
    }

    #[test]
    fn an_address_is_taken_four_days_longer_than_it_is_used() {
        let (_, path) = issued("2026-03-02T06:00:00Z");
        let read = |now| Address::read(&ring("a"), &path, at(now)).map(|_| ());

        assert_eq!(read("2026-04-05T23:59:59Z"), Ok(()));
        assert_eq!(read("2026-04-06T00:00:00Z"), Err(Refused::Expired));
        let end = refused_from(
            Address::read(&ring("a"), &path, at("2026-03-02T06:00:00Z")).unwrap().day(),
        );
        assert_eq!(end, Some(at("2026-04-06T00:00:00Z")));
    }

    #[test]
    fn a_secret_belongs_to_one_address() {
        let (one, _) = issued("2026-03-02T06:00:00Z");
        let (other, _) = issued("2026-03-02T06:00:00Z");

        let secret = one.secret(&ring("a")).unwrap();

        assert!(one.is_secret(&ring("a"), secret.expose_secret()));
        assert!(!other.is_secret(&ring("a"), secret.expose_secret()));
        assert!(!one.is_secret(&ring("a"), ""));
        assert!(!format!("{one:?}").contains(secret.expose_secret()));
    }
}
