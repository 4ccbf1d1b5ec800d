//! Columns of numbers as bytes.
//!
//! A block has two streams. *Meta* holds the directory, the shape of each column and one byte per number with its length in
//! bits; it is highly repetitive and goes through zstd. *Bits* holds the numbers themselves without leading zeros and
//! without their leading one; that is noise, and noise is stored as it is. Together they come close to the entropy of the
//! numbers, at a few nanoseconds each.

mod bits;
mod column;
mod varint;

pub(crate) use column::{Decoder, Encoder};
pub(crate) use varint::{Input, put, put_signed};
