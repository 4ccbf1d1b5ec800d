//! The agent's tests that need processes, file systems or devices: one binary.

// A test fails by panicking, its helpers too; clippy's exception covers the test functions alone.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod buffer;
mod measuring;
mod support;
