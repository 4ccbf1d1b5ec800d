//! Jobs lane: orders out, results in.

use std::collections::HashSet;

use atalaya_protocol::{Message, credit::ReceiveWindow, wire::JobResultAck};

use super::{End, LaneEnd, Lanes, REPORT_CREDIT, Stream, protocol_error, unexpected};

/// Jobs at the agent at once; further ones wait in the database.
const AT_ONCE: usize = 16;

pub(super) async fn serve(lanes: &Lanes<'_>, stream: Stream) -> LaneEnd {
    let Stream { mut send, mut recv } = stream;
    let network = &lanes.shared.backend.network;
    let mut standing = lanes.standing.clone();
    let mut window = ReceiveWindow::new(REPORT_CREDIT);
    let mut at_agent = HashSet::new();
    loop {
        if standing.borrow_and_update().has_jobs && at_agent.len() < AT_ONCE {
            for job in lanes.durably("jobs", || network.jobs(&lanes.session)).await {
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
                    window.acknowledged(1);
                    at_agent.remove(&result.job_id);
                    send.send(&JobResultAck { job_id: result.job_id, credit: window.credit() }).await?;
                }
                other => unexpected(&other)?,
            }
        }
    }
}
