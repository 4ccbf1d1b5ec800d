//! Sealed data on disk: one immutable file per tenant, resolution and seal.
//!
//! ```text
//! blocks   zstd(directory, column meta) | bits      each with a CRC over both
//! index    per block: place, CRC, first and last series, first and last time
//! footer   place and CRC of the index, resolution, magic
//! ```
//! A block holds some 8,000 rows of series with neighbouring numbers: small enough to unpack for one series, large enough to
//! compress. Only the index stays in memory. Files are never changed; a merge writes a new one and drops the old.

mod block;
mod merge;
mod reader;
mod writer;

pub(crate) use merge::merge;
pub(crate) use reader::{Cursor, Segment};
pub(crate) use writer::SegmentWriter;

/// First and last bytes of a segment file; the digit is the format's version.
const MAGIC: [u8; 8] = *b"ATLYSEG1";
