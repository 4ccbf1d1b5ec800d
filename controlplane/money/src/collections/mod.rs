//! Who is suspended for debt, and when.
//!
//! - A *cut run* is previewed: who, how much, why; people can be taken out; nothing happens until it is executed with
//!   the number of services that the person saw.
//! - A suspension reads the debt again in its own transaction: who paid meanwhile is not cut.
//! - A new tenant has automatic cuts off until its first previewed run was executed.
//! - Who was taken out of an executed run, or reconnected by hand, is not cut automatically for the same debt: only for
//!   debt that passes the grace days later, or by a person's next run.
//! - A preview is good for a day. A run is of the whole ISP.
//! - Executing records the decision and returns; a durable job carries it out, service by service, each in a transaction
//!   that only the holder of the job's lease can commit. A process that dies delays it and repeats nothing.

mod automatic;
mod debtors;
mod execution;
pub mod http;
mod job;
mod model;
mod preview;
mod store;
mod suspension;

pub use automatic::automatic_pass;
pub use execution::{RunExecution, run_execute};
pub use job::RunJob;
pub use model::{ItemResult, Run, RunItem, RunState, RunTotals};
pub use preview::{run_create, run_get, run_items_set, runs_list};

use atalaya_kernel::{Permission, events::EventType};

/// See cut runs.
pub const READ: Permission = Permission::new("collections.read");
/// Preview and execute cut runs.
pub const RUN: Permission = Permission::new("collections.run");

pub(crate) const PERMISSIONS: &[(Permission, &str)] =
    &[(READ, "See cut runs"), (RUN, "Preview and execute cut runs")];

const PREVIEWED: EventType = EventType {
    name: "collections.run_previewed",
    version: 1,
    public: false,
    doc: "A cut run was previewed. Payload: id and number of services.",
};
const EXECUTED: EventType = EventType {
    name: "collections.run_executed",
    version: 1,
    public: true,
    doc: "A cut run was executed. Payload: id and number of services suspended.",
};

pub(crate) const EVENTS: &[EventType] = &[PREVIEWED, EXECUTED];
