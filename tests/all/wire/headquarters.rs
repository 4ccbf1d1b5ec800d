//! A gateway whose backend records what it is told, and a real metrics store.

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use atalaya_kernel::time::{Clock, ManualClock, Timestamp};
use atalaya_metrics::{EmbeddedStore, Options};
use atalaya_pki::{
    CertificateRequest, IssuingAuthority, JoinString, Root, Token, UnixTime,
    server::{self, AuthorityDirectory},
};
use atalaya_protocol::wire;
use atalaya_server::gateway::{
    Backend, BackendError, Gateway, GatewayError, GatewayOptions, Refusal, ResetKey, SessionRegistry,
    Standing, Verdict,
};
use parking_lot::Mutex;
use rustls::time_provider::TimeProvider;
use tokio_util::sync::CancellationToken;

use super::NOW_MS;

pub(super) const TENANT: &str = "ten_1";
pub(super) const AGENT: &str = "agt_1";

/// Which key used a token, and what it got.
pub(super) struct TokenUse {
    pub(super) key: [u8; 32],
    pub(super) leaf: Vec<u8>,
}

/// What the database of a control plane would hold.
#[derive(Default)]
pub(super) struct Rows {
    /// By hash; `None` while unused.
    pub(super) tokens: HashMap<[u8; 32], Option<TokenUse>>,
    pub(super) revoked: HashSet<String>,
    pub(super) epoch: u64,
    pub(super) hellos: Vec<wire::Hello>,
    pub(super) heartbeats: Vec<wire::Heartbeat>,
    /// Epochs of sessions whose machine was still there when they were superseded.
    pub(super) duplicated: Vec<u64>,
    pub(super) config: wire::AgentConfig,
    pub(super) configs_applied: Vec<wire::ConfigApplied>,
    pub(super) desired_version: u64,
    pub(super) desired: Vec<wire::DesiredPoint>,
    pub(super) desired_acknowledged: Vec<(u64, Option<String>)>,
    pub(super) observed: Vec<wire::ObservedReport>,
    pub(super) jobs: Vec<wire::Job>,
    /// Ids of jobs that somebody wants to stop.
    pub(super) jobs_cancelled: HashSet<String>,
    pub(super) job_parts: Vec<wire::JobPart>,
    pub(super) job_results: Vec<wire::JobResult>,
    /// The database is away: nothing becomes durable.
    pub(super) failing: bool,
    pub(super) appended: Vec<u64>,
}

pub(super) struct State {
    pub(super) rows: Mutex<Rows>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) root: Root,
    pub(super) authority: IssuingAuthority,
    pub(super) metrics: EmbeddedStore,
    _folder: tempfile::TempDir,
}

pub(super) struct Headquarters {
    pub(super) state: Arc<State>,
    pub(super) address: SocketAddr,
    pub(super) registry: Arc<SessionRegistry>,
    stop: CancellationToken,
    _tasks: tokio::task::JoinSet<anyhow::Result<()>>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("State")
    }
}

#[derive(Debug)]
struct TlsTime(Arc<ManualClock>);

impl TimeProvider for TlsTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix(self.0.now().as_millis()))
    }
}

struct StoreTime(Arc<ManualClock>);

impl atalaya_metrics::Clock for StoreTime {
    fn now_ms(&self) -> i64 {
        self.0.now().as_millis()
    }
}

pub(super) fn unix(ms: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_millis(ms.unsigned_abs()))
}

impl Headquarters {
    pub(super) fn start() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(NOW_MS)));
        let root = Root::generate("ins_1", unix(NOW_MS)).unwrap();
        let authority = root.issue_authority(TENANT, unix(NOW_MS)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store_clock = Arc::new(StoreTime(Arc::clone(&clock)));
        let metrics = EmbeddedStore::open(folder.path(), Options::default(), store_clock).unwrap();
        let rows = Mutex::new(Rows { desired_version: 1, ..Rows::default() });
        let state = State { rows, clock, root, authority, metrics, _folder: folder };
        Self::serve(Arc::new(state), ([127, 0, 0, 1], 0).into()).unwrap()
    }

    /// Another process on the same database.
    pub(super) fn restart(other: &Self) -> Self {
        Self::serve(Arc::clone(&other.state), ([127, 0, 0, 1], 0).into()).unwrap()
    }

    /// Ends this process and starts another on its port.
    pub(super) async fn replaced(self) -> Self {
        let (state, address) = (Arc::clone(&self.state), self.address);
        drop(self);
        // The port is free once quinn has seen its connections off.
        let free = async {
            loop {
                match Self::serve(Arc::clone(&state), address) {
                    Ok(new) => break new,
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), free).await.expect("the port becomes free")
    }

    fn serve(state: Arc<State>, listen: SocketAddr) -> Result<Self, GatewayError> {
        let certificate = state.root.issue_gateway(unix(NOW_MS)).unwrap();
        let tls = server::config(
            server::ShownCertificate::new(certificate).unwrap(),
            Arc::clone(&state) as Arc<dyn AuthorityDirectory>,
            Arc::new(TlsTime(Arc::clone(&state.clock))),
        )
        .unwrap();
        let backend = Backend {
            enrolment: Arc::clone(&state) as _,
            sessions: Arc::clone(&state) as _,
            telemetry: Arc::clone(&state) as _,
            network: Arc::clone(&state) as _,
        };
        let options = GatewayOptions::new(listen, ResetKey::new([7; 32]));
        let gateway = Gateway::bind(options, tls, backend, Arc::clone(&state.clock) as _)?;
        let (address, registry) = (gateway.local_addr().unwrap(), gateway.registry());
        let stop = CancellationToken::new();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(gateway.run(stop.clone()));
        Ok(Self { state, address, registry, stop, _tasks: tasks })
    }

    /// A new join string.
    pub(super) fn join(&self) -> JoinString {
        let token = Token::generate().unwrap();
        self.state.rows.lock().tokens.insert(*token.hash().as_bytes(), None);
        JoinString {
            gateways: vec![self.address.to_string()],
            token: token.reveal().into(),
            root_fingerprint: self.state.root.fingerprint(),
        }
    }

    /// Changes the rows and hints, as a use case would.
    pub(super) fn change(&self, change: impl FnOnce(&mut Rows)) {
        change(&mut self.state.rows.lock());
        self.registry.hint();
    }

    pub(super) fn see<T>(&self, look: impl FnOnce(&Rows) -> T) -> T {
        look(&self.state.rows.lock())
    }

    pub(super) fn stop(&self) {
        self.stop.cancel();
    }
}

impl State {
    pub(super) fn standing(&self, rows: &Rows, session_epoch: u64) -> Standing {
        let refusal = |reason| {
            let detail = String::from("as the rows say");
            Verdict::Close(Refusal { reason, detail, retry_after: Duration::from_secs(60) })
        };
        let verdict = if rows.revoked.contains(AGENT) {
            refusal(wire::GoodbyeReason::Revoked)
        } else if rows.epoch != session_epoch {
            refusal(wire::GoodbyeReason::Superseded)
        } else {
            Verdict::Alive
        };
        Standing {
            verdict,
            config_version: rows.config.version,
            desired_version: rows.desired_version,
            has_jobs: !rows.jobs.is_empty(),
        }
    }

    pub(super) fn available(&self) -> Result<(), BackendError> {
        if self.rows.lock().failing { Err(anyhow::anyhow!("the database is away").into()) } else { Ok(()) }
    }

    pub(super) fn issued(&self, leaf: &[u8]) -> wire::CertificateIssued {
        let chain = [self.authority.certificate(), self.root.certificate()];
        wire::CertificateIssued {
            certificate_der: leaf.to_vec().into(),
            chain_der: chain.into_iter().map(|der| der.to_vec().into()).collect(),
            agent_id: AGENT.into(),
            tenant_id: TENANT.into(),
            installation_id: "ins_1".into(),
            server_time_ms: self.clock.now().as_millis(),
        }
    }

    pub(super) fn sign(&self, request: &CertificateRequest) -> Vec<u8> {
        self.authority.issue(request, AGENT, unix(self.clock.now().as_millis())).unwrap().to_vec()
    }
}
