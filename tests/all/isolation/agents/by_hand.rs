//! An enrolled agent whose every word is the test's.

use atalaya_agent::{
    enrol::{self, IdentityStore},
    uplink::{
        framed::{FramedRecv, FramedSend},
        quic,
    },
};
use atalaya_pki::{JoinString, client};
use atalaya_protocol::{FrameLimits, Lane, Message, WireMessage, version, wire};
use bytes::Bytes;
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::runtime::Runtime;

/// An answer that took longer never came.
const PATIENCE: Duration = Duration::from_secs(30);

/// Its identity.
pub(super) struct ByHand {
    runtime: Runtime,
    store: IdentityStore,
    pub(super) id: String,
}

/// A connection of it, with all its lanes.
pub(super) struct Speaking<'a> {
    runtime: &'a Runtime,
    link: quic::Link,
    lanes: Vec<Spoken>,
    /// Everything that it was told, as text.
    pub(super) told: String,
}

struct Spoken {
    lane: Lane,
    send: FramedSend,
    recv: FramedRecv,
}

fn clock() -> Arc<dyn TimeProvider> {
    Arc::new(DefaultTimeProvider)
}

impl ByHand {
    /// Enrols with a join string.
    pub(super) fn enroll(folder: &Path, join: &str) -> Self {
        let runtime = Runtime::new().expect("a test has threads");
        let store = IdentityStore::open(folder).expect("a folder for the identity");
        let join = JoinString::decode(join).expect("a join string");
        let enrolled = runtime.block_on(enrol::enroll(&store, &join, "by-hand", clock()));
        let id = enrolled.expect("it is enrolled").agent;
        Self { runtime, store, id }
    }

    /// Connects, with a buffer and a run of this number.
    pub(super) fn connect(&self, run: u8) -> Speaking<'_> {
        let opened = self.runtime.block_on(async {
            tokio::time::timeout(PATIENCE, self.open(run)).await.expect("headquarters answers")
        });
        let (link, lanes, told) = opened;
        Speaking { runtime: &self.runtime, link, lanes, told }
    }

    async fn open(&self, run: u8) -> (quic::Link, Vec<Spoken>, String) {
        let enrolled = self.store.enrolled().expect("a readable identity").expect("it is enrolled");
        let key = self.store.key().expect("a readable key").expect("a key");
        let tls = client::session(enrolled.roots(), enrolled.certificate(), &key, clock());
        let link = quic::connect(&enrolled.gateways, tls.expect("a TLS configuration")).await;
        let link = link.expect("headquarters can be reached");
        let hello = wire::Hello {
            protocol_version: 1,
            run_id: Bytes::from(vec![run; 16]),
            sealing_key: Bytes::from_static(&[2; 32]),
            // Nobody's: the whole configuration and the whole set are sent.
            config_version: u64::from(u32::MAX),
            desired_digest: Bytes::from_static(&[3; 32]),
            buffer_epoch: Bytes::from(vec![run; 16]),
            ..wire::Hello::default()
        };
        let mut control = open(&link, Lane::Control, &version::encode(&hello).expect("a frame")).await;
        let greeting = control.recv.next().await.expect("an answer to Hello");
        assert!(matches!(greeting, Message::HelloAck(_)), "{greeting:?}");
        let mut lanes = vec![control];
        for lane in [Lane::State, Lane::Jobs, Lane::Live, Lane::Backlog] {
            let first = version::encode_on(lane, &wire::LaneOpen {}).expect("a frame");
            lanes.push(open(&link, lane, &first).await);
        }
        (link, lanes, format!("{greeting:?}"))
    }
}

async fn open(link: &quic::Link, lane: Lane, first: &Bytes) -> Spoken {
    let (send, recv) = link.connection.open_bi().await.expect("a stream");
    let mut send = FramedSend::new(send);
    send.send(first).await.expect("the connection stands");
    Spoken { lane, send, recv: FramedRecv::new(lane, recv, FrameLimits::for_agent()) }
}

impl Speaking<'_> {
    /// Says something on a lane.
    pub(super) fn say<M: WireMessage>(&mut self, lane: Lane, message: &M) {
        let frame = version::encode_on(lane, message).expect("a frame");
        let (runtime, spoken) = (self.runtime, self.on(lane));
        runtime.block_on(spoken.send.send(&frame)).expect("the connection stands");
    }

    /// The next message of a lane of which `wanted` makes something; others are heard and passed over.
    pub(super) fn hear<T>(&mut self, lane: Lane, wanted: impl Fn(Message) -> Option<T>) -> T {
        loop {
            let (runtime, spoken) = (self.runtime, self.on(lane));
            let next = async { tokio::time::timeout(PATIENCE, spoken.recv.next()).await };
            let next = runtime.block_on(next);
            let message = next.unwrap_or_else(|_| panic!("nothing more on the {} lane", lane.name()));
            let message = message.expect("the connection stands");
            // An acknowledged result only says again what was said.
            if !matches!(message, Message::JobResultAck(_) | Message::JobPartAck(_)) {
                self.told.push_str(&format!("{message:?}"));
            }
            if let Some(found) = wanted(message) {
                return found;
            }
        }
    }

    /// Goes, and says so.
    pub(super) fn leave(self) {
        self.runtime.block_on(self.link.close(0, b""));
    }

    fn on(&mut self, lane: Lane) -> &mut Spoken {
        self.lanes.iter_mut().find(|spoken| spoken.lane == lane).expect("every lane is open")
    }
}
