//! A device by a script, and who asks it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::super::ber::{self, Reader};
use super::super::client::Client;
use super::super::pdu::tests::answer;
use super::super::socket::Sockets;
use crate::clock::ManualClock;
use crate::driver::{Credentials, RouterosOptions, Target, TlsMode};

/// Half a second of silence is enough for a socket of this machine.
const WAITS: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(300)];

pub(super) struct Object {
    pub(super) arcs: Vec<u32>,
    pub(super) name: Vec<u8>,
    pub(super) tag: u8,
    pub(super) content: Vec<u8>,
}

/// A device by a script.
pub(super) struct Scripted {
    pub(super) objects: Vec<Object>,
    /// Rows and objects of one request beyond which it says nothing at all.
    pub(super) most: usize,
    /// Requests after which it is down.
    pub(super) lives: u64,
    /// Bytes beyond which it says `tooBig`.
    pub(super) largest: usize,
    /// A subtree in which every question gets the first object.
    pub(super) stuck: Option<Vec<u32>>,
    pub(super) requests: AtomicU64,
    /// Moved on by each request.
    pub(super) clock: Arc<ManualClock>,
    pub(super) per_request: Duration,
}

impl Scripted {
    pub(super) fn new() -> Self {
        let mut device = Self {
            objects: Vec::new(),
            most: usize::MAX,
            lives: u64::MAX,
            largest: usize::MAX,
            stuck: None,
            requests: AtomicU64::new(0),
            clock: Arc::new(ManualClock::at(1_000)),
            per_request: Duration::ZERO,
        };
        device.put("1.3.6.1.2.1.1.1.0", 0x04, b"Example");
        device.put("1.3.6.1.2.1.1.2.0", 0x06, &ber::encoded("1.3.6.1.4.1.99999.7").unwrap());
        device.put("1.3.6.1.2.1.1.3.0", 0x43, &[0, 100]);
        device
    }

    pub(super) fn put(&mut self, oid: &str, tag: u8, content: &[u8]) {
        let arcs: Vec<u32> = oid.split('.').map(|arc| arc.parse().unwrap()).collect();
        let object = Object { name: ber::encoded(oid).unwrap(), arcs, tag, content: content.to_vec() };
        let at = self.objects.partition_point(|there| there.arcs < object.arcs);
        self.objects.insert(at, object);
    }

    fn next(&self, arcs: &[u32]) -> Option<&Object> {
        if let Some(stuck) = self.stuck.as_ref().filter(|stuck| arcs.starts_with(stuck)) {
            return self.objects.iter().find(|object| object.arcs.starts_with(stuck));
        }
        self.objects.get(self.objects.partition_point(|object| object.arcs.as_slice() <= arcs))
    }

    fn answer(&self, request: &[u8]) -> Option<Vec<u8>> {
        let before = self.requests.fetch_add(1, Ordering::Relaxed);
        if before >= self.lives {
            return None;
        }
        self.clock.advance(self.per_request);
        let mut message = Reader(Reader(request).expect(ber::SEQUENCE).ok()?);
        message.integer().ok()?;
        message.expect(ber::OCTETS).ok()?;
        let (tag, content) = message.next().ok()?;
        let mut pdu = Reader(content);
        let id = u32::try_from(pdu.integer().ok()?).ok()?;
        let once = usize::try_from(pdu.integer().ok()?).ok()?;
        let repetitions = usize::try_from(pdu.integer().ok()?).ok()?;
        let mut list = Reader(pdu.expect(ber::SEQUENCE).ok()?);
        let mut names: Vec<Vec<u32>> = Vec::new();
        while !list.is_empty() {
            let name = Reader(list.expect(ber::SEQUENCE).ok()?).expect(ber::OBJECT_ID).ok()?;
            names.push(ber::dotted(name).split('.').map(|arc| arc.parse().unwrap()).collect());
        }
        let mut bindings = Vec::new();
        let encoded = |arcs: &[u32]| {
            ber::encoded(&arcs.iter().map(u32::to_string).collect::<Vec<_>>().join(".")).unwrap()
        };
        let mut push = |name: &mut Vec<u32>, found: Option<&Object>, missing: u8| {
            bindings.push(match found {
                Some(object) => {
                    name.clone_from(&object.arcs);
                    (object.name.clone(), object.tag, object.content.clone())
                }
                None => (encoded(name), missing, Vec::new()),
            });
        };
        match tag {
            0xA0 => {
                if names.len() > self.most {
                    return None;
                }
                for name in &mut names {
                    let found = self.objects.iter().find(|object| object.arcs == *name);
                    push(name, found, 0x80);
                }
            }
            0xA1 => {
                for name in &mut names {
                    let found = self.next(name);
                    push(name, found, 0x82);
                }
            }
            _ => {
                if repetitions > self.most {
                    return None;
                }
                for (at, name) in names.iter_mut().enumerate() {
                    if at < once {
                        let found = self.next(name);
                        push(name, found, 0x82);
                    }
                }
                for _ in 0..repetitions {
                    for name in names.iter_mut().skip(once) {
                        let found = self.next(name);
                        push(name, found, 0x82);
                    }
                }
            }
        }
        let whole = answer(id, 0, &bindings);
        Some(if whole.len() > self.largest { answer(id, 1, &[]) } else { whole })
    }
}

/// A played device, and who asks it.
pub(super) struct Scene {
    pub(super) device: Arc<Scripted>,
    pub(super) target: Target,
    pub(super) sockets: Arc<Sockets>,
    _tasks: JoinSet<()>,
}

impl Scene {
    pub(super) async fn of(device: Scripted) -> Self {
        let (device, sockets) = (Arc::new(device), Arc::new(Sockets::waiting(WAITS)));
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let target = Target {
            device_id: "dev_1".into(),
            site_id: "sit_1".into(),
            name: "example".into(),
            kind: "snmp".into(),
            host: "127.0.0.1".into(),
            port: Some(socket.local_addr().unwrap().port()),
            tls: TlsMode::Off,
            credentials: Credentials::SnmpV2c { community: "public".to_owned().into() },
            max_in_flight: 0,
            routeros: RouterosOptions::default(),
        };
        let mut tasks = JoinSet::new();
        let (played, receiver) = (Arc::clone(&device), Arc::clone(&sockets));
        tasks.spawn(async move {
            let mut request = vec![0; 65_535];
            while let Ok((length, from)) = socket.recv_from(&mut request).await {
                if let Some(answer) = played.answer(&request[..length]) {
                    socket.send_to(&answer, from).await.unwrap();
                }
            }
        });
        tasks.spawn(async move { receiver.run(CancellationToken::new()).await.unwrap() });
        Self { device, target, sockets, _tasks: tasks }
    }

    pub(super) fn client(&self) -> Client {
        Client::new(&self.target, Arc::clone(&self.sockets)).unwrap()
    }

    pub(super) fn requests(&self) -> u64 {
        self.device.requests.load(Ordering::Relaxed)
    }
}
