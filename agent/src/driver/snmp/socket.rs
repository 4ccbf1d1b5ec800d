//! The sockets that all SNMP devices share, one per address family, and the table of what is under way.
//!
//! An answer belongs to a request when it carries its id *and* comes from the address that was asked; everything else
//! (late, doubled, from elsewhere, unreadable) is dropped and counted. A silent device is asked again once, with the
//! same id, so that an answer to either request counts.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::pdu::Answer;
use crate::driver::DeviceError;

/// How long each try waits for its answer: two requests bound a silent device's cost, and the second waits longer,
/// for a link that is merely slow.
const WAITS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(3)];
/// Answers of a hundred devices may arrive at once.
const RECEIVE_BUFFER: usize = 2 << 20;
/// Largest datagram.
const LARGEST: usize = 65_535;

struct Waiting {
    peer: SocketAddr,
    answer: oneshot::Sender<Vec<u8>>,
}

/// Datagrams that belonged to no request, since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Nobody waits: late, or answered twice.
    pub unasked: u64,
    /// The id of one device's request, from another address.
    pub foreign: u64,
    /// No SNMP v2c answer.
    pub unreadable: u64,
}

/// One socket per address family for all devices.
pub struct Sockets {
    v4: Result<UdpSocket, String>,
    v6: Result<UdpSocket, String>,
    waits: [Duration; 2],
    waiting: Mutex<HashMap<u32, Waiting>>,
    unasked: AtomicU64,
    foreign: AtomicU64,
    unreadable: AtomicU64,
}

impl Sockets {
    /// Opens the sockets, within a tokio runtime. A family that this machine lacks is remembered with the reason.
    pub fn open() -> Self {
        Self {
            v4: open(Domain::IPV4, (Ipv4Addr::UNSPECIFIED, 0).into()),
            v6: open(Domain::IPV6, (Ipv6Addr::UNSPECIFIED, 0).into()),
            waits: WAITS,
            waiting: Mutex::default(),
            unasked: AtomicU64::new(0),
            foreign: AtomicU64::new(0),
            unreadable: AtomicU64::new(0),
        }
    }

    /// As [`Sockets::open`], waiting as long as a test can.
    #[cfg(test)]
    pub(super) fn waiting(waits: [Duration; 2]) -> Self {
        Self { waits, ..Self::open() }
    }

    /// Receives answers until `stop`; without it every request runs into its timeout.
    ///
    /// # Errors
    /// None at present; the signature is the supervisor's.
    pub async fn run(&self, stop: CancellationToken) -> anyhow::Result<()> {
        tokio::select! {
            () = self.receive(self.v4.as_ref().ok()) => {}
            () = self.receive(self.v6.as_ref().ok()) => {}
            () = stop.cancelled() => {}
        }
        Ok(())
    }

    /// What was dropped so far.
    pub fn dropped(&self) -> Dropped {
        Dropped {
            unasked: self.unasked.load(Ordering::Relaxed),
            foreign: self.foreign.load(Ordering::Relaxed),
            unreadable: self.unreadable.load(Ordering::Relaxed),
        }
    }

    async fn receive(&self, socket: Option<&UdpSocket>) {
        let Some(socket) = socket else { return std::future::pending().await };
        let mut datagram = vec![0; LARGEST];
        loop {
            match socket.recv_from(&mut datagram).await {
                Ok((length, from)) => self.take(datagram.get(..length).unwrap_or_default(), from),
                Err(error) => {
                    // A port that is reported closed; its request runs into its timeout.
                    tracing::trace!(%error, "snmp receive");
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    fn take(&self, datagram: &[u8], from: SocketAddr) {
        let Ok(Answer { id, .. }) = Answer::parse(datagram) else {
            self.unreadable.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let mut waiting = self.waiting.lock();
        match waiting.get(&id) {
            Some(asked) if same(asked.peer, from) => {}
            Some(_) => {
                self.foreign.fetch_add(1, Ordering::Relaxed);
                return;
            }
            None => {
                self.unasked.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
        let asked = waiting.remove(&id);
        drop(waiting);
        if let Some(asked) = asked
            && asked.answer.send(datagram.to_vec()).is_err()
        {
            // It gave up at this very moment.
            self.unasked.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Sends what `message` makes of a fresh request id, and gives the answer to it.
    ///
    /// # Errors
    /// [`DeviceError::Timeout`] when nothing came, [`DeviceError::Unreachable`] when there is no way there,
    /// [`DeviceError::Local`] when this machine has no socket.
    pub(super) async fn exchange(
        &self,
        peer: SocketAddr,
        message: impl FnOnce(u32) -> Vec<u8>,
    ) -> Result<Vec<u8>, DeviceError> {
        let socket = match if peer.is_ipv4() { &self.v4 } else { &self.v6 } {
            Ok(socket) => socket,
            Err(words) => return Err(DeviceError::Local { words: words.clone() }),
        };
        let mut pending = self.expect(peer);
        let message = message(pending.id);
        for wait in self.waits {
            if let Err(error) = socket.send_to(&message, peer).await {
                return Err(DeviceError::Unreachable { words: error.to_string() });
            }
            if let Ok(Ok(answer)) = tokio::time::timeout(wait, &mut pending.answer).await {
                return Ok(answer);
            }
        }
        let waited: Duration = self.waits.iter().sum();
        Err(DeviceError::Timeout {
            words: format!(
                "silence for {} ms from {peer}: down, SNMP off, or another community",
                waited.as_millis()
            ),
        })
    }

    /// Takes an id that nobody uses. Ids are drawn at random: who cannot see our requests cannot answer them.
    fn expect(&self, peer: SocketAddr) -> Pending<'_> {
        let (sender, answer) = oneshot::channel();
        let mut waiting = self.waiting.lock();
        let id = loop {
            let id = rand::random::<u32>() >> 1;
            if !waiting.contains_key(&id) {
                break id;
            }
        };
        waiting.insert(id, Waiting { peer, answer: sender });
        Pending { sockets: self, id, answer }
    }
}

/// A request under way; forgotten when dropped.
struct Pending<'a> {
    sockets: &'a Sockets,
    id: u32,
    answer: oneshot::Receiver<Vec<u8>>,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.sockets.waiting.lock().remove(&self.id);
    }
}

/// The same address and port; the scope of a link-local address is the kernel's matter.
fn same(one: SocketAddr, other: SocketAddr) -> bool {
    one.ip() == other.ip() && one.port() == other.port()
}

fn open(domain: Domain, any: SocketAddr) -> Result<UdpSocket, String> {
    let ready = || {
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        if domain == Domain::IPV6 {
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        socket.bind(&any.into())?;
        UdpSocket::from_std(socket.into())
    };
    ready().map_err(|error: std::io::Error| format!("UDP socket for SNMP: {error}"))
}

#[cfg(test)]
mod tests;
