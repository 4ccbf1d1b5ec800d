//! Variable-length integers: seven bits a byte, lowest first, high bit = more follows (LEB128); zigzag for signs.

use super::BlockError;

/// Longest encoding of a `u64`.
const MAX_BYTES: u32 = 10;

pub(super) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_seven(value) | 0x80);
        value >>= 7;
    }
    out.push(low_seven(value));
}

pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, zigzag(value));
}

/// Reads from the front of `input` and moves it on.
pub(super) fn take(input: &mut &[u8]) -> Result<u64, BlockError> {
    let mut value = 0u64;
    for index in 0..MAX_BYTES {
        let (&byte, rest) = input.split_first().ok_or(BlockError::Truncated)?;
        *input = rest;
        let bits = u64::from(byte & 0x7f);
        if index == MAX_BYTES - 1 && bits > 1 {
            return Err(BlockError::Malformed("number exceeds 64 bits"));
        }
        value |= bits << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(BlockError::Malformed("number exceeds 64 bits"))
}

pub(super) fn take_signed(input: &mut &[u8]) -> Result<i64, BlockError> {
    take(input).map(unzigzag)
}

/// A count or length, which must fit this machine.
pub(super) fn take_count(input: &mut &[u8]) -> Result<usize, BlockError> {
    usize::try_from(take(input)?).map_err(|_| BlockError::Malformed("count exceeds this machine"))
}

fn low_seven(value: u64) -> u8 {
    value.to_le_bytes()[0] & 0x7f
}

/// Small magnitudes become small numbers whatever their sign.
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}
