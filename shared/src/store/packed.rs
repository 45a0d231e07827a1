//! Texts as they are kept: compressed, since an item's size is its price.

use std::io::{Read, Write};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};

/// The most that is ever unpacked: more than any body that the gateway lets in.
const MOST: u64 = 16 << 20;

/// Compresses.
pub(super) fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    // Writing into memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// The reverse; `None` for what was not packed here.
pub(super) fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let read = DeflateDecoder::new(bytes).take(MOST + 1).read_to_end(&mut plain).ok()?;
    (read as u64 <= MOST).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_unpacks_and_nothing_else_does() {
        let text = "a message ".repeat(1000);

        let packed = pack(text.as_bytes());

        assert!(packed.len() < 200);
        assert_eq!(unpack(&packed).as_deref(), Some(text.as_bytes()));
        assert_eq!(unpack(&packed[..packed.len() - 2]), None);
        assert_eq!(unpack(b"not packed"), None);
        assert_eq!(unpack(&pack(&vec![0; 17 << 20])), None);
    }
}
