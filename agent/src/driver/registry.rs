//! Device kind → driver.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::icmp::{EchoPlan, Echoes, IcmpDevice};
use super::routeros::RouterOs;
use super::snmp::profile::Profiles;
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
    /// What is known of vendors' SNMP.
    pub profiles: Arc<Profiles>,
}

impl Resources {
    /// Opens what is shared, within a tokio runtime, with the profiles that are built in.
    pub fn open(clock: Arc<dyn Clock>, echo_plan: EchoPlan) -> Self {
        Self::with_profiles(clock, echo_plan, Profiles::embedded())
    }

    /// As [`Resources::open`], with these profiles.
    pub fn with_profiles(clock: Arc<dyn Clock>, echo_plan: EchoPlan, profiles: Profiles) -> Self {
        let echoes = Arc::new(Echoes::open(Arc::clone(&clock)));
        Self { echoes, clock, echo_plan, snmp: Arc::new(Sockets::open()), profiles: Arc::new(profiles) }
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
            "snmp" => Ok(Arc::new(self.snmp_device(target)?)),
            "routeros" => Ok(Arc::new(RouterOs::new(target, Arc::clone(&self.clock)))),
            "icmp" => Ok(Arc::new(IcmpDevice::new(target, Arc::clone(&self.echoes), self.echo_plan))),
            other => Err(DeviceError::Config {
                words: format!("this agent has no driver for devices of kind `{other}`"),
            }),
        }
    }

    /// The SNMP driver of a target, for who wants to know its profile.
    ///
    /// # Errors
    /// [`DeviceError::Config`] when its settings cannot work.
    pub fn snmp_device(&self, target: Target) -> Result<SnmpDevice, DeviceError> {
        let (sockets, profiles) = (Arc::clone(&self.snmp), Arc::clone(&self.profiles));
        SnmpDevice::new(target, sockets, profiles, Arc::clone(&self.clock))
    }
}
