//! Chance of two kinds: tokens that nobody can guess, and dice that always fall alike.

use aws_lc_rs::{digest, hmac, rand};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

/// A new opaque token: 36 characters, in the shape the live service uses (a UUID).
pub(crate) fn token() -> String {
    let mut bytes = [0_u8; 16];
    #[expect(clippy::expect_used, reason = "without a source of randomness no token may be made")]
    rand::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = HEXLOWER.encode(&bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// What the state keeps instead of a token: its SHA-256 in hex.
pub(crate) fn fingerprint(token: &str) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, token.as_bytes()).as_ref())
}

/// PKCE's S256 (RFC 7636 §4.2).
pub(crate) fn s256(verifier: &str) -> String {
    BASE64URL_NOPAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()).as_ref())
}

/// HMAC-SHA256, for ids, page tokens and id tokens.
pub(crate) fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    let mut bytes = [0_u8; 32];
    bytes.copy_from_slice(tag.as_ref());
    bytes
}

/// An opaque identifier of `2 * 32 * blocks` hex digits, the same for the same seed and name.
pub(crate) fn identifier(seed: u64, name: &str, blocks: u8) -> String {
    (0..blocks)
        .map(|block| {
            HEXLOWER.encode(&mac(&seed.to_be_bytes(), format!("{name}#{block}").as_bytes()))
        })
        .collect()
}

/// Dice seeded by what they decide: the same question always gets the same answer.
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice for one question, told apart by `topic` and `number`.
    pub(crate) fn new(seed: u64, vin: &str, topic: &str, number: i64) -> Self {
        let mut state = seed ^ 0xcbf2_9ce4_8422_2325;
        let number = number.to_be_bytes();
        for byte in vin.bytes().chain([0]).chain(topic.bytes()).chain([0]).chain(number) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Self(state)
    }

    fn next(&mut self) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A whole number in `0..limit`; 0 where the limit is 0.
    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        let limit = u64::from(limit.max(1));
        u32::try_from(self.next() % limit).unwrap_or_default()
    }

    /// A number in `low..high`.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        let unit = f64::from(self.below(u32::MAX)) / f64::from(u32::MAX);
        low + (high - low) * unit
    }

    /// One of the choices.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        let count = u32::try_from(choices.len()).unwrap_or(u32::MAX);
        choices.get(usize::try_from(self.below(count)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_thirty_six_characters_and_never_repeat() {
        let (one, other) = (token(), token());

        assert_eq!(one.len(), 36);
        assert_ne!(one, other);
    }

    #[test]
    fn s256_is_that_of_the_rfc() {
        // RFC 7636, appendix B.
        assert_eq!(
            s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn dice_fall_alike_for_one_question_and_differ_between_questions() {
        let throw = |seed, number| Dice::new(seed, "VIN", "km", number).below(1_000_000);

        assert_eq!(throw(1, 5), throw(1, 5));
        assert_ne!(throw(1, 5), throw(1, 6));
        assert_ne!(throw(1, 5), throw(2, 5));
    }
}
