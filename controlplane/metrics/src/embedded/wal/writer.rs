//! The thread that writes, and those who wait for it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

use super::frame;
use crate::embedded::disk::sync_dir;
use crate::embedded::num::long;
use crate::embedded::stats::Counters;

/// A place in the log: all bytes ever appended since opening, up to the end of a record.
pub(crate) type Position = u64;

#[derive(Debug, Clone, Default)]
struct Progress {
    durable: Position,
    failure: Option<Arc<str>>,
}

/// Records for one file, not written yet.
struct Pending {
    file: u64,
    bytes: Vec<u8>,
}

struct State {
    pending: Vec<Pending>,
    /// Number of the file that new records go to.
    file: u64,
    end: Position,
    closing: bool,
}

struct Shared {
    dir: PathBuf,
    state: Mutex<State>,
    work: Condvar,
    progress: watch::Sender<Progress>,
    /// Pairs with `done` for those who wait without async.
    turn: Mutex<()>,
    done: Condvar,
    counters: Arc<Counters>,
}

/// The log, open for appending. Dropping it writes what is pending and joins the thread.
pub(crate) struct Log {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Path of a log file.
pub(super) fn file_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:016}.log"))
}

impl Log {
    /// Opens the log in `dir`; records go to file `file`, which must not exist.
    pub(crate) fn open(dir: &Path, file: u64, counters: Arc<Counters>) -> io::Result<Self> {
        let state = State { pending: Vec::new(), file, end: 0, closing: false };
        let shared = Arc::new(Shared {
            dir: dir.to_owned(),
            state: Mutex::new(state),
            work: Condvar::new(),
            progress: watch::Sender::new(Progress::default()),
            turn: Mutex::new(()),
            done: Condvar::new(),
            counters,
        });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("metrics-log".into())
            .spawn(move || theirs.commit_until_closed())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Appends one record, whose payload `encode` writes. Not durable yet: wait for the position returned.
    ///
    /// `None`, and nothing appended, if the payload is larger than a record may be.
    pub(crate) fn append<T>(&self, encode: impl FnOnce(&mut Vec<u8>) -> T) -> Option<(T, Position)> {
        let mut state = self.shared.state.lock();
        let file = state.file;
        if state.pending.last().is_none_or(|p| p.file != file) {
            state.pending.push(Pending { file, bytes: Vec::new() });
        }
        let bytes = &mut state.pending.last_mut().expect("just pushed").bytes;
        let (result, size) = frame(bytes, encode)?;
        state.end += long(size);
        let end = state.end;
        drop(state);
        self.shared.work.notify_one();
        Some((result, end))
    }

    /// Sends what follows to a new file. Returns its number and the position at which it starts.
    pub(crate) fn rotate(&self) -> (u64, Position) {
        let mut state = self.shared.state.lock();
        state.file += 1;
        (state.file, state.end)
    }

    /// End of what has been appended.
    pub(crate) fn end(&self) -> Position {
        self.shared.state.lock().end
    }

    /// Returns when everything up to `position` is on disk, or with the reason why it never will be.
    pub(crate) async fn durable(&self, position: Position) -> Result<(), Arc<str>> {
        let mut progress = self.shared.progress.subscribe();
        let reached = progress.wait_for(|p| p.failure.is_some() || p.durable >= position).await;
        match reached {
            Ok(progress) if progress.durable >= position => Ok(()),
            Ok(progress) => Err(progress.failure.clone().unwrap_or_else(|| "the log is closed".into())),
            Err(_) => Err("the log is closed".into()),
        }
    }

    /// As [`Log::durable`], for threads.
    pub(crate) fn durable_blocking(&self, position: Position) -> Result<(), Arc<str>> {
        let mut turn = self.shared.turn.lock();
        loop {
            let progress = self.shared.progress.borrow().clone();
            if progress.durable >= position {
                return Ok(());
            }
            if let Some(failure) = progress.failure {
                return Err(failure);
            }
            self.shared.done.wait(&mut turn);
        }
    }

    /// Why the log takes nothing any more, if that is so.
    pub(crate) fn failure(&self) -> Option<Arc<str>> {
        self.shared.progress.borrow().failure.clone()
    }

    /// Makes the log fail: for trouble found elsewhere after which nothing may be acknowledged.
    pub(crate) fn fail(&self, why: &str) {
        self.shared.fail(why);
    }

    /// Removes files before number `file`; their records are sealed.
    pub(crate) fn remove_before(&self, file: u64) -> io::Result<()> {
        for (number, path) in list(&self.shared.dir)? {
            if number < file {
                std::fs::remove_file(path)?;
            }
        }
        sync_dir(&self.shared.dir)
    }
}

/// Log files of a directory in order.
pub(crate) fn list(dir: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let number =
            path.file_name().and_then(|n| n.to_str()).and_then(|n| n.strip_suffix(".log")?.parse().ok());
        files.extend(number.map(|number| (number, path)));
    }
    files.sort();
    Ok(files)
}

impl Drop for Log {
    fn drop(&mut self) {
        self.shared.state.lock().closing = true;
        self.shared.work.notify_one();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the log's thread panicked");
        }
    }
}

impl Shared {
    fn commit_until_closed(&self) {
        let guard = FailOnPanic(self);
        let mut open: Option<(u64, File)> = None;
        loop {
            let (pending, end) = {
                let mut state = self.state.lock();
                while state.pending.is_empty() && !state.closing {
                    self.work.wait(&mut state);
                }
                if state.pending.is_empty() {
                    break;
                }
                (std::mem::take(&mut state.pending), state.end)
            };
            if let Err(error) = self.commit(&mut open, &pending) {
                tracing::error!(%error, dir = %self.dir.display(), "the metrics log cannot be written");
                self.fail(&format!("the log cannot be written: {error}"));
                break;
            }
            self.counters.commits.fetch_add(1, Ordering::Relaxed);
            self.progress.send_modify(|p| p.durable = end);
            self.wake();
        }
        std::mem::forget(guard);
    }

    fn commit(&self, open: &mut Option<(u64, File)>, pending: &[Pending]) -> io::Result<()> {
        for Pending { file, bytes } in pending {
            if open.as_ref().is_none_or(|(number, _)| number != file) {
                if let Some((_, full)) = open.take() {
                    full.sync_data()?;
                }
                let created =
                    OpenOptions::new().append(true).create_new(true).open(file_path(&self.dir, *file))?;
                sync_dir(&self.dir)?;
                *open = Some((*file, created));
            }
            if let Some((_, current)) = open {
                current.write_all(bytes)?;
            }
        }
        open.as_ref().map_or(Ok(()), |(_, current)| current.sync_data())
    }

    fn fail(&self, why: &str) {
        self.progress.send_modify(|p| {
            p.failure.get_or_insert_with(|| Arc::from(why));
        });
        self.wake();
    }

    fn wake(&self) {
        drop(self.turn.lock());
        self.done.notify_all();
    }
}

/// Nobody may wait for ever for a thread that is gone.
struct FailOnPanic<'a>(&'a Shared);

impl Drop for FailOnPanic<'_> {
    fn drop(&mut self) {
        self.0.fail("the log's thread panicked");
    }
}
