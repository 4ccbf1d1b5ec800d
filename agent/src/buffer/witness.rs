//! What the buffer tells the witness file of a test (see [`crate::fault::witness`]): every series and block that it was
//! given, and how far each epoch was confirmed. A test replays it to know exactly which samples had to survive.
//!
//! A line is a word and its values: numbers in decimal, bytes in hexadecimal.

use atalaya_protocol::wire;
use prost::Message;

use super::Block;
use crate::fault::witness;

/// Series that may be used from here on: `series SERIES_TABLE`.
pub(super) fn series(entries: &[wire::SeriesEntry]) {
    if !entries.is_empty() {
        witness(|| {
            let table = wire::SeriesTable { epoch: bytes::Bytes::new(), entries: entries.to_vec() };
            format!("series {}", hex(&table.encode_to_vec()))
        });
    }
}

/// A block before it is written: `block BYTES`.
pub(super) fn block(block: &Block) {
    witness(|| format!("block {}", hex(&block.bytes)));
}

/// The sequence that the last block has: `appended EPOCH SEQUENCE`.
pub(super) fn appended(epoch: [u8; 16], sequence: u64) {
    witness(|| format!("appended {} {sequence}", hex(&epoch)));
}

/// Everything below `end` is durable: `confirmed EPOCH END`.
pub(super) fn confirmed(epoch: [u8; 16], end: u64) {
    witness(|| format!("confirmed {} {end}", hex(&epoch)));
}

/// A database was opened, and this much was in it: `opened EPOCH END`. What was appended beyond is gone.
pub(super) fn opened(epoch: [u8; 16], end: u64) {
    witness(|| format!("opened {} {end}", hex(&epoch)));
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
