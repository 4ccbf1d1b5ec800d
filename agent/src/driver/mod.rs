//! A driver turns one device kind into small capabilities.
//!
//! Four traits, and a kind implements those that it has: [`Identify`] (who are you), [`Measure`] (samples),
//! [`Enforce`] (desired state) and [`Operate`] (jobs). A [`Device`] is a handle on one configured device that hands out
//! its capabilities.
//!
//! Inside a driver: `client` = transport, `parse` = bytes → vendor types (pure), `map` = vendor → our types.
//!
//! A driver holds no policy and no schedule: when to ask, how long to wait, when to give up and how often to come
//! back belong to the poller, once for all kinds. It must never panic on what a device sent, never invent a value
//! that the device did not give, and never log a credential.

pub mod icmp;
pub mod registry;
pub mod routeros;
pub mod snmp;

mod enforce;
mod error;
mod finding;
mod operate;
mod sink;
mod target;

pub use enforce::{
    Attachment, BiteCheck, Change, Enforce, ObservedRow, RowStatus, Session, SessionKey, Want,
};
pub use error::DeviceError;
pub use finding::{Found, Word};
pub use operate::{Operate, Operation, Output};
pub use sink::{Kind, SampleReceiver, SampleSink, Value};
pub use target::{Credentials, RouterosOptions, Target, TlsMode};

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use atalaya_protocol::wire;

/// What a device says of itself; empty text where it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// Hardware model, in the vendor's words.
    pub model: String,
    /// Software version.
    pub version: String,
    /// Serial number.
    pub serial: String,
    /// The name that its operator gave it.
    pub name: String,
    /// Time since its last start.
    pub uptime: Option<Duration>,
}

/// Says what a device is.
#[async_trait]
pub trait Identify: Send + Sync {
    /// Asks the device who it is.
    ///
    /// # Errors
    /// Why it could not be asked, in its own words where it has some.
    async fn identify(&self) -> Result<Identity, DeviceError>;
}

/// Reads samples.
#[async_trait]
pub trait Measure: Send + Sync {
    /// Measures once and pushes what was read into `sink`. What was pushed before an error counts.
    ///
    /// # Errors
    /// Why the device could not be measured (to the end).
    async fn measure(&self, sink: &mut SampleSink<'_>) -> Result<(), DeviceError>;

    /// Whether the kind bounds by itself how many of its measurements are under way, so that none needs a slot of the
    /// poller: such a measurement waits much and works little.
    fn bounds_itself(&self) -> bool {
        false
    }
}

/// One configured device. Keeps what it learnt between two measurements (connections, counter widths).
#[async_trait]
pub trait Device: Send + Sync {
    /// What it was built from.
    fn target(&self) -> &Target;

    /// Every kind can say what it is.
    fn identify(&self) -> &dyn Identify;

    /// Reads samples, where the kind has any.
    fn measure(&self) -> Option<&dyn Measure> {
        None
    }

    /// Keeps subscribers as they should be, where the kind can.
    fn enforce(&self) -> Option<&dyn Enforce> {
        None
    }

    /// Does one-off work, where the kind can.
    fn operate(&self) -> Option<&dyn Operate> {
        None
    }

    /// Tries to reach the device stage by stage and says exactly what fails. Changes nothing on it. A stage that
    /// cannot be tried because an earlier one failed is reported as skipped.
    async fn test_connection(&self) -> Vec<wire::Check>;
}

/// Looks a host up; an address stands for itself.
///
/// # Errors
/// [`DeviceError::Config`] when the name has no address.
pub(crate) async fn resolve(host: &str, port: u16) -> Result<SocketAddr, DeviceError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(SocketAddr::new(address, port));
    }
    let mut found = tokio::net::lookup_host((host, port))
        .await
        .map_err(|error| DeviceError::Config { words: format!("host name `{host}`: {error}") })?;
    found.next().ok_or_else(|| DeviceError::Config { words: format!("host name `{host}` has no address") })
}
