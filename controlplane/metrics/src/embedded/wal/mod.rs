//! The log: what makes an acknowledgement true.
//!
//! Numbered files of records, each `magic, length, CRC, payload`. Appenders put records into one buffer; a thread of its own
//! writes whatever has gathered and calls `fdatasync` once for all of it (group commit), then lets the waiting appenders go.
//! A checkpoint starts a new file; once everything before it is sealed into segments and the manifest says so, older files go.
//!
//! After a failed write or `fdatasync` nothing is known of the disk, so the log fails for good: no later success may
//! acknowledge what an earlier failure lost.

mod record;
mod scan;
mod writer;

pub(crate) use record::{
    BatchRecord, Record, encode_batch, encode_series, encode_tenant, encode_tenant_deleted,
};
pub(crate) use scan::scan;
pub(crate) use writer::{Log, Position, list};

/// Begins each record.
const MAGIC: [u8; 4] = *b"ATLW";
/// Magic, payload length, CRC of length and payload.
const HEADER: usize = 12;
/// Greatest payload in bytes.
pub(crate) const MAX_PAYLOAD: usize = 64 << 20;

fn checksum(length: [u8; 4], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(payload);
    hasher.finalize()
}

/// Appends one record, whose payload `encode` writes; returns its size too. `None`, and `out` as it was, if it is too large.
pub(crate) fn frame<T>(out: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>) -> T) -> Option<(T, usize)> {
    let start = out.len();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[0; HEADER - MAGIC.len()]);
    let result = encode(out);
    let size = out.len() - start - HEADER;
    let length = match u32::try_from(size) {
        Ok(length) if size <= MAX_PAYLOAD => length.to_le_bytes(),
        _ => {
            out.truncate(start);
            return None;
        }
    };
    let crc = checksum(length, &out[start + HEADER..]);
    out[start + 4..start + 8].copy_from_slice(&length);
    out[start + 8..start + 12].copy_from_slice(&crc.to_le_bytes());
    Some((result, size + HEADER))
}
