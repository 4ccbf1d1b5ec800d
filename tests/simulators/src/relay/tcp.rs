//! Connections: bytes in order, delayed or standing still.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::{Direction, Shared};

/// Pieces of one connection and direction that may wait.
const QUEUE: usize = 64;
/// Largest piece, in bytes.
const PIECE: usize = 16 * 1024;

/// Relays until the relay stops.
pub(super) async fn run(shared: Arc<Shared>, listener: TcpListener) {
    loop {
        let accepted = tokio::select! {
            () = shared.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((client, _)) => {
                shared.passed.lock().clients += 1;
                let binding = shared.binding();
                let connection = connect(Arc::clone(&shared), client);
                shared.tasks.spawn(async move {
                    tokio::select! {
                        () = binding.cancelled() => {}
                        () = connection => {}
                    }
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely; they come back.
                tracing::warn!(%error, "cannot accept");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connect(shared: Arc<Shared>, client: TcpStream) {
    uncut(&shared).await;
    let server = match TcpStream::connect(shared.upstream).await {
        Ok(server) => server,
        Err(error) => {
            tracing::debug!(%error, "server cannot be reached");
            return;
        }
    };
    for stream in [&client, &server] {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::join!(
        pipe(&shared, Direction::ToServer, from_client, to_server),
        pipe(&shared, Direction::ToClient, from_server, to_client),
    );
}

/// Waits while the link is cut.
async fn uncut(shared: &Shared) {
    // An error means that the relay is going away, which ends the connection too.
    let _ = shared.link.subscribe().wait_for(|link| !link.cut).await;
}

/// Moves bytes one way until an end closes; then closes the other one.
#[allow(clippy::disallowed_methods)] // a relay delays real bytes: real time is its subject
async fn pipe(
    shared: &Shared,
    direction: Direction,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
) {
    let (queue, mut waiting) = mpsc::channel::<(Vec<u8>, tokio::time::Instant)>(QUEUE);
    let read = async move {
        let mut buffer = vec![0; PIECE];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let due = tokio::time::Instant::now() + Duration::from_millis(shared.link.borrow().delay_ms);
            if queue.send((buffer[..length].to_vec(), due)).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((piece, due)) = waiting.recv().await {
            tokio::time::sleep_until(due).await;
            uncut(shared).await;
            if to.write_all(&piece).await.is_err() {
                return;
            }
            shared.count(direction, piece.len());
        }
        if let Err(error) = to.shutdown().await {
            tracing::debug!(%error, ?direction, "far end closed first");
        }
    };
    tokio::join!(read, write);
}
