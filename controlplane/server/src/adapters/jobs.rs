//! Jobs out, what they say and results in.

use super::{
    config::device_config,
    observed::{field, finding},
    sealing::SealError,
    values::{count, small, words},
};
use crate::gateway::WaitingJob;
use atalaya_kernel::time::Timestamp;
use atalaya_network::jobs::{
    Check, CheckStatus, ConnectionReport, DevicePlan, EchoReply, JobContent, JobOrder, JobOutcome, JobStatus,
    PendingJob, PlannedChange, TraceHop,
};
use atalaya_protocol::wire;

pub(super) fn job(job: &PendingJob, key: &[u8]) -> Result<WaitingJob, SealError> {
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
        JobOrder::Ping { device_id, address, count, size } => Order::Ping(wire::Ping {
            device_id: device_id.to_string(),
            address: address.to_string(),
            count: small(*count),
            size: small(size.unwrap_or(0)),
        }),
        JobOrder::Traceroute { device_id, address, count, max_hops } => Order::Traceroute(wire::Traceroute {
            device_id: device_id.to_string(),
            address: address.to_string(),
            count: small(*count),
            max_hops: small(max_hops.unwrap_or(0)),
        }),
    };
    let job_id = job.id.to_string();
    let (deadline_ms, limit_ms) = (job.start_by.as_millis(), small(job.limit_ms.unwrap_or(0)));
    let order = wire::Job { job_id, deadline_ms, order: Some(order), limit_ms };
    Ok(WaitingJob { job: order, cancelled: job.cancelled })
}

/// What a part says; none from a newer agent that says what we do not know.
pub(super) fn content(content: Option<wire::job_part::Content>) -> Option<JobContent> {
    use wire::job_part::Content;
    Some(match content? {
        Content::Echoes(echoes) => {
            JobContent::Echoes { replies: echoes.replies.into_iter().map(echo).collect() }
        }
        Content::Trace(round) => JobContent::Trace { hops: round.hops.into_iter().map(hop).collect() },
    })
}

fn echo(reply: wire::EchoReply) -> EchoReply {
    EchoReply {
        sequence: reply.sequence.into(),
        host: words(&reply.host),
        round_trip_us: reply.round_trip_us.map(count),
        ttl: reply.ttl.into(),
        size: reply.size.into(),
        words: words(&reply.words),
    }
}

fn hop(hop: wire::TraceHop) -> TraceHop {
    TraceHop {
        address: words(&hop.address),
        sent: hop.sent.into(),
        loss_basis_points: hop.loss_basis_points.into(),
        last_us: hop.last_us.map(count),
        best_us: hop.best_us.map(count),
        average_us: hop.average_us.map(count),
        worst_us: hop.worst_us.map(count),
        words: words(&hop.words),
    }
}

pub(super) fn outcome(result: wire::JobResult) -> JobOutcome {
    use wire::job_result::Result as Found;
    let status = match result.status() {
        wire::JobStatus::Done => JobStatus::Done,
        wire::JobStatus::Expired => JobStatus::TimedOut,
        wire::JobStatus::Cancelled => JobStatus::Cancelled,
        wire::JobStatus::Unknown => JobStatus::Unknown,
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

#[cfg(test)]
mod tests {
    use super::*;
    use atalaya_kernel::{
        ids::{DeviceId, JobId},
        time::Timestamp,
    };

    #[test]
    fn an_order_travels_with_its_bounds() {
        let now = Timestamp::from_millis(1_000);
        let device_id = DeviceId::new(now);
        let address = "192.0.2.7".parse().expect("an address");
        let pending = PendingJob {
            id: JobId::new(now),
            start_by: now.plus_millis(15_000),
            limit_ms: Some(180_000),
            cancelled: true,
            order: JobOrder::Ping { device_id: device_id.clone(), address, count: 4, size: None },
        };
        let WaitingJob { job, cancelled } = job(&pending, &[]).expect("there is nothing to seal");
        assert_eq!((job.deadline_ms, job.limit_ms, cancelled), (16_000, 180_000, true));
        let ping = wire::Ping {
            device_id: device_id.to_string(),
            address: "192.0.2.7".to_owned(),
            count: 4,
            size: 0,
        };
        assert_eq!(job.order, Some(wire::job::Order::Ping(ping)));
    }

    #[test]
    fn what_a_newer_agent_says_is_dropped_and_how_it_ended_is_never_taken_for_done() {
        assert_eq!(content(None), None);
        let trace =
            wire::job_part::Content::Trace(wire::TraceRound { hops: vec![wire::TraceHop::default()] });
        assert!(matches!(content(Some(trace)), Some(JobContent::Trace { hops }) if hops.len() == 1));
        for (told, status) in [
            (wire::JobStatus::Cancelled.into(), JobStatus::Cancelled),
            (wire::JobStatus::Unknown.into(), JobStatus::Unknown),
            (wire::JobStatus::Unsupported.into(), JobStatus::Failed),
            (77, JobStatus::Failed),
        ] {
            let result = wire::JobResult { status: told, ..wire::JobResult::default() };
            assert_eq!(outcome(result).status, status);
        }
    }
}
