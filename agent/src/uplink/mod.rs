//! The way to headquarters.

pub mod ports;
