//! The day at a glance.

pub mod http;
mod service;

pub use service::{Home, home_get};
