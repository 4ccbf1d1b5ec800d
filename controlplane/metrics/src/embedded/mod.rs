//! The embedded engine: a log, a head in memory, compressed segments on local disk. Nothing else to install.
//!
//! ```text
//! append ─► log (group commit) ─► head ─► seal ─► raw segments ─► merge ─► retention
//!                                           └───► 5-minute and hourly roll-ups of every hour that was touched
//! DIR/LOCK  DIR/MANIFEST  DIR/log/N.log  DIR/tenant-N/{series,raw-N,5m-N,1h-N}  DIR/quarantine/
//! ```
//!
//! **Durability.** A batch is acknowledged after `fdatasync` of the log. A checkpoint moves heads into segments and flips the
//! manifest; only then do log files go. After a crash the log is replayed: a torn end is cut off (nobody was told that it was
//! stored), damage in the middle is set aside in `quarantine/` and counted, and what follows is kept.
//!
//! **Order.** Segments of a tenant and resolution have an order; the head comes last. Of two rows with one time the later
//! counts, in queries and merges alike. Hence late and repeated samples need no special path: they are rows of a later
//! segment, and sealing recomputes the roll-ups of the hours that they touch from raw samples.
//!
//! **Bounds.** Heads hold a set number of samples; at twice that, appenders wait for the disk. Of segments only the block
//! index (some 60 bytes per 8,000 samples) stays in memory. Series per tenant, gaps per agent's buffer, record size and
//! points per answer are bounded.
//!
//! **Threads.** One writes the log, one seals and merges; queries run on tokio's blocking pool. All end with the store.

mod codec;
mod disk;
mod engine;
mod head;
mod index;
mod maintenance;
mod manifest;
mod num;
mod options;
mod received;
mod recovery;
mod resolution;
mod row;
mod segment;
mod stats;
mod store;
mod tenant;
mod wal;

pub use options::{OpenError, Options};
pub use stats::Stats;
pub use store::EmbeddedStore;
