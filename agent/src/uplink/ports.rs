//! What the uplink needs from the rest of the agent, as traits that their owners implement.
//!
//! The uplink moves messages and keeps the order of acknowledgements; it stores nothing, measures nothing and
//! enforces nothing. `Ok` from a sink means: on disk. Only then is headquarters told.

use async_trait::async_trait;
use atalaya_protocol::wire;
use bytes::Bytes;

/// Failure of a port, in words for the log and for the status page.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PortError {
    /// The buffer was replaced while a connection stood: its sequence numbers mean nothing any more.
    #[error("the buffer's epoch changed")]
    EpochChanged,
    /// The disk refused. The uplink drops the connection and tries again later.
    #[error("storage: {0}")]
    Storage(String),
    /// The message makes no sense to its receiver. It is refused, not retried.
    #[error("refused: {0}")]
    Refused(String),
}

/// Where in the buffer a sender stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Epoch of the buffer (16 random bytes, minted when it was created).
    pub epoch: [u8; 16],
    /// Sequence number within the epoch.
    pub sequence: u64,
}

/// A confirmed block of the buffer, ready to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingBatch {
    /// Which block it is.
    pub position: Position,
    /// The stored bytes, untouched.
    pub block: Bytes,
    /// Samples in it.
    pub sample_count: u32,
    /// Milliseconds to add to its timestamps: the clock error known now but not when it was written.
    pub correction_ms: i64,
}

/// What the buffer has, for a heartbeat.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BacklogStats {
    /// Confirmed blocks not yet acknowledged.
    pub batches: u64,
    /// Their bytes on disk.
    pub bytes: u64,
    /// Time of the oldest unacknowledged sample, Unix ms, corrected; 0 when there is none.
    pub oldest_unsent_ms: i64,
    /// Samples given up because the bounds were reached, since the agent was installed.
    pub evicted_samples: u64,
    /// Databases that did not open and were set aside.
    pub quarantined_databases: u64,
    /// Health of the store.
    pub state: wire::BufferState,
}

/// Confirmed samples, by position. The uplink keeps the cursors, so the source keeps no session.
///
/// *Live* is what was confirmed after the connection stood ([`SampleSource::end`] at that moment), *backlog* is
/// what was there before; both are read through [`SampleSource::next`] and leave on lanes of their own.
#[async_trait]
pub trait SampleSource: Send + Sync {
    /// The position that the next confirmed block will have.
    fn end(&self) -> Position;

    /// The first confirmed and not yet acknowledged block at or after `from` and before sequence `until` (`None` =
    /// no bound). `None` when there is none at present.
    ///
    /// # Errors
    /// [`PortError::EpochChanged`] when `from` is of another epoch than the buffer's.
    async fn next(&self, from: Position, until: Option<u64>) -> Result<Option<OutgoingBatch>, PortError>;

    /// Waits until a block may have been confirmed since the last call returned. May wake for nothing; must not
    /// miss a block confirmed between a `next` that found none and this call (a stored `Notify` permit does).
    async fn confirmed(&self);

    /// What the numbers of an epoch stand for, in any order. Every number of a confirmed block has its entry.
    async fn series(&self, epoch: [u8; 16], numbers: &[u32]) -> Result<Vec<wire::SeriesEntry>, PortError>;

    /// Headquarters has these blocks on its disk: they may be removed. Ranges of an older epoch are ignored.
    async fn acknowledged(&self, epoch: [u8; 16], received: &[wire::SequenceRange]) -> Result<(), PortError>;

    /// What is left to send.
    fn stats(&self) -> BacklogStats;
}

/// Receiver of desired state. `Ok` = durable.
#[async_trait]
pub trait DesiredSink: Send + Sync {
    /// One part of a full set. Parts of one push arrive in order from 0; the set takes effect with the last one,
    /// a push that never ends has no effect.
    async fn snapshot_part(&self, part: wire::DesiredSnapshot) -> Result<(), PortError>;

    /// Points that changed. A point whose order is not higher than the one held is ignored, which is no error.
    async fn update(&self, update: wire::DesiredUpdate) -> Result<(), PortError>;

    /// Highest (timeline, generation) over all points held; (0, 0) when there is none.
    fn highest_order(&self) -> wire::Order;

    /// Digest of what is held, made by `atalaya_protocol::desired::digest`.
    fn digest(&self) -> [u8; 32];
}

/// Durable outbox of observed-state reports.
#[async_trait]
pub trait ObservedSource: Send + Sync {
    /// The first unacknowledged report with an id above `after`, `None` when there is none at present.
    async fn next(&self, after: u64) -> Result<Option<wire::ObservedReport>, PortError>;

    /// Waits for a new report; may wake for nothing, must not miss one (see [`SampleSource::confirmed`]).
    async fn reported(&self);

    /// Headquarters has this report: it may be removed.
    async fn acknowledged(&self, report_id: u64) -> Result<(), PortError>;
}

/// Receiver of the agent's configuration.
#[async_trait]
pub trait ConfigSink: Send + Sync {
    /// Takes a full snapshot: applied as a whole and kept as last-good, or refused as a whole with the reason.
    async fn received(&self, config: wire::AgentConfig) -> wire::ConfigApplied;

    /// Version in force; 0 when there is none.
    fn version(&self) -> u64;
}

/// Runner of one-off orders.
#[async_trait]
pub trait JobRunner: Send + Sync {
    /// Starts a job, unless it runs already, and waits for its end. The same job id again answers with the same result
    /// and has no second effect. It bounds its own time; failures are results, not errors. A caller that goes away
    /// stops nothing: it asks again on the next connection.
    async fn run(&self, job: wire::Job) -> wire::JobResult;

    /// Somebody wants a job to stop, which may not have come yet. What ended stays ended.
    fn cancel(&self, job_id: &str);
}

/// What running jobs say, kept until headquarters has it. All parts of a job are there before its result is.
#[async_trait]
pub trait JobOutput: Send + Sync {
    /// The number that the next part will have; numbers grow over all jobs.
    fn end(&self) -> u64;

    /// The first unacknowledged part with a number above `after`, `None` when there is none at present.
    fn next(&self, after: u64) -> Option<(u64, wire::JobPart)>;

    /// Waits for a new part; may wake for nothing, must not miss one (see [`SampleSource::confirmed`]).
    async fn said(&self);

    /// Headquarters has the part of this number: it may be removed.
    fn acknowledged(&self, number: u64);
}

/// The agent's idea of time, and what it learns from headquarters.
pub trait ClockControl: Send + Sync {
    /// Now by the local clock, Unix ms, uncorrected: the wall clock at process start plus monotonic time since.
    fn local_ms(&self) -> i64;

    /// Now, Unix ms, corrected by the last offset learnt.
    fn now_ms(&self) -> i64;

    /// Server time minus local time, ms, last learnt; 0 before the first.
    fn offset_ms(&self) -> i64;

    /// A new offset was measured (midpoint of a round trip of `round_trip_ms`).
    fn learn_offset(&self, offset_ms: i64, round_trip_ms: i64);

    /// The floor by which certificates are judged, Unix ms: the latest of build time, the last persisted time and
    /// the newest buffered sample, the last two only as far as headquarters confirmed the clock that they came
    /// from. A raw local clock that is years ahead must never raise it, or the gateway's certificate looks ended.
    fn certificate_time_ms(&self) -> i64;
}

/// Health of the rest of the agent. The uplink fills in what is its own: clock, backlog, unknown frames.
pub trait HealthSource: Send + Sync {
    /// What the agent last learnt of each device.
    fn devices(&self) -> Vec<wire::DeviceState>;

    /// Why cuts are not applied at present, empty when they are.
    fn cuts_held_reason(&self) -> String;
}
