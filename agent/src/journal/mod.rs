//! What the agent may never forget about the changes it makes: the desired state, the journal of changes, what it
//! remembers of each point, and the reports that headquarters has not acknowledged. One sled database, apart from
//! the buffer of samples: samples may be evicted, this never is.
//!
//! Trees: `desired` (point id → protobuf point), `memory` (point id → postcard [`PointMemory`](crate::core::enforcement::PointMemory)),
//! `entries` (number, big endian → postcard [`Entry`]), `reports` (number → protobuf report), `meta`; those of one-off
//! orders are told in `jobs`.
//!
//! Durability is as in `buffer`: sled's flush and our own `fdatasync`. A change is made on a device only after its
//! STARTED entry is confirmed. A disk that fails is tried again with a fresh handle; until then cuts stop, and what
//! is in memory is enough to give service back.
//!
//! It must never hold an opened password, and never lose an entry that was not brought to its end.

mod database;
mod entry;
mod memory;
mod outbox;

pub use database::{Database, StorageError};
pub use entry::{Entry, Journal, Stage, Start};
pub use memory::Memories;
pub use outbox::Outbox;
