//! One ICMP socket: what is sent and received, and when it arrived.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Protocol, Socket, Type};

use super::packet::{self, EchoId};
use crate::clock::Clock;

/// Answers of hundreds of targets may arrive between two looks at the socket.
const RECEIVE_BUFFER: usize = 1 << 20;
/// Packets taken at one look: more than the buffer holds, so only a flood ends a look.
const MOST_AT_ONCE: usize = 8192;
/// No packet waits longer than this to be taken; a stamp that says so was made before the system's clock was set.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// Two clocks are read at one moment when no more than this passed meanwhile; tried so many times on a busy machine.
const ONE_MOMENT: Duration = Duration::from_micros(20);
const TRIES: u32 = 4;

/// The socket of one address family.
pub(super) struct IcmpSocket {
    socket: Socket,
    v4: bool,
    raw: bool,
}

impl IcmpSocket {
    /// Opens the socket of a family: unprivileged (datagram) where the system allows it, or else raw.
    ///
    /// # Errors
    /// Why there is none, and the mend.
    pub(super) fn open(v4: bool) -> Result<Self, String> {
        let (domain, protocol) =
            if v4 { (Domain::IPV4, Protocol::ICMPV4) } else { (Domain::IPV6, Protocol::ICMPV6) };
        let (socket, raw) = match Socket::new(domain, Type::DGRAM, Some(protocol)) {
            Ok(socket) => (socket, false),
            Err(denied) => match Socket::new(domain, Type::RAW, Some(protocol)) {
                Ok(socket) => (socket, true),
                Err(raw_denied) => return Err(not_permitted(v4, &denied, &raw_denied)),
            },
        };
        let ready = || -> io::Result<Self> {
            socket.set_nonblocking(true)?;
            socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
            setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
            Ok(Self { socket, v4, raw })
        };
        ready().map_err(|error| format!("ICMP socket: {error}"))
    }

    /// Sends one echo request.
    ///
    /// # Errors
    /// The system's; `WouldBlock` while its queue is full.
    pub(super) fn send(&self, id: EchoId, to: IpAddr) -> io::Result<()> {
        self.socket.send_to(&packet::request(id, to), &SocketAddr::new(to, 0).into()).map(drop)
    }

    /// Takes everything that has arrived: hands over whose answer each packet is and when, on `clock`'s monotonic time,
    /// the kernel received it. It may have waited since: whoever takes it later measures no longer time.
    pub(super) fn receive(&self, clock: &dyn Clock, mut take: impl FnMut(EchoId, Duration)) {
        let mut bytes = [0; 512];
        let mut control = nix::cmsg_space!(TimeSpec);
        let both = Both::read(clock);
        for _ in 0..MOST_AT_ONCE {
            let mut buffers = [IoSliceMut::new(&mut bytes)];
            let flags = MsgFlags::MSG_DONTWAIT;
            let (length, stamp) =
                match recvmsg::<()>(self.socket.as_raw_fd(), &mut buffers, Some(&mut control), flags) {
                    Ok(message) => {
                        (message.bytes, message.cmsgs().ok().and_then(|mut all| all.find_map(stamp)))
                    }
                    Err(Errno::EAGAIN) => return,
                    Err(error) => {
                        // A host that is reported unreachable; its echo runs into its timeout.
                        tracing::trace!(%error, "icmp receive");
                        continue;
                    }
                };
            let at = stamp.and_then(|stamp| both.monotonic(stamp)).unwrap_or_else(|| clock.elapsed());
            let packet = bytes.get(..length).unwrap_or_default();
            if let Some(id) = packet::reply(packet, self.v4, self.raw && self.v4) {
                take(id, at);
            }
        }
    }
}

/// One moment on two clocks.
struct Both {
    monotonic: Duration,
    wall: Duration,
}

impl Both {
    fn read(clock: &dyn Clock) -> Self {
        let mut tries = 1;
        loop {
            let (monotonic, wall) = (clock.elapsed(), clock.wall());
            if tries == TRIES || clock.elapsed().saturating_sub(monotonic) <= ONE_MOMENT {
                return Self { monotonic, wall };
            }
            tries += 1;
        }
    }

    /// A moment that the wall clock gave; `None` when it is too far off to be true.
    fn monotonic(&self, wall: Duration) -> Option<Duration> {
        if self.wall.abs_diff(wall) > LONGEST_WAIT {
            return None;
        }
        (self.monotonic + wall).checked_sub(self.wall)
    }
}

/// When the kernel received a packet, by the system's wall clock.
fn stamp(message: ControlMessageOwned) -> Option<Duration> {
    match message {
        ControlMessageOwned::ScmTimestampns(at) => Some(at.into()),
        _ => None,
    }
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
    use std::net::Ipv4Addr;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::*;
    use crate::clock::AgentClock;

    #[test]
    fn an_answer_carries_the_time_when_it_arrived_and_not_when_it_was_taken() {
        let socket = match IcmpSocket::open(true) {
            Ok(socket) => socket,
            Err(problem) => {
                assert!(std::env::var_os("CI").is_none(), "{problem}");
                eprintln!("not tested: {problem}");
                return;
            }
        };
        let clock = AgentClock::start();
        // The kernel begins to stamp a moment after the first socket asks for it, by a work queue of its own.
        let stamped = (1..=100).any(|number| {
            let (sent, arrived, latest) = taken_late(&socket, &clock, EchoId { token: 7, number });
            assert!(arrived > sent, "{sent:?} {arrived:?}");
            arrived <= latest + ONE_MOMENT
        });
        assert!(stamped, "no answer carried the time of its arrival");
    }

    /// Sends an echo and lets its answer lie for a while: when it was sent, what its stamp says, and when it was there at
    /// the latest.
    fn taken_late(socket: &IcmpSocket, clock: &AgentClock, echo: EchoId) -> (Duration, Duration, Duration) {
        let sent = clock.elapsed();
        socket.send(echo, Ipv4Addr::LOCALHOST.into()).unwrap();
        let mut arrived = None;
        loop {
            let mut readable = [PollFd::new(std::os::fd::AsFd::as_fd(&socket.socket), PollFlags::POLLIN)];
            assert_eq!(poll(&mut readable, PollTimeout::from(5_000_u16)).unwrap(), 1, "no answer");
            let latest = clock.elapsed();
            std::thread::park_timeout(Duration::from_millis(30));
            // On a raw socket our own request arrives first.
            socket.receive(clock, |id, at| {
                if id == echo {
                    arrived = Some(at);
                }
            });
            if let Some(arrived) = arrived {
                return (sent, arrived, latest);
            }
        }
    }

    #[test]
    fn a_stamp_from_before_the_clock_was_set_is_not_believed() {
        let secs = Duration::from_secs;
        let both = Both { monotonic: secs(10), wall: secs(1_000_000) };
        assert_eq!(both.monotonic(secs(999_999)), Some(secs(9)));
        assert_eq!(both.monotonic(secs(1_000_001)), Some(secs(11)));
        assert_eq!(both.monotonic(secs(900_000)), None);
        assert_eq!(both.monotonic(secs(2_000_000)), None);
        assert_eq!(Both { monotonic: secs(1), wall: secs(3) }.monotonic(secs(1)), None);
    }
}
