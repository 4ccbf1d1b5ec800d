//! Device kind → driver.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::icmp::{EchoPlan, Echoes, IcmpDevice};
use super::routeros::RouterOs;
use super::snmp::{SnmpDevice, Sockets};
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
    pub snmp: Arc<Sockets>,
}

impl Resources {
    /// Opens what is shared, within a tokio runtime.
    pub fn open(clock: Arc<dyn Clock>, echo_plan: EchoPlan) -> Self {
        let echoes = Arc::new(Echoes::open(Arc::clone(&clock)));
        Self { echoes, clock, echo_plan, snmp: Arc::new(Sockets::open()) }
    }

    /// Receives what devices answer on the shared sockets, until `stop`. Without it ICMP and SNMP hear nothing.
    ///
    /// # Errors
    /// None at present; the signature is the supervisor's.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) -> anyhow::Result<()> {
        let (echoes, snmp) = tokio::join!(Arc::clone(&self.echoes).run(stop.clone()), self.snmp.run(stop));
        echoes.and(snmp)
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
