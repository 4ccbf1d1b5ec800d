use std::sync::Arc;

use tokio::task::JoinSet;

use super::super::pdu::tests::answer;
use super::*;

struct Held {
    sockets: Arc<Sockets>,
    tasks: JoinSet<Option<Vec<u8>>>,
    stop: CancellationToken,
}

impl Held {
    fn new() -> Self {
        let (sockets, stop, mut tasks) =
            (Arc::new(Sockets::open()), CancellationToken::new(), JoinSet::new());
        let (receiver, token) = (Arc::clone(&sockets), stop.clone());
        tasks.spawn(async move { receiver.run(token).await.map(|()| Vec::new()).ok() });
        Self { sockets, tasks, stop }
    }

    /// Asks `peer`; what is sent is the id alone.
    fn ask(&mut self, peer: SocketAddr) {
        let sockets = Arc::clone(&self.sockets);
        self.tasks.spawn(async move { sockets.exchange(peer, |id| id.to_be_bytes().to_vec()).await.ok() });
    }

    async fn ended(mut self) -> (Dropped, Option<Vec<u8>>) {
        let outcome = self.tasks.join_next().await.unwrap().unwrap();
        let mut dropped = self.sockets.dropped();
        let limit = std::time::Duration::from_secs(20);
        // What was sent last may still be on its way.
        let settled = tokio::time::timeout(limit, async {
            while dropped.unasked == 0 {
                tokio::task::yield_now().await;
                dropped = self.sockets.dropped();
            }
        });
        settled.await.unwrap();
        assert!(self.sockets.waiting.lock().is_empty());
        self.stop.cancel();
        (dropped, outcome)
    }
}

async fn id_of(device: &UdpSocket) -> (u32, SocketAddr) {
    let mut request = [0; 4];
    let (_, from) = device.recv_from(&mut request).await.unwrap();
    // The socket is bound to every address; on loopback it is reached at this one.
    (u32::from_be_bytes(request), SocketAddr::new(Ipv4Addr::LOCALHOST.into(), from.port()))
}

async fn socket() -> UdpSocket {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap()
}

#[tokio::test]
async fn only_the_asked_device_answers_and_only_once() {
    let (device, stranger) = (socket().await, socket().await);
    let mut held = Held::new();
    held.ask(device.local_addr().unwrap());
    let (id, us) = id_of(&device).await;
    stranger.send_to(&answer(id, 0, &[]), us).await.unwrap();
    device.send_to(b"no SNMP at all", us).await.unwrap();
    device.send_to(&answer(id, 5, &[]), us).await.unwrap();
    device.send_to(&answer(id, 0, &[]), us).await.unwrap();
    let (dropped, outcome) = held.ended().await;
    assert_eq!(outcome.unwrap(), answer(id, 5, &[]));
    assert_eq!(dropped, Dropped { unasked: 1, foreign: 1, unreadable: 1 });
}

#[tokio::test]
async fn a_lost_request_is_sent_again_with_its_id() {
    let device = socket().await;
    let mut held = Held::new();
    held.ask(device.local_addr().unwrap());
    let (first, _) = id_of(&device).await;
    let (second, us) = id_of(&device).await;
    assert_eq!(first, second);
    // The answers to both arrive.
    device.send_to(&answer(first, 0, &[]), us).await.unwrap();
    device.send_to(&answer(second, 0, &[]), us).await.unwrap();
    let (dropped, outcome) = held.ended().await;
    assert_eq!(outcome.unwrap(), answer(first, 0, &[]));
    assert_eq!(dropped, Dropped { unasked: 1, ..Dropped::default() });
}
