//! A gateway whose backend records what it is told, and a real metrics store.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use atalaya_kernel::time::{Clock, ManualClock, Timestamp};
use atalaya_metrics::{
    AgentKey as MetricsAgent, Batch, BatchIdentity, Column, EmbeddedStore, Epoch, MetricStore, Options,
    SeriesId, StoreError, TenantKey,
};
use atalaya_pki::{
    AgentIdentity, CertificateDer, CertificateRequest, IssuingAuthority, JoinString, PkiError, Root, Token,
    TokenHash, UnixTime, renewal,
    server::{self, AuthorityDirectory},
};
use atalaya_protocol::wire;
use atalaya_server::gateway::{
    AppendError, Backend, BackendError, Desired, DesiredPush, Enrolment, Gateway, GatewayOptions,
    NetworkState, ReceivedBatch, Refusal, Session, SessionGrant, SessionRegistry, Sessions, Standing,
    Telemetry, Verdict, series_spec,
};
use parking_lot::Mutex;
use rustls::time_provider::TimeProvider;
use tokio_util::sync::CancellationToken;

use super::NOW_MS;

pub(super) const TENANT: &str = "ten_1";
pub(super) const AGENT: &str = "agt_1";

/// What the database of a control plane would hold.
#[derive(Default)]
pub(super) struct Rows {
    /// Token hash → the key that used it and what it got.
    pub(super) tokens: HashMap<[u8; 32], Option<([u8; 32], Vec<u8>)>>,
    pub(super) revoked: HashSet<String>,
    pub(super) epoch: u64,
    pub(super) hellos: Vec<wire::Hello>,
    pub(super) heartbeats: Vec<wire::Heartbeat>,
    pub(super) config: wire::AgentConfig,
    pub(super) configs_applied: Vec<wire::ConfigApplied>,
    pub(super) desired_version: u64,
    pub(super) desired: Vec<wire::DesiredPoint>,
    pub(super) desired_acknowledged: Vec<(u64, Option<String>)>,
    pub(super) observed: Vec<wire::ObservedReport>,
    pub(super) jobs: Vec<wire::Job>,
    pub(super) job_results: Vec<wire::JobResult>,
    /// The database is away: nothing becomes durable.
    pub(super) failing: bool,
    pub(super) appended: Vec<u64>,
}

pub(super) struct State {
    pub(super) rows: Mutex<Rows>,
    pub(super) clock: Arc<ManualClock>,
    root: Root,
    authority: IssuingAuthority,
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

fn unix(ms: i64) -> UnixTime {
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
        Self::serve(Arc::new(State { rows, clock, root, authority, metrics, _folder: folder }))
    }

    /// Another process on the same database.
    pub(super) fn restart(other: &Self) -> Self {
        Self::serve(Arc::clone(&other.state))
    }

    fn serve(state: Arc<State>) -> Self {
        let tls = server::config(
            state.root.issue_gateway(unix(NOW_MS)).unwrap(),
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
        let options = GatewayOptions { listen: ([127, 0, 0, 1], 0).into(), ..GatewayOptions::default() };
        let gateway = Gateway::bind(options, tls, backend, Arc::clone(&state.clock) as _).unwrap();
        let (address, registry) = (gateway.local_addr().unwrap(), gateway.registry());
        let stop = CancellationToken::new();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(gateway.run(stop.clone()));
        Self { state, address, registry, stop, _tasks: tasks }
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
    fn standing(&self, rows: &Rows, session_epoch: u64) -> Standing {
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

    fn available(&self) -> Result<(), BackendError> {
        if self.rows.lock().failing { Err(anyhow::anyhow!("the database is away").into()) } else { Ok(()) }
    }

    fn issued(&self, leaf: &[u8]) -> wire::CertificateIssued {
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

    fn sign(&self, request: &CertificateRequest) -> Vec<u8> {
        self.authority.issue(request, AGENT, unix(self.clock.now().as_millis())).unwrap().to_vec()
    }
}

fn refused(code: wire::EnrollErrorCode, detail: &str) -> wire::EnrollError {
    wire::EnrollError { code: code.into(), detail: detail.into(), retry_after_ms: 0 }
}

impl AuthorityDirectory for State {
    fn installation(&self) -> &str {
        "ins_1"
    }

    fn authorities(&self, tenant: &str) -> Vec<CertificateDer<'static>> {
        if tenant == TENANT { vec![self.authority.certificate().clone()] } else { vec![] }
    }
}

#[async_trait]
impl Enrolment for State {
    async fn enroll(
        &self,
        _from: IpAddr,
        request: wire::EnrollRequest,
    ) -> Result<wire::CertificateIssued, wire::EnrollError> {
        let csr = CertificateRequest::parse(&request.csr_der)
            .map_err(|error| refused(wire::EnrollErrorCode::BadRequest, &error.to_string()))?;
        let mut rows = self.rows.lock();
        let token = rows
            .tokens
            .get_mut(TokenHash::of(&request.token).as_bytes())
            .ok_or_else(|| refused(wire::EnrollErrorCode::TokenUnknown, "unknown token"))?;
        let (key, leaf) = token.get_or_insert_with(|| (csr.public_key_hash(), self.sign(&csr)));
        if *key == csr.public_key_hash() {
            Ok(self.issued(leaf))
        } else {
            Err(refused(wire::EnrollErrorCode::TokenUsed, "this token was used by another agent"))
        }
    }

    async fn renew(
        &self,
        _from: IpAddr,
        request: wire::RenewRequest,
    ) -> Result<wire::CertificateIssued, wire::EnrollError> {
        let old = CertificateDer::from(request.old_certificate_der.to_vec());
        let now = unix(self.clock.now().as_millis());
        match renewal::verify(self, &old, &request.csr_der, &request.proof, now) {
            Ok(_) if self.rows.lock().revoked.contains(AGENT) => {
                Err(refused(wire::EnrollErrorCode::Revoked, "revoked"))
            }
            Ok((_, csr)) => Ok(self.issued(&self.sign(&csr))),
            Err(error @ PkiError::GraceOver) => {
                Err(refused(wire::EnrollErrorCode::GraceOver, &error.to_string()))
            }
            Err(error) => Err(refused(wire::EnrollErrorCode::BadRequest, &error.to_string())),
        }
    }
}

#[async_trait]
impl Sessions for State {
    async fn hello(
        &self,
        agent: &AgentIdentity,
        _from: IpAddr,
        hello: &wire::Hello,
    ) -> Result<SessionGrant, Refusal> {
        assert_eq!(agent.agent, AGENT);
        let mut rows = self.rows.lock();
        rows.epoch += 1;
        rows.hellos.push(hello.clone());
        let epoch = rows.epoch;
        let standing = self.standing(&rows, epoch);
        if let Verdict::Close(refusal) = standing.verdict {
            return Err(refusal);
        }
        let held =
            rows.desired.iter().map(|point| (point.point_id.as_str(), point.order.unwrap_or_default()));
        let same = hello.desired_digest[..] == atalaya_protocol::desired::digest(held);
        let desired_held = if same { rows.desired_version } else { 0 };
        let heartbeat_interval = Duration::from_millis(500);
        Ok(SessionGrant { epoch, timeline: 1, heartbeat_interval, standing, desired_held })
    }

    async fn poll(&self, sessions: &[Session]) -> Result<Vec<Standing>, BackendError> {
        let rows = self.rows.lock();
        Ok(sessions.iter().map(|session| self.standing(&rows, session.epoch)).collect())
    }

    async fn heartbeat(&self, _session: &Session, heartbeat: wire::Heartbeat) -> Result<(), BackendError> {
        self.rows.lock().heartbeats.push(heartbeat);
        Ok(())
    }

    async fn ended(&self, _session: &Session) {}
}

#[async_trait]
impl Telemetry for State {
    async fn register(
        &self,
        session: &Session,
        entries: &[wire::SeriesEntry],
    ) -> Result<Vec<Option<SeriesId>>, BackendError> {
        let tenant = TenantKey::new(&session.identity.tenant).unwrap();
        let mut ids = Vec::new();
        for entry in entries {
            ids.push(match series_spec(session, Some("sit_1"), entry) {
                Some(spec) => Some(self.metrics.register(&tenant, &[spec]).await.unwrap()[0]),
                None => None,
            });
        }
        Ok(ids)
    }

    async fn append(&self, session: &Session, batch: &ReceivedBatch) -> Result<u64, AppendError> {
        self.available()?;
        let columns: Vec<Column<'_>> = batch
            .columns
            .iter()
            .map(|column| Column {
                series: column.series,
                times: &column.timestamps_ms,
                values: &column.values,
                marks: &[],
            })
            .collect();
        let identity = BatchIdentity {
            agent: MetricsAgent::new(&session.identity.agent).unwrap(),
            epoch: Epoch(batch.epoch),
            sequence: batch.sequence,
        };
        let tenant = TenantKey::new(&session.identity.tenant).unwrap();
        match self.metrics.append(&tenant, Batch { identity, columns: &columns }).await {
            Ok(ack) => {
                self.rows.lock().appended.push(batch.sequence);
                Ok(ack.quarantined)
            }
            Err(StoreError::UnknownSeries) => Err(AppendError::UnknownSeries),
            Err(StoreError::MalformedBatch(reason)) => Err(AppendError::Malformed(reason.into())),
            Err(error) => Err(AppendError::Backend(anyhow::Error::from(error).into())),
        }
    }
}

#[async_trait]
impl NetworkState for State {
    async fn config(&self, _session: &Session) -> Result<wire::AgentConfig, BackendError> {
        self.available()?;
        Ok(self.rows.lock().config.clone())
    }

    async fn config_applied(
        &self,
        _session: &Session,
        applied: wire::ConfigApplied,
    ) -> Result<(), BackendError> {
        self.rows.lock().configs_applied.push(applied);
        Ok(())
    }

    async fn desired(&self, _session: &Session, since: Option<u64>) -> Result<Desired, BackendError> {
        self.available()?;
        let rows = self.rows.lock();
        let points = rows.desired.clone();
        let push = match since {
            None => DesiredPush::Snapshot { timeline: 1, points },
            Some(since) => DesiredPush::Update(
                points
                    .into_iter()
                    .filter(|point| point.order.unwrap_or_default().generation > since)
                    .collect(),
            ),
        };
        Ok(Desired { version: rows.desired_version, push })
    }

    async fn desired_acknowledged(
        &self,
        _session: &Session,
        version: u64,
        refused: Option<String>,
    ) -> Result<(), BackendError> {
        self.rows.lock().desired_acknowledged.push((version, refused));
        Ok(())
    }

    async fn observed(&self, _session: &Session, report: wire::ObservedReport) -> Result<(), BackendError> {
        self.available()?;
        self.rows.lock().observed.push(report);
        Ok(())
    }

    async fn jobs(&self, _session: &Session) -> Result<Vec<wire::Job>, BackendError> {
        Ok(self.rows.lock().jobs.clone())
    }

    async fn job_result(&self, _session: &Session, result: wire::JobResult) -> Result<(), BackendError> {
        self.available()?;
        let mut rows = self.rows.lock();
        rows.jobs.retain(|job| job.job_id != result.job_id);
        rows.job_results.push(result);
        Ok(())
    }
}
