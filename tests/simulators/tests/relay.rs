//! The bad link.

use std::net::SocketAddr;
use std::time::Duration;

use atalaya_simulators::relay::{Link, Relay, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

const PATIENCE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(200);

fn any() -> SocketAddr {
    "127.0.0.1:0".parse().expect("address")
}

/// A server that answers every datagram with itself, and the source port it saw.
async fn echo(tasks: &mut JoinSet<()>) -> SocketAddr {
    let socket = UdpSocket::bind(any()).await.expect("loopback");
    let address = socket.local_addr().expect("bound");
    tasks.spawn(async move {
        let mut buffer = [0; 2_000];
        while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
            let mut answer = peer.port().to_be_bytes().to_vec();
            answer.extend_from_slice(&buffer[..length]);
            if socket.send_to(&answer, peer).await.is_err() {
                return;
            }
        }
    });
    address
}

async fn ask(client: &UdpSocket, number: u16) -> Option<(u16, u16)> {
    client.send(&number.to_be_bytes()).await.expect("relay is there");
    let mut buffer = [0; 2_000];
    let length = tokio::time::timeout(SHORT, client.recv(&mut buffer)).await.ok()?.expect("relay is there");
    assert_eq!(length, 4);
    let two = |at: usize| u16::from_be_bytes([buffer[at], buffer[at + 1]]);
    Some((two(0), two(2)))
}

async fn client(relay: &Relay) -> UdpSocket {
    let socket = UdpSocket::bind(any()).await.expect("loopback");
    socket.connect(relay.address()).await.expect("loopback");
    socket
}

#[tokio::test]
async fn udp_cut_restore_and_rebind() {
    let mut tasks = JoinSet::new();
    let server = echo(&mut tasks).await;
    let relay = Relay::start(Transport::Udp, any(), server, 1).await.expect("relay");
    let socket = client(&relay).await;
    let (port, number) = ask(&socket, 7).await.expect("an answer");
    assert_eq!(number, 7);
    assert_eq!(ask(&socket, 8).await, Some((port, 8)), "the binding is kept");
    relay.cut();
    assert_eq!(ask(&socket, 9).await, None);
    relay.restore();
    assert_eq!(ask(&socket, 10).await, Some((port, 10)));
    relay.rebind();
    let (rebound, number) = ask(&socket, 11).await.expect("an answer");
    assert_eq!(number, 11);
    assert_ne!(rebound, port, "a new source port");
    let passed = relay.passed();
    assert_eq!((passed.to_server, passed.to_client, passed.dropped, passed.clients), (4, 4, 1, 2));
    relay.shutdown().await;
}

/// Which of 200 datagrams reach the server with this seed.
async fn survivors(seed: u64) -> Vec<u16> {
    let server = UdpSocket::bind(any()).await.expect("loopback");
    let address = server.local_addr().expect("bound");
    let relay = Relay::start(Transport::Udp, any(), address, seed).await.expect("relay");
    relay.set_link(Link { loss_permille: 300, ..Link::default() });
    let socket = client(&relay).await;
    let mut seen = Vec::new();
    for number in 0_u16..200 {
        socket.send(&number.to_be_bytes()).await.expect("relay is there");
        // One at a time, so that no buffer between the processes loses any.
        tokio::time::timeout(PATIENCE, async {
            loop {
                let passed = relay.passed();
                if passed.to_server + passed.dropped > u64::from(number) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await
        .expect("its fate is decided");
    }
    let mut buffer = [0; 2];
    while seen.len() < usize::try_from(relay.passed().to_server).expect("small") {
        tokio::time::timeout(PATIENCE, server.recv(&mut buffer)).await.expect("in time").expect("bound");
        seen.push(u16::from_be_bytes(buffer));
    }
    seen
}

#[tokio::test]
async fn the_same_seed_loses_the_same_datagrams() {
    let first = survivors(42).await;
    assert!((110..170).contains(&first.len()), "about 30 % are lost, not {}", 200 - first.len());
    assert_eq!(first, survivors(42).await);
    assert_ne!(first, survivors(43).await);
}

#[tokio::test]
async fn tcp_stands_still_and_is_closed() {
    let listener = TcpListener::bind(any()).await.expect("loopback");
    let server = listener.local_addr().expect("bound");
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (mut reader, mut writer) = stream.split();
            // Ends with the connection, well or not.
            let _ = tokio::io::copy(&mut reader, &mut writer).await;
        }
    });
    let relay = Relay::start(Transport::Tcp, any(), server, 1).await.expect("relay");
    relay.set_link(Link { delay_ms: 30, ..Link::default() });
    let mut stream = TcpStream::connect(relay.address()).await.expect("relay listens");
    let mut buffer = [0; 5];
    stream.write_all(b"hello").await.expect("open");
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut buffer)).await.expect("in time").expect("echo");
    assert_eq!(&buffer, b"hello");
    relay.cut();
    stream.write_all(b"again").await.expect("open");
    assert!(tokio::time::timeout(SHORT, stream.read_exact(&mut buffer)).await.is_err(), "stands still");
    relay.restore();
    let mut rest = [0; 5];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut rest)).await.expect("in time").expect("echo");
    assert_eq!(&rest, b"again", "nothing was lost");
    relay.rebind();
    let end = tokio::time::timeout(PATIENCE, stream.read(&mut rest)).await.expect("in time");
    assert!(matches!(end, Ok(0) | Err(_)), "closed");
    relay.shutdown().await;
}
