//! The handle by which a test holds a simulated router in its own process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use md5::{Digest, Md5};
use thiserror::Error;
use tokio::net::TcpListener;

use super::config::SimConfig;
use super::cpe::{Cpe, CpeConfig, CpeState};
use super::fault::Faults;
use super::firewall::TrafficVerdict;
use super::ledger::{Counters, Served};
use super::router::Router;
use super::server::Shared;
use super::tls;
use crate::clock::SimClock;

/// Why a simulated router does not start.
#[derive(Debug, Error)]
pub enum SimError {
    /// An address cannot be listened on.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The configuration orders something that the router refuses.
    #[error("configuration refused: {0}")]
    Config(String),
    /// The certificate cannot be made.
    #[error("TLS: {0}")]
    Tls(String),
}

/// A running simulated router. It stops when dropped.
#[derive(Debug)]
pub struct RouterSim {
    shared: Arc<Shared>,
    address: SocketAddr,
    tls: Option<(SocketAddr, String)>,
}

impl RouterSim {
    /// Starts a router; it listens when this returns.
    ///
    /// # Errors
    /// [`SimError`].
    pub async fn start(config: SimConfig) -> Result<Self, SimError> {
        let (listen, listen_tls) = (config.listen, config.listen_tls);
        let clock = Arc::new(SimClock::new(config.pace));
        let shared = Shared::new(Router::new(config, clock).map_err(SimError::Config)?);
        let (listener, address) = bind(listen).await?;
        shared.tasks.spawn(Arc::clone(&shared).accept(listener, None));
        let mut tls = None;
        if let Some(listen) = listen_tls {
            let (acceptor, pem) = tls::acceptor()?;
            let (listener, address) = bind(listen).await?;
            shared.tasks.spawn(Arc::clone(&shared).accept(listener, Some(acceptor)));
            tls = Some((address, pem));
        }
        shared.router.lock().advance();
        shared.tasks.spawn(Arc::clone(&shared).tick());
        Ok(Self { shared, address, tls })
    }

    /// Where the clear-text API listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the API over TLS listens, if configured.
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.tls.as_ref().map(|(address, _)| *address)
    }

    /// The router's self-signed certificate, PEM.
    pub fn certificate_pem(&self) -> Option<&str> {
        self.tls.as_ref().map(|(_, pem)| pem.as_str())
    }

    /// The knobs as they stand, counted down by use.
    pub fn faults(&self) -> Faults {
        self.shared.faults.borrow().clone()
    }

    /// Turns knobs.
    pub fn update_faults(&self, change: impl FnOnce(&mut Faults)) {
        self.shared.faults.send_modify(change);
    }

    /// Turns every knob back.
    pub fn clear_faults(&self) {
        self.update_faults(|faults| *faults = Faults::default());
    }

    /// What the router counted.
    pub fn counters(&self) -> Counters {
        let mut counters = self.shared.router.lock().counters.clone();
        counters.round_trips = self.shared.round_trips.counted();
        counters
    }

    /// Counts from zero again.
    pub fn reset_counters(&self) {
        self.shared.router.lock().counters = Counters::default();
        self.shared.round_trips.reset();
    }

    /// Connections open now.
    pub fn open_connections(&self) -> usize {
        self.shared.open_connections()
    }

    /// The rows of a menu as stored, with `.id`; `None` for a menu that the router does not have.
    pub fn rows(&self, menu: &str) -> Option<Vec<BTreeMap<String, String>>> {
        self.shared.rows(menu)
    }

    /// A digest of every stored row: menu → name (or `.id` where rows have none) → digest. What is computed
    /// at the time of reading (counters, uptime) is not part of it.
    pub fn digests(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let router = self.shared.router.lock();
        let mut digests: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for table in router.store.tables().filter(|table| !table.is_empty()) {
            let rows = digests.entry(table.menu.path.to_owned()).or_default();
            for row in table.rows() {
                let mut hash = Md5::new().chain_update(row.id.to_string());
                let stored: BTreeMap<&str, &str> = row.properties().collect();
                for (name, value) in stored {
                    hash = hash.chain_update(name).chain_update([0]).chain_update(value).chain_update([0]);
                }
                let digest = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
                let name = if table.menu.key == "name" { row.get("name") } else { None };
                let key = name.map_or_else(|| row.id.to_string(), str::to_owned);
                // Two rows of one name (a static and a dynamic queue, two sessions) are told apart by `.id`.
                let key = if rows.contains_key(&key) { format!("{key} {}", row.id) } else { key };
                rows.insert(key, digest);
            }
        }
        digests
    }

    /// Executes a command as a hand on the router would: no log-in, no fault, no counter. Returns the words
    /// of each reply.
    pub fn operate<W: AsRef<str>>(&self, words: &[W]) -> Vec<Vec<String>> {
        let words: Vec<String> = words.iter().map(|word| word.as_ref().to_owned()).collect();
        self.shared.operate(&words)
    }

    /// Would a packet of this customer pass, now? `None` for a CPE that does not exist.
    pub fn passes_traffic(&self, cpe: &str) -> Option<TrafficVerdict> {
        self.cpe(cpe).map(|state| state.verdict)
    }

    /// Would a packet of this customer pass over IPv6, now? `None` for a CPE that does not exist or has no IPv6.
    pub fn passes_traffic_v6(&self, cpe: &str) -> Option<TrafficVerdict> {
        self.cpe(cpe)?.verdict_v6
    }

    /// What one CPE is doing.
    pub fn cpe(&self, name: &str) -> Option<CpeState> {
        let mut router = self.shared.router.lock();
        router.advance();
        let now = router.clock.now();
        let index = router.cpes.iter().position(|cpe| cpe.config.name == name)?;
        router.cpe_state(index, now)
    }

    /// What every CPE is doing.
    pub fn cpes(&self) -> Vec<CpeState> {
        let mut router = self.shared.router.lock();
        router.advance();
        let now = router.clock.now();
        (0..router.cpes.len()).filter_map(|index| router.cpe_state(index, now)).collect()
    }

    /// Adds a CPE; it dials at once. False when the name is taken.
    pub fn add_cpe(&self, config: CpeConfig) -> bool {
        let mut router = self.shared.router.lock();
        if router.cpes.iter().any(|cpe| cpe.config.name == config.name) {
            return false;
        }
        let now = router.clock.now();
        router.cpes.push(Cpe::new(config, now));
        let index = router.cpes.len() - 1;
        router.schedule(index, now);
        router.advance();
        true
    }

    /// Plugs a CPE in or out. False for a CPE that does not exist.
    pub fn set_powered(&self, name: &str, powered: bool) -> bool {
        let mut router = self.shared.router.lock();
        let Some(index) = router.cpes.iter().position(|cpe| cpe.config.name == name) else { return false };
        let now = router.clock.now();
        router.accrue(index, now);
        router.cpes[index].config.powered = powered;
        if powered {
            router.schedule(index, now);
            router.advance();
        } else {
            router.end_session(index);
        }
        true
    }

    /// Turns the router off and on: connections drop, dynamic rows go, CPEs dial again after the boot time.
    pub fn reboot(&self) {
        self.shared.reboot();
    }

    /// Drops every API connection and nothing else.
    pub fn drop_connections(&self) {
        self.shared.drop_connections();
    }

    /// Turns device time forward.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
        let mut router = self.shared.router.lock();
        router.advance();
        let now = router.clock.now();
        router.accrue_all(now);
    }

    /// Interface counter values that were served, from `sequence` on, at most `limit`.
    pub fn served(&self, sequence: u64, limit: usize) -> Vec<Served> {
        self.shared.router.lock().serve_log.since(sequence, limit)
    }

    /// Stops the router and waits until its tasks are over.
    pub async fn shutdown(self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Drop for RouterSim {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), SimError> {
    let failed = |error| SimError::Listen(address, error);
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}
