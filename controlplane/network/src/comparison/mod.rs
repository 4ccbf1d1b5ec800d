//! What is true on routers, compared with what should be.
//!
//! Words: a *reading* is a complete listing of a router's tables. A *finding* is something that is wrong there, in one of five
//! [classes](rules::Class). What is *not known* is counted with its reason.
//!
//! Invariants:
//! - A router that was not read within six hours, or that only observes, is not known: never in order, and never wrong.
//! - What was ordered while a router was read, or shortly before, is not judged: a cut in flight is no fault. Nor is a cut that waits
//!   for a person.
//! - A comparison changes nothing. What it finds heals by the agent's own sweep, which compares again on the device.

pub mod http;
mod job;
mod model;
pub mod rules;
mod service;
mod store;

pub use job::{ComparisonJob, ask};
pub use model::{Comparison, ComparisonFinding, Counted, NotKnownCount};
pub use service::{comparison_make, comparisons_list, device_sweep, findings_list};
