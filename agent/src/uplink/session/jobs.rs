//! Jobs lane: orders in, results out. A result that is lost with the connection is not lost: headquarters sends the
//! job again, and the runner answers it with the same result.

use atalaya_protocol::{Lane, Message, version, wire::JobResult};
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::sync::mpsc;

use super::{Half, QUEUE, Session, SessionEnd};
use crate::uplink::{
    framed::{FramedRecv, FramedSend},
    gate::Gate,
};

/// Jobs run at once; further ones wait in the stream.
const AT_ONCE: usize = 8;

pub(super) async fn serve(session: &Session<'_>, credit: u32) -> Half {
    let (send, recv) = session.open_stream(Lane::Jobs).await?;
    let gate = Gate::new(credit);
    let (queue, results) = mpsc::channel(QUEUE);
    tokio::try_join!(write(send, results, &gate), read(session, recv, queue, &gate)).map(|(never, _)| never)
}

async fn write(mut send: FramedSend, mut results: mpsc::Receiver<JobResult>, gate: &Gate) -> Half {
    while let Some(result) = results.recv().await {
        gate.open().await;
        gate.sent();
        send.send(&version::encode(&result)?).await?;
    }
    Err(SessionEnd::Lost("the jobs lane ended".into()))
}

/// Acknowledgements are read also while no further job is taken: a lane that waits for its results to be
/// acknowledged must hear that they are.
async fn read(
    session: &Session<'_>,
    mut recv: FramedRecv,
    queue: mpsc::Sender<JobResult>,
    gate: &Gate,
) -> Half {
    let mut running = FuturesUnordered::new();
    let mut waiting = std::collections::VecDeque::new();
    loop {
        tokio::select! {
            Some(result) = running.next(), if !running.is_empty() => {
                queue.send(result).await.map_err(|_| SessionEnd::Lost("the jobs lane ended".into()))?;
                if let Some(job) = waiting.pop_front() {
                    running.push(session.ports.jobs.run(job));
                }
            }
            message = recv.next() => match message? {
                Message::Job(job) if running.len() < AT_ONCE => running.push(session.ports.jobs.run(job)),
                Message::Job(job) if waiting.len() < QUEUE => waiting.push_back(job),
                Message::Job(_) => return Err(SessionEnd::Protocol("more jobs than the lane holds".into())),
                Message::JobResultAck(ack) => gate.acknowledged(1, ack.credit),
                other => session.unexpected(&other)?,
            }
        }
    }
}
