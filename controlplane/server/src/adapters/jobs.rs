//! Jobs out, results in.

use super::{
    config::device_config,
    observed::{field, finding},
    sealing::SealError,
    values::words,
};
use atalaya_kernel::time::Timestamp;
use atalaya_network::jobs::{
    Check, CheckStatus, ConnectionReport, DevicePlan, JobOrder, JobOutcome, JobStatus, PendingJob,
    PlannedChange,
};
use atalaya_protocol::wire;

pub(super) fn job(job: &PendingJob, key: &[u8]) -> Result<wire::Job, SealError> {
    use wire::job::Order;
    let order = match &job.order {
        JobOrder::TestConnection { device } => {
            Order::TestConnection(wire::TestConnection { device: Some(device_config(device, key)?) })
        }
        JobOrder::PlanDevice { device_id } => {
            Order::PlanDevice(wire::PlanDevice { device_id: device_id.to_string() })
        }
        JobOrder::SweepDevice { device_id } => {
            Order::SweepDevice(wire::SweepDevice { device_id: device_id.to_string() })
        }
    };
    Ok(wire::Job { job_id: job.id.to_string(), deadline_ms: job.deadline_at.as_millis(), order: Some(order) })
}

pub(super) fn outcome(result: wire::JobResult) -> JobOutcome {
    use wire::job_result::Result as Found;
    let status = match result.status() {
        wire::JobStatus::Done => JobStatus::Done,
        wire::JobStatus::Expired => JobStatus::TimedOut,
        wire::JobStatus::Failed | wire::JobStatus::Unsupported | wire::JobStatus::Unspecified => {
            JobStatus::Failed
        }
    };
    let detail = words(&result.detail);
    let finding = result.finding.as_ref().map(finding);
    let (connection, plan) = match result.result {
        Some(Found::Connection(report)) => (Some(connection(report)), None),
        Some(Found::Plan(plan)) => (None, Some(device_plan(plan))),
        None => (None, None),
    };
    JobOutcome { status, detail, finding, connection, plan }
}

fn connection(report: wire::ConnectionReport) -> ConnectionReport {
    ConnectionReport {
        stages: report.stages.iter().map(check).collect(),
        model: words(&report.model),
        version: words(&report.version),
        identity: words(&report.identity),
    }
}

fn device_plan(plan: wire::DevicePlan) -> DevicePlan {
    DevicePlan {
        read_at: Timestamp::from_millis(plan.read_at_ms),
        checks: plan.checks.iter().map(check).collect(),
        changes: plan
            .changes
            .iter()
            .map(|change| PlannedChange {
                point_id: words(&change.point_id),
                action: words(&change.action),
                before: change.before.iter().map(field).collect(),
                after: change.after.iter().map(field).collect(),
                sessions_dropped: i64::from(change.sessions_dropped),
            })
            .collect(),
        in_place: i64::from(plan.in_place),
        foreign_rows: i64::from(plan.foreign_rows),
    }
}

fn check(check: &wire::Check) -> Check {
    Check {
        code: words(&check.code),
        status: match check.status() {
            wire::CheckStatus::Passed => CheckStatus::Passed,
            wire::CheckStatus::Warning => CheckStatus::Warning,
            // What a newer agent says and we do not know is not a pass.
            wire::CheckStatus::Failed | wire::CheckStatus::Unspecified => CheckStatus::Failed,
            wire::CheckStatus::Skipped => CheckStatus::Skipped,
        },
        detail: words(&check.detail),
        remedy: words(&check.remedy),
        finding: check.finding.as_ref().map(finding),
    }
}
