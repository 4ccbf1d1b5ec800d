//! Reads a log file back, whatever happened to it.

use std::ops::Range;

use super::{HEADER, MAGIC, MAX_PAYLOAD, checksum};
use crate::embedded::num::index;

/// What a file holds.
pub(crate) struct Scan<'a> {
    /// Payloads whose CRC is right, in order.
    pub(crate) payloads: Vec<&'a [u8]>,
    /// Stretches that are not records though records follow: damage, not a torn end.
    pub(crate) damaged: Vec<Range<usize>>,
    /// End of the last good record; what follows was being written when the power went.
    pub(crate) end: usize,
}

/// Finds the records of `bytes`.
pub(crate) fn scan(bytes: &[u8]) -> Scan<'_> {
    let mut found = Scan { payloads: Vec::new(), damaged: Vec::new(), end: 0 };
    let mut at = 0;
    while at < bytes.len() {
        if let Some(payload) = record_at(bytes, at) {
            if at > found.end {
                found.damaged.push(found.end..at);
            }
            at += HEADER + payload.len();
            found.end = at;
            found.payloads.push(payload);
        } else {
            at += 1;
        }
    }
    found
}

fn record_at(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let header = bytes.get(at..at + HEADER)?;
    if header[..4] != MAGIC {
        return None;
    }
    let length: [u8; 4] = header[4..8].try_into().ok()?;
    let crc = u32::from_le_bytes(header[8..12].try_into().ok()?);
    let size = index(u32::from_le_bytes(length));
    if size > MAX_PAYLOAD {
        return None;
    }
    let payload = bytes.get(at + HEADER..at + HEADER + size)?;
    (checksum(length, payload) == crc).then_some(payload)
}
