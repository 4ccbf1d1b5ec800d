//! How many requests of the API a tenant and a key may make in a minute, whichever process they reach.
//!
//! A row counts what was handed out of each minute. A process takes some at once and counts them off in memory, so that a
//! request costs no statement; what it does not use by the end of the minute is lost, and no two processes ever hand out more
//! than the limit together. A minute is the clock's: around its turn twice the limit may pass within sixty seconds.

mod service;
mod store;

pub use service::{Lease, Subject, lease};
