//! The control port of a simulator that runs as a process of its own.
//!
//! One JSON object per line in, one per line out: `{"op":"counters"}` is answered by `{"ok":…}` or
//! `{"error":"…"}`. What can be asked stands in [`routeros::control`](crate::routeros::control) and
//! [`relay::control`](crate::relay::control). For loopback only: who reaches the port owns the simulator.

use std::net::SocketAddr;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Answers control connections until the listener fails.
///
/// # Errors
/// The listener's error.
pub async fn serve<R, F>(listener: TcpListener, answer: F) -> std::io::Result<()>
where
    R: DeserializeOwned,
    F: Fn(R) -> Result<Value, String> + Send + Sync + 'static,
{
    let answer = Arc::new(answer);
    let mut clients = JoinSet::new();
    loop {
        let (stream, peer) = listener.accept().await?;
        let answer = Arc::clone(&answer);
        clients.spawn(async move {
            if let Err(error) = converse(&*answer, stream).await {
                tracing::debug!(%peer, %error, "control connection ended");
            }
        });
        while clients.try_join_next().is_some() {}
    }
}

async fn converse<R: DeserializeOwned>(
    answer: &(dyn Fn(R) -> Result<Value, String> + Send + Sync),
    stream: TcpStream,
) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    while let Some(line) = lines.next_line().await? {
        let outcome = serde_json::from_str::<R>(&line).map_err(|error| error.to_string()).and_then(answer);
        let mut text = match outcome {
            Ok(value) => json!({ "ok": value }),
            Err(error) => json!({ "error": error }),
        }
        .to_string();
        text.push('\n');
        writer.write_all(text.as_bytes()).await?;
    }
    Ok(())
}

/// A client of a control port, for tests.
#[derive(Debug)]
pub struct ControlClient {
    stream: BufReader<TcpStream>,
}

impl ControlClient {
    /// Connects.
    ///
    /// # Errors
    /// The connection's error.
    pub async fn connect(address: SocketAddr) -> std::io::Result<Self> {
        Ok(Self { stream: BufReader::new(TcpStream::connect(address).await?) })
    }

    /// Asks one thing.
    ///
    /// # Errors
    /// The connection's error, or what the simulator says against the request.
    pub async fn ask<R: Serialize>(&mut self, request: &R) -> std::io::Result<Value> {
        let mut line = serde_json::to_string(request).map_err(std::io::Error::other)?;
        line.push('\n');
        self.stream.get_mut().write_all(line.as_bytes()).await?;
        let mut answer = String::new();
        if self.stream.read_line(&mut answer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let mut answer: Value = serde_json::from_str(&answer).map_err(std::io::Error::other)?;
        match answer.get("error").and_then(Value::as_str) {
            Some(error) => Err(std::io::Error::other(error.to_owned())),
            None => Ok(answer.get_mut("ok").map(Value::take).unwrap_or_default()),
        }
    }

    /// Asks one thing, and reads the answer as `T`.
    ///
    /// # Errors
    /// As [`ask`](Self::ask), or an answer of another shape.
    pub async fn ask_as<T: DeserializeOwned>(&mut self, request: &impl Serialize) -> std::io::Result<T> {
        serde_json::from_value(self.ask(request).await?).map_err(std::io::Error::other)
    }
}
