//! Tests of the simulators: one binary, one module per subject.

mod client;
mod faults;
mod hotspot;
mod ipv6;
mod librouteros;
mod process;
mod protocol;
mod relay;
mod scale;
mod snmp_fleet;
mod subscribers;
