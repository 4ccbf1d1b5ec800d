//! What happened to a customer, service, device, invoice or site: money, network and people in one order, newest first, each with
//! what caused it.
//!
//! A page may be shorter than was asked for: what of it the caller may not see is left out, and the cursor goes on behind it.

pub mod http;
mod service;

pub use service::{TimelineEntry, TimelineQuery, timeline};
