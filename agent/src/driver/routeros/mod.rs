//! MikroTik RouterOS by its binary API: identity, samples, and the subscribers' rows.
//!
//! One connection per router, kept and shared by poller and enforcer; commands of both are pipelined by tag, never
//! more in flight than configured. The connection is opened when something is asked and is down.
//!
//! Invariants: `.id`s are fetched right before they are used and never kept, for they do not survive a reboot. A
//! wrong password is never tried twice: until the configuration changes (which makes a new handle) every question is
//! answered with the router's refusal. Nothing is written when nothing differs, for each write wears flash.

mod client;
mod enforce;
mod identify;
mod map;
mod measure;
mod operate;
mod parse;
mod stages;
mod tables;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use atalaya_protocol::wire;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{Device, DeviceError, Enforce, Identify, Measure, Operate, Target};
use crate::clock::Clock;
use client::Client;

/// A RouterOS router.
pub struct RouterOs {
    target: Target,
    clock: Arc<dyn Clock>,
    // Held while connecting, so that two callers open one connection.
    link: tokio::sync::Mutex<Link>,
    /// Said once, said for good: a refused log-in.
    refused: Mutex<Option<DeviceError>>,
    connections: watch::Sender<u64>,
    /// Address list of the cut profile, as last read: it is asked for together with everything else.
    cut_list: Mutex<Option<String>>,
    transcript: Option<Transcript>,
}

/// Every sentence of a connection, secrets masked, for people who compare a router with what we believe of routers.
pub type Transcript = Arc<Mutex<Vec<String>>>;

#[derive(Default)]
struct Link {
    client: Option<Arc<Client>>,
    known_modern: bool,
}

impl RouterOs {
    /// A handle; nothing is connected yet.
    pub fn new(target: Target, clock: Arc<dyn Clock>) -> Self {
        Self {
            target,
            clock,
            link: tokio::sync::Mutex::default(),
            refused: Mutex::new(None),
            connections: watch::Sender::new(0),
            cut_list: Mutex::new(None),
            transcript: None,
        }
    }

    /// Writes down every sentence from here on.
    #[must_use]
    pub fn with_transcript(mut self, transcript: Transcript) -> Self {
        self.transcript = Some(transcript);
        self
    }

    /// The connection, opened if it is down.
    async fn client(&self) -> Result<Arc<Client>, DeviceError> {
        if let Some(refused) = self.refused.lock().clone() {
            return Err(refused);
        }
        let mut link = self.link.lock().await;
        if let Some(client) = link.client.as_ref().filter(|client| client.is_open()) {
            return Ok(client.clone());
        }
        link.client = None;
        let tcp = client::open_tcp(&self.target).await?;
        let mut opened = client::open_tls(&self.target, tcp).await?;
        match client::log_in(&self.target, &mut opened, link.known_modern).await {
            Ok(modern) => link.known_modern = modern,
            Err(error) => {
                if matches!(error, DeviceError::Refused { .. }) {
                    *self.refused.lock() = Some(error.clone());
                }
                return Err(error);
            }
        }
        let client = Arc::new(Client::start(opened, self.target.max_in_flight, self.transcript.clone()));
        link.client = Some(client.clone());
        self.connections.send_modify(|count| *count = count.saturating_add(1));
        Ok(client)
    }
}

#[async_trait]
impl Device for RouterOs {
    fn target(&self) -> &Target {
        &self.target
    }

    fn identify(&self) -> &dyn Identify {
        self
    }

    fn measure(&self) -> Option<&dyn Measure> {
        Some(self)
    }

    fn enforce(&self) -> Option<&dyn Enforce> {
        Some(self)
    }

    fn operate(&self) -> Option<&dyn Operate> {
        Some(self)
    }

    async fn test_connection(&self) -> Vec<wire::Check> {
        stages::test_connection(&self.target).await
    }
}
