//! Many SNMP v2c devices on loopback addresses in one process: what a poller is measured against.
//!
//! Device *n* answers at the base address plus *n*, all at one port: GET, GETNEXT and GETBULK on the system group, the
//! engine's time and the interface tables, with growing 64-bit counters. An answer is never larger than `largest`: a
//! GETBULK is cut there, a GET that does not fit gets `tooBig`. Another community is met with silence.
//!
//! It is no model of a real device's quirks: its purpose is to be cheaper than any poller and always right. That it
//! speaks the protocol is checked with net-snmp's client (`tests/snmp_fleet.rs`).

mod answer;
pub(crate) mod ber;
pub mod control;
mod mib;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

pub use answer::Served;

use crate::clock::{Pace, SimClock};
use answer::Asked;
use mib::Mib;

/// Largest request that is read.
const LARGEST_REQUEST: usize = 4_096;

/// What the fleet is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FleetConfig {
    /// How many devices.
    pub devices: u32,
    /// Address of the first; the others follow. All must be loopback.
    pub first: Ipv4Addr,
    /// UDP port of all; 0 takes a free one.
    pub port: u16,
    /// Interfaces of each.
    pub interfaces: u32,
    /// Community that is answered.
    pub community: String,
    /// Largest answer, bytes of UDP payload.
    pub largest: usize,
    /// Milliseconds from a request to its answer.
    pub delay_ms: u64,
    /// So many of the last devices never answer.
    pub silent: u32,
}

impl Default for FleetConfig {
    fn default() -> Self {
        Self {
            devices: 1_000,
            first: Ipv4Addr::new(127, 0, 16, 1),
            port: 0,
            interfaces: 24,
            community: "public".to_owned(),
            largest: 1_472,
            delay_ms: 0,
            silent: 0,
        }
    }
}

/// Why the fleet does not run.
#[derive(Debug, Error)]
pub enum FleetError {
    /// It would leave this machine.
    #[error("{0} is no loopback address")]
    NotLoopback(Ipv4Addr),
    /// An address or port cannot be taken.
    #[error("{address} cannot be bound")]
    Bind {
        /// Which one.
        address: SocketAddr,
        /// The reason.
        source: std::io::Error,
    },
}

#[derive(Debug)]
struct Shared {
    config: FleetConfig,
    mib: Mib,
    clock: SimClock,
    served: Mutex<Served>,
}

/// A running fleet; it ends when dropped.
#[derive(Debug)]
pub struct Fleet {
    shared: Arc<Shared>,
    addresses: Vec<SocketAddr>,
    _devices: JoinSet<()>,
}

impl Fleet {
    /// Binds every device; they answer when this returns.
    ///
    /// # Errors
    /// [`FleetError`].
    pub async fn start(config: FleetConfig) -> Result<Self, FleetError> {
        let mut port = config.port;
        let shared = Arc::new(Shared {
            mib: Mib::new(config.interfaces),
            clock: SimClock::new(Pace::Times(1)),
            served: Mutex::default(),
            config,
        });
        let (mut addresses, mut devices) = (Vec::new(), JoinSet::new());
        for device in 0..shared.config.devices {
            let ip = Ipv4Addr::from_bits(shared.config.first.to_bits().wrapping_add(device));
            if !ip.is_loopback() {
                return Err(FleetError::NotLoopback(ip));
            }
            let address = SocketAddrV4::new(ip, port).into();
            let bind = |source| FleetError::Bind { address, source };
            let socket = UdpSocket::bind(address).await.map_err(bind)?;
            let bound = socket.local_addr().map_err(bind)?;
            // The first one finds a free port, the others take the same.
            port = bound.port();
            addresses.push(bound);
            devices.spawn(serve(Arc::clone(&shared), socket, device));
        }
        Ok(Self { shared, addresses, _devices: devices })
    }

    /// Where each device answers.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What was served so far.
    pub fn served(&self) -> Served {
        *self.shared.served.lock()
    }
}

/// Answers for one device.
async fn serve(shared: Arc<Shared>, socket: UdpSocket, device: u32) {
    let silent = device >= shared.config.devices.saturating_sub(shared.config.silent);
    let mut request = vec![0; LARGEST_REQUEST];
    loop {
        let (length, from) = match socket.recv_from(&mut request).await {
            Ok(received) => received,
            Err(error) => {
                tracing::debug!(device, %error, "fleet: receive");
                tokio::task::yield_now().await;
                continue;
            }
        };
        let asked = Asked {
            mib: &shared.mib,
            community: shared.config.community.as_bytes(),
            largest: shared.config.largest,
            device,
            ms: u64::try_from(shared.clock.now().as_millis()).unwrap_or(u64::MAX),
        };
        let answered = if silent { None } else { answer::answer(&request[..length], asked) };
        {
            let mut served = shared.served.lock();
            served.requests += 1;
            match &answered {
                Some((_, one)) => {
                    served.bindings += one.bindings;
                    served.uptimes += one.uptimes;
                }
                None => served.refused += 1,
            }
        }
        let Some((bytes, _)) = answered else { continue };
        if shared.config.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(shared.config.delay_ms)).await;
        }
        if let Err(error) = socket.send_to(&bytes, from).await {
            tracing::debug!(device, %error, "fleet: send");
        }
    }
}
