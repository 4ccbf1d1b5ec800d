//! The daemon at a site: measures the devices, keeps every sample, holds the desired state.
//!
//! Three flows share one process. *Measuring*: the poller asks a device through its [`driver`], samples are packed
//! and kept in the buffer until headquarters has them. *Enforcing*: the desired state of every subscriber is held
//! on disk and the devices are kept equal to it. *Uplink*: one connection to headquarters carries both. Each flow
//! goes on when another stands still; none listens on the network.
//!
//! What this crate must never do: acknowledge what is not on its disk, forget a sample without counting it, hold a
//! policy of the tenant (headquarters decides what should be true), or panic on what a device or a peer sent.

pub mod app;
pub mod buffer;
pub mod cli;
pub mod clock;
pub mod config;
pub mod core;
pub mod desired;
pub mod driver;
pub mod enforcer;
pub mod enrol;
pub mod fault;
pub mod jobs;
pub mod journal;
pub mod poller;
pub mod status;
pub mod supervise;
pub mod telemetry;
pub mod uplink;
