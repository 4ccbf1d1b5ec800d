//! What is sold, owed and paid, and what follows, on both databases.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails loudly")]

mod billing;
mod collections;
mod payments;
mod random;
mod runs;
mod services;
mod support;
