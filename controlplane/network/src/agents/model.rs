use atalaya_kernel::{
    Error,
    ids::{AgentId, AgentTokenId, SiteId},
    secrets::ShownOnce,
    text_enum,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

text_enum! {
    /// Where an agent stands.
    pub enum AgentState {
        /// Its token was not redeemed yet.
        NeverEnrolled = "never_enrolled",
        /// A session with a valid lease exists.
        Connected = "connected",
        /// Enrolled, and not connected.
        Silent = "silent",
        /// A person revoked it.
        Revoked = "revoked",
    }
}

text_enum! {
    /// State of an agent's buffer.
    pub enum BufferState {
        /// Nothing heard of it yet.
        Unknown = "unknown",
        /// Works.
        Ok = "ok",
        /// No space left: the oldest samples are evicted and counted.
        DiskFull = "disk_full",
        /// The disk refuses writes: samples live in memory only, no new cut is applied.
        ReadOnly = "read_only",
        /// The database did not open and was set aside.
        Quarantined = "quarantined",
    }
}

/// The daemon at a site.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Agent {
    /// Which.
    pub id: AgentId,
    /// Name, unique within the tenant.
    #[schema(example = "Cerro Alto")]
    pub name: String,
    /// Sites that it serves.
    pub site_ids: Vec<SiteId>,
    /// Where it stands.
    pub state: AgentState,
    /// Last sign of life.
    pub last_seen_at: Option<Timestamp>,
    /// Version of its program.
    #[schema(example = "0.1.0")]
    pub version: String,
    /// Metric batches that it holds and we do not.
    pub backlog_batches: i64,
    /// Their size, bytes.
    pub backlog_bytes: i64,
    /// Oldest sample that is not here yet.
    pub oldest_unsent_at: Option<Timestamp>,
    /// State of its buffer.
    pub buffer_state: BufferState,
    /// Samples that it had to throw away.
    pub evicted_samples: i64,
    /// Our time minus its time, ms.
    pub clock_offset_ms: i64,
    /// End of its certificate.
    pub certificate_expires_at: Option<Timestamp>,
    /// Configuration in force there.
    pub config_version: i64,
    /// Configuration it should have.
    pub config_version_wanted: i64,
    /// Why it refused a newer configuration; empty when it did not.
    #[schema(example = "")]
    pub config_error: String,
    /// Why it applies no cuts at present; empty when it does.
    #[schema(example = "")]
    pub cuts_held_reason: String,
    /// When two machines were last seen taking turns with its identity.
    pub duplicate_identity_at: Option<Timestamp>,
    /// Why it was revoked.
    pub revoked_reason: Option<String>,
    /// Version for `If-Match`.
    pub revision: i64,
}

/// What to change of an agent; absent fields stay.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentChange {
    /// New name.
    pub name: Option<String>,
    /// New set of sites.
    pub site_ids: Option<Vec<SiteId>>,
}

/// Why an agent is revoked.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// For the audit row.
    #[schema(example = "The machine was stolen")]
    pub reason: String,
}

/// A token to be made, and the agent that it is for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// Site that the agent will serve.
    pub site_id: SiteId,
    /// Name of the agent; the site's when absent.
    pub name: Option<String>,
}

/// A token as lists show it.
#[derive(Debug, Clone, Serialize, sqlx::FromRow, ToSchema)]
pub struct AgentToken {
    /// Which.
    pub id: AgentTokenId,
    /// Agent that redeems it.
    pub agent_id: AgentId,
    /// Site.
    pub site_id: SiteId,
    /// Not after.
    pub expires_at: Timestamp,
    /// When it was redeemed.
    pub used_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A token just made; the join string is shown this once.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NewTokenMade {
    /// Which.
    pub id: AgentTokenId,
    /// Agent made for it.
    pub agent_id: AgentId,
    /// One line for `atalaya-agent enroll --join`.
    #[schema(example = "atalaya-join:shown-this-once", value_type = String)]
    pub join_string: ShownOnce,
    /// Not after.
    pub expires_at: Timestamp,
}

/// A fresh token.
#[derive(Debug, Clone)]
pub struct TokenSecret {
    /// SHA-256 of the token, hexadecimal.
    pub hash: String,
    /// The line that carries it.
    pub join_string: ShownOnce,
}

/// Makes join strings: knows the gateway's addresses and the root's fingerprint.
pub trait JoinStrings: Send + Sync + 'static {
    /// A fresh token and its line.
    ///
    /// # Errors
    /// When no address of the gateway is configured, or randomness fails.
    fn make(&self) -> Result<TokenSecret, Error>;
}

/// What an agent says of itself at an interval.
#[derive(Debug, Clone, Default)]
pub struct Heartbeat {
    /// Metric batches not yet acknowledged.
    pub backlog_batches: i64,
    /// Their size, bytes.
    pub backlog_bytes: i64,
    /// Oldest sample not yet acknowledged.
    pub oldest_unsent_at: Option<Timestamp>,
    /// State of the buffer; none = not said.
    pub buffer_state: Option<BufferState>,
    /// Samples thrown away since the buffer was made.
    pub evicted_samples: i64,
    /// Our time minus its time, ms.
    pub clock_offset_ms: i64,
    /// Why no cuts are applied; empty when they are.
    pub cuts_held_reason: String,
}
