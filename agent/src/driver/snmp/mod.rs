//! SNMP v2c: system group and interfaces of anything that speaks it.
//!
//! Interfaces are known by ifName, for ifIndex may change at a restart. 64-bit counters are shipped raw; 32-bit ones,
//! where a device has no others, are unwrapped here to 64 bits. A restart is told by `system_uptime_seconds` (unwrapped
//! past the 497 days of sysUpTime) and, per interface, by `interface_counter_discontinuity_seconds`; the reader treats
//! a fall of a counter as a new start.
//!
//! A wrong community is silence: over SNMP it cannot be told from a device that is down, and the words say so.
//!
//! The client is our own (decision 0012): `ber` and `pdu` are messages (pure), `socket` sends them and matches answers
//! to requests, `client` knows how a table is walked, `parse` what the MIBs say, `map` what that is to us.

mod ber;
mod client;
mod map;
mod oid;
mod parse;
mod pdu;
mod socket;
mod state;

use async_trait::async_trait;
use atalaya_protocol::wire;
use parking_lot::Mutex;

use super::{Device, DeviceError, Found, Identify, Identity, Measure, SampleSink, Target, Word};
use crate::clock::Clock;
use client::Client;
pub use socket::{Dropped, Sockets};
use std::sync::Arc;

/// A device that is measured over SNMP v2c.
pub struct SnmpDevice {
    target: Target,
    client: Client,
    clock: Arc<dyn Clock>,
    state: Mutex<state::CounterState>,
}

impl SnmpDevice {
    /// A handle; nothing is sent yet.
    ///
    /// # Errors
    /// [`DeviceError::Config`] when the credentials are not an SNMP community.
    pub fn new(target: Target, sockets: Arc<Sockets>, clock: Arc<dyn Clock>) -> Result<Self, DeviceError> {
        let client = Client::new(&target, sockets)?;
        Ok(Self { target, client, clock, state: Mutex::default() })
    }
}

#[async_trait]
impl Identify for SnmpDevice {
    async fn identify(&self) -> Result<Identity, DeviceError> {
        Ok(map::identity(&self.client.system_group().await?))
    }
}

#[async_trait]
impl Measure for SnmpDevice {
    async fn measure(&self, sink: &mut SampleSink<'_>) -> Result<(), DeviceError> {
        let mut table = self.client.interfaces(oid::Column::EXTENDED).await?;
        if table.needs_basic_counters() {
            table.complete(self.client.interfaces(oid::Column::BASIC).await?);
        }
        let mut state = self.state.lock();
        map::samples(&table, &mut state, self.clock.elapsed(), sink);
        Ok(())
    }
}

#[async_trait]
impl Device for SnmpDevice {
    fn target(&self) -> &Target {
        &self.target
    }

    fn identify(&self) -> &dyn Identify {
        self
    }

    fn measure(&self) -> Option<&dyn Measure> {
        Some(self)
    }

    async fn test_connection(&self) -> Vec<wire::Check> {
        let identity = match Identify::identify(self).await {
            Ok(identity) => identity,
            Err(error) => {
                let skipped = Found::new(Word::EarlierFailed, &[], "not tried");
                return vec![
                    unanswered(&error).check("snmp", wire::CheckStatus::Failed, ""),
                    skipped.check("interfaces", wire::CheckStatus::Skipped, ""),
                ];
            }
        };
        let answered = Found::new(
            Word::AnswersAs,
            &[("name", &identity.name), ("model", &identity.model)],
            format!("{} ({})", identity.name, identity.model),
        );
        let (status, interfaces) = match self.client.interfaces(oid::Column::EXTENDED).await {
            Ok(table) if table.rows.is_empty() => (
                wire::CheckStatus::Warning,
                Found::new(Word::NoInterfaces, &[], "the device shows no interface table (ifXTable)"),
            ),
            Ok(table) => {
                let count = table.rows.len().to_string();
                let found = Found::new(Word::Interfaces, &[("count", &count)], format!("{count} interfaces"));
                (wire::CheckStatus::Passed, found)
            }
            Err(error) => (wire::CheckStatus::Failed, Found::from(&error)),
        };
        vec![
            answered.check("snmp", wire::CheckStatus::Passed, ""),
            interfaces.check("interfaces", status, ""),
        ]
    }
}

/// Silence is also what a wrong community gets: whoever reads it should know both mends.
fn unanswered(error: &DeviceError) -> Found {
    match error {
        DeviceError::Timeout { words } => Found::new(
            Word::SnmpSilent,
            &[("words", words)],
            format!(
                "{error}. A wrong community is answered by silence; on RouterOS: /snmp set enabled=yes; /snmp community print"
            ),
        ),
        error => Found::from(error),
    }
}
