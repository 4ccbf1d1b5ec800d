//! One connection of a client: sentences in, replies out, several commands at a time.
//!
//! Commands are executed in the order in which they come; replies of different tags interleave. The reader
//! stops when too many replies wait, as a router does whose send buffer is full.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::codec::{self, Decoder};
use super::command::{Command, Reply, Trap};
use super::fault::{Hang, WriteEffect};
use super::login::{Answer, Login};
use super::router::Caller;
use super::server::Shared;
use super::stream;
use crate::rng::SplitMix;

/// Commands of one connection whose replies may wait at once.
const MOST_WAITING: usize = 1_024;
/// Before log-in: longest word and sentence, in bytes.
const STRICT: (usize, usize) = (4_096, 16_384);

/// What the writer is to send.
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    /// The last sentence of a command: it is in flight no longer.
    last_of: Option<InFlight>,
}

/// A command that was received and is not answered yet.
pub(super) struct InFlight(Arc<AtomicU64>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A command that runs, as `/cancel` finds it.
struct Running {
    tag: Option<String>,
    stop: CancellationToken,
    stopped: oneshot::Receiver<()>,
}

/// Sends the replies of one command.
#[derive(Clone)]
pub(super) struct Replies {
    out: mpsc::Sender<Outgoing>,
    tag: Option<String>,
}

impl Replies {
    /// Sends one sentence; false when the connection is gone.
    pub(super) async fn send(&self, reply: &Reply, last_of: Option<InFlight>) -> bool {
        let bytes = codec::encode_sentence(reply.words(self.tag.as_deref()));
        self.out.send(Outgoing { bytes, last_of }).await.is_ok()
    }

    /// Sends all, letting other commands in between.
    async fn send_all(&self, replies: &[Reply], in_flight: InFlight) {
        let Some((last, rows)) = replies.split_last() else { return };
        for reply in rows {
            if !self.send(reply, None).await {
                return;
            }
            tokio::task::yield_now().await;
        }
        self.send(last, Some(in_flight)).await;
    }
}

struct Session {
    shared: Arc<Shared>,
    out: mpsc::Sender<Outgoing>,
    user: Option<String>,
    login: Login,
    random: SplitMix,
    running: Arc<Mutex<HashMap<u64, Running>>>,
    commands: u64,
    tasks: JoinSet<()>,
    in_flight: Arc<AtomicU64>,
}

/// What becomes of the connection after a sentence.
#[derive(PartialEq, Eq)]
enum Next {
    GoOn,
    /// Close after what is queued went out.
    Finish,
    /// Close at once, without an answer.
    Abort,
}

/// Serves one connection until either side ends it or `link` is cancelled.
pub(super) async fn serve<S>(shared: Arc<Shared>, stream: S, link: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (reader, writer) = tokio::io::split(stream);
    let (out, outgoing) = mpsc::channel(64);
    let random = shared.random();
    let session = Session {
        shared: Arc::clone(&shared),
        out,
        user: None,
        login: Login::default(),
        random,
        running: Arc::default(),
        commands: 0,
        tasks: JoinSet::new(),
        in_flight: Arc::default(),
    };
    let both = async {
        let written = write(&shared, writer, outgoing);
        let read = session.read(reader);
        tokio::pin!(written, read);
        tokio::select! {
            // The writer ends first only on an error or a cut.
            () = &mut written => {}
            finish = &mut read => if finish { written.await },
        }
    };
    tokio::select! {
        () = link.cancelled() => {}
        () = both => {}
    }
}

impl Session {
    /// Reads until the end; true when what is queued is to be written before the connection closes.
    async fn read(mut self, mut reader: impl AsyncRead + Unpin) -> bool {
        let mut decoder = Decoder::with_limits(STRICT.0, STRICT.1);
        let mut buffer = vec![0; 16 * 1024];
        loop {
            match reader.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(count) => decoder.feed(&buffer[..count]),
            }
            loop {
                let sentence = match decoder.next_sentence() {
                    Ok(Some(sentence)) => sentence,
                    Ok(None) => break,
                    Err(error) => {
                        tracing::debug!(%error, "connection cannot be understood");
                        return false;
                    }
                };
                let outside = self.user.is_none();
                match self.handle(Command::parse(&sentence)).await {
                    Next::GoOn => {}
                    Next::Finish => return true,
                    Next::Abort => return false,
                }
                if outside && self.user.is_some() {
                    decoder.set_limits(codec::MAX_WORD, codec::MAX_SENTENCE);
                }
            }
        }
        // Half closed: what is under way is still answered.
        while self.tasks.join_next().await.is_some() {}
        true
    }

    async fn handle(&mut self, command: Command) -> Next {
        let replies = Replies { out: self.out.clone(), tag: command.tag.clone() };
        if command.menu.is_empty() {
            match command.verb.as_str() {
                "login" => return self.login(&command, &replies).await,
                "quit" => {
                    replies.send(&Reply::Fatal("session terminated on request".to_owned()), None).await;
                    return Next::Finish;
                }
                _ => {}
            }
        }
        let Some(user) = self.user.clone() else {
            replies.send(&Reply::Fatal("not logged in".to_owned()), None).await;
            return Next::Finish;
        };
        if command.menu.is_empty() && command.verb == "cancel" {
            return self.cancel(&command, &replies).await;
        }
        let caller = Caller { user: Some(user), denied: self.shared.faults.borrow().denied_policies.clone() };
        self.command(caller, command, replies).await
    }

    async fn login(&mut self, command: &Command, replies: &Replies) -> Next {
        let delay = self.delay();
        let period = self.shared.round_trips.join(delay, &self.shared.tasks);
        self.shared.while_hanging(Hang::BeforeExecute).await;
        let answer = self.login.answer(&mut self.shared.router.lock(), command, &mut self.random);
        if let Some(period) = period {
            period.cancelled().await;
        }
        self.shared.while_hanging(Hang::BeforeReply).await;
        let sentences = match answer {
            Answer::Inside(user, sentences) => {
                self.user = Some(user);
                sentences
            }
            Answer::Outside(sentences) => sentences,
        };
        for reply in &sentences {
            replies.send(reply, None).await;
        }
        Next::GoOn
    }

    fn delay(&self) -> Duration {
        Duration::from_millis(self.shared.faults.borrow().round_trip_ms)
    }

    fn take_off(&self) -> InFlight {
        let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        let mut router = self.shared.router.lock();
        router.counters.max_in_flight = router.counters.max_in_flight.max(now);
        InFlight(Arc::clone(&self.in_flight))
    }

    async fn command(&mut self, caller: Caller, command: Command, replies: Replies) -> Next {
        let in_flight = self.take_off();
        let period = self.shared.round_trips.join(self.delay(), &self.shared.tasks);
        self.shared.while_hanging(Hang::BeforeExecute).await;
        let slow = self.shared.faults.borrow().slow_ms;
        if slow > 0 {
            tokio::time::sleep(Duration::from_millis(slow)).await;
        }
        while self.tasks.len() >= MOST_WAITING {
            self.tasks.join_next().await;
        }
        while self.tasks.try_join_next().is_some() {}

        let effect = if command.is_write() { self.shared.take_write_fault(&command) } else { None };
        let sentences = match effect {
            Some(WriteEffect::Disconnect) => return Next::Abort,
            Some(WriteEffect::ApplyThenDisconnect) => {
                self.shared.execute(&caller, &command);
                return Next::Abort;
            }
            Some(WriteEffect::ApplyThenReboot) => {
                self.shared.execute(&caller, &command);
                self.shared.reboot();
                return Next::Abort;
            }
            Some(WriteEffect::Trap(message)) => Reply::failure(Trap::new(message)),
            Some(WriteEffect::Lie) => {
                let id = (command.verb == "add").then(|| "*FFFE".to_owned());
                vec![Reply::Done(id)]
            }
            None if stream::streams(&command) => {
                let shared = Arc::clone(&self.shared);
                self.run(command.tag.clone(), move |stop| async move {
                    stream::run(&shared, &caller, &command, &replies, &stop, in_flight).await;
                });
                return Next::GoOn;
            }
            None => self.shared.execute(&caller, &command),
        };
        let reboots = command.menu == "/system" && command.verb == "reboot";
        let reboots = reboots && !matches!(sentences.first(), Some(Reply::Trap(_)));
        let shared = Arc::clone(&self.shared);
        self.run(command.tag.clone(), move |stop| async move {
            let answer = async {
                if let Some(period) = period {
                    period.cancelled().await;
                }
                shared.while_hanging(Hang::BeforeReply).await;
                replies.send_all(&sentences, in_flight).await;
                if reboots {
                    shared.reboot();
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = answer => {}
            }
        });
        Next::GoOn
    }

    /// Runs the rest of a command beside the reader, where `/cancel` finds it.
    fn run<F>(&mut self, tag: Option<String>, work: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let (finished, stopped) = oneshot::channel::<()>();
        let work = work(stop.clone());
        self.commands += 1;
        let number = self.commands;
        let running = Arc::clone(&self.running);
        running.lock().insert(number, Running { tag, stop, stopped });
        self.tasks.spawn(async move {
            work.await;
            running.lock().remove(&number);
            drop(finished);
        });
    }

    /// `/cancel`, with or without `=tag=`.
    async fn cancel(&mut self, command: &Command, replies: &Replies) -> Next {
        let wanted = command.get("tag");
        let ended: Vec<Running> = {
            let mut running = self.running.lock();
            let fits = |entry: &Running| wanted.is_none() || entry.tag.as_deref() == wanted;
            let numbers: Vec<u64> =
                running.iter().filter(|(_, entry)| fits(entry)).map(|(n, _)| *n).collect();
            numbers.into_iter().filter_map(|number| running.remove(&number)).collect()
        };
        let mut tags = Vec::new();
        for running in ended {
            running.stop.cancel();
            // Ends when the command's task is over, with an error because nothing is ever sent.
            let _ = running.stopped.await;
            let cancelled = Replies { out: self.out.clone(), tag: running.tag };
            cancelled.send(&Reply::Trap(Trap::categorised(2, "interrupted")), None).await;
            tags.push(cancelled);
        }
        replies.send(&Reply::Done(None), None).await;
        for cancelled in tags {
            cancelled.send(&Reply::Done(None), None).await;
        }
        Next::GoOn
    }
}

/// Writes until the queue or the connection ends, or a fault cuts it.
async fn write(shared: &Shared, mut writer: impl AsyncWrite + Unpin, mut outgoing: mpsc::Receiver<Outgoing>) {
    while let Some(Outgoing { bytes, last_of }) = outgoing.recv().await {
        // Before the bytes go: the client may send its next command as soon as it reads them.
        drop(last_of);
        let (allowed, cut) = shared.bytes_allowed(bytes.len());
        let drip = shared.faults.borrow().drip;
        let step = if drip { 1 } else { bytes.len().max(1) };
        for piece in bytes[..allowed].chunks(step) {
            if writer.write_all(piece).await.is_err() || (drip && writer.flush().await.is_err()) {
                return;
            }
        }
        // Flush when nothing else waits: TLS keeps a record back otherwise.
        if (cut || outgoing.is_empty()) && writer.flush().await.is_err() {
            return;
        }
        if cut {
            return;
        }
    }
    // The connection closes either way.
    let _ = writer.shutdown().await;
}
