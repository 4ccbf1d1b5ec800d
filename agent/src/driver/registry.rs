//! Device kind → driver.

use std::sync::Arc;

use super::icmp::{EchoPlan, Echoes, IcmpDevice};
use super::routeros::RouterOs;
use super::snmp::{SnmpDevice, Transports};
use super::{Device, DeviceError, Target};
use crate::clock::Clock;

/// What drivers share: sockets and the clock.
pub struct Resources {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// ICMP sockets.
    pub echoes: Arc<Echoes>,
    /// How ICMP targets are probed.
    pub echo_plan: EchoPlan,
    /// SNMP sockets.
    pub snmp: Arc<Transports>,
}

impl Resources {
    /// Opens what is shared, within a tokio runtime.
    pub fn open(clock: Arc<dyn Clock>, echo_plan: EchoPlan) -> Self {
        Self { echoes: Arc::new(Echoes::open(Arc::clone(&clock))), clock, echo_plan, snmp: Arc::default() }
    }

    /// The driver of a target's kind.
    ///
    /// # Errors
    /// [`DeviceError::Config`] when the kind is unknown to this version or its settings cannot work.
    pub fn device(&self, target: Target) -> Result<Arc<dyn Device>, DeviceError> {
        match target.kind.as_str() {
            "snmp" => Ok(Arc::new(SnmpDevice::new(target, Arc::clone(&self.snmp), Arc::clone(&self.clock))?)),
            "routeros" => Ok(Arc::new(RouterOs::new(target, Arc::clone(&self.clock)))),
            "icmp" => Ok(Arc::new(IcmpDevice::new(target, Arc::clone(&self.echoes), self.echo_plan))),
            other => Err(DeviceError::Config {
                words: format!("this agent has no driver for devices of kind `{other}`"),
            }),
        }
    }
}
