//! What the gateway needs from the domains: four small traits, implemented by the server's adapters.
//!
//! Every answer that an acknowledgement follows means *durable*. Every call may come twice: an agent repeats what it
//! did not see acknowledged.

use std::{net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use atalaya_metrics::SeriesId;
use atalaya_pki::AgentIdentity;
use atalaya_protocol::wire;

/// The four together.
#[derive(Clone)]
pub struct Backend {
    /// Tokens and certificates.
    pub enrolment: Arc<dyn Enrolment>,
    /// Who is connected and may be.
    pub sessions: Arc<dyn Sessions>,
    /// The metrics store.
    pub telemetry: Arc<dyn Telemetry>,
    /// Configuration, desired and observed state, jobs.
    pub network: Arc<dyn NetworkState>,
}

/// A connected agent. The epoch fences: of two sessions of one agent the higher is the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// From the certificate.
    pub identity: AgentIdentity,
    /// From the database, higher with each `Hello`.
    pub epoch: u64,
}

/// A failure that may pass: the call is repeated, and meanwhile nothing is acknowledged.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
pub struct BackendError(#[from] pub anyhow::Error);

/// Enrolment and renewal. The gateway limits the rate before it asks.
#[async_trait]
pub trait Enrolment: Send + Sync {
    /// Takes a one-time token for a certificate. The same (token, public key) again gives the same certificate;
    /// another key is refused, audited, alarmed.
    async fn enroll(
        &self,
        from: IpAddr,
        request: wire::EnrollRequest,
    ) -> Result<wire::CertificateIssued, wire::EnrollError>;

    /// Renews by proof of the old key (`atalaya_pki::renewal::verify`), unless revoked.
    async fn renew(
        &self,
        from: IpAddr,
        request: wire::RenewRequest,
    ) -> Result<wire::CertificateIssued, wire::EnrollError>;
}

/// Sessions: the row that says who holds an agent.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Admits an agent: it is enrolled, not revoked, its tenant lives. Takes the next session epoch, and a higher
    /// timeline first where the agent's highest order is beyond ours.
    ///
    /// # Errors
    /// [`Refusal`]; the agent is told and the connection closed.
    async fn hello(
        &self,
        agent: &AgentIdentity,
        from: IpAddr,
        hello: &wire::Hello,
    ) -> Result<SessionGrant, Refusal>;

    /// Where these sessions stand, in their order; asked every second for all that this process holds.
    async fn poll(&self, sessions: &[Session]) -> Result<Vec<Standing>, BackendError>;

    /// Health of an agent.
    async fn heartbeat(&self, session: &Session, heartbeat: wire::Heartbeat) -> Result<(), BackendError>;

    /// A newer connection took this session's place, and whoever held this one is still there: two machines have one
    /// identity.
    async fn duplicated(&self, session: &Session);

    /// The connection ended. The row is released only if this session still holds it.
    async fn ended(&self, session: &Session);
}

/// An admitted agent.
#[derive(Debug, Clone)]
pub struct SessionGrant {
    /// Fencing number of the session.
    pub epoch: u64,
    /// Timeline in force.
    pub timeline: u64,
    /// How often to say heartbeat.
    pub heartbeat_interval: Duration,
    /// What the agent should have, as at every later poll.
    pub standing: Standing,
    /// Version of desired state that the agent proved to hold (equal digest), 0 when it must get a full set.
    pub desired_held: u64,
}

/// What an agent should have. Versions grow; what is behind is read and pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whether the session may go on.
    pub verdict: Verdict,
    /// Version of its configuration.
    pub config_version: u64,
    /// Version of its desired state: grows with each change of any of its points.
    pub desired_version: u64,
    /// Whether jobs wait for it.
    pub has_jobs: bool,
}

/// Whether a session may go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Alive,
    /// It may not: revoked, superseded in another process, draining.
    Close(Refusal),
}

/// Why an agent is sent away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// For the agent.
    pub reason: wire::GoodbyeReason,
    /// For people.
    pub detail: String,
    /// Not to come back before.
    pub retry_after: Duration,
}

/// The metrics store.
#[async_trait]
pub trait Telemetry: Send + Sync {
    /// Handles for series, in the order given; an entry whose labels are not acceptable has none (see
    /// [`super::series_spec`]).
    async fn register(
        &self,
        session: &Session,
        entries: &[wire::SeriesEntry],
    ) -> Result<Vec<Option<SeriesId>>, BackendError>;

    /// Stores a batch. `Ok` = durable; the number is of samples set aside because their time is impossible. A batch
    /// that is known already is `Ok` and stored once.
    async fn append(&self, session: &Session, batch: &ReceivedBatch) -> Result<u64, AppendError>;
}

/// A decoded batch.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceivedBatch {
    /// Epoch of the agent's buffer.
    pub epoch: [u8; 16],
    /// Sequence in it.
    pub sequence: u64,
    /// Its columns, times corrected.
    pub columns: Vec<ReceivedColumn>,
}

/// Samples of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceivedColumn {
    /// From [`Telemetry::register`].
    pub series: SeriesId,
    /// Unix ms.
    pub timestamps_ms: Vec<i64>,
    /// As many values.
    pub values: Vec<f64>,
}

/// Why a batch is not stored.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The handles are of a store that was closed since: the agent must say its series again.
    #[error("the series are not known any more")]
    UnknownSeries,
    /// The batch can never be stored. It is counted as lost and acknowledged, so that it does not come for ever.
    #[error("the batch is malformed: {0}")]
    Malformed(String),
    /// It may pass.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// What an agent of the network should know, and what it tells.
#[async_trait]
pub trait NetworkState: Send + Sync {
    /// The full configuration, credentials sealed to the key of the agent's last `Hello`.
    async fn config(&self, session: &Session) -> Result<wire::AgentConfig, BackendError>;

    /// Which version is in force, or why it was refused.
    async fn config_applied(
        &self,
        session: &Session,
        applied: wire::ConfigApplied,
    ) -> Result<(), BackendError>;

    /// What changed after version `since`; everything for `None`.
    async fn desired(&self, session: &Session, since: Option<u64>) -> Result<Desired, BackendError>;

    /// The agent holds everything up to `version` on its disk, or refused it with these words.
    async fn desired_acknowledged(
        &self,
        session: &Session,
        version: u64,
        refused: Option<String>,
    ) -> Result<(), BackendError>;

    /// What the agent read back. `Ok` = durable; the same report may come again.
    async fn observed(&self, session: &Session, report: wire::ObservedReport) -> Result<(), BackendError>;

    /// Jobs without a result. One that was sent before may be among them: the agent runs it once.
    async fn jobs(&self, session: &Session) -> Result<Vec<WaitingJob>, BackendError>;

    /// What a running job says. `Ok` = durable; the same part may come again.
    async fn job_part(&self, session: &Session, part: wire::JobPart) -> Result<(), BackendError>;

    /// Result of a job. `Ok` = durable.
    async fn job_result(&self, session: &Session, result: wire::JobResult) -> Result<(), BackendError>;
}

/// A job without a result.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingJob {
    /// As the agent gets it.
    pub job: wire::Job,
    /// Somebody wants it to stop.
    pub cancelled: bool,
}

/// Desired state of one agent as of a version.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// The version that the agent holds once it took this.
    pub version: u64,
    /// What to send.
    pub push: DesiredPush,
}

/// A full set or a change.
#[derive(Debug, Clone, PartialEq)]
pub enum DesiredPush {
    /// Points that are not in it are forgotten by the agent.
    Snapshot {
        /// Timeline in force.
        timeline: u64,
        /// Every point.
        points: Vec<wire::DesiredPoint>,
    },
    /// Points that changed.
    Update(Vec<wire::DesiredPoint>),
}
