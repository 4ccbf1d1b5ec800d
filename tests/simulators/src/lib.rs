//! Test equipment: simulated devices with fault knobs, and the relay that loses, delays and cuts.
//!
//! | module | stands in for |
//! |---|---|
//! | [`routeros`] | a MikroTik router on its binary API, with subscribers behind it |
//! | [`relay`] | a bad link between two processes, UDP or TCP |
//! | [`snmp_fleet`] | many SNMP devices, cheaper than any poller that asks them |
//! | [`snmpd`] | nothing: it runs net-snmp's real agent on a free port |
//! | [`snmpsim`] | any SNMP device of which there is a recording |
//!
//! Rules of this crate:
//!
//! - It never depends on the agent or on the control plane: what they believe about a device must not
//!   leak into the device that judges them.
//! - The oracle of a cut is the **traffic decision** ([`routeros::TrafficVerdict`]), never the fact that a
//!   command was received.
//! - What no manual or transcript backs stands in `UNVERIFIED.md`.

pub mod clock;
pub mod control;
mod first_answer;
pub mod relay;
pub mod rng;
pub mod routeros;
pub mod snmp_fleet;
pub mod snmpd;
pub mod snmpsim;
