//! What every domain of the control plane stands on.
//!
//! - [`ids`], [`money`], [`time`], [`text`], [`network`]: words that cannot be mixed up.
//! - [`context`]: [`Ctx`] comes first in every use case; [`db`]: one SQL text on two databases, reached through a
//!   tenant's or the platform's handle only.
//! - [`events`] and [`outbox`]: a change and its event commit together, and are delivered until they arrive.
//! - [`idempotency`]: a request that comes twice has its effect once.
//! - [`jobs`]: durable work under a lease with a fence; what of both failed for good: [`dead_letters`];
//!   and when what is done by the calendar is due: [`schedule`]. [`audit`]: no change without its row.
//! - [`secrets`], [`blobs`], [`migrations`], [`row_security`], [`page`], [`http`]: sealing, files, schema, who sees which
//!   rows, pages, API conventions; [`list`]: what a list is sorted and filtered by.
//! - [`search`]: things found by the words of their fields; [`notes`]: notes and files that people leave with them;
//!   [`timeline`]: what happened to each.
//! - [`acme`]: certificates that a public authority issues, shared by all processes.
//! - [`personal`]: what is held of a person, and copies of it for them.
//! - [`spans`]: what work was and how long it took, for a collector of traces; [`figures`]: the same, counted.
//! - [`archive`]: a copy of everything, for backups and for moving to the other database.
//!
//! It knows no domain, opens no socket and reads the machine's time in one place.

pub mod acme;
pub mod archive;
pub mod audit;
pub mod blobs;
pub mod context;
pub mod db;
pub mod dead_letters;
pub mod error;
pub mod events;
pub mod fault;
pub mod figures;
pub mod http;
pub mod idempotency;
pub mod ids;
pub mod installation;
pub mod jobs;
pub mod list;
pub mod migrations;
pub mod money;
pub mod network;
pub mod notes;
pub mod outbox;
pub mod page;
pub mod personal;
pub mod row_security;
pub mod runtime;
pub mod schedule;
pub mod search;
pub mod secrets;
pub mod spans;
pub mod text;
pub mod time;
pub mod timeline;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use context::{Ctx, Permission, Permissions, Principal, STEP_UP_MS, Scope};
pub use error::{Error, Validation};
