//! The one file that says what counts: which segments, which log files, which batches.
//!
//! Replaced as a whole, so that samples move from log to segments, and the memory of their batches from log to manifest, in
//! one step. Whatever lies in the directory and is not named here is left over from a crash and is removed.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::disk::replace;

/// Name of the file.
pub(crate) const NAME: &str = "MANIFEST";
const VERSION: u32 = 1;

/// Contents of the file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Manifest {
    version: u32,
    /// Log files below this number are sealed.
    pub(crate) log_floor: u64,
    /// Numbers are not given twice, so that a handle of a deleted tenant never fits another.
    pub(crate) next_tenant: u32,
    pub(crate) next_segment: u64,
    pub(crate) tenants: Vec<TenantEntry>,
}

/// One tenant.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TenantEntry {
    pub(crate) number: u32,
    pub(crate) key: String,
    /// Bytes of the series log that count.
    pub(crate) series_bytes: u64,
    pub(crate) received: Vec<ReceivedEntry>,
    /// By resolution, oldest first: of two segments with the same moment, the later entry is right.
    pub(crate) segments: [Vec<SegmentEntry>; 3],
}

/// Batches of one agent's buffer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReceivedEntry {
    pub(crate) agent: String,
    pub(crate) epoch: [u8; 16],
    /// Sequence numbers, both ends inclusive.
    pub(crate) ranges: Vec<(u64, u64)>,
}

/// One segment file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SegmentEntry {
    pub(crate) file: String,
    pub(crate) level: u8,
}

impl Manifest {
    /// Reads the manifest of `dir`; `None` if there is none.
    pub(crate) fn load(dir: &Path) -> io::Result<Option<Self>> {
        let bytes = match std::fs::read(dir.join(NAME)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the manifest is damaged");
        let (crc, body) = bytes.split_first_chunk::<4>().ok_or_else(damaged)?;
        if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
            return Err(damaged());
        }
        let manifest: Self = postcard::from_bytes(body).map_err(|_| damaged())?;
        if manifest.version != VERSION {
            let text = format!("the manifest has version {}, this program knows {VERSION}", manifest.version);
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(Some(manifest))
    }

    /// Replaces the manifest of `dir`, durably.
    pub(crate) fn save(&mut self, dir: &Path) -> io::Result<()> {
        self.version = VERSION;
        let body = postcard::to_allocvec(self).map_err(io::Error::other)?;
        let mut bytes = crc32fast::hash(&body).to_le_bytes().to_vec();
        bytes.extend_from_slice(&body);
        replace(&dir.join(NAME), &bytes)
    }
}
