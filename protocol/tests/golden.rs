//! Golden bytes: what version 1 says on the wire, for ever. An agent two versions old must be understood, so a file
//! of a released version is never edited; a message that is new gets a new file
//! (`ATALAYA_GOLDEN=write cargo test -p atalaya-protocol --test golden` writes files that are missing, no other).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test")]

mod samples;

use std::{fs, path::PathBuf};

use atalaya_protocol::{FrameDecoder, FrameLimits, Lane, Message, WireMessage, block, version};
use bytes::Bytes;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/v1")
}

/// The framed bytes on the message's usual lane.
fn framed(message: &Message) -> Bytes {
    fn encode<M: WireMessage>(message: &M) -> Bytes {
        version::encode(message).unwrap()
    }
    macro_rules! each {
        ($($name:ident)+) => {
            match message {
                $(Message::$name(message) => encode(message),)+
                Message::Unknown(number) => panic!("{number} has no bytes"),
            }
        };
    }
    each! {
        EnrollRequest RenewRequest CertificateIssued EnrollError Hello HelloAck Heartbeat HeartbeatAck Goodbye LaneOpen
        AgentConfig ConfigApplied DesiredSnapshot DesiredUpdate DesiredAck ObservedReport ObservedAck Job JobResult
        JobResultAck JobPart JobPartAck JobCancel SeriesTable MetricBatch MetricAck
    }
}

fn decode(bytes: &[u8]) -> Message {
    let mut decoder = FrameDecoder::new(FrameLimits::for_gateway());
    decoder.extend(bytes);
    let frame = decoder.next_frame().unwrap().expect("a whole frame");
    assert!(!decoder.is_mid_frame(), "bytes are left");
    Message::decode(frame).unwrap()
}

fn golden(name: &str, bytes: &[u8]) -> Vec<u8> {
    let path = folder().join(format!("{name}.hex"));
    if !path.exists() && std::env::var_os("ATALAYA_GOLDEN").is_some_and(|value| value == "write") {
        let lines: Vec<String> = bytes.chunks(48).map(hex::encode).collect();
        fs::write(&path, lines.join("\n") + "\n").unwrap();
    }
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    hex::decode(text.split_whitespace().collect::<String>()).unwrap()
}

#[test]
fn every_message_has_a_sample_in_the_registrys_order() {
    let names: Vec<&str> = samples::all().iter().map(Message::name).collect();
    let registry: Vec<&str> = version::REGISTRY.iter().map(|(_, name)| *name).collect();
    assert_eq!(names, registry);
}

#[test]
fn every_message_says_and_reads_the_bytes_of_version_1() {
    for message in samples::all() {
        let bytes = framed(&message);
        let golden = golden(message.name(), &bytes);
        assert_eq!(bytes, golden, "{} writes other bytes", message.name());
        assert_eq!(decode(&golden), message, "{} reads another message", message.name());
    }
}

#[test]
fn no_golden_file_is_without_a_message() {
    let names: Vec<&str> = version::REGISTRY.iter().map(|(_, name)| *name).chain(["block"]).collect();
    for file in fs::read_dir(folder()).unwrap() {
        let path = file.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(names.contains(&stem.as_str()), "{stem} was released and must stay readable");
    }
}

/// The block layout is stored on agents' disks: yesterday's block must be readable. Its bytes need not be equal,
/// because another zstd may pack better.
#[test]
fn a_block_of_version_1_reads_as_written() {
    let columns = vec![
        block::Column {
            series: 1,
            timestamps_ms: vec![1_763_000_000_000, 1_763_000_060_000, 1_763_000_120_000],
            values: block::Values::Int(vec![10, 1 << 40, i64::MIN]),
        },
        block::Column {
            series: 300,
            timestamps_ms: vec![1_763_000_000_000, 1_763_000_060_000, 1_763_000_120_000],
            values: block::Values::Float(vec![0.25, -1.0e300, f64::INFINITY]),
        },
    ];
    let golden = golden("block", &block::encode(&columns).unwrap());
    assert_eq!(block::decode(&golden, &block::Limits::default()).unwrap(), columns);
}

#[test]
fn metrics_travel_on_both_of_their_lanes() {
    for message in samples::all() {
        if let Message::MetricBatch(batch) = message {
            for lane in [Lane::Live, Lane::Backlog] {
                let bytes = version::encode_on(lane, &batch).unwrap();
                assert_eq!(decode(&bytes), Message::MetricBatch(batch.clone()));
            }
        }
    }
}

/// What was added since version 1 reads back, and is absent in the bytes of version 1: there it means what was always so.
#[test]
fn what_was_added_travels_and_old_bytes_do_without() {
    use atalaya_protocol::wire::{ChangeBrake, Field, Finding, JobStatus, Outcome, TimelineHold, job_result};
    let finding = || Finding {
        code: "timeout".into(),
        facts: vec![Field { name: "words".into(), value: "5 s".into() }],
    };
    for message in samples::all() {
        let old = decode(&golden(message.name(), &framed(&message)));
        match message {
            Message::AgentConfig(mut config) => {
                let Message::AgentConfig(old) = old else { panic!("another message") };
                assert!(old.devices.iter().all(|device| !device.without_ping), "every device is pinged");
                config.devices.iter_mut().for_each(|device| device.without_ping = true);
                assert!(old.brake.is_some_and(|brake| brake.changes.is_none()), "the agent's own rule");
                let changes = ChangeBrake { per_hour_floor: 1, per_hour_basis_points: 2, per_minute: 3 };
                config.brake.iter_mut().for_each(|brake| brake.changes = Some(changes));
                let message = Message::AgentConfig(config);
                assert_eq!(decode(&framed(&message)), message);
            }
            Message::DesiredUpdate(mut update) => {
                let Message::DesiredUpdate(old) = old else { panic!("another message") };
                assert!(old.points.iter().all(|point| point.timeline_hold() == TimelineHold::Unspecified));
                assert!(old.points.iter().all(|point| !point.adopt && !point.address_free), "nobody said so");
                for point in &mut update.points {
                    (point.adopt, point.address_free) = (true, true);
                }
                for hold in [TimelineHold::Waits, TimelineHold::None] {
                    update.points.iter_mut().for_each(|point| point.set_timeline_hold(hold));
                    let message = Message::DesiredUpdate(update.clone());
                    assert_eq!(decode(&framed(&message)), message);
                }
            }
            Message::ObservedReport(mut report) => {
                for outcome in [Outcome::HeldChanges, Outcome::Partly] {
                    report.points.iter_mut().for_each(|point| point.set_outcome(outcome));
                    let message = Message::ObservedReport(report.clone());
                    assert_eq!(decode(&framed(&message)), message);
                }
            }
            Message::Heartbeat(mut beat) => {
                let Message::Heartbeat(old) = old else { panic!("another message") };
                assert!(old.devices.iter().all(|device| device.finding.is_none()), "only a sentence");
                beat.devices.iter_mut().for_each(|device| device.finding = Some(finding()));
                let message = Message::Heartbeat(beat);
                assert_eq!(decode(&framed(&message)), message);
            }
            Message::Job(mut job) => {
                let Message::Job(old) = old else { panic!("another message") };
                assert_eq!(old.limit_ms, 0, "the agent's own limit");
                job.limit_ms = 600_000;
                for order in samples::orders() {
                    job.order = Some(order);
                    let message = Message::Job(job.clone());
                    assert_eq!(decode(&framed(&message)), message);
                }
            }
            Message::JobPart(mut part) => {
                for content in samples::contents() {
                    part.content = Some(content);
                    let message = Message::JobPart(part.clone());
                    assert_eq!(decode(&framed(&message)), message);
                }
            }
            Message::JobResult(mut result) => {
                let Message::JobResult(old) = old else { panic!("another message") };
                for status in [JobStatus::Cancelled, JobStatus::Unknown] {
                    result.set_status(status);
                    let message = Message::JobResult(result.clone());
                    assert_eq!(decode(&framed(&message)), message);
                }
                assert!(old.finding.is_none(), "only a sentence");
                result.finding = Some(finding());
                let Some(job_result::Result::Plan(plan)) = &mut result.result else { panic!("no plan") };
                plan.checks.iter_mut().for_each(|check| check.finding = Some(finding()));
                plan.changes.iter_mut().for_each(|change| change.sessions_dropped = 2);
                let message = Message::JobResult(result);
                assert_eq!(decode(&framed(&message)), message);
            }
            _ => {}
        }
    }
}
