//! One-off orders to agents: try a connection, read a device and plan, compare now, ping, trace a route.
//!
//! A job is a row that waits until its agent answers or its deadline passes. It is sent again after a reconnection,
//! so the agent keeps finished results for a while and answers a repeated id alike; the first answer counts here. The
//! order is sealed, because a connection test carries credentials, and is dropped when the job is over.
//!
//! What a running job says comes in *parts*, numbered from 1. A part is kept before its agent may forget it, and the
//! same number is the same part. A person may *cancel* a job: that is a wish, and the agent says what came of it. A job
//! that its agent answered is never changed again.

mod diagnosing;
pub mod http;
mod model;
mod output;
mod service;
mod store;

pub use diagnosing::{
    Diagnosis, DiagnosisKind, NewDiagnosis, diagnosis_cancel, diagnosis_create, diagnosis_get,
    diagnosis_output,
};
pub use model::{
    Check, CheckStatus, ConnectionReport, DevicePlan, Field, Finding, JobKind, JobOrder, JobOutcome,
    JobStatus, PendingJob, PlannedChange,
};
pub use output::{EchoReply, JobContent, JobPart, TraceHop, job_part_take};
pub(crate) use service::{job_create, job_of_device, job_read, order_context};
pub use service::{job_finish, jobs_expire, jobs_waiting};
pub(crate) use store::JobRow;

use atalaya_kernel::Permission;

/// Ping from a device and trace routes from there.
pub const DIAGNOSE: Permission = Permission::new("device.diagnose");

/// Word of a job that its agent never answered.
pub const AGENT_SILENT: &str = "agent_silent";
/// How long a connection test may take, ms.
pub const TEST_TIMEOUT_MS: i64 = 15_000;
/// How long reading a whole device may take, ms.
pub const PLAN_TIMEOUT_MS: i64 = 60_000;
