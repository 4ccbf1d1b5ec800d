//! The agent's tests that need processes, file systems or devices: one binary.

mod buffer;
mod measuring;
mod support;
