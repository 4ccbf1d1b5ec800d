//! The shared sockets: echoes out, answers matched to who waits for them.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::packet::{self, EchoId};
use crate::clock::Clock;
use crate::driver::DeviceError;

/// Answers of hundreds of targets may arrive at once.
const RECEIVE_BUFFER: usize = 1 << 20;

struct Family {
    socket: UdpSocket,
    v4: bool,
    raw: bool,
}

struct Waiting {
    sent: Duration,
    answer: oneshot::Sender<Duration>,
}

/// One socket per address family for all targets.
pub struct Echoes {
    v4: Result<Family, String>,
    v6: Result<Family, String>,
    clock: Arc<dyn Clock>,
    token: u64,
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, Waiting>>,
}

impl Echoes {
    /// Opens the sockets, within a tokio runtime. A family that is not permitted is remembered with the reason.
    pub fn open(clock: Arc<dyn Clock>) -> Self {
        Self {
            v4: open(Domain::IPV4, Protocol::ICMPV4),
            v6: open(Domain::IPV6, Protocol::ICMPV6),
            clock,
            token: rand::random(),
            next: AtomicU64::new(1),
            waiting: Mutex::default(),
        }
    }

    /// A machine that may not ping.
    #[cfg(test)]
    pub(crate) fn refused(clock: Arc<dyn Clock>, why: &str) -> Self {
        let refused = || Err(why.to_owned());
        let (token, next) = (rand::random(), AtomicU64::new(1));
        Self { v4: refused(), v6: refused(), clock, token, next, waiting: Mutex::default() }
    }

    /// Why a family cannot be used, for `doctor` and the status; `None` when it can.
    pub fn problem(&self, v4: bool) -> Option<&str> {
        let family = if v4 { &self.v4 } else { &self.v6 };
        family.as_ref().err().map(String::as_str)
    }

    /// Receives answers until `stop`.
    ///
    /// # Errors
    /// None at present; the signature is the supervisor's.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) -> anyhow::Result<()> {
        tokio::select! {
            () = self.receive(self.v4.as_ref().ok()) => {}
            () = self.receive(self.v6.as_ref().ok()) => {}
            () = stop.cancelled() => {}
        }
        Ok(())
    }

    async fn receive(&self, family: Option<&Family>) {
        let Some(family) = family else { return std::future::pending().await };
        let mut packet = [0; 512];
        loop {
            match family.socket.recv_from(&mut packet).await {
                Ok((length, _)) => {
                    let now = self.clock.elapsed();
                    let bytes = packet.get(..length).unwrap_or_default();
                    if let Some(id) = packet::reply(bytes, family.v4, family.raw && family.v4)
                        && id.token == self.token
                        && let Some(waiting) = self.waiting.lock().remove(&id.number)
                    {
                        // Nobody waits any more when this fails: the answer came after its time.
                        let _late = waiting.answer.send(now.saturating_sub(waiting.sent));
                    }
                }
                Err(error) => {
                    // A host that is reported unreachable; its echo runs into its timeout.
                    tracing::trace!(%error, "icmp receive");
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// Sends one echo.
    ///
    /// # Errors
    /// [`DeviceError::Local`] when this machine may not, [`DeviceError::Unreachable`] when there is no way there.
    pub(super) async fn send(self: &Arc<Self>, to: IpAddr) -> Result<Answer, DeviceError> {
        let family = match if to.is_ipv4() { &self.v4 } else { &self.v6 } {
            Ok(family) => family,
            Err(words) => return Err(DeviceError::Local { words: words.clone() }),
        };
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        self.waiting.lock().insert(number, Waiting { sent: self.clock.elapsed(), answer });
        let pending = Answer { echoes: Arc::clone(self), number, answered };
        let request = packet::request(EchoId { token: self.token, number }, to);
        match family.socket.send_to(&request, SocketAddr::new(to, 0)).await {
            Ok(_) => Ok(pending),
            Err(error) => Err(DeviceError::Unreachable { words: error.to_string() }),
        }
    }
}

/// An echo under way; forgotten when dropped.
pub(super) struct Answer {
    echoes: Arc<Echoes>,
    number: u64,
    answered: oneshot::Receiver<Duration>,
}

impl Answer {
    /// The round-trip time; `None` when it is not answered within `timeout` from now, or took longer than that.
    pub(super) async fn within(mut self, timeout: Duration) -> Option<Duration> {
        let time = tokio::time::timeout(timeout, &mut self.answered).await.ok()?.ok()?;
        (time <= timeout).then_some(time)
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.echoes.waiting.lock().remove(&self.number);
    }
}

fn open(domain: Domain, protocol: Protocol) -> Result<Family, String> {
    let v4 = domain == Domain::IPV4;
    let unprivileged = Socket::new(domain, Type::DGRAM, Some(protocol));
    let (socket, raw) = match unprivileged {
        Ok(socket) => (socket, false),
        Err(denied) => match Socket::new(domain, Type::RAW, Some(protocol)) {
            Ok(socket) => (socket, true),
            Err(raw_denied) => return Err(not_permitted(v4, &denied, &raw_denied)),
        },
    };
    let ready = || -> io::Result<UdpSocket> {
        socket.set_nonblocking(true)?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        // Any datagram socket is served by the same calls; what is UDP about this type is its name.
        UdpSocket::from_std(std::net::UdpSocket::from(std::os::fd::OwnedFd::from(socket)))
    };
    ready().map(|socket| Family { socket, v4, raw }).map_err(|error| format!("ICMP socket: {error}"))
}

fn not_permitted(v4: bool, denied: &io::Error, raw_denied: &io::Error) -> String {
    let family = if v4 { "ICMP" } else { "ICMPv6" };
    format!(
        "{family} is not permitted (unprivileged: {denied}; raw: {raw_denied}). Allow the agent's group in \
         net.ipv4.ping_group_range, or give the service CAP_NET_RAW"
    )
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;
    use crate::clock::AgentClock;

    #[tokio::test]
    async fn loopback_answers_on_both_families() {
        let echoes = Arc::new(Echoes::open(Arc::new(AgentClock::start())));
        let stop = CancellationToken::new();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(Arc::clone(&echoes).run(stop.clone()));
        for (v4, address) in [(true, IpAddr::from(Ipv4Addr::LOCALHOST)), (false, Ipv6Addr::LOCALHOST.into())]
        {
            if let Some(problem) = echoes.problem(v4) {
                assert!(std::env::var_os("CI").is_none(), "{problem}");
                eprintln!("not tested: {problem}");
                continue;
            }
            let answer = match echoes.send(address).await {
                Err(DeviceError::Unreachable { words }) if !v4 => {
                    eprintln!("not tested, no IPv6 here: {words}");
                    continue;
                }
                other => other.unwrap(),
            };
            let time = answer.within(Duration::from_secs(5)).await;
            assert!(time.is_some(), "no answer from {address}");
        }
        // Whoever gives up is forgotten.
        if let Ok(answer) = echoes.send(Ipv4Addr::LOCALHOST.into()).await {
            drop(answer);
        }
        assert!(echoes.waiting.lock().is_empty());
        stop.cancel();
    }
}
