//! Taking over what stands on a router that was there before us.
//!
//! Words: a *row* is what a router has for one subscriber: a PPP secret, a lease, a queue, an entry of an address list. A row is
//! *exact* when nothing is left to decide about whose it is, *suggested* when a person has to say yes, *left over* when nothing
//! here is like it, and a *companion* when it belongs to another row: the queue or the list entry of a secret's address. A *group* is
//! rows that do not pass and are alike; a person says once what that means.
//!
//! Invariants:
//! - A wrong exact match would cut the wrong customer. Exact is our own marker, what is attached on this very device, or a user
//!   together with one more field; a name never is. Each row is in one bin, and no service is the exact match of two rows of one kind.
//! - An import copies the rows of a listing, so that it can be gone on with after the listing is forgotten. It runs while its device
//!   observes: nothing that it makes changes the router.
//! - A service that is made for a row that does not pass is made cut: no customer is connected by being imported. Speeds stay as
//!   they are on the router.
//! - Passwords are never fetched: the router keeps those that it has.
//! - Each row is done in one transaction with all that it makes; a job that dies repeats nothing.
//!
//! It must never decide by itself about a row that is not exact.

mod decisions;
mod gather;
pub mod http;
mod job;
mod keeping;
mod model;
mod patterns;
pub mod rules;
mod service;
mod steps;
mod store;

pub use decisions::{import_change, import_decide, import_refresh};
pub use job::{ImportJob, import_run, import_undo};
pub(crate) use keeping::imports_keep;
pub use model::{
    Answer, Decided, Import, ImportChange, ImportGroup, ImportPattern, ImportRow, ImportState, ImportSummary,
    ImportTotals, NewImport, NewPattern, PlanOf, RowResult, RowsWanted,
};
pub use patterns::{pattern_create, pattern_delete, patterns_list};
pub use service::{import_close, import_create, import_get, import_rows_list, imports_list};

use atalaya_kernel::{Permission, events::EventType};

/// Take over what stands on a router: see what it would be, decide, carry out, take back.
pub const RUN: Permission = Permission::new("import.run");

/// An import was carried out.
pub const DONE: EventType = EventType {
    name: "import.done",
    version: 1,
    public: false,
    doc: "What was decided about rows of a router was carried out. Payload: id and how many rows were done.",
};
/// An import was taken back.
pub const UNDONE: EventType = EventType {
    name: "import.undone",
    version: 1,
    public: false,
    doc: "What an import had made was taken back. Payload: id and how many rows stay because somebody changed them since.",
};
