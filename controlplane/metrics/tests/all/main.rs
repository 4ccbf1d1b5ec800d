//! Tests of the metrics store. `conformance` is written against the trait and runs on every engine; the others know the
//! embedded one's files.

#![allow(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

mod conformance;
mod crash;
mod damage;
mod model;
mod support;
mod upkeep;
