//! What the bytes of a blob look like in their place.
//!
//! ```text
//! "atalaya-blob 1\n"   16 bytes with a closing NUL; the digit is the format
//! chunks               as `secrets/stream.rs` seals them, under the blob's own key
//! ```
//!
//! The key is made for this blob and stands, sealed under the tenant's, in its row: when the tenant's key is replaced the row
//! is sealed anew and the bytes stay as they are; when the row goes, nobody opens the bytes any more.

use crate::secrets::{
    SecretBytes, fill_random,
    stream::{Opener, Sealer},
};
use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};
use zeroize::Zeroizing;

const MAGIC: &[u8; 16] = b"atalaya-blob 1\n\0";
/// What stands in front in every format, and how long the front is.
const FAMILY: &[u8] = b"atalaya-blob ";

/// Content that was sealed.
pub(super) struct Sealed {
    pub(super) key: SecretBytes,
    pub(super) bytes: Vec<u8>,
    /// SHA-256 of the content, hexadecimal.
    pub(super) sha256: String,
}

/// Why bytes do not give their content back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unopened {
    /// Changed, cut off, or another blob's.
    Changed,
    /// A format that this program does not know.
    Newer,
}

/// SHA-256, hexadecimal.
pub(super) fn sha256(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

/// Seals content under a key of its own.
pub(super) fn seal(content: &[u8]) -> io::Result<Sealed> {
    let mut key = Zeroizing::new([0; 32]);
    fill_random(&mut *key);
    let mut bytes = MAGIC.to_vec();
    let mut sealer = Sealer::new(&key, &mut bytes);
    sealer.write_all(content)?;
    sealer.finish()?;
    Ok(Sealed { key: SecretBytes::new(key.to_vec()), bytes, sha256: sha256(content) })
}

/// The content.
pub(super) fn open(key: &SecretBytes, bytes: &[u8]) -> Result<Vec<u8>, Unopened> {
    let (front, chunks) = bytes.split_at_checked(MAGIC.len()).ok_or(Unopened::Changed)?;
    if front != MAGIC {
        return Err(if front.starts_with(FAMILY) { Unopened::Newer } else { Unopened::Changed });
    }
    let key = <&[u8; 32]>::try_from(key.expose()).map_err(|_| Unopened::Changed)?;
    let mut content = Vec::with_capacity(chunks.len());
    Opener::new(key, chunks).read_to_end(&mut content).map_err(|_| Unopened::Changed)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::stream::CHUNK;

    #[test]
    fn content_of_any_size_comes_back_and_shows_nothing() {
        for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 7] {
            let content: Vec<u8> = b"recibo de luz ".iter().copied().cycle().take(size).collect();
            let sealed = seal(&content).unwrap();
            assert_eq!(open(&sealed.key, &sealed.bytes).unwrap(), content, "{size}");
            assert_eq!(sealed.sha256, sha256(&content));
            assert!(!sealed.bytes.windows(6).any(|window| window == b"recibo"), "{size}");
        }
        let (one, other) = (seal(b"the same").unwrap(), seal(b"the same").unwrap());
        assert_ne!(one.bytes, other.bytes);
        assert_eq!(open(&one.key, &other.bytes), Err(Unopened::Changed), "another blob's");
    }

    #[test]
    fn what_was_changed_or_cut_off_does_not_open() {
        let content = vec![7; CHUNK + 100];
        let sealed = seal(&content).unwrap();
        for at in [16, 17, 20, 500, CHUNK + 40, sealed.bytes.len() - 1] {
            let mut changed = sealed.bytes.clone();
            changed[at] ^= 1;
            assert_eq!(open(&sealed.key, &changed), Err(Unopened::Changed), "byte {at}");
        }
        // After the first chunk, which is whole.
        for length in [0, 15, 16, 19, 16 + 4 + CHUNK + 16, sealed.bytes.len() - 1] {
            assert_eq!(open(&sealed.key, &sealed.bytes[..length]), Err(Unopened::Changed), "{length} bytes");
        }
        let mut newer = sealed.bytes.clone();
        newer[13] = b'2';
        assert_eq!(open(&sealed.key, &newer), Err(Unopened::Newer));
        newer[0] = b'x';
        assert_eq!(open(&sealed.key, &newer), Err(Unopened::Changed));
    }
}
