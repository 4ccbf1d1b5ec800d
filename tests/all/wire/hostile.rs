//! Peers that do not follow the protocol: they are sent away, the others stay.

use atalaya_agent::uplink::{LinkState, quic};
use atalaya_pki::client::{self, Trust};
use atalaya_protocol::{version, wire};
use bytes::Bytes;
use prost::Message as _;
use quinn::{Connection, ConnectionError};

use super::{eventually, headquarters::Headquarters, site::Site};

async fn goodbye(connection: &Connection) -> wire::Goodbye {
    match connection.closed().await {
        ConnectionError::ApplicationClosed(close) => wire::Goodbye::decode(close.reason).unwrap(),
        other => panic!("{other}"),
    }
}

/// A connection with a valid certificate, spoken by hand.
async fn connect(site: &Site) -> quic::Link {
    let enrolled = site.store.enrolled().unwrap().unwrap();
    let key = site.store.key().unwrap().unwrap();
    let tls = client::session(enrolled.roots(), enrolled.certificate(), &key, site.floor()).unwrap();
    quic::connect(&enrolled.gateways, tls).await.unwrap()
}

fn hello() -> wire::Hello {
    wire::Hello {
        protocol_version: 1,
        run_id: Bytes::from_static(&[1; 16]),
        sealing_key: Bytes::from_static(&[2; 32]),
        desired_digest: Bytes::from_static(&[3; 32]),
        buffer_epoch: Bytes::from_static(&[4; 16]),
        ..wire::Hello::default()
    }
}

async fn say(site: &Site, bytes: &[u8]) -> wire::Goodbye {
    let link = connect(site).await;
    let (mut send, _recv) = link.connection.open_bi().await.unwrap();
    send.write_all(bytes).await.unwrap();
    goodbye(&link.connection).await
}

#[tokio::test]
async fn without_a_certificate_the_session_alpn_is_closed() {
    let hq = Headquarters::start();
    let site = Site::new(0);
    let enrolled = site.enroll(&hq.join()).await.unwrap();
    let mut tls = client::enrolment(Trust::Roots(enrolled.roots()), site.floor()).unwrap();
    tls.alpn_protocols = vec![atalaya_pki::server::ALPN_SESSION.to_vec()];
    let link = quic::connect(&enrolled.gateways, tls).await.unwrap();
    assert_eq!(goodbye(&link.connection).await.reason(), wire::GoodbyeReason::NotEnrolled);
}

#[tokio::test]
async fn an_unknown_alpn_has_no_connection() {
    let hq = Headquarters::start();
    let site = Site::new(0);
    let enrolled = site.enroll(&hq.join()).await.unwrap();
    let mut tls = client::enrolment(Trust::Roots(enrolled.roots()), site.floor()).unwrap();
    tls.alpn_protocols = vec![b"h3".to_vec()];
    assert!(quic::connect(&enrolled.gateways, tls).await.is_err());
}

#[tokio::test]
async fn broken_peers_are_sent_away_with_the_reason() {
    let hq = Headquarters::start();
    let site = Site::new(0);
    site.enroll(&hq.join()).await.unwrap();
    let oversized = [0x7f, 0, 0, 0, 0, 1, 0];
    let early = version::encode(&wire::Heartbeat::default()).unwrap();
    let short = version::encode(&wire::Hello { buffer_epoch: Bytes::new(), ..hello() }).unwrap();
    for (bytes, word) in [
        (&oversized[..], "exceeds"),
        (b"\0\0\0\x05\0\x01\0\xff\xff", "cannot be read"),
        (&early, "before Hello"),
        (&short, "buffer_epoch"),
    ] {
        let goodbye = say(&site, bytes).await;
        assert_eq!(goodbye.reason(), wire::GoodbyeReason::ProtocolError);
        assert!(goodbye.detail.contains(word), "{}", goodbye.detail);
    }
    let old = version::encode(&wire::Hello { protocol_version: 0, ..hello() }).unwrap();
    assert_eq!(say(&site, &old).await.reason(), wire::GoodbyeReason::VersionUnsupported);
    let running = site.run();
    eventually("an honest agent is served", async || running.state() == LinkState::Connected).await;
}

#[tokio::test]
async fn frames_of_a_newer_agent_are_skipped() {
    let hq = Headquarters::start();
    let site = Site::new(0);
    site.enroll(&hq.join()).await.unwrap();
    let link = connect(&site).await;
    let (mut send, _recv) = link.connection.open_bi().await.unwrap();
    send.write_all(&version::encode(&hello()).unwrap()).await.unwrap();
    send.write_all(b"\0\0\0\x05\0\x01\xfe\xff\xff").await.unwrap();
    send.write_all(&version::encode(&wire::Heartbeat::default()).unwrap()).await.unwrap();
    eventually("the heartbeat after it is heard", async || hq.see(|rows| rows.heartbeats.len() == 1)).await;
}

#[tokio::test]
async fn more_than_the_credit_ends_the_session() {
    let hq = Headquarters::start();
    hq.change(|rows| rows.failing = true);
    let site = Site::new(0);
    site.enroll(&hq.join()).await.unwrap();
    let link = connect(&site).await;
    let open = async |frame: Bytes| {
        let (mut send, recv) = link.connection.open_bi().await.unwrap();
        send.write_all(&frame).await.unwrap();
        (send, recv)
    };
    let _control = open(version::encode(&hello()).unwrap()).await;
    let lanes = [
        atalaya_protocol::Lane::State,
        atalaya_protocol::Lane::Jobs,
        atalaya_protocol::Lane::Backlog,
        atalaya_protocol::Lane::Live,
    ];
    let mut streams = Vec::new();
    for lane in lanes {
        streams.push(open(version::encode_on(lane, &wire::LaneOpen {}).unwrap()).await);
    }
    let (live, _) = streams.last_mut().unwrap();
    let block = atalaya_protocol::block::encode(&[]).unwrap();
    for sequence in 0..200 {
        let batch = wire::MetricBatch {
            epoch: Bytes::from_static(&[4; 16]),
            sequence,
            block: block.clone().into(),
            ..wire::MetricBatch::default()
        };
        let frame = version::encode_on(atalaya_protocol::Lane::Live, &batch).unwrap();
        // The connection may be closed under us before the last.
        if live.write_all(&frame).await.is_err() {
            break;
        }
    }
    let goodbye = goodbye(&link.connection).await;
    assert_eq!(goodbye.reason(), wire::GoodbyeReason::ProtocolError);
    assert!(goodbye.detail.contains("in flight"), "{}", goodbye.detail);
}
