//! The shared sockets: one task sends what is due and takes what arrived, for all targets at once.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

use super::EchoPlan;
use super::packet::EchoId;
use super::round::{Due, Outcome, Rounds};
use super::socket::IcmpSocket;
use crate::clock::Clock;
use crate::driver::DeviceError;

/// Rounds under way at most, over all targets; who comes later waits.
const MOST_ROUNDS: usize = 4096;
/// Echoes sent between two looks at what arrived.
const BURST: usize = 64;

/// One socket per address family for all targets.
pub struct Echoes {
    v4: Result<IcmpSocket, String>,
    v6: Result<IcmpSocket, String>,
    clock: Arc<dyn Clock>,
    /// Tells our echoes from those of others.
    token: u64,
    rounds: Mutex<Rounds>,
    places: Semaphore,
    started: Notify,
}

impl Echoes {
    /// Opens the sockets. A family that is not permitted is remembered with the reason.
    pub fn open(clock: Arc<dyn Clock>) -> Self {
        Self::with(clock, IcmpSocket::open(true), IcmpSocket::open(false))
    }

    /// A machine that may not ping.
    #[cfg(test)]
    pub(crate) fn refused(clock: Arc<dyn Clock>, why: &str) -> Self {
        Self::with(clock, Err(why.to_owned()), Err(why.to_owned()))
    }

    fn with(clock: Arc<dyn Clock>, v4: Result<IcmpSocket, String>, v6: Result<IcmpSocket, String>) -> Self {
        let places = Semaphore::new(MOST_ROUNDS);
        let (rounds, started) = (Mutex::default(), Notify::new());
        Self { v4, v6, clock, token: rand::random(), rounds, places, started }
    }

    /// Why a family cannot be used, for `doctor` and the status; `None` when it can.
    pub fn problem(&self, v4: bool) -> Option<&str> {
        self.socket(v4).err()
    }

    /// Rounds under way.
    #[cfg(test)]
    pub(crate) fn under_way(&self) -> usize {
        self.rounds.lock().len()
    }

    fn socket(&self, v4: bool) -> Result<&IcmpSocket, &str> {
        if v4 { self.v4.as_ref() } else { self.v6.as_ref() }.map_err(String::as_str)
    }

    /// Sends and receives until `stop`; without it no round comes to its end.
    ///
    /// # Errors
    /// None at present; the signature is the supervisor's.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) -> anyhow::Result<()> {
        loop {
            let now = self.clock.elapsed();
            let look = self.rounds.lock().arm(now);
            let tick = async {
                match look {
                    Some(at) => {
                        tokio::time::sleep(at.saturating_sub(now)).await;
                        Some(at)
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.started.notified() => {}
                Some(at) = tick => self.turn(at),
            }
        }
        self.rounds.lock().stop();
        Ok(())
    }

    /// Everything that is to be done at a tick.
    fn turn(&self, tick: Duration) {
        self.receive();
        let due = self.rounds.lock().due(tick);
        for burst in due.chunks(BURST) {
            for echo in burst {
                self.send(echo);
            }
            self.receive();
        }
        self.rounds.lock().expire(self.clock.elapsed());
    }

    fn send(&self, echo: &Due) {
        let id = EchoId { token: self.token, number: echo.number };
        let at = self.clock.elapsed();
        let sent = match self.socket(echo.to.is_ipv4()) {
            Ok(socket) => socket.send(id, echo.to).map_err(|error| (error.kind(), unreachable(&error))),
            Err(words) => Err((io::ErrorKind::PermissionDenied, DeviceError::Local { words: words.into() })),
        };
        match sent {
            Ok(()) => self.rounds.lock().sent(echo.round, at),
            // The system's queue is full: it stays due, and is tried again at the next tick.
            Err((io::ErrorKind::WouldBlock, _)) => {}
            Err((_, error)) => self.rounds.lock().fail(echo.round, error),
        }
    }

    fn receive(&self) {
        let mut rounds = self.rounds.lock();
        for socket in [&self.v4, &self.v6].into_iter().flatten() {
            socket.receive(self.clock.as_ref(), |id, at| {
                if id.token == self.token {
                    rounds.answered(id.number, at);
                }
            });
        }
    }

    /// Sends the echoes of one measurement and gives the time of each; `None` is a lost one.
    ///
    /// # Errors
    /// [`DeviceError::Local`] when this machine may not, [`DeviceError::Unreachable`] when there is no way there.
    pub(super) async fn round(&self, to: IpAddr, plan: EchoPlan) -> Outcome {
        self.socket(to.is_ipv4()).map_err(|words| DeviceError::Local { words: words.to_owned() })?;
        let stopping = || DeviceError::Local { words: "the agent is stopping".to_owned() };
        let _place = self.places.acquire().await.map_err(|_| stopping())?;
        let (done, outcome) = oneshot::channel();
        let started = self.rounds.lock().start(to, plan, self.clock.elapsed(), done);
        let (round, wake) = started.ok_or_else(stopping)?;
        let _under_way = UnderWay { echoes: self, round };
        if wake {
            self.started.notify_one();
        }
        outcome.await.map_err(|_| stopping())?
    }
}

fn unreachable(error: &io::Error) -> DeviceError {
    DeviceError::Unreachable { words: error.to_string() }
}

/// A round that somebody waits for; forgotten when dropped.
struct UnderWay<'a> {
    echoes: &'a Echoes,
    round: u64,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.echoes.rounds.lock().forget(self.round);
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;
    use crate::clock::AgentClock;

    const PLAN: EchoPlan =
        EchoPlan { count: 3, spacing: Duration::from_millis(20), timeout: Duration::from_secs(5) };

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
            let times = match echoes.round(address, PLAN).await {
                Err(DeviceError::Unreachable { words }) if !v4 => {
                    eprintln!("not tested, no IPv6 here: {words}");
                    continue;
                }
                other => other.unwrap(),
            };
            assert!(times.len() == 3 && times.iter().all(Option::is_some), "{address}: {times:?}");
        }
        // Whoever gives up is forgotten.
        if echoes.problem(true).is_none() {
            let slow = EchoPlan { spacing: Duration::from_secs(60), ..PLAN };
            let gave_up = tokio::time::timeout(
                Duration::from_millis(50),
                echoes.round(Ipv4Addr::LOCALHOST.into(), slow),
            );
            assert!(gave_up.await.is_err());
        }
        assert_eq!(echoes.under_way(), 0);
        stop.cancel();
        tasks.join_next().await.unwrap().unwrap().unwrap();
        if echoes.problem(true).is_none() {
            let after = echoes.round(Ipv4Addr::LOCALHOST.into(), PLAN).await;
            assert!(matches!(after, Err(DeviceError::Local { .. })), "{after:?}");
        }
    }
}
