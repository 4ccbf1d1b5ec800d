//! Jobs lane: orders in, what they say and results out. A result that is lost with the connection is not lost:
//! headquarters sends the job again, and the runner answers it with the same result; parts that were not acknowledged are
//! sent again from the disk.

use std::collections::VecDeque;

use atalaya_protocol::{
    Lane, Message,
    credit::INITIAL_PARTS,
    version,
    wire::{JobPart, JobPartAck, JobResult},
};
use futures::{StreamExt, stream::FuturesUnordered};
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::{Half, QUEUE, Session, SessionEnd};
use crate::uplink::{
    framed::{FramedRecv, FramedSend},
    gate::Gate,
    ports::JobOutput,
};

/// Jobs run at once; further ones wait in the stream.
const AT_ONCE: usize = 8;

/// What is in flight on the lane. Parts have a window of their own: much output keeps no result of another job back.
struct InFlight {
    results: Gate,
    parts: Gate,
    /// Parts that were sent, oldest first: their number here, and what headquarters calls them.
    sent: Mutex<VecDeque<Sent>>,
}

struct Sent {
    number: u64,
    job_id: String,
    sequence: u64,
}

pub(super) async fn serve(session: &Session<'_>, credit: u32) -> Half {
    let (send, recv) = session.open_stream(Lane::Jobs).await?;
    let in_flight =
        InFlight { results: Gate::new(credit), parts: Gate::new(INITIAL_PARTS), sent: Mutex::default() };
    let (queue, results) = mpsc::channel(QUEUE);
    tokio::try_join!(write(session, send, results, &in_flight), read(session, recv, queue, &in_flight))
        .map(|(never, _)| never)
}

async fn write(
    session: &Session<'_>,
    mut send: FramedSend,
    mut results: mpsc::Receiver<JobResult>,
    in_flight: &InFlight,
) -> Half {
    let output = &*session.ports.output;
    let mut last_sent = 0;
    loop {
        tokio::select! {
            biased;
            result = results.recv() => {
                let Some(result) = result else {
                    return Err(SessionEnd::Lost("the jobs lane ended".into()));
                };
                // Everything that the job said was said by now, and goes before how it ended.
                let end = output.end();
                while let Some((number, part)) = output.next(last_sent) {
                    if number >= end {
                        break;
                    }
                    in_flight.parts.open().await;
                    last_sent = number;
                    in_flight.send_part(&mut send, number, part).await?;
                }
                in_flight.results.open().await;
                in_flight.results.sent();
                send.send(&version::encode(&result)?).await?;
            }
            (number, part) = next_part(output, last_sent, &in_flight.parts) => {
                last_sent = number;
                in_flight.send_part(&mut send, number, part).await?;
            }
        }
    }
}

/// The next part, once it may leave. Given up at any moment it has done nothing.
async fn next_part(output: &dyn JobOutput, after: u64, gate: &Gate) -> (u64, JobPart) {
    gate.open().await;
    loop {
        if let Some(part) = output.next(after) {
            return part;
        }
        output.said().await;
    }
}

impl InFlight {
    async fn send_part(&self, send: &mut FramedSend, number: u64, part: JobPart) -> Result<(), SessionEnd> {
        self.parts.sent();
        let frame = version::encode(&part)?;
        // Before it leaves, or its acknowledgement could come first.
        self.sent.lock().push_back(Sent { number, job_id: part.job_id, sequence: part.sequence });
        send.send(&frame).await?;
        Ok(())
    }

    /// The number of a part that headquarters has.
    fn acknowledged(&self, ack: &JobPartAck) -> Result<u64, SessionEnd> {
        let mut sent = self.sent.lock();
        let is_it = |one: &Sent| one.job_id == ack.job_id && one.sequence == ack.sequence;
        let found = sent.iter().position(is_it).and_then(|position| sent.remove(position));
        let found =
            found.ok_or_else(|| SessionEnd::Protocol("a part was acknowledged that was not sent".into()))?;
        self.parts.acknowledged(1, ack.credit);
        Ok(found.number)
    }
}

/// Acknowledgements are read also while no further job is taken: a lane that waits for its results to be
/// acknowledged must hear that they are.
async fn read(
    session: &Session<'_>,
    mut recv: FramedRecv,
    queue: mpsc::Sender<JobResult>,
    in_flight: &InFlight,
) -> Half {
    let ports = session.ports;
    let mut running = FuturesUnordered::new();
    let mut waiting = VecDeque::new();
    loop {
        tokio::select! {
            Some(result) = running.next(), if !running.is_empty() => {
                queue.send(result).await.map_err(|_| SessionEnd::Lost("the jobs lane ended".into()))?;
                if let Some(job) = waiting.pop_front() {
                    running.push(ports.jobs.run(job));
                }
            }
            message = recv.next() => match message? {
                Message::Job(job) if running.len() < AT_ONCE => running.push(ports.jobs.run(job)),
                Message::Job(job) if waiting.len() < QUEUE => waiting.push_back(job),
                Message::Job(_) => return Err(SessionEnd::Protocol("more jobs than the lane holds".into())),
                Message::JobCancel(cancel) => ports.jobs.cancel(&cancel.job_id),
                Message::JobResultAck(ack) => in_flight.results.acknowledged(1, ack.credit),
                Message::JobPartAck(ack) => {
                    let number = in_flight.acknowledged(&ack)?;
                    ports.output.acknowledged(number);
                }
                other => session.unexpected(&other)?,
            }
        }
    }
}
