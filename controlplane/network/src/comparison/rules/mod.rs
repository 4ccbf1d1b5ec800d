//! What a reading of a router says about what should be true there: pure.
//!
//! Nothing is said about what is not known. A router that observes, one that was not read within six hours, a table that is missing and
//! a point whose order is younger than the reading are counted, each with its reason, and never as being in order: a night in which
//! nothing was read must not look like a night in which nothing was wrong.

mod classify;
mod model;
#[cfg(test)]
mod tests;

pub use classify::{FRESH_MS, SETTLED_MS, classify};
pub use model::{Class, Compared, Cutting, Expected, Finding, NotKnown, Reading, Standing, Subject};
