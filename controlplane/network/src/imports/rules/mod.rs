//! Whose a row is: pure.
//!
//! [`propose`] looks at all rows of a device at once, because what one row is depends on the others: two secrets that differ by case
//! only are both doubtful, and a service that stands on one row is not proposed for another. [`groups`] gathers the rows that do not
//! pass today; [`draft()`] says what a customer would be called who is made from a row.

mod draft;
mod evidence;
mod group;
mod index;
mod intent;
mod matching;
mod model;
mod names;
mod normalise;
mod pattern;
#[cfg(test)]
mod tests;

pub use draft::{Draft, draft};
pub use group::{Group, How, Meaning, groups, meaning_said};
pub use intent::{Circumstances, Decision, Intent, intent, is_cut};
pub use matching::propose;
pub use model::{Bin, Candidate, Doubt, FoundRow, Known, Proposal, Reason, RowKind};
pub use normalise::{address_key, mac_key, mended};
pub use pattern::{FieldKind, LONGEST_PATTERN, Pattern, PatternError, Read};
