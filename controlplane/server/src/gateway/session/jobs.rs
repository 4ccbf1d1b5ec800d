//! Jobs lane: orders out, what they say and results in.

use std::collections::HashSet;

use atalaya_protocol::{
    Message,
    credit::{INITIAL_PARTS, ReceiveWindow},
    wire::{JobCancel, JobPartAck, JobResultAck},
};

use super::{End, LaneEnd, Lanes, REPORT_CREDIT, Stream, protocol_error, unexpected};
use crate::gateway::backend::WaitingJob;

/// Jobs at the agent at once; further ones wait in the database.
const AT_ONCE: usize = 16;

pub(super) async fn serve(lanes: &Lanes<'_>, stream: Stream) -> LaneEnd {
    let Stream { mut send, mut recv } = stream;
    let network = &lanes.shared.backend.network;
    let mut standing = lanes.standing.clone();
    let mut window = ReceiveWindow::new(REPORT_CREDIT);
    let mut parts = ReceiveWindow::new(INITIAL_PARTS);
    let mut at_agent = HashSet::new();
    // Told to this agent on this connection.
    let mut stopped = HashSet::new();
    loop {
        if standing.borrow_and_update().has_jobs {
            for WaitingJob { job, cancelled } in lanes.durably("jobs", || network.jobs(&lanes.session)).await
            {
                // Before the job itself, which the agent may not have: then it is not started.
                if cancelled && stopped.insert(job.job_id.clone()) {
                    send.send(&JobCancel { job_id: job.job_id.clone() }).await?;
                }
                if at_agent.len() < AT_ONCE && at_agent.insert(job.job_id.clone()) {
                    send.send(&job).await?;
                }
            }
        }
        tokio::select! {
            changed = standing.changed() => {
                changed.map_err(|_| End::Gone("the session was dropped".into()))?;
            }
            message = recv.next() => match message? {
                Message::JobResult(result) => {
                    window.received().map_err(|error| protocol_error(&error))?;
                    lanes.durably("job result", || network.job_result(&lanes.session, result.clone())).await;
                    atalaya_kernel::fault::point("gateway.before_result_ack");
                    window.acknowledged(1);
                    at_agent.remove(&result.job_id);
                    stopped.remove(&result.job_id);
                    send.send(&JobResultAck { job_id: result.job_id, credit: window.credit() }).await?;
                }
                Message::JobPart(part) => {
                    parts.received().map_err(|error| protocol_error(&error))?;
                    atalaya_kernel::fault::point("gateway.before_part_write");
                    lanes.durably("job part", || network.job_part(&lanes.session, part.clone())).await;
                    atalaya_kernel::fault::point("gateway.before_part_ack");
                    parts.acknowledged(1);
                    let (job_id, sequence) = (part.job_id, part.sequence);
                    send.send(&JobPartAck { job_id, sequence, credit: parts.credit() }).await?;
                }
                other => unexpected(&other)?,
            }
        }
    }
}
