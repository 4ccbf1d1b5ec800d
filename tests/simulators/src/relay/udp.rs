//! Datagrams: one upstream socket per client, as a NAT has.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Direction, Link, Shared};
use crate::rng::SplitMix;

/// Largest datagram.
const LARGEST: usize = 65_535;
/// Datagrams of one client and direction that may wait; more are dropped, as a full queue does.
const QUEUE: usize = 4_096;

/// A client's way to the server.
struct Client {
    queue: mpsc::Sender<(Vec<u8>, tokio::time::Instant)>,
    binding: CancellationToken,
}

/// Relays until the relay stops.
pub(super) async fn run(shared: Arc<Shared>, socket: UdpSocket) {
    let socket = Arc::new(socket);
    let mut clients: HashMap<SocketAddr, Client> = HashMap::new();
    let mut fate = SplitMix::new(shared.seed);
    let mut buffer = vec![0; LARGEST];
    loop {
        let received = tokio::select! {
            () = shared.stop.cancelled() => return,
            received = socket.recv_from(&mut buffer) => received,
        };
        // An error is an ICMP answer to an earlier datagram (the client is gone): nothing to relay.
        let Ok((length, peer)) = received else { continue };
        let link = *shared.link.borrow();
        if lost(&shared, link, &mut fate) {
            continue;
        }
        let stale = clients.get(&peer).is_none_or(|client| client.binding.is_cancelled());
        if stale {
            match open(&shared, &socket, peer).await {
                Ok(client) => {
                    clients.insert(peer, client);
                }
                Err(error) => {
                    tracing::warn!(%peer, %error, "no socket for a client");
                    continue;
                }
            }
        }
        if let Some(client) = clients.get(&peer)
            && client.queue.try_send((buffer[..length].to_vec(), due(link))).is_err()
        {
            shared.passed.lock().dropped += 1;
        }
    }
}

/// Decides the fate of one datagram. One number is drawn for each, so that the same seed loses the same ones.
fn lost(shared: &Shared, link: Link, fate: &mut SplitMix) -> bool {
    let lost = fate.chance_permille(link.loss_permille) || link.cut;
    if lost {
        shared.passed.lock().dropped += 1;
    }
    lost
}

#[allow(clippy::disallowed_methods)] // a relay delays real datagrams: real time is its subject
fn due(link: Link) -> tokio::time::Instant {
    tokio::time::Instant::now() + Duration::from_millis(link.delay_ms)
}

async fn open(shared: &Arc<Shared>, front: &Arc<UdpSocket>, peer: SocketAddr) -> std::io::Result<Client> {
    let any: SocketAddr = match shared.upstream {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let upstream = Arc::new(UdpSocket::bind(any).await?);
    upstream.connect(shared.upstream).await?;
    let number = {
        let mut passed = shared.passed.lock();
        passed.clients += 1;
        passed.clients
    };
    let binding = shared.binding();
    let (queue, to_server) = mpsc::channel(QUEUE);
    let (back, to_client) = mpsc::channel(QUEUE);
    let fate = SplitMix::new(shared.seed ^ number.wrapping_mul(0xD6E8_FEB8_6659_FD93));

    let forward = deliver(Arc::clone(shared), Direction::ToServer, to_server, Arc::clone(&upstream), None);
    let backward = deliver(Arc::clone(shared), Direction::ToClient, to_client, Arc::clone(front), Some(peer));
    let listen = hear(Arc::clone(shared), upstream, back, fate);
    let ended = binding.clone();
    shared.tasks.spawn(async move {
        tokio::select! {
            () = ended.cancelled() => {}
            ((), (), ()) = async { tokio::join!(forward, backward, listen) } => {}
        }
    });
    Ok(Client { queue, binding })
}

/// Sends what waits in a queue when its time has come, in order.
async fn deliver(
    shared: Arc<Shared>,
    direction: Direction,
    mut queue: mpsc::Receiver<(Vec<u8>, tokio::time::Instant)>,
    socket: Arc<UdpSocket>,
    peer: Option<SocketAddr>,
) {
    while let Some((datagram, due)) = queue.recv().await {
        tokio::time::sleep_until(due).await;
        let sent = match peer {
            Some(peer) => socket.send_to(&datagram, peer).await,
            None => socket.send(&datagram).await,
        };
        match sent {
            Ok(sent) => shared.count(direction, sent),
            // Nobody listens there now; UDP does not promise more.
            Err(error) => tracing::debug!(%error, ?direction, "datagram not sent"),
        }
    }
}

/// Takes the server's answers of one client.
async fn hear(
    shared: Arc<Shared>,
    upstream: Arc<UdpSocket>,
    back: mpsc::Sender<(Vec<u8>, tokio::time::Instant)>,
    mut fate: SplitMix,
) {
    let mut buffer = vec![0; LARGEST];
    loop {
        let length = match upstream.recv(&mut buffer).await {
            Ok(length) => length,
            // "Connection refused" while the server restarts is no reason to give up the client.
            Err(error) => {
                tracing::debug!(%error, "nothing from the server");
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
        };
        let link = *shared.link.borrow();
        if !lost(&shared, link, &mut fate) && back.try_send((buffer[..length].to_vec(), due(link))).is_err() {
            shared.passed.lock().dropped += 1;
        }
    }
}
