//! State lane: desired in, observed out.

use atalaya_protocol::{Lane, Message, credit::INITIAL_TO_AGENT, version, wire::DesiredAck};
use bytes::Bytes;
use tokio::sync::mpsc;

use super::{Half, QUEUE, Session, SessionEnd, enqueue};
use crate::uplink::{
    framed::{FramedRecv, FramedSend},
    gate::Gate,
    ports::PortError,
};

pub(super) async fn serve(session: &Session<'_>, credit: u32) -> Half {
    let (send, recv) = session.open_stream(Lane::State).await?;
    let gate = Gate::new(credit);
    let (queue, acks) = mpsc::channel(QUEUE);
    tokio::try_join!(write(session, send, acks, &gate), read(session, recv, queue, &gate))
        .map(|(never, _)| never)
}

/// Acknowledgements go before reports: headquarters waits for them.
async fn write(
    session: &Session<'_>,
    mut send: FramedSend,
    mut acks: mpsc::Receiver<Bytes>,
    gate: &Gate,
) -> Half {
    let observed = &session.ports.observed;
    let mut last_sent = 0;
    loop {
        let next_report = async {
            gate.open().await;
            loop {
                if let Some(report) = observed.next(last_sent).await? {
                    return Ok::<_, PortError>(report);
                }
                observed.reported().await;
            }
        };
        tokio::select! {
            biased;
            Some(frame) = acks.recv() => send.send(&frame).await?,
            report = next_report => {
                let report = report?;
                last_sent = report.report_id;
                let frame = version::encode(&report)?;
                gate.sent();
                send.send(&frame).await?;
            }
        }
    }
}

async fn read(session: &Session<'_>, mut recv: FramedRecv, queue: mpsc::Sender<Bytes>, gate: &Gate) -> Half {
    let ports = session.ports;
    loop {
        match recv.next().await? {
            Message::DesiredSnapshot(part) => {
                let push_id = part.push_id;
                let taken = ports.desired.snapshot_part(part).await;
                enqueue(&queue, answer(push_id, taken)?).await?;
            }
            Message::DesiredUpdate(update) => {
                let push_id = update.push_id;
                let taken = ports.desired.update(update).await;
                enqueue(&queue, answer(push_id, taken)?).await?;
            }
            Message::ObservedAck(ack) => {
                ports.observed.acknowledged(ack.report_id).await?;
                gate.acknowledged(1, ack.credit);
            }
            other => session.unexpected(&other)?,
        }
    }
}

/// Refused pushes are answered; a disk that fails ends the session, and headquarters pushes again on the next one.
fn answer(push_id: u64, taken: Result<(), PortError>) -> Result<Bytes, SessionEnd> {
    let error = match taken {
        Ok(()) => String::new(),
        Err(PortError::Refused(reason)) => reason,
        Err(error) => return Err(error.into()),
    };
    Ok(version::encode(&DesiredAck { push_id, credit: INITIAL_TO_AGENT, error })?)
}
