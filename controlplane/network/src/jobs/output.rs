//! What running jobs say.

use super::store;
use atalaya_kernel::{
    Ctx, Error,
    db::TenantTx,
    ids::{AgentId, JobId},
    write_tx,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most parts that are kept of one job: what an agent may say too.
const MOST_PARTS: i64 = 10_000;
/// Parts read at once.
const AT_ONCE: i64 = 200;

/// One echo request and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EchoReply {
    /// From 0.
    #[schema(example = 0)]
    pub sequence: i64,
    /// Who answered, or who was asked.
    #[schema(example = "10.64.1.7")]
    pub host: String,
    /// Round trip, microseconds; none when nothing came back.
    #[schema(example = 1234)]
    pub round_trip_us: Option<i64>,
    /// Time to live of the answer.
    #[schema(example = 64)]
    pub ttl: i64,
    /// Bytes of the packet.
    #[schema(example = 56)]
    pub size: i64,
    /// The device's own words where there was no answer.
    #[schema(example = "")]
    pub words: String,
}

/// One hop on the way to an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TraceHop {
    /// Empty where nobody answered.
    #[schema(example = "198.51.100.1")]
    pub address: String,
    /// Requests sent to this hop so far.
    #[schema(example = 3)]
    pub sent: i64,
    /// Hundredths of a percent of them lost.
    #[schema(example = 0)]
    pub loss_basis_points: i64,
    /// Last round trip, microseconds.
    #[schema(example = 2400)]
    pub last_us: Option<i64>,
    /// Shortest round trip, microseconds.
    #[schema(example = 2100)]
    pub best_us: Option<i64>,
    /// Mean round trip, microseconds.
    #[schema(example = 2300)]
    pub average_us: Option<i64>,
    /// Longest round trip, microseconds.
    #[schema(example = 2600)]
    pub worst_us: Option<i64>,
    /// The device's own words about the hop.
    #[schema(example = "")]
    pub words: String,
}

/// What one part says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobContent {
    /// Echo requests, in the order of their answers.
    Echoes {
        /// What came of each.
        replies: Vec<EchoReply>,
    },
    /// All hops as one round left them.
    Trace {
        /// From the device on.
        hops: Vec<TraceHop>,
    },
}

/// A part as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct JobPart {
    /// From 1, without a gap.
    #[schema(example = 1)]
    pub sequence: i64,
    /// Echo requests, of a ping.
    pub echoes: Vec<EchoReply>,
    /// All hops as this round left them, of a traceroute; a later round replaces an earlier one.
    pub hops: Vec<TraceHop>,
}

/// Takes a part in; `Ok` = durable. A repeated one, and one that belongs to no job of the agent, changes nothing: the
/// agent may forget it.
///
/// # Errors
/// The database's.
pub async fn job_part_take(
    ctx: &Ctx,
    agent: &AgentId,
    id: &JobId,
    sequence: i64,
    content: &JobContent,
) -> Result<(), Error> {
    if !(1..=MOST_PARTS).contains(&sequence) {
        tracing::warn!(%agent, job = %id, sequence, "a part beyond what a job may say was dropped");
        return Ok(());
    }
    let content = serde_json::to_string(content).map_err(Error::internal)?;
    write_tx!(ctx, tx => {
        if store::job_is_of(&mut tx, agent, id).await? {
            store::part_put(&mut tx, id, sequence, &content, ctx.now()).await?;
        }
        Ok(())
    })
}

/// Parts behind a number, in order, a page of them.
pub(super) async fn parts_after(tx: &mut TenantTx, id: &JobId, after: i64) -> Result<Vec<JobPart>, Error> {
    let rows = store::parts_after(tx, id, after, AT_ONCE).await?;
    let part = |(sequence, content): (i64, String)| {
        let (echoes, hops) = match serde_json::from_str(&content).map_err(Error::internal)? {
            JobContent::Echoes { replies } => (replies, Vec::new()),
            JobContent::Trace { hops } => (Vec::new(), hops),
        };
        Ok(JobPart { sequence, echoes, hops })
    };
    rows.into_iter().map(part).collect()
}
