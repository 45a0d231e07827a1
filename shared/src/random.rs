//! Randomness for keys, states and identifiers: the cryptographic source of `aws-lc-rs`.

use aws_lc_rs::rand;
use data_encoding::{BASE32HEX_NOPAD, BASE64URL_NOPAD};

/// `N` random bytes.
///
/// # Panics
/// Never in practice: the source is the operating system's, seeded before any process starts.
#[must_use]
#[expect(clippy::expect_used, reason = "without randomness nothing here may go on")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the operating system's random source answers");
    bytes
}

/// 256 random bits, safe in a URL: 43 characters.
#[must_use]
pub fn token() -> String {
    BASE64URL_NOPAD.encode(&bytes::<32>())
}

/// 128 random bits in lower-case base 32, 26 characters: the body of every identifier of ours.
#[must_use]
pub fn id() -> String {
    BASE32HEX_NOPAD.encode(&bytes::<16>()).to_ascii_lowercase()
}

/// A whole number below `bound`, near enough to uniform for jitter.
#[must_use]
pub fn below(bound: u32) -> u32 {
    let wide = u64::from(u32::from_le_bytes(bytes())) * u64::from(bound);
    u32::try_from(wide >> 32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_26_characters_and_do_not_repeat() {
        let (one, two) = (id(), id());

        assert_eq!(one.len(), 26);
        assert_ne!(one, two);
        assert!((0..100).all(|_| below(3) < 3));
    }
}
