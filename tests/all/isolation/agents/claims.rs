//! Everything that an agent can say of a device, a point and a job.

use super::{
    super::outsiders::{ids_in, twin_of},
    by_hand::{ByHand, Speaking},
};
use crate::e2e::now_ms;
use atalaya_protocol::{
    Lane, Message,
    block::{self, Column, Values},
    wire,
};
use bytes::Bytes;

/// The metric that is claimed.
pub(super) const METRIC: &str = "interface_receive_bytes_total";
/// The address of the session that is claimed.
pub(super) const ADDRESS: &str = "198.51.100.66";

/// Whose things, by their ids.
#[derive(Debug, Clone)]
pub(super) struct Claims {
    device: String,
    point: String,
    order: wire::Order,
    job: String,
}

/// What came of it.
pub(super) struct Heard {
    /// The answers, without numbers that differ from one connection to the next.
    pub(super) answers: Vec<String>,
    /// Every word of the connection.
    pub(super) told: String,
}

impl Claims {
    /// What an agent is told of its device.
    pub(super) fn told_to(agent: &ByHand, device: &str) -> Self {
        let mut speaking = agent.connect(1);
        let config = speaking.hear(Lane::Control, |message| match message {
            Message::AgentConfig(config) => Some(config),
            _ => None,
        });
        assert!(config.devices.iter().any(|its| its.device_id == device), "{config:?}");
        let point = speaking.hear(Lane::State, |message| match message {
            Message::DesiredSnapshot(part) => part.points.into_iter().find(|point| point.device_id == device),
            _ => None,
        });
        let job = speaking.hear(Lane::Jobs, |message| match message {
            Message::Job(job) => Some(job.job_id),
            _ => None,
        });
        speaking.leave();
        Self {
            device: device.to_owned(),
            point: point.point_id,
            order: point.order.expect("a point has an order"),
            job,
        }
    }

    /// The same of ids that never existed.
    pub(super) fn about_nothing(&self) -> Self {
        let twin = |id: &str| twin_of(id, &ids_in(id));
        Self { device: twin(&self.device), point: twin(&self.point), job: twin(&self.job), ..self.clone() }
    }

    /// The ids, in one text.
    pub(super) fn text(&self) -> String {
        [self.device.as_str(), &self.point, &self.job].join(" ")
    }

    /// All of it said by an agent on a connection of its own.
    pub(super) fn made_by(&self, agent: &ByHand, run: u8) -> Heard {
        let mut speaking = agent.connect(run);
        // What is there to be told comes before the answers.
        let answers = vec![
            self.health(&mut speaking),
            self.observed(&mut speaking, run),
            self.part(&mut speaking),
            self.result(&mut speaking),
            self.measured(&mut speaking, Lane::Live, run),
            self.measured(&mut speaking, Lane::Backlog, run),
        ];
        let told = speaking.told.clone();
        speaking.leave();
        Heard { answers, told }
    }

    fn health(&self, speaking: &mut Speaking<'_>) -> String {
        let device = wire::DeviceState {
            device_id: self.device.clone(),
            reachability: wire::Reachability::Refuses.into(),
            detail: "wrong password".into(),
            since_ms: now_ms(),
            ..wire::DeviceState::default()
        };
        let beat =
            wire::Heartbeat { agent_time_ms: now_ms(), devices: vec![device], ..wire::Heartbeat::default() };
        speaking.say(Lane::Control, &beat);
        speaking.hear(Lane::Control, |message| match message {
            Message::HeartbeatAck(_) => Some("HeartbeatAck".to_owned()),
            _ => None,
        })
    }

    fn observed(&self, speaking: &mut Speaking<'_>, run: u8) -> String {
        let session = wire::Session { present: true, address: ADDRESS.into(), ..wire::Session::default() };
        let point = wire::ObservedPoint {
            point_id: self.point.clone(),
            device_id: self.device.clone(),
            order: Some(self.order),
            status: wire::ObservedStatus::Active.into(),
            outcome: wire::Outcome::InPlace.into(),
            session: Some(session),
            read_at_ms: now_ms(),
            applied_at_ms: now_ms(),
            ..wire::ObservedPoint::default()
        };
        speaking.say(Lane::State, &wire::ObservedReport { report_id: run.into(), points: vec![point] });
        speaking.hear(Lane::State, |message| match message {
            Message::ObservedAck(ack) if ack.report_id == u64::from(run) => {
                Some(format!("ObservedAck credit: {}", ack.credit))
            }
            _ => None,
        })
    }

    fn part(&self, speaking: &mut Speaking<'_>) -> String {
        let reply = wire::EchoReply { host: ADDRESS.into(), ..wire::EchoReply::default() };
        let content = wire::job_part::Content::Echoes(wire::EchoReplies { replies: vec![reply] });
        let part = wire::JobPart { job_id: self.job.clone(), sequence: 1, content: Some(content) };
        speaking.say(Lane::Jobs, &part);
        speaking.hear(Lane::Jobs, |message| match message {
            Message::JobPartAck(ack) if ack.job_id == self.job => {
                Some(format!("JobPartAck credit: {}", ack.credit))
            }
            _ => None,
        })
    }

    fn result(&self, speaking: &mut Speaking<'_>) -> String {
        let plan = wire::DevicePlan {
            device_id: self.device.clone(),
            read_at_ms: now_ms(),
            ..wire::DevicePlan::default()
        };
        let result = wire::JobResult {
            job_id: self.job.clone(),
            status: wire::JobStatus::Done.into(),
            result: Some(wire::job_result::Result::Plan(plan)),
            ..wire::JobResult::default()
        };
        speaking.say(Lane::Jobs, &result);
        speaking.hear(Lane::Jobs, |message| match message {
            Message::JobResultAck(ack) if ack.job_id == self.job => {
                Some(format!("JobResultAck credit: {}", ack.credit))
            }
            _ => None,
        })
    }

    /// Once as the device's, and twice by labels that are for headquarters to set.
    fn measured(&self, speaking: &mut Speaking<'_>, lane: Lane, run: u8) -> String {
        let forged = |name: &str| wire::Label { name: name.to_owned(), value: self.device.clone() };
        let entries = [
            (1, self.device.as_str(), Vec::new()),
            (2, "", vec![forged("device")]),
            (3, "", vec![forged("site")]),
        ];
        let entry = |(number, device_id, labels): (u32, &str, Vec<wire::Label>)| wire::SeriesEntry {
            number,
            name: METRIC.into(),
            device_id: device_id.to_owned(),
            labels,
            kind: wire::MetricKind::Gauge.into(),
        };
        let epoch = Bytes::from(vec![run; 16]);
        let table =
            wire::SeriesTable { epoch: epoch.clone(), entries: entries.into_iter().map(entry).collect() };
        speaking.say(lane, &table);
        let sequence = if lane == Lane::Live { 1 } else { 2 };
        let column =
            |series| Column { series, timestamps_ms: vec![now_ms()], values: Values::Int(vec![4_242]) };
        let block = block::encode(&[column(1), column(2), column(3)]).expect("a block");
        let batch =
            wire::MetricBatch { epoch, sequence, block: block.into(), sample_count: 3, correction_ms: 0 };
        speaking.say(lane, &batch);
        speaking.hear(lane, |message| match message {
            Message::MetricAck(ack) if ack.received.iter().any(|range| range.first == sequence) => {
                Some(format!("MetricAck credit: {} quarantined: {}", ack.credit, ack.quarantined))
            }
            _ => None,
        })
    }
}
