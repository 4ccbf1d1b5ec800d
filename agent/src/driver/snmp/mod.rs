//! SNMP v2c: system group, interfaces, and what a device profile knows of the vendor's own tables.
//!
//! Interfaces are known by ifName, for ifIndex may change at a restart. 64-bit counters are shipped raw; 32-bit ones,
//! where a device has no others, are unwrapped here to 64 bits. A restart is told by `system_uptime_seconds` (unwrapped
//! past the 497 days of sysUpTime) and, per interface, by `interface_counter_discontinuity_seconds`; the reader treats
//! a fall of a counter as a new start.
//!
//! A wrong community is silence: over SNMP it cannot be told from a device that is down, and the words say so.
//!
//! The client is our own (decision 0012): `ber` and `pdu` are messages (pure), `socket` sends them and matches answers
//! to requests, `client` knows how a table is walked, `walk` where a walk stands, `habits` how much is asked at once,
//! `parse` what the MIBs say, `map` what that is to us. [`profile`] is what is known of vendors, as data.

mod ber;
mod client;
mod habits;
mod map;
mod oid;
mod parse;
mod pdu;
pub mod profile;
mod socket;
mod state;
mod walk;

use std::sync::Arc;

use async_trait::async_trait;
use atalaya_protocol::wire;
use parking_lot::Mutex;

use super::{Device, DeviceError, Found, Identify, Identity, Measure, SampleSink, Target, Word};
use crate::clock::Clock;
use client::Client;
use parse::System;
use profile::{Candidates, InterfaceNames, Plan, Profile, Profiles};
pub use socket::{Dropped, Sockets};

/// A device that is measured over SNMP v2c.
pub struct SnmpDevice {
    target: Target,
    client: Client,
    clock: Arc<dyn Clock>,
    profiles: Arc<Profiles>,
    state: Mutex<state::CounterState>,
    known: Mutex<Known>,
}

/// What is known of a device's profile.
#[derive(Clone, Default)]
enum Known {
    /// It was not asked yet.
    #[default]
    Unasked,
    /// No profile fits: its interfaces are measured.
    Generic,
    /// This one.
    Plan(Arc<Plan>),
}

impl SnmpDevice {
    /// A handle; nothing is sent yet.
    ///
    /// # Errors
    /// [`DeviceError::Config`] when the credentials are not an SNMP community.
    pub fn new(
        target: Target,
        sockets: Arc<Sockets>,
        profiles: Arc<Profiles>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, DeviceError> {
        let client = Client::new(&target, sockets)?;
        Ok(Self { target, client, clock, profiles, state: Mutex::default(), known: Mutex::default() })
    }

    /// Asks the device what it is, and gives the profile that fits, if one does.
    ///
    /// # Errors
    /// Why it could not be asked.
    pub async fn profile(&self) -> Result<Option<Arc<Profile>>, DeviceError> {
        let system = self.client.system_group().await?;
        Ok(self.find(&system).await?.map(|plan| Arc::clone(plan.profile())))
    }

    /// The stage of a connection test that says which profile fits; and whether the device understands GETBULK.
    async fn profile_found(&self) -> (wire::Check, bool) {
        let profile = self.profile().await;
        let bulk = !matches!(&profile, Ok(Some(profile)) if !profile.understands_bulk());
        let (found, status) = match profile {
            Ok(Some(profile)) => {
                let word = match profile.provenance {
                    profile::Provenance::Real => Word::SnmpProfile,
                    profile::Provenance::Mib | profile::Provenance::Synthetic => Word::SnmpProfileUnseen,
                };
                let sentence = format!("{} ({}), {}", profile.id, profile.name, profile.provenance.words());
                let facts = [("profile", profile.id.as_str()), ("name", profile.name.as_str())];
                (Found::new(word, &facts, sentence), wire::CheckStatus::Passed)
            }
            Ok(None) => {
                let sentence = "no device profile fits: the interfaces are measured";
                (Found::new(Word::SnmpProfileNone, &[], sentence), wire::CheckStatus::Passed)
            }
            Err(error) => (Found::from(&error), wire::CheckStatus::Warning),
        };
        (found.check("profile", status, ""), bulk)
    }

    /// Writes down what is understood of the device, for snmpsim, with a stand-in for every name, address and serial
    /// number.
    ///
    /// # Errors
    /// Why it could not be asked to the end.
    pub async fn record(&self) -> Result<String, DeviceError> {
        let profile = self.profile().await?;
        profile::record(&self.client, profile.as_deref(), rand::random()).await
    }

    /// Looks for the profile anew. A device that stays what it was keeps what was learnt of it.
    async fn find(&self, system: &System) -> Result<Option<Arc<Plan>>, DeviceError> {
        let candidates = Candidates::of(&self.profiles, system);
        let subtrees = candidates.subtrees();
        let has = if subtrees.is_empty() { Vec::new() } else { self.client.has(&subtrees).await? };
        let found = candidates.settle(&has);
        let mut known = self.known.lock();
        let plan = match (found, &*known) {
            (Some(profile), Known::Plan(plan)) if Arc::ptr_eq(plan.profile(), &profile) => {
                Some(Arc::clone(plan))
            }
            (Some(profile), _) => Some(Arc::new(Plan::new(profile))),
            (None, _) => None,
        };
        *known = plan.clone().map_or(Known::Generic, Known::Plan);
        Ok(plan)
    }

    /// The plan of its profile; looked for at the first measurement, and again whenever the device is identified. That a
    /// profile cannot be found does not keep its interfaces from being measured.
    async fn plan(&self) -> Result<Option<Arc<Plan>>, DeviceError> {
        let known = self.known.lock().clone();
        match known {
            Known::Generic => return Ok(None),
            Known::Plan(plan) => return Ok(Some(plan)),
            Known::Unasked if self.profiles.is_empty() => return Ok(None),
            Known::Unasked => {}
        }
        match self.client.system_group().await {
            Ok(system) => match self.find(&system).await {
                Ok(plan) => Ok(plan),
                Err(error) => {
                    tracing::debug!(device_id = self.target.device_id, %error, "its profile is not known yet");
                    Ok(None)
                }
            },
            Err(error) if error.device_answered() => {
                *self.known.lock() = Known::Generic;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Identify for SnmpDevice {
    async fn identify(&self) -> Result<Identity, DeviceError> {
        let system = self.client.system_group().await?;
        let mut identity = map::identity(&system);
        // It said who it is: that it says no more of itself is no failure.
        let told = |error: &DeviceError| {
            tracing::debug!(device_id = self.target.device_id, %error, "nothing of its vendor is known");
        };
        if let Ok(Some(plan)) = self.find(&system).await.inspect_err(told) {
            let _more = plan.identify(&self.client, &mut identity).await.inspect_err(told);
        }
        Ok(identity)
    }
}

#[async_trait]
impl Measure for SnmpDevice {
    async fn measure(&self, sink: &mut SampleSink<'_>) -> Result<(), DeviceError> {
        let plan = self.plan().await?;
        let table = if plan.as_ref().is_none_or(|plan| plan.walks_interfaces()) {
            let bulk = plan.as_ref().is_none_or(|plan| plan.profile().understands_bulk());
            let mut table = self.client.interfaces(oid::Column::EXTENDED, bulk).await?;
            if table.needs_basic_counters() {
                table.complete(self.client.interfaces(oid::Column::BASIC, bulk).await?);
            }
            table
        } else {
            self.client.uptime().await?
        };
        let since = map::samples(&table, &mut self.state.lock(), self.clock.elapsed(), sink);
        if let Some(plan) = plan {
            let now = self.clock.elapsed();
            let names =
                if plan.needs_names(now).await { map::names(&table) } else { InterfaceNames::default() };
            drop(table);
            plan.read(&self.client, &names, since, now, self.clock.as_ref(), sink).await;
        }
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
                    skipped.clone().check("profile", wire::CheckStatus::Skipped, ""),
                    skipped.check("interfaces", wire::CheckStatus::Skipped, ""),
                ];
            }
        };
        let answered = Found::new(
            Word::AnswersAs,
            &[("name", &identity.name), ("model", &identity.model)],
            format!("{} ({})", identity.name, identity.model),
        );
        let (profile, bulk) = self.profile_found().await;
        let (status, interfaces) = match self.client.interfaces(oid::Column::EXTENDED, bulk).await {
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
            profile,
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

#[cfg(test)]
mod tests;
