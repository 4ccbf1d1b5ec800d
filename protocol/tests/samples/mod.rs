//! One filled-in message of every kind: every field has a value that is not its default, so that a field whose
//! number or type changes is noticed.

use atalaya_protocol::{Message, wire::*};
use bytes::Bytes;

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn field(name: &str, value: &str) -> Field {
    Field { name: name.into(), value: value.into() }
}

fn check(code: &str, status: CheckStatus) -> Check {
    Check {
        code: code.into(),
        status: status.into(),
        detail: "as found".into(),
        remedy: "/ip/service print".into(),
        finding: None,
    }
}

/// Every message, in the registry's order.
pub(crate) fn all() -> Vec<Message> {
    let mut all = enrolment();
    all.extend(control());
    all.extend(state());
    all.extend(jobs());
    all.extend(metrics());
    all
}

fn enrolment() -> Vec<Message> {
    vec![
        EnrollRequest {
            token: "one-time".into(),
            csr_der: bytes("csr"),
            agent_version: "0.1.0".into(),
            hostname: "tower-7".into(),
        }
        .into(),
        RenewRequest { old_certificate_der: bytes("old"), csr_der: bytes("csr"), proof: bytes("proof") }
            .into(),
        CertificateIssued {
            certificate_der: bytes("leaf"),
            chain_der: vec![bytes("issuer"), bytes("root")],
            agent_id: "agt_1".into(),
            tenant_id: "ten_1".into(),
            installation_id: "ins_1".into(),
            server_time_ms: 1_763_000_000_001,
        }
        .into(),
        EnrollError {
            code: EnrollErrorCode::TokenUsed.into(),
            detail: "used".into(),
            retry_after_ms: 30_000,
        }
        .into(),
    ]
}

fn control() -> Vec<Message> {
    vec![
        Hello {
            protocol_version: 1,
            agent_version: "0.1.0".into(),
            run_id: Bytes::from_static(&[1; 16]),
            agent_time_ms: 1_763_000_000_002,
            sealing_key: Bytes::from_static(&[2; 32]),
            config_version: 3,
            highest_order: Some(order()),
            desired_digest: Bytes::from_static(&[4; 32]),
            buffer_epoch: Bytes::from_static(&[5; 16]),
        }
        .into(),
        HelloAck {
            protocol_version: 1,
            server_time_ms: 1_763_000_000_003,
            session_epoch: 9,
            timeline: 2,
            heartbeat_interval_ms: 10_000,
            credit: vec![LaneCredit { lane: 3, credit: 16 }],
        }
        .into(),
        Heartbeat {
            agent_time_ms: 1_763_000_000_004,
            backlog_batches: 5,
            backlog_bytes: 6,
            oldest_unsent_ms: 7,
            buffer_state: BufferState::DiskFull.into(),
            evicted_samples: 8,
            quarantined_databases: 9,
            clock_offset_ms: -10,
            unknown_frames: 11,
            devices: vec![DeviceState {
                device_id: "dev_1".into(),
                reachability: Reachability::Refuses.into(),
                detail: "cannot log in".into(),
                since_ms: 12,
                last_answer_ms: 13,
                model: "RB5009".into(),
                version: "7.16".into(),
                serial: "HX01".into(),
                uptime_ms: 14,
                identity: "core".into(),
                finding: None,
            }],
            cuts_held_reason: "journal cannot be written".into(),
        }
        .into(),
        HeartbeatAck { server_time_ms: 1_763_000_000_005 }.into(),
        Goodbye { reason: GoodbyeReason::Superseded.into(), detail: "newer".into(), retry_after_ms: 60_000 }
            .into(),
        LaneOpen {}.into(),
        AgentConfig {
            version: 3,
            sites: vec![SiteConfig { site_id: "sit_1".into(), name: "Cerro".into() }],
            devices: vec![device()],
            brake: Some(Brake { per_hour_floor: 10, per_hour_basis_points: 300, changes: None }),
            offline_cuts: OfflineCuts::Apply.into(),
            time_zone: "America/Bogota".into(),
        }
        .into(),
        ConfigApplied { version: 3, error: "refused".into() }.into(),
    ]
}

fn state() -> Vec<Message> {
    let pppoe = desired_point::Access::Pppoe(PppoeAccess {
        user: "casa-12".into(),
        sealed_password: bytes("sealed"),
        profile: "plan-50".into(),
        address: "192.0.2.9".into(),
    });
    let fixed = desired_point::Access::StaticAddress(StaticAccess { address: "192.0.2.10/32".into() });
    vec![
        DesiredSnapshot {
            push_id: 1,
            timeline: 2,
            part: 3,
            last: true,
            points: vec![point(Method::Pppoe, pppoe), point(Method::StaticAddress, fixed.clone())],
        }
        .into(),
        DesiredUpdate { push_id: 4, points: vec![point(Method::StaticAddress, fixed)] }.into(),
        DesiredAck { push_id: 4, credit: 5, error: "disk".into() }.into(),
        ObservedReport {
            report_id: 6,
            points: vec![ObservedPoint {
                point_id: "enp_1".into(),
                device_id: "dev_1".into(),
                order: Some(order()),
                status: ObservedStatus::Suspended.into(),
                outcome: Outcome::Contested.into(),
                detail: "reverted".into(),
                speed: Some(Speed { download_bps: 50_000_000, upload_bps: 10_000_000 }),
                session: Some(Session {
                    present: true,
                    since_ms: 7,
                    address: "192.0.2.9".into(),
                    caller_id: "02:00:5E:00:53:01".into(),
                }),
                read_at_ms: 8,
                applied_at_ms: 9,
                before: vec![field("profile", "plan-50")],
                after: vec![field("profile", "cut")],
                drift: true,
            }],
        }
        .into(),
        ObservedAck { report_id: 6, credit: 7 }.into(),
    ]
}

fn jobs() -> Vec<Message> {
    vec![
        Job {
            job_id: "job_1".into(),
            deadline_ms: 1_763_000_000_006,
            order: Some(job::Order::TestConnection(TestConnection { device: Some(device()) })),
            // What a newer peer adds is absent in what version 1 said.
            limit_ms: 0,
        }
        .into(),
        JobResult {
            job_id: "job_1".into(),
            status: JobStatus::Done.into(),
            detail: "read".into(),
            result: Some(job_result::Result::Plan(DevicePlan {
                device_id: "dev_1".into(),
                read_at_ms: 1,
                checks: vec![check("cut_profile", CheckStatus::Failed)],
                changes: vec![PlannedChange {
                    point_id: "enp_1".into(),
                    action: "cut".into(),
                    before: vec![field("profile", "plan-50")],
                    after: vec![field("profile", "cut")],
                    sessions_dropped: 0,
                }],
                in_place: 2,
                foreign_rows: 3,
            })),
            finding: None,
        }
        .into(),
        JobResultAck { job_id: "job_1".into(), credit: 4 }.into(),
        JobPart { job_id: "job_1".into(), sequence: 1, content: contents().into_iter().next() }.into(),
        JobPartAck { job_id: "job_1".into(), sequence: 1, credit: 8 }.into(),
        JobCancel { job_id: "job_1".into() }.into(),
    ]
}

/// What a part may hold; the first is the one of the golden bytes.
pub(crate) fn contents() -> Vec<job_part::Content> {
    let reply = EchoReply {
        sequence: 1,
        host: "192.0.2.9".into(),
        round_trip_us: Some(12_345),
        ttl: 63,
        size: 56,
        words: "timeout".into(),
    };
    let hop = TraceHop {
        address: "192.0.2.1".into(),
        sent: 3,
        loss_basis_points: 3_333,
        last_us: Some(1),
        best_us: Some(2),
        average_us: Some(3),
        worst_us: Some(4),
        words: "host unreachable".into(),
    };
    vec![
        job_part::Content::Echoes(EchoReplies { replies: vec![reply] }),
        job_part::Content::Trace(TraceRound { hops: vec![hop] }),
    ]
}

/// Orders that came after those of version 1.
pub(crate) fn orders() -> Vec<job::Order> {
    let (device_id, address) = (String::from("dev_1"), String::from("192.0.2.9"));
    vec![
        job::Order::Ping(Ping { device_id: device_id.clone(), address: address.clone(), count: 5, size: 56 }),
        job::Order::Traceroute(Traceroute { device_id, address, count: 3, max_hops: 20 }),
    ]
}

fn metrics() -> Vec<Message> {
    let epoch = Bytes::from_static(&[5; 16]);
    vec![
        SeriesTable {
            epoch: epoch.clone(),
            entries: vec![SeriesEntry {
                number: 1,
                name: "interface_receive_bytes_total".into(),
                device_id: "dev_1".into(),
                labels: vec![Label { name: "interface".into(), value: "ether1".into() }],
                kind: MetricKind::Counter.into(),
            }],
        }
        .into(),
        MetricBatch {
            epoch: epoch.clone(),
            sequence: 2,
            block: bytes("block"),
            sample_count: 3,
            correction_ms: -4,
        }
        .into(),
        MetricAck { epoch, received: vec![SequenceRange { first: 1, last: 2 }], credit: 5, quarantined: 6 }
            .into(),
    ]
}

fn order() -> Order {
    Order { timeline: 2, generation: 7 }
}

fn device() -> DeviceConfig {
    DeviceConfig {
        device_id: "dev_1".into(),
        site_id: "sit_1".into(),
        name: "core".into(),
        kind: "routeros".into(),
        host: "192.0.2.1".into(),
        port: 8729,
        tls: true,
        tls_fingerprint: Bytes::from_static(&[6; 32]),
        sealed_credentials: bytes("sealed"),
        mode: DeviceMode::Enforce.into(),
        measure_interval_ms: 60_000,
        sweep_interval_ms: 600_000,
        max_in_flight: 16,
        routeros: Some(RouterosSettings {
            cut_profile: "cut".into(),
            cut_address_list: "cortados".into(),
            legacy_login: true,
        }),
        // What a newer peer adds is absent in what version 1 said.
        without_ping: false,
    }
}

fn point(method: Method, access: desired_point::Access) -> DesiredPoint {
    DesiredPoint {
        point_id: "enp_1".into(),
        device_id: "dev_1".into(),
        method: method.into(),
        order: Some(order()),
        status: DesiredStatus::Suspended.into(),
        speed: Some(Speed { download_bps: 50_000_000, upload_bps: 10_000_000 }),
        access: Some(access),
        not_before_ms: 1,
        not_after_ms: 2,
        hold_open_until_ms: 3,
        released: true,
        restore: vec![field("profile", "plan-50")],
        marker: "atalaya:enp_1".into(),
        reason: "invoice F-102 overdue 6 days".into(),
        timeline_hold: TimelineHold::Unspecified.into(),
        adopt: false,
        address_free: false,
    }
}
