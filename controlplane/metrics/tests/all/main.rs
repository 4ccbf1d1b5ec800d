//! Tests of the metrics store. `conformance` is written against the trait and runs on every engine; the others know the
//! embedded one's files.

mod conformance;
mod crash;
mod damage;
mod model;
mod support;
mod upkeep;
