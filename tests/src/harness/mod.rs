//! Real processes on free ports, their state in a folder of their own.

mod agent;
mod api;
mod collector;
mod control_plane;
mod double;
mod issuer;
mod mail;
pub mod object_store;
mod process;
mod push;
mod simulators;
mod skipped;
mod transit;
mod wait;

pub use agent::Agent;
pub use api::{Answer, Api, ApiError, Exchange, bytes};
pub use collector::{COLLECTOR_KEY, Collector};
pub use control_plane::{ControlPlane, Options, run_command};
pub use issuer::{
    ACCESS_TOKEN as ISSUER_ACCESS_TOKEN, CLIENT as OPENID_CLIENT, Issuer, SignsWith as IssuerSigns,
};
pub use mail::{MAIL_PASSWORD, MailServer, python};
pub use object_store::ObjectStore;
pub use process::{Process, program};
pub use push::PushService;
pub use simulators::{Router, SnmpDevice};
pub use skipped::skipped;
pub use transit::TransitEngine;
pub use wait::{wait_for, wait_until};
