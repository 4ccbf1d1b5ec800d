//! Connects, and connects again.

use std::{sync::Arc, sync::atomic::AtomicU64, sync::atomic::Ordering, time::Duration};

use atalaya_pki::{AgentKey, client};
use rustls::time_provider::TimeProvider;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    policy::Policy,
    ports::{
        ClockControl, ConfigSink, DesiredSink, HealthSource, JobOutput, JobRunner, ObservedSource, PortError,
        SampleSource,
    },
    quic::{self, Link},
    session::{Session, SessionEnd},
    status::{LinkState, UplinkStatus},
};
use crate::enrol::{CertificateTime, Enrolled, IdentityStore, Renewal};

/// The rest of the agent, as the uplink sees it.
#[derive(Clone)]
pub struct Ports {
    /// Confirmed samples.
    pub samples: Arc<dyn SampleSource>,
    /// Receiver of desired state.
    pub desired: Arc<dyn DesiredSink>,
    /// Outbox of observed state.
    pub observed: Arc<dyn ObservedSource>,
    /// Receiver of the configuration.
    pub config: Arc<dyn ConfigSink>,
    /// Runner of jobs.
    pub jobs: Arc<dyn JobRunner>,
    /// What running jobs say.
    pub output: Arc<dyn JobOutput>,
    /// Time.
    pub clock: Arc<dyn ClockControl>,
    /// Health of devices and enforcement.
    pub health: Arc<dyn HealthSource>,
}

/// What is fixed for the life of the process.
#[derive(Debug, Clone)]
pub struct UplinkSettings {
    /// Gateways, `host:port`, best first.
    pub gateways: Vec<String>,
    /// Random, new at each start of the process.
    pub run_id: [u8; 16],
    /// X25519 public key to which credentials are sealed.
    pub sealing_key: [u8; 32],
    /// Most bytes per second for the backlog.
    pub backlog_bytes_per_second: u64,
}

/// The uplink's task.
pub struct Uplink {
    settings: UplinkSettings,
    ports: Ports,
    identity: IdentityStore,
    renewal: Arc<Renewal>,
    status: watch::Sender<UplinkStatus>,
    unknown_frames: Arc<AtomicU64>,
}

impl Uplink {
    /// For an enrolled agent. The receiver shows where the connection stands.
    pub fn new(
        settings: UplinkSettings,
        ports: Ports,
        identity: IdentityStore,
        renewal: Arc<Renewal>,
    ) -> (Self, watch::Receiver<UplinkStatus>) {
        let (status, receiver) = watch::channel(UplinkStatus {
            state: LinkState::Connecting,
            gateway: settings.gateways.first().cloned().unwrap_or_default(),
            since_ms: ports.clock.now_ms(),
            detail: String::new(),
            retry_at_ms: 0,
            unknown_frames: 0,
        });
        (Self { settings, ports, identity, renewal, status, unknown_frames: Arc::default() }, receiver)
    }

    /// Keeps a connection until stopped.
    ///
    /// # Errors
    /// The identity cannot be read; everything else is tried again.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut policy = Policy::new();
        loop {
            let (key, enrolled) = self.identity()?;
            self.show(LinkState::Connecting, String::new(), None);
            let (end, stood) = tokio::select! {
                () = stop.cancelled() => (SessionEnd::Stopped, Duration::ZERO),
                ended = self.connect_once(&key, &enrolled, &stop) => ended,
            };
            let next = policy.after(&end, stood, rand::random());
            tracing::info!(reason = %end, state = ?next.state, wait = ?next.wait, "not connected to headquarters");
            self.show(next.state, end.to_string(), next.wait);
            if matches!(end, SessionEnd::Stopped) {
                return Ok(());
            }
            if next.renew {
                // A failure is shown and tried again after the wait, like any other.
                match self.renewal.renew().await {
                    Ok(_) => tracing::info!("the ended certificate was renewed"),
                    Err(error) => {
                        tracing::warn!(%error, "the ended certificate was not renewed");
                        self.show(
                            next.state,
                            format!("the certificate ended and was not renewed: {error}"),
                            next.wait,
                        );
                    }
                }
            }
            let waiting = async {
                match next.wait {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => {
                    self.show(LinkState::Stopped, String::new(), None);
                    return Ok(());
                }
                () = waiting => {}
            }
        }
    }

    fn identity(&self) -> anyhow::Result<(AgentKey, Enrolled)> {
        let key = self.identity.key()?;
        let enrolled = self.identity.enrolled()?;
        key.zip(enrolled).ok_or_else(|| anyhow::anyhow!("this agent is not enrolled"))
    }

    /// One connection, and how long it stood.
    async fn connect_once(
        &self,
        key: &AgentKey,
        enrolled: &Enrolled,
        stop: &CancellationToken,
    ) -> (SessionEnd, Duration) {
        let link = match self.connect(key, enrolled).await {
            Ok(link) => link,
            Err(end) => return (end, Duration::ZERO),
        };
        let session = Session {
            link: &link,
            ports: &self.ports,
            settings: &self.settings,
            unknown_frames: &self.unknown_frames,
        };
        let mut greeted_ms = None;
        let end = session
            .run(stop, || {
                greeted_ms = Some(self.ports.clock.local_ms());
                self.status.send_modify(|status| status.gateway.clone_from(&link.gateway));
                self.show(LinkState::Connected, String::new(), None);
            })
            .await;
        let stood_ms = greeted_ms.map_or(0, |greeted| self.ports.clock.local_ms().saturating_sub(greeted));
        session.farewell(&end).await;
        (end, Duration::from_millis(u64::try_from(stood_ms).unwrap_or(0)))
    }

    async fn connect(&self, key: &AgentKey, enrolled: &Enrolled) -> Result<Link, SessionEnd> {
        let floor: Arc<dyn TimeProvider> = Arc::new(CertificateTime(Arc::clone(&self.ports.clock)));
        let tls = client::session(enrolled.roots(), enrolled.certificate(), key, floor)
            .map_err(|error| SessionEnd::Protocol(error.to_string()))?;
        quic::connect(&self.settings.gateways, tls).await.map_err(|error| match &error {
            quic::ConnectError::Handshake { source, .. } if quic::is_certificate_expired(source) => {
                SessionEnd::CertificateExpired
            }
            _ => SessionEnd::Connect(error),
        })
    }

    fn show(&self, state: LinkState, detail: String, wait: Option<Duration>) {
        let now_ms = self.ports.clock.now_ms();
        let retry_at_ms =
            wait.map_or(0, |wait| now_ms.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)));
        let unknown_frames = self.unknown_frames.load(Ordering::Relaxed);
        self.status.send_modify(|status| {
            if status.state != state {
                status.since_ms = now_ms;
            }
            *status = UplinkStatus {
                state,
                gateway: std::mem::take(&mut status.gateway),
                since_ms: status.since_ms,
                // While connecting again the reason of the last end stays readable.
                detail: if state == LinkState::Connecting {
                    std::mem::take(&mut status.detail)
                } else {
                    detail
                },
                retry_at_ms,
                unknown_frames,
            };
        });
    }
}

impl From<PortError> for SessionEnd {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}
