//! State lane: desired out, observed in.

use std::collections::VecDeque;

use atalaya_protocol::{
    Message,
    credit::{INITIAL_TO_AGENT, ReceiveWindow, SendWindow},
    desired::MAX_POINTS,
    wire::{DesiredAck, DesiredPoint, DesiredSnapshot, DesiredUpdate, ObservedAck, ObservedReport},
};

use super::{End, LaneEnd, Lanes, REPORT_CREDIT, Stream, protocol_error, unexpected};
use crate::gateway::{
    backend::{Desired, DesiredPush},
    framed::FramedSend,
};

/// A frame to send, or sent and not yet acknowledged.
enum Push {
    Part(DesiredSnapshot),
    Update(DesiredUpdate),
}

/// What is on its way to the agent. One version is sent, part by part, before the next is read.
struct Outgoing {
    window: SendWindow,
    /// The version that the agent holds or is being sent.
    version: u64,
    queue: VecDeque<Push>,
    /// Ids of pushes sent and not yet acknowledged, oldest first.
    in_flight: VecDeque<u64>,
    next_push_id: u64,
    /// The agent's words, if it refused a part of this version.
    refused: Option<String>,
}

pub(super) async fn serve(lanes: &Lanes<'_>, stream: Stream, held: u64) -> LaneEnd {
    let Stream { mut send, mut recv } = stream;
    let mut standing = lanes.standing.clone();
    let mut incoming = ReceiveWindow::new(REPORT_CREDIT);
    let mut outgoing = Outgoing {
        window: SendWindow::new(INITIAL_TO_AGENT),
        version: held,
        queue: VecDeque::new(),
        in_flight: VecDeque::new(),
        next_push_id: 1,
        refused: None,
    };
    loop {
        let wanted = standing.borrow_and_update().desired_version;
        if outgoing.is_done() && wanted != outgoing.version {
            let since = (outgoing.version > 0 && outgoing.version < wanted).then_some(outgoing.version);
            let network = &lanes.shared.backend.network;
            let desired = lanes.durably("desired state", || network.desired(&lanes.session, since)).await;
            outgoing.take(desired);
            if outgoing.is_done() {
                continue;
            }
        }
        outgoing.send(&mut send).await?;
        tokio::select! {
            changed = standing.changed() => {
                changed.map_err(|_| End::Gone("the session was dropped".into()))?;
            }
            message = recv.next() => match message? {
                Message::DesiredAck(ack) => outgoing.acknowledged(lanes, ack).await?,
                Message::ObservedReport(report) => {
                    incoming.received().map_err(|error| protocol_error(&error))?;
                    let report_id = report.report_id;
                    keep(lanes, report).await?;
                    atalaya_kernel::fault::point("gateway.before_observed_ack");
                    incoming.acknowledged(1);
                    send.send(&ObservedAck { report_id, credit: incoming.credit() }).await?;
                }
                other => unexpected(&other)?,
            }
        }
    }
}

async fn keep(lanes: &Lanes<'_>, report: ObservedReport) -> Result<(), End> {
    if report.points.len() > MAX_POINTS {
        return Err(protocol_error(&format!("a report of {} points", report.points.len())));
    }
    let network = &lanes.shared.backend.network;
    lanes.durably("observed state", || network.observed(&lanes.session, report.clone())).await;
    Ok(())
}

impl Outgoing {
    fn is_done(&self) -> bool {
        self.queue.is_empty() && self.in_flight.is_empty()
    }

    fn take(&mut self, desired: Desired) {
        self.version = desired.version;
        self.refused = None;
        match desired.push {
            DesiredPush::Snapshot { timeline, points } => self.take_snapshot(timeline, points),
            DesiredPush::Update(points) => {
                for points in chunks(points) {
                    let push_id = self.push_id();
                    self.queue.push_back(Push::Update(DesiredUpdate { push_id, points }));
                }
            }
        }
    }

    /// The parts of a set; an empty set is one empty part, which makes the agent forget what it held.
    fn take_snapshot(&mut self, timeline: u64, points: Vec<DesiredPoint>) {
        let mut parts = chunks(points);
        if parts.is_empty() {
            parts.push(Vec::new());
        }
        let push_id = self.push_id();
        let last = parts.len() - 1;
        for (index, points) in parts.into_iter().enumerate() {
            let part = u32::try_from(index).unwrap_or(u32::MAX);
            let part = DesiredSnapshot { push_id, timeline, part, last: index == last, points };
            self.queue.push_back(Push::Part(part));
        }
    }

    fn push_id(&mut self) -> u64 {
        let id = self.next_push_id;
        self.next_push_id += 1;
        id
    }

    async fn send(&mut self, send: &mut FramedSend) -> Result<(), End> {
        while self.window.is_open() {
            let Some(push) = self.queue.pop_front() else { break };
            self.window.sent();
            match push {
                Push::Part(part) => {
                    self.in_flight.push_back(part.push_id);
                    send.send(&part).await?;
                }
                Push::Update(update) => {
                    self.in_flight.push_back(update.push_id);
                    send.send(&update).await?;
                }
            }
        }
        Ok(())
    }

    async fn acknowledged(&mut self, lanes: &Lanes<'_>, ack: DesiredAck) -> Result<(), End> {
        if self.in_flight.pop_front() != Some(ack.push_id) {
            return Err(protocol_error(&"acknowledgement of a push that was not sent"));
        }
        self.window.acknowledged(1, ack.credit);
        if !ack.error.is_empty() {
            self.refused = Some(ack.error);
        }
        if self.is_done() {
            let (network, refused) = (&lanes.shared.backend.network, self.refused.take());
            let call = || network.desired_acknowledged(&lanes.session, self.version, refused.clone());
            lanes.durably("desired acknowledgement", call).await;
        }
        Ok(())
    }
}

fn chunks(points: Vec<DesiredPoint>) -> Vec<Vec<DesiredPoint>> {
    let mut parts = Vec::new();
    let mut points = points.into_iter().peekable();
    while points.peek().is_some() {
        parts.push(points.by_ref().take(MAX_POINTS).collect());
    }
    parts
}
