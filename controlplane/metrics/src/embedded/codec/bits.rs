//! Numbers of given lengths, packed without gaps.

use crate::embedded::num::low_byte;

/// Appends bits to bytes; the least significant come first.
#[derive(Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits that do not fill a byte yet.
    pending: u128,
    filled: u32,
}

impl BitWriter {
    /// Appends the low `count` bits of `value`, at most 64.
    pub(super) fn put(&mut self, value: u64, count: u32) {
        self.pending |= u128::from(value) << self.filled;
        self.filled += count;
        if self.filled >= 64 {
            let low = self.pending & u128::from(u64::MAX);
            let word = u64::try_from(low).expect("masked to 64 bits");
            self.bytes.extend_from_slice(&word.to_le_bytes());
            self.pending >>= 64;
            self.filled -= 64;
        }
    }

    /// Fills up the last byte, so that what follows starts at a byte.
    pub(super) fn align(&mut self) {
        let mut word = u64::try_from(self.pending & u128::from(u64::MAX)).expect("masked to 64 bits");
        while self.filled > 0 {
            self.bytes.push(low_byte(word));
            word >>= 8;
            self.filled = self.filled.saturating_sub(8);
        }
        self.pending = 0;
    }

    /// Whole bytes so far; meaningful after [`BitWriter::align`].
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        self.align();
        std::mem::take(&mut self.bytes)
    }
}

/// Reads what [`BitWriter`] wrote.
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// Position in bits.
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next `count` bits, at most 64; `None` past the end.
    pub(super) fn get(&mut self, count: u32) -> Option<u64> {
        if count == 0 {
            return Some(0);
        }
        let (byte, skip) = (self.at / 8, self.at % 8);
        let width = usize::try_from(count).ok()?;
        if self.at + width > self.bytes.len() * 8 {
            return None;
        }
        let rest = &self.bytes[byte..];
        let mut window = [0u8; 16];
        let taken = rest.len().min(9);
        window[..taken].copy_from_slice(&rest[..taken]);
        let word = (u128::from_le_bytes(window) >> skip) & ((1u128 << count) - 1);
        self.at += width;
        u64::try_from(word).ok()
    }
}
