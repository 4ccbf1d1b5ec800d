//! The control port: what [`RouterSim`] offers in its own process, for tests that run the simulator as
//! another one.
//!
//! One JSON object per line in, one per line out: `{"op":"verdict","cpe":"sub0001"}` is answered by
//! `{"ok":…}` or `{"error":"…"}`. For loopback only: who reaches the port owns the router.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::cpe::CpeConfig;
use super::fault::Faults;
use super::inspect::RouterSim;

/// What can be asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Addresses and certificate: `{api, api_ssl, certificate}`.
    Hello,
    /// Counters, faults, open connections, every CPE, every row's digest.
    State,
    /// Rows of a menu.
    Rows {
        /// Path.
        menu: String,
    },
    /// Digest of every row, by menu and name.
    Digests,
    /// Every CPE.
    Cpes,
    /// One CPE's traffic verdict.
    Verdict {
        /// Its name.
        cpe: String,
    },
    /// One CPE's state.
    Cpe {
        /// Its name.
        cpe: String,
    },
    /// Adds a CPE.
    AddCpe {
        /// The CPE.
        cpe: CpeConfig,
    },
    /// Plugs a CPE in or out.
    Power {
        /// Its name.
        cpe: String,
        /// In or out.
        on: bool,
    },
    /// Sets all knobs; those left out are turned back.
    Faults {
        /// The knobs.
        faults: Faults,
    },
    /// Counters.
    Counters,
    /// Counts from zero again.
    ResetCounters,
    /// Interface counter values served.
    Served {
        /// First sequence number wanted.
        since: u64,
        /// Most entries.
        limit: usize,
    },
    /// Executes a command by hand; answers with the reply sentences.
    Operate {
        /// Words.
        words: Vec<String>,
    },
    /// Turns the router off and on.
    Reboot,
    /// Drops all API connections.
    DropConnections,
    /// Turns device time forward.
    Advance {
        /// Milliseconds.
        ms: u64,
    },
}

/// Answers control connections until the listener fails.
///
/// # Errors
/// The listener's error.
pub async fn serve(sim: Arc<RouterSim>, listener: TcpListener) -> std::io::Result<()> {
    let mut clients = JoinSet::new();
    loop {
        let (stream, peer) = listener.accept().await?;
        let sim = Arc::clone(&sim);
        clients.spawn(async move {
            if let Err(error) = converse(&sim, stream).await {
                tracing::debug!(%peer, %error, "control connection ended");
            }
        });
        while clients.try_join_next().is_some() {}
    }
}

async fn converse(sim: &RouterSim, stream: TcpStream) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    while let Some(line) = lines.next_line().await? {
        let outcome = match serde_json::from_str::<Request>(&line) {
            Ok(request) => answer(sim, request),
            Err(error) => Err(error.to_string()),
        };
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

fn answer(sim: &RouterSim, request: Request) -> Result<Value, String> {
    let unknown = || "no such CPE".to_owned();
    let done = |found: bool| if found { Ok(Value::Null) } else { Err(unknown()) };
    match request {
        Request::Hello => Ok(json!({
            "api": sim.address(),
            "api_ssl": sim.tls_address(),
            "certificate": sim.certificate_pem(),
        })),
        Request::State => Ok(json!({
            "counters": sim.counters(),
            "faults": sim.faults(),
            "open_connections": sim.open_connections(),
            "cpes": sim.cpes(),
            "digests": sim.digests(),
        })),
        Request::Rows { menu } => value(sim.rows(&menu).ok_or("no such menu")?),
        Request::Digests => value(sim.digests()),
        Request::Cpes => value(sim.cpes()),
        Request::Verdict { cpe } => value(sim.passes_traffic(&cpe).ok_or_else(unknown)?),
        Request::Cpe { cpe } => value(sim.cpe(&cpe).ok_or_else(unknown)?),
        Request::AddCpe { cpe } => {
            if sim.add_cpe(cpe) {
                Ok(Value::Null)
            } else {
                Err("name is taken".to_owned())
            }
        }
        Request::Power { cpe, on } => done(sim.set_powered(&cpe, on)),
        Request::Faults { faults } => {
            sim.update_faults(|knobs| *knobs = faults);
            Ok(Value::Null)
        }
        Request::Counters => value(sim.counters()),
        Request::ResetCounters => {
            sim.reset_counters();
            Ok(Value::Null)
        }
        Request::Served { since, limit } => value(sim.served(since, limit)),
        Request::Operate { words } => value(sim.operate(&words)),
        Request::Reboot => {
            sim.reboot();
            Ok(Value::Null)
        }
        Request::DropConnections => {
            sim.drop_connections();
            Ok(Value::Null)
        }
        Request::Advance { ms } => {
            sim.advance(Duration::from_millis(ms));
            Ok(Value::Null)
        }
    }
}

fn value(answer: impl Serialize) -> Result<Value, String> {
    serde_json::to_value(answer).map_err(|error| error.to_string())
}

/// A client of the control port, for tests.
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
    pub async fn ask(&mut self, request: &Request) -> std::io::Result<Value> {
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
    pub async fn ask_as<T: serde::de::DeserializeOwned>(&mut self, request: &Request) -> std::io::Result<T> {
        serde_json::from_value(self.ask(request).await?).map_err(std::io::Error::other)
    }
}
