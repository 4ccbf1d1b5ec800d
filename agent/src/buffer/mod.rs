//! Keeps every sample until headquarters has it on its own disk.
//!
//! # What is stored
//! *Blocks*: packed samples, exactly the bytes that will travel, each with a *sequence* number that grows by one and
//! is never given twice within an *epoch*. *Series*: what the numbers inside the blocks stand for, so that a backlog
//! explains itself. *Runs*: by how much the clock of an earlier process was wrong, as far as it was ever learnt.
//!
//! # Format
//! One sled database in `DIR/db-NNNNN`. Tree `log`: `h` + sequence (big endian) → postcard [`record::Head`], `b` +
//! sequence → the block, `n` → next sequence. Head, block and next are written in one atomic batch. Tree `series`:
//! first number (big endian) → protobuf `SeriesTable` of those registered together. Tree `meta`: `epoch`, `evicted`,
//! `r` + run id → offset in ms.
//!
//! # Order and durability
//! `append` writes, `confirm` makes everything appended before it durable, `peek` shows confirmed blocks only, `ack`
//! removes. sled's own flush ends in `sync_file_range`, which survives a crash of the process and not a power cut;
//! so confirm is flush **and** our own `fdatasync` of sled's files. sled's log is a sequence of writes of which
//! a crash keeps a prefix: what a confirmed block needs (its series) is appended before it.
//!
//! # Bounds and loss
//! Samples are lost in these ways only, each counted:
//! - evicted, oldest first, when the bytes or the age reach their bound or the disk is nearly full;
//! - blocks not yet confirmed when the process dies (about one second);
//! - a database that does not open (corrupt, or sled panics in it) is set aside in `quarantine-NNNN` (the last one is
//!   kept for study) and a fresh one with a new epoch takes its place.
//!
//! When the disk is full or refuses to be written, blocks live in a bounded *memory log* with an epoch of its own
//! (its sequence numbers must never meet those of the disk); what the disk holds waits. Once the disk takes
//! writes again, the memory log is moved into it. A block that was sent from memory and not yet acknowledged at that
//! moment is sent again under its new number: the receiver sees the same series and times twice.
//!
//! An emptied database whose file has grown large is replaced by a new one (sled reuses space, it does not give it
//! back); epoch, sequence and series go with it, so nobody else notices.

mod disk;
mod keeper;
mod memory;
mod record;
pub(crate) mod sync;
mod witness;

use std::time::Duration;

use atalaya_protocol::wire;

pub use keeper::Buffer;
pub use record::{Block, Stored};

/// How much the buffer may hold.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Most bytes of blocks.
    pub max_bytes: u64,
    /// Oldest age of a block.
    pub max_age: Duration,
    /// Space left to others on the file system: below it, each new block evicts old ones.
    pub min_free_bytes: u64,
    /// Most bytes of blocks in memory while the disk refuses.
    pub memory_bytes: u64,
    /// An emptied database whose file is larger than this is replaced.
    pub shrink_above_bytes: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            max_bytes: 512 << 20,
            max_age: Duration::from_secs(7 * 86_400),
            min_free_bytes: 64 << 20,
            memory_bytes: 16 << 20,
            shrink_above_bytes: 64 << 20,
        }
    }
}

/// Where blocks go at present, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Health {
    /// To disk.
    #[default]
    Ok,
    /// To disk at the cost of older ones, or to memory: there is no space.
    DiskFull,
    /// To memory: the disk cannot be written.
    ReadOnly,
    /// To disk, after a database was set aside in this run of the process.
    Quarantined,
}

/// What the buffer holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BufferStats {
    /// Confirmed blocks that wait for their acknowledgement.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// First stamp of the oldest of them, Unix ms, with what its run learnt of its clock since.
    pub oldest_ms: Option<i64>,
    /// Newest stamp ever appended in this run or found at open, Unix ms.
    pub newest_ms: i64,
    /// Samples given up, since the database was made.
    pub evicted_samples: u64,
    /// Databases set aside, since the agent was installed.
    pub quarantined_databases: u64,
    /// Where blocks go.
    pub health: Health,
    /// Size of the database's files.
    pub disk_bytes: u64,
}

/// The position is of another epoch: the database was replaced, or left for memory, meanwhile.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the buffer's epoch changed")]
pub struct EpochChanged;

/// Who knows every series of this process: needed when a database takes over from memory.
pub trait SeriesDirectory {
    /// Takes over what a database registered. `false` when a number stands for something else here.
    fn adopt(&self, persisted: Vec<wire::SeriesEntry>) -> bool;
    /// Every series known.
    fn all(&self) -> Vec<wire::SeriesEntry>;
}

/// Sixteen random bytes.
pub(crate) fn mint() -> [u8; 16] {
    rand::random()
}
