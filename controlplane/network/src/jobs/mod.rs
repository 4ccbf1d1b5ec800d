//! One-off orders to agents: try a connection, read a device and plan, compare now.
//!
//! A job is a row that waits until its agent answers or its deadline passes. It is sent again after a reconnection,
//! so the agent keeps finished results for a while and answers a repeated id alike; the first answer counts here. The
//! order is sealed, because a connection test carries credentials, and is dropped when the job is over.

mod model;
mod service;
mod store;

pub use model::{
    Check, CheckStatus, ConnectionReport, DevicePlan, Field, Finding, JobKind, JobOrder, JobOutcome,
    JobStatus, PendingJob, PlannedChange,
};
pub(crate) use service::{job_create, job_of_device, job_read, order_context};
pub use service::{job_finish, jobs_expire, jobs_waiting};
pub(crate) use store::JobRow;

/// Word of a job that its agent never answered.
pub const AGENT_SILENT: &str = "agent_silent";
/// How long a connection test may take, ms.
pub const TEST_TIMEOUT_MS: i64 = 15_000;
/// How long reading a whole device may take, ms.
pub const PLAN_TIMEOUT_MS: i64 = 60_000;
