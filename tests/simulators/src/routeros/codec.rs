//! Words and sentences of the binary API: bytes only, no I/O.
//!
//! A *word* is a length prefix and bytes; a *sentence* is words ended by an empty word. Lengths take 1 to 5
//! bytes, big-endian, the number of leading one bits of the first byte tells which. Empty sentences are
//! ignored. (MikroTik manual, "API".)
//!
//! Words carry raw bytes. Inside the simulator they are text; bytes that are not UTF-8 are kept through a
//! private-use code point each, so that a value comes back exactly as it was typed.

use thiserror::Error;

/// Longest word accepted from a peer, in bytes.
pub const MAX_WORD: usize = 16 * 1024 * 1024;
/// Longest sentence accepted from a peer, in bytes over all words.
pub const MAX_SENTENCE: usize = 32 * 1024 * 1024;

/// First code point of the block that carries bytes which are not UTF-8.
const RAW_BYTE_BASE: u32 = 0xF700;

/// Why bytes of a peer cannot be a sentence.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum CodecError {
    /// The first length byte is one of the reserved control bytes `F8`..`FF`.
    #[error("reserved control byte {0:#04x} where a length was expected")]
    ControlByte(u8),
    /// The announced word is longer than the limit.
    #[error("word of {0} bytes is longer than the limit")]
    WordTooLong(usize),
    /// The sentence is longer than the limit.
    #[error("sentence is longer than {0} bytes")]
    SentenceTooLong(usize),
}

/// Appends the length prefix of a word of `length` bytes.
pub fn encode_length(length: u32, out: &mut Vec<u8>) {
    let bytes = length.to_be_bytes();
    match length {
        0..=0x7F => out.push(bytes[3]),
        0x80..=0x3FFF => out.extend([bytes[2] | 0x80, bytes[3]]),
        0x4000..=0x1F_FFFF => out.extend([bytes[1] | 0xC0, bytes[2], bytes[3]]),
        0x20_0000..=0x0FFF_FFFF => out.extend([bytes[0] | 0xE0, bytes[1], bytes[2], bytes[3]]),
        0x1000_0000..=u32::MAX => {
            out.push(0xF0);
            out.extend(bytes);
        }
    }
}

/// Encodes a sentence. Words longer than 4 GiB cannot be sent and are cut.
pub fn encode_sentence<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> Vec<u8> {
    let mut out = Vec::new();
    for word in words {
        let bytes = to_wire(word.as_ref());
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        encode_length(length, &mut out);
        out.extend(bytes);
    }
    out.push(0);
    out
}

/// Text of a word as received; bytes that are not UTF-8 are kept one by one.
pub fn from_wire(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    bytes
        .iter()
        .map(|&byte| {
            if byte.is_ascii() {
                char::from(byte)
            } else {
                char::from_u32(RAW_BYTE_BASE + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
        })
        .collect()
}

/// Bytes of a word to send: the inverse of [`from_wire`].
pub fn to_wire(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut utf8 = [0; 4];
    for character in text.chars() {
        match u32::from(character).checked_sub(RAW_BYTE_BASE).map(u8::try_from) {
            Some(Ok(byte)) if byte >= 0x80 => out.push(byte),
            _ => out.extend(character.encode_utf8(&mut utf8).as_bytes()),
        }
    }
    out
}

/// Turns a stream of bytes, cut anywhere, into sentences.
#[derive(Debug)]
pub struct Decoder {
    buffer: Vec<u8>,
    consumed: usize,
    words: Vec<String>,
    sentence_bytes: usize,
    max_word: usize,
    max_sentence: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::with_limits(MAX_WORD, MAX_SENTENCE)
    }
}

impl Decoder {
    /// A decoder with its own limits, in bytes.
    pub fn with_limits(max_word: usize, max_sentence: usize) -> Self {
        Self { buffer: Vec::new(), consumed: 0, words: Vec::new(), sentence_bytes: 0, max_word, max_sentence }
    }

    /// Changes the limits from here on; used when a log-in ends the strict phase.
    pub fn set_limits(&mut self, max_word: usize, max_sentence: usize) {
        self.max_word = max_word;
        self.max_sentence = max_sentence;
    }

    /// Takes bytes from the peer.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.consumed > 0 {
            self.buffer.drain(..self.consumed);
            self.consumed = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole sentence, or `None` until more bytes come.
    ///
    /// # Errors
    /// [`CodecError`]: the connection cannot be understood any further and must be closed.
    pub fn next_sentence(&mut self) -> Result<Option<Vec<String>>, CodecError> {
        loop {
            let rest = &self.buffer[self.consumed..];
            let Some((prefix, length)) = decode_length(rest)? else { return Ok(None) };
            if length > self.max_word {
                return Err(CodecError::WordTooLong(length));
            }
            if self.sentence_bytes.saturating_add(length) > self.max_sentence {
                return Err(CodecError::SentenceTooLong(self.max_sentence));
            }
            let Some(word) = rest.get(prefix..prefix.saturating_add(length)) else { return Ok(None) };
            let text = from_wire(word);
            self.consumed += prefix + length;
            if length > 0 {
                self.sentence_bytes += length;
                self.words.push(text);
            } else if !self.words.is_empty() {
                self.sentence_bytes = 0;
                return Ok(Some(std::mem::take(&mut self.words)));
            }
        }
    }
}

/// Size of the prefix and the length it announces, or `None` when bytes are missing.
fn decode_length(bytes: &[u8]) -> Result<Option<(usize, usize)>, CodecError> {
    let Some(&first) = bytes.first() else { return Ok(None) };
    let (prefix, high) = match first {
        0x00..=0x7F => (1, first),
        0x80..=0xBF => (2, first & 0x3F),
        0xC0..=0xDF => (3, first & 0x1F),
        0xE0..=0xEF => (4, first & 0x0F),
        0xF0..=0xF7 => (5, 0),
        0xF8..=0xFF => return Err(CodecError::ControlByte(first)),
    };
    let Some(rest) = bytes.get(1..prefix) else { return Ok(None) };
    let length = rest.iter().fold(usize::from(high), |value, &byte| (value << 8) | usize::from(byte));
    Ok(Some((prefix, length)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn length_forms_at_their_boundaries() {
        for (length, bytes) in [
            (0x00_u32, vec![0x00]),
            (0x7F, vec![0x7F]),
            (0x80, vec![0x80, 0x80]),
            (0x3FFF, vec![0xBF, 0xFF]),
            (0x4000, vec![0xC0, 0x40, 0x00]),
            (0x1F_FFFF, vec![0xDF, 0xFF, 0xFF]),
            (0x20_0000, vec![0xE0, 0x20, 0x00, 0x00]),
            (0x0FFF_FFFF, vec![0xEF, 0xFF, 0xFF, 0xFF]),
            (0x1000_0000, vec![0xF0, 0x10, 0x00, 0x00, 0x00]),
            (u32::MAX, vec![0xF0, 0xFF, 0xFF, 0xFF, 0xFF]),
        ] {
            let mut out = Vec::new();
            encode_length(length, &mut out);
            assert_eq!(out, bytes, "length {length:#x}");
            let decoded = decode_length(&bytes).expect("no control byte").expect("whole prefix");
            assert_eq!(decoded, (bytes.len(), usize::try_from(length).expect("64-bit host")));
        }
    }

    #[test]
    fn reserved_control_byte_is_refused() {
        let mut decoder = Decoder::default();
        decoder.feed(&[0xF8, 1, 2]);
        assert_eq!(decoder.next_sentence(), Err(CodecError::ControlByte(0xF8)));
    }

    #[test]
    fn announced_size_is_checked_before_bytes_come() {
        let mut decoder = Decoder::with_limits(100, 200);
        decoder.feed(&[0x80, 0x80]);
        assert_eq!(decoder.next_sentence(), Err(CodecError::WordTooLong(128)));
    }

    #[test]
    fn login_on_the_wire() {
        assert_eq!(encode_sentence(["/login"]), [0x06, 0x2F, 0x6C, 0x6F, 0x67, 0x69, 0x6E, 0x00]);
    }

    #[test]
    fn bytes_that_are_not_utf8_come_back_as_typed() {
        let latin1 = b"=comment=Mu\xF1oz";
        assert_eq!(to_wire(&from_wire(latin1)), latin1);
    }

    proptest! {
        #[test]
        fn sentences_survive_any_cut(
            sentences in prop::collection::vec(prop::collection::vec(".{1,200}", 1..6), 1..6),
            step in 1_usize..40,
        ) {
            let bytes: Vec<u8> = sentences.iter().flat_map(encode_sentence).collect();
            let mut decoder = Decoder::default();
            let mut seen = Vec::new();
            for piece in bytes.chunks(step) {
                decoder.feed(piece);
                while let Some(sentence) = decoder.next_sentence().expect("own bytes") {
                    seen.push(sentence);
                }
            }
            let typed: Vec<Vec<u8>> = sentences.iter().flatten().map(|word| to_wire(word)).collect();
            let read: Vec<Vec<u8>> = seen.iter().flatten().map(|word| to_wire(word)).collect();
            prop_assert_eq!(read, typed);
            prop_assert_eq!(seen.len(), sentences.len());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let mut decoder = Decoder::with_limits(1000, 4000);
            decoder.feed(&bytes);
            while let Ok(Some(_)) = decoder.next_sentence() {}
        }
    }
}
