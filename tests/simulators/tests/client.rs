//! A small client of the binary API for tests: one sentence out, sentences in.

use std::net::SocketAddr;
use std::time::Duration;

use atalaya_simulators::routeros::codec::{Decoder, encode_sentence};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A connection of a client.
pub(crate) struct Client<S = TcpStream> {
    pub(crate) stream: S,
    decoder: Decoder,
}

impl Client {
    /// Connects without logging in.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("simulator listens");
        stream.set_nodelay(true).expect("loopback socket");
        Self::over(stream)
    }

    /// Connects and logs in as `admin`.
    pub(crate) async fn admin(address: SocketAddr) -> Self {
        let mut client = Self::connect(address).await;
        let reply = client.ask(&["/login", "=name=admin", "=password=admin"]).await;
        assert_eq!(reply, [["!done"]], "log-in");
        client
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// A client on any stream.
    pub(crate) fn over(stream: S) -> Self {
        Self { stream, decoder: Decoder::default() }
    }

    /// Sends a sentence.
    pub(crate) async fn send(&mut self, words: &[&str]) {
        self.stream.write_all(&encode_sentence(words)).await.expect("open connection");
        self.stream.flush().await.expect("open connection");
    }

    /// The next sentence, or `None` at the end of the connection.
    pub(crate) async fn receive(&mut self) -> Option<Vec<String>> {
        loop {
            if let Some(sentence) = self.decoder.next_sentence().expect("well formed") {
                return Some(sentence);
            }
            let mut buffer = [0; 4096];
            let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("in time");
            match read {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.decoder.feed(&buffer[..count]),
            }
        }
    }

    /// Sends a sentence without tag and collects its replies to `!done` (or `!fatal`, or the end).
    pub(crate) async fn ask(&mut self, words: &[&str]) -> Vec<Vec<String>> {
        self.send(words).await;
        let mut replies = Vec::new();
        while let Some(sentence) = self.receive().await {
            let last = matches!(sentence[0].as_str(), "!done" | "!fatal");
            replies.push(sentence);
            if last {
                break;
            }
        }
        replies
    }

    /// The message of the trap that a command ends in.
    pub(crate) async fn trap(&mut self, words: &[&str]) -> String {
        let replies = self.ask(words).await;
        assert_eq!(replies.len(), 2, "a trap, then done: {replies:?}");
        assert_eq!(replies[0][0], "!trap");
        assert_eq!(replies[1], ["!done"]);
        let message = replies[0].iter().find_map(|word| word.strip_prefix("=message="));
        message.expect("a trap has a message").to_owned()
    }

    /// The `=ret=` of a command.
    pub(crate) async fn result(&mut self, words: &[&str]) -> String {
        let replies = self.ask(words).await;
        let last = replies.last().expect("a reply");
        assert_eq!(last[0], "!done", "{replies:?}");
        last.iter().find_map(|word| word.strip_prefix("=ret=")).expect("a result").to_owned()
    }
}
