//! A MikroTik router on its binary API, with subscribers behind it.
//!
//! Words: a *menu* is a table of *rows* at a path such as `/ppp/secret`; a *CPE* is a subscriber's equipment,
//! which dials by itself and pushes traffic; a *verdict* says whether that traffic passes; a *fault* is
//! something that a test breaks.
//!
//! Shape: [`codec`], [`query`] and [`command`] are pure text; `store` and `menus` are rows without meaning;
//! `router` with `verbs`, `print`, `ppp`, `dhcp`, `firewall`, `traffic` and `cpe` is the device, synchronous, in *device
//! time*; `session`, `stream`, `tools` and `server` put it on sockets; [`RouterSim`] and [`control`] are the handles by
//! which a test looks in and breaks things.
//!
//! Invariants:
//!
//! - A command is executed whole, under one lock, in the order of arrival on its connection.
//! - What a client did is in [`Counters`]; what a test did through the handle is not.
//! - A CPE's bytes grow only while the router's rules let them.
//! - What no manual or transcript backs is listed in `UNVERIFIED.md` of this crate.

pub mod codec;
pub mod command;
pub mod config;
pub mod control;
mod cpe;
mod dhcp;
mod fault;
mod firewall;
mod hotspot;
mod inspect;
mod ledger;
mod login;
mod menus;
mod ppp;
mod print;
pub mod query;
mod round_trips;
mod router;
mod server;
mod session;
mod store;
mod stream;
mod tls;
mod tools;
mod traffic;
mod value;
mod verbs;
mod version;

pub use config::{CounterMode, LoginMode, SimConfig, UserConfig};
pub use cpe::{CpeAccess, CpeConfig, CpeState};
pub use fault::{Faults, Hang, WriteEffect, WriteFault};
pub use firewall::{INTERNET_HOST, INTERNET_HOST_V6, TrafficVerdict};
pub use inspect::{RouterSim, SimError};
pub use ledger::{Counters, Served};
pub use round_trips::{LONGEST, RoundTrips};
pub use version::Version;
