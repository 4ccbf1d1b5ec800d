//! The control plane: HTTP, QUIC gateway, workers and the command line, wired together. No rule of the business is here.

pub mod adapters;
pub mod app;
pub mod backup;
pub mod cli;
pub mod config;
mod door;
pub mod gateway;
pub mod http;
pub mod limits;
pub mod log_lines;
pub mod traces;
pub mod worker;
