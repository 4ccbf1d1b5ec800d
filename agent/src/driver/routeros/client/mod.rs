//! The RouterOS binary API over TCP or TLS.
//!
//! One connection serves many commands at once, told apart by tags. Words: a *permit* is the right to have one
//! command in flight; it is given back when the router says `!done`, also when nobody waits for the answer any more,
//! so that the router never has more to do than configured.
//!
//! Reading and writing are two tasks: a router stops processing while its send buffer is full, and a client that
//! writes without reading would wait for ever. Rows are gathered by the reading task itself, so a slow caller blocks
//! nobody. A trap ends its command; only a broken or silent connection ends the session.
//!
//! A *stream* is a command whose rows are wanted as they come, such as `/ping`. It takes no permit, for it may go on for
//! minutes and a reconnection must not wait behind it: one stream at a time runs beside the commands in flight.

mod codec;
mod connect;
mod sentence;
mod stream;
mod tls;
mod trap;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncWriteExt, BufReader, ReadHalf, WriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use zeroize::Zeroizing;

pub(crate) use connect::{Opened, address, log_in, open_tcp, open_tls};
pub(crate) use sentence::{Command, Reply, Row};
pub(crate) use tls::fingerprint_text;
pub(crate) use trap::{Trap, TrapClass};

use super::Transcript;
use crate::driver::DeviceError;
use connect::{Stream, lost};
use sentence::{ReplyKind, ReplySentence, parse_reply};

/// Commands in flight at once where the configuration does not say.
pub(crate) const DEFAULT_IN_FLIGHT: usize = 8;
/// Silence of the router on a command after which the connection counts as dead.
const SENTENCE_TIMEOUT: Duration = Duration::from_secs(10);
/// Rows of one command may take this much memory, bytes.
const MAX_REPLY: usize = 64 << 20;

/// Why a command did not end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CallError {
    /// The router refused this command; the session goes on.
    Trap(Trap),
    /// The session is over, or never was.
    Session(DeviceError),
}

impl CallError {
    /// The class of the trap, where it is one.
    pub(crate) fn class(&self) -> Option<TrapClass> {
        match self {
            Self::Trap(trap) => Some(trap.class),
            Self::Session(_) => None,
        }
    }
}

impl From<CallError> for DeviceError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Trap(trap) => trap.into(),
            CallError::Session(error) => error,
        }
    }
}

/// A logged-in connection.
pub(crate) struct Client {
    outgoing: mpsc::Sender<Zeroizing<Vec<u8>>>,
    permits: Arc<Semaphore>,
    /// One: the right to run a stream.
    streams: Arc<Semaphore>,
    shared: Arc<Shared>,
    // Aborted on drop: the connection closes with its client.
    _tasks: JoinSet<()>,
}

struct Shared {
    next_tag: AtomicU64,
    pending: Mutex<HashMap<u64, Pending>>,
    closed: OnceLock<DeviceError>,
    permits: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    transcript: Option<Transcript>,
}

struct Pending {
    reply: Reply,
    size: usize,
    trap: Option<Trap>,
    /// Sentences seen, to tell a slow command from a dead connection.
    progress: u64,
    /// Where the end is told; `None` when nobody waits any more.
    waiter: Option<oneshot::Sender<Result<Reply, CallError>>>,
    /// Where the rows of a stream go; `None` = they are gathered.
    rows: Option<mpsc::Sender<Row>>,
    /// `None` for the end of a stream, which must not wait for one.
    _permit: Option<OwnedSemaphorePermit>,
}

impl Pending {
    fn new(
        waiter: Option<oneshot::Sender<Result<Reply, CallError>>>,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self {
            reply: Reply::default(),
            size: 0,
            trap: None,
            progress: 0,
            waiter,
            rows: None,
            _permit: permit,
        }
    }

    /// Nobody gets an answer any more but this error; what still comes is drained.
    fn give_up(&mut self, why: String) {
        self.reply = Reply::default();
        self.rows = None;
        if let Some(waiter) = self.waiter.take() {
            // The caller may have gone in this very moment; then nobody needs the news.
            let _ = waiter.send(Err(CallError::Trap(Trap::new(why))));
        }
    }
}

impl Client {
    /// Takes over a stream on which the log-in succeeded.
    pub(crate) fn start(opened: Opened, max_in_flight: usize, transcript: Option<Transcript>) -> Self {
        let limit = if max_in_flight == 0 { DEFAULT_IN_FLIGHT } else { max_in_flight };
        let permits = Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS)));
        let streams = Arc::new(Semaphore::new(1));
        let shared = Arc::new(Shared {
            next_tag: AtomicU64::new(1),
            pending: Mutex::new(HashMap::new()),
            closed: OnceLock::new(),
            permits: permits.clone(),
            streams: streams.clone(),
            transcript,
        });
        let (outgoing, queue) = mpsc::channel(limit.clamp(1, 1_024));
        let (read, write) = tokio::io::split(opened.stream);
        let mut tasks = JoinSet::new();
        tasks.spawn(read_replies(read, shared.clone()));
        tasks.spawn(write_commands(write, queue, shared.clone()));
        Self { outgoing, permits, streams, shared, _tasks: tasks }
    }

    /// Whether commands can still be sent.
    pub(crate) fn is_open(&self) -> bool {
        self.shared.closed.get().is_none()
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// The router's trap, or the end of the session. A caller that goes away cancels its command.
    pub(crate) async fn call(&self, command: &Command) -> Result<Reply, CallError> {
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| self.shared.end())?;
        let (done, mut answer) = oneshot::channel();
        let mut abandoned = self.send(command, Pending::new(Some(done), Some(permit))).await?;
        let tag = abandoned.tag;
        let mut seen = 0;
        loop {
            match tokio::time::timeout(SENTENCE_TIMEOUT, &mut answer).await {
                Ok(outcome) => {
                    abandoned.armed = false;
                    return outcome.unwrap_or_else(|_| Err(self.shared.end()));
                }
                Err(_) => {
                    let now = self.shared.pending.lock().get(&tag).map_or(0, |entry| entry.progress);
                    if now == seen {
                        abandoned.armed = false;
                        let words =
                            format!("{}: silent for {} s", command.path(), SENTENCE_TIMEOUT.as_secs());
                        self.shared.close(DeviceError::Timeout { words });
                        return Err(self.shared.end());
                    }
                    seen = now;
                }
            }
        }
    }

    /// Puts a command on its way; its end is told to `entry`.
    async fn send(&self, command: &Command, entry: Pending) -> Result<CancelOnDrop<'_>, CallError> {
        let tag = self.shared.next_tag.fetch_add(1, Ordering::Relaxed);
        self.shared.pending.lock().insert(tag, entry);
        let mut abandoned = CancelOnDrop { client: self, tag, armed: true };
        // After the insertion, or a session that ends in between would leave us waiting.
        if !self.is_open() || self.outgoing.send(command.encode(tag)).await.is_err() {
            abandoned.armed = false;
            self.shared.pending.lock().remove(&tag);
            return Err(self.shared.end());
        }
        self.shared.write_down(|| format!("> {tag} {}", command.masked()));
        Ok(abandoned)
    }

    fn cancel(&self, tag: u64) {
        let streamed = match self.shared.pending.lock().get_mut(&tag) {
            Some(entry) => {
                entry.waiter = None;
                entry.rows.take().is_some()
            }
            // It is over.
            None => return,
        };
        // Without a free permit the answer is simply drained: one command more would be one too many. A stream would
        // go on for long, and its end takes no time: it needs none.
        let permit = match self.permits.clone().try_acquire_owned() {
            Ok(permit) => Some(permit),
            Err(_) if streamed => None,
            Err(_) => return,
        };
        let own = self.shared.next_tag.fetch_add(1, Ordering::Relaxed);
        self.shared.pending.lock().insert(own, Pending::new(None, permit));
        let command = Command::new("/cancel").with("tag", &tag.to_string());
        if self.outgoing.try_send(command.encode(own)).is_err() {
            self.shared.pending.lock().remove(&own);
        }
    }
}

/// Tells the router to stop working on a command whose caller went away.
struct CancelOnDrop<'a> {
    client: &'a Client,
    tag: u64,
    armed: bool,
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.client.cancel(self.tag);
        }
    }
}

impl Shared {
    fn write_down(&self, line: impl FnOnce() -> String) {
        if let Some(transcript) = &self.transcript {
            transcript.lock().push(line());
        }
    }

    fn end(&self) -> CallError {
        let gone = || DeviceError::Unreachable { words: "the session is over".into() };
        CallError::Session(self.closed.get().cloned().unwrap_or_else(gone))
    }

    /// Ends the session once; everyone who waits is told why.
    fn close(&self, why: DeviceError) {
        let _ = self.closed.set(why);
        self.permits.close();
        self.streams.close();
        let waiting: Vec<Pending> = self.pending.lock().drain().map(|(_, entry)| entry).collect();
        for entry in waiting {
            if let Some(waiter) = entry.waiter {
                // The caller may have gone in this very moment; then nobody needs the news.
                let _ = waiter.send(Err(self.end()));
            }
        }
    }

    /// Takes one reply sentence; an error ends the session.
    fn receive(&self, sentence: ReplySentence) -> Result<(), DeviceError> {
        self.write_down(|| format!("< {}", sentence.masked()));
        if sentence.kind == ReplyKind::Fatal {
            return Err(DeviceError::Unreachable { words: format!("the router closed: {}", sentence.text) });
        }
        let mut pending = self.pending.lock();
        // A tag that we do not know belongs to nobody: a late row of a command given up. It is skipped.
        let Some(tag) = sentence.tag else { return Ok(()) };
        let Some(entry) = pending.get_mut(&tag) else { return Ok(()) };
        entry.progress = entry.progress.wrapping_add(1);
        match sentence.kind {
            ReplyKind::Row => {
                if let Some(rows) = &entry.rows {
                    // The reading task waits for nobody.
                    if rows.try_send(sentence.row).is_err() {
                        entry.give_up("more rows than could be taken".to_owned());
                    }
                } else if entry.waiter.is_some() {
                    entry.size = entry.size.saturating_add(sentence.row.size());
                    entry.reply.rows.push(sentence.row);
                    if entry.size > MAX_REPLY {
                        // One table too large for us ends its command; the rest of it is drained.
                        entry.give_up(format!("an answer above {MAX_REPLY} bytes"));
                    }
                }
            }
            ReplyKind::Trap => {
                // Of several traps the first says most; `!done` follows.
                entry.trap.get_or_insert_with(|| Trap::new(sentence.row.text("message").to_owned()));
            }
            ReplyKind::Done => {
                let Some(mut entry) = pending.remove(&tag) else { return Ok(()) };
                drop(pending);
                entry.reply.ret = sentence.row.get("ret").map(str::to_owned);
                if let Some(waiter) = entry.waiter.take() {
                    let outcome = match entry.trap.take() {
                        Some(trap) => Err(CallError::Trap(trap)),
                        None => Ok(std::mem::take(&mut entry.reply)),
                    };
                    // The caller may have gone in this very moment; then nobody needs the answer.
                    let _ = waiter.send(outcome);
                }
            }
            ReplyKind::Empty | ReplyKind::Fatal => {}
        }
        Ok(())
    }
}

async fn read_replies(read: ReadHalf<Box<dyn Stream>>, shared: Arc<Shared>) {
    let mut read = BufReader::with_capacity(32 << 10, read);
    loop {
        let received = match codec::read_sentence(&mut read).await {
            Ok(words) => match parse_reply(&words) {
                Some(sentence) => shared.receive(sentence),
                None => Err(DeviceError::Protocol { words: "a sentence that is no reply".into() }),
            },
            Err(error) => Err(lost(error)),
        };
        if let Err(why) = received {
            return shared.close(why);
        }
        if shared.closed.get().is_some() {
            return;
        }
    }
}

async fn write_commands(
    mut write: WriteHalf<Box<dyn Stream>>,
    mut queue: mpsc::Receiver<Zeroizing<Vec<u8>>>,
    shared: Arc<Shared>,
) {
    while let Some(bytes) = queue.recv().await {
        let written = async {
            write.write_all(&bytes).await?;
            write.flush().await
        };
        if let Err(error) = written.await {
            return shared.close(lost(codec::CodecError::Io(error)));
        }
    }
}
