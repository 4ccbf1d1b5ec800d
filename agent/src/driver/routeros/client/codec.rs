//! Words and sentences on the wire (MikroTik "API" manual): a word is a length of one to five bytes and its bytes,
//! a sentence is words up to a word of length zero.
//!
//! The peer may be hostile: every length is checked against a cap before anything is allocated for it.

use tokio::io::{AsyncRead, AsyncReadExt};

/// Longest word accepted, bytes. A router's longest legitimate words are scripts and certificates.
pub(super) const MAX_WORD: usize = 1 << 20;
/// Longest sentence accepted, bytes.
pub(super) const MAX_SENTENCE: usize = 4 << 20;
/// Most words of one sentence.
const MAX_WORDS: usize = 4_096;
/// A word is read in steps of this size, so that memory is spent only on bytes that really came.
const STEP: usize = 16 << 10;

/// What cannot be a sentence.
#[derive(Debug, thiserror::Error)]
pub(super) enum CodecError {
    /// The connection ended or failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A control byte (0xF8..) that no version defines.
    #[error("length byte {0:#04x} is reserved")]
    Reserved(u8),
    /// Over a cap.
    #[error("{what} of {size} is above the limit of {limit}")]
    TooLong {
        /// Word, sentence, or number of words.
        what: &'static str,
        /// Announced size.
        size: usize,
        /// The cap.
        limit: usize,
    },
}

/// Appends a word.
///
/// # Panics
/// Never: a word of 4 GiB or more does not come from this program, and is cut by saturation of its length.
pub(super) fn put_word(out: &mut Vec<u8>, word: &[u8]) {
    let length = u32::try_from(word.len()).unwrap_or(u32::MAX);
    let bytes = length.to_be_bytes();
    match length {
        0..0x80 => out.push(bytes[3]),
        0x80..0x4000 => out.extend_from_slice(&[bytes[2] | 0x80, bytes[3]]),
        0x4000..0x20_0000 => out.extend_from_slice(&[bytes[1] | 0xC0, bytes[2], bytes[3]]),
        0x20_0000..0x1000_0000 => out.extend_from_slice(&[bytes[0] | 0xE0, bytes[1], bytes[2], bytes[3]]),
        0x1000_0000.. => {
            out.push(0xF0);
            out.extend_from_slice(&bytes);
        }
    }
    out.extend_from_slice(word);
}

/// Reads one sentence, skipping empty ones.
pub(super) async fn read_sentence(
    input: &mut (impl AsyncRead + Unpin + ?Sized),
) -> Result<Vec<Vec<u8>>, CodecError> {
    let mut words = Vec::new();
    let mut total = 0_usize;
    loop {
        let word = read_word(input).await?;
        if word.is_empty() {
            if words.is_empty() {
                continue;
            }
            return Ok(words);
        }
        total = total.saturating_add(word.len());
        if total > MAX_SENTENCE {
            return Err(CodecError::TooLong { what: "sentence", size: total, limit: MAX_SENTENCE });
        }
        words.push(word);
        if words.len() > MAX_WORDS {
            return Err(CodecError::TooLong { what: "number of words", size: words.len(), limit: MAX_WORDS });
        }
    }
}

async fn read_word(input: &mut (impl AsyncRead + Unpin + ?Sized)) -> Result<Vec<u8>, CodecError> {
    let length = read_length(input).await?;
    if length > MAX_WORD {
        return Err(CodecError::TooLong { what: "word", size: length, limit: MAX_WORD });
    }
    let mut word = Vec::with_capacity(length.min(STEP));
    while word.len() < length {
        let have = word.len();
        let step = (length - have).min(STEP);
        word.resize(have + step, 0);
        input.read_exact(&mut word[have..]).await?;
    }
    Ok(word)
}

async fn read_length(input: &mut (impl AsyncRead + Unpin + ?Sized)) -> Result<usize, CodecError> {
    let first = input.read_u8().await?;
    let (mut length, more) = match first {
        0..0x80 => (u64::from(first), 0),
        0x80..0xC0 => (u64::from(first & 0x3F), 1),
        0xC0..0xE0 => (u64::from(first & 0x1F), 2),
        0xE0..0xF0 => (u64::from(first & 0x0F), 3),
        0xF0 => (0, 4),
        0xF1.. => return Err(CodecError::Reserved(first)),
    };
    for _ in 0..more {
        length = (length << 8) | u64::from(input.read_u8().await?);
    }
    Ok(usize::try_from(length).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn encoded_length(length: usize) -> Vec<u8> {
        let mut out = Vec::new();
        put_word(&mut out, &vec![b'x'; length]);
        out.truncate(out.len() - length);
        out
    }

    #[test]
    fn lengths_as_in_the_manual() {
        assert_eq!(encoded_length(0x7F), [0x7F]);
        assert_eq!(encoded_length(0x80), [0x80, 0x80]);
        assert_eq!(encoded_length(0x3FFF), [0xBF, 0xFF]);
        assert_eq!(encoded_length(0x4000), [0xC0, 0x40, 0x00]);
        assert_eq!(encoded_length(0x1F_FFFF), [0xDF, 0xFF, 0xFF]);
        assert_eq!(encoded_length(0x20_0000), [0xE0, 0x20, 0x00, 0x00]);
    }

    #[test]
    fn login_as_in_the_manual() {
        let bytes = [0x06, 0x2F, 0x6C, 0x6F, 0x67, 0x69, 0x6E, 0x00];
        let words = block_on(read_sentence(&mut &bytes[..])).unwrap();
        assert_eq!(words, [b"/login"]);
    }

    #[test]
    fn five_byte_lengths_are_understood_and_capped() {
        let hostile = [0xF0, 0x10, 0x00, 0x00, 0x00];
        let error = block_on(read_sentence(&mut &hostile[..])).unwrap_err();
        assert!(matches!(error, CodecError::TooLong { what: "word", size: 0x1000_0000, .. }));
        let small = [0xF0, 0x00, 0x00, 0x00, 0x01, b'a', 0x00];
        assert_eq!(block_on(read_sentence(&mut &small[..])).unwrap(), [b"a"]);
    }

    #[test]
    fn reserved_control_bytes_end_the_connection() {
        assert!(matches!(block_on(read_sentence(&mut &[0xF8_u8][..])), Err(CodecError::Reserved(0xF8))));
    }

    #[test]
    fn endless_sentences_are_refused() {
        let mut many = Vec::new();
        for _ in 0..=MAX_WORDS {
            put_word(&mut many, b"a");
        }
        assert!(matches!(block_on(read_sentence(&mut &many[..])), Err(CodecError::TooLong { .. })));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(words in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 1..20)) {
            let mut bytes = Vec::new();
            for word in &words {
                put_word(&mut bytes, word);
            }
            put_word(&mut bytes, b"");
            prop_assert_eq!(block_on(read_sentence(&mut &bytes[..])).unwrap(), words);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let mut input = &bytes[..];
            block_on(async { while read_sentence(&mut input).await.is_ok() {} });
        }
    }
}
