//! A bad link between two processes: our own relay for UDP and TCP.
//!
//! It stands on a port of its own, forwards to the real server, and can lose, delay, cut and rebind:
//!
//! | knob | UDP | TCP |
//! |---|---|---|
//! | `loss_permille` | a datagram is dropped, decided by the seed | – (TCP hides loss as delay) |
//! | `delay_ms` | each datagram waits, order is kept | each piece of bytes waits, order is kept |
//! | `cut` | every datagram is dropped | bytes stand still; new connections are accepted and stand still |
//! | [`Relay::rebind`] | all clients get a new source port towards the server, as a NAT does that forgot them | all connections are closed |
//!
//! Deterministic: which datagram of a direction is lost depends on the seed and on its number alone, not on
//! when it comes.

pub mod control;
mod tcp;
mod udp;

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What kind of traffic is relayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// Connections.
    Tcp,
}

/// How bad the link is. The default is a perfect link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Link {
    /// Datagrams lost of 1,000, in each direction.
    pub loss_permille: u16,
    /// Milliseconds that everything waits, in each direction.
    pub delay_ms: u64,
    /// Nothing passes.
    pub cut: bool,
}

/// What went through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// Datagrams, or pieces of bytes, forwarded to the server.
    pub to_server: u64,
    /// Datagrams, or pieces of bytes, forwarded to clients.
    pub to_client: u64,
    /// Bytes forwarded to the server; of datagrams without the headers of UDP and IP.
    pub bytes_to_server: u64,
    /// Bytes forwarded to clients, as above.
    pub bytes_to_client: u64,
    /// Datagrams dropped by loss or cut.
    pub dropped: u64,
    /// Clients (UDP source addresses, TCP connections) seen.
    pub clients: u64,
}

/// Why a relay does not start.
#[derive(Debug, Error)]
pub enum RelayError {
    /// The address cannot be listened on.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
}

/// What the tasks of a relay share.
#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    seed: u64,
    link: watch::Sender<Link>,
    passed: Mutex<Passed>,
    /// Replaced at each rebinding; what hangs on the old one ends.
    binding: Mutex<CancellationToken>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Shared {
    fn binding(&self) -> CancellationToken {
        self.binding.lock().clone()
    }

    fn count(&self, direction: Direction, bytes: usize) {
        let mut passed = self.passed.lock();
        let passed = &mut *passed;
        let (pieces, sum) = match direction {
            Direction::ToServer => (&mut passed.to_server, &mut passed.bytes_to_server),
            Direction::ToClient => (&mut passed.to_client, &mut passed.bytes_to_client),
        };
        *pieces += 1;
        *sum += u64::try_from(bytes).unwrap_or(u64::MAX);
    }
}

/// Which way something travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}

/// A running relay. It stops when dropped.
#[derive(Debug)]
pub struct Relay {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Relay {
    /// Starts a relay from `listen` (port 0 takes a free one) to `upstream`; it forwards when this returns.
    ///
    /// # Errors
    /// [`RelayError`].
    pub async fn start(
        transport: Transport,
        listen: SocketAddr,
        upstream: SocketAddr,
        seed: u64,
    ) -> Result<Self, RelayError> {
        let failed = |error| RelayError::Listen(listen, error);
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            upstream,
            seed,
            link: watch::Sender::new(Link::default()),
            passed: Mutex::default(),
            binding: Mutex::new(stop.child_token()),
            tasks: TaskTracker::new(),
            stop,
        });
        let address = match transport {
            Transport::Udp => {
                let socket = UdpSocket::bind(listen).await.map_err(failed)?;
                let address = socket.local_addr().map_err(failed)?;
                shared.tasks.spawn(udp::run(Arc::clone(&shared), socket));
                address
            }
            Transport::Tcp => {
                let listener = TcpListener::bind(listen).await.map_err(failed)?;
                let address = listener.local_addr().map_err(failed)?;
                shared.tasks.spawn(tcp::run(Arc::clone(&shared), listener));
                address
            }
        };
        Ok(Self { shared, address })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How bad the link is now.
    pub fn link(&self) -> Link {
        *self.shared.link.borrow()
    }

    /// Makes the link better or worse.
    pub fn set_link(&self, link: Link) {
        self.shared.link.send_replace(link);
    }

    /// Nothing passes until [`restore`](Self::restore).
    pub fn cut(&self) {
        self.shared.link.send_modify(|link| link.cut = true);
    }

    /// Ends a cut.
    pub fn restore(&self) {
        self.shared.link.send_modify(|link| link.cut = false);
    }

    /// Gives every UDP client a new source port towards the server; closes every TCP connection.
    pub fn rebind(&self) {
        let old = std::mem::replace(&mut *self.shared.binding.lock(), self.shared.stop.child_token());
        old.cancel();
    }

    /// What went through so far.
    pub fn passed(&self) -> Passed {
        self.shared.passed.lock().clone()
    }

    /// Stops the relay and waits until its tasks are over.
    pub async fn shutdown(self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}
