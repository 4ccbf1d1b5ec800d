//! The daemon at a site: measures the devices, keeps every sample, holds the desired state.

pub mod uplink;
