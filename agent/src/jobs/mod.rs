//! One-off orders: connection test, plan of a device, sweep now, echo requests and routes from a device.
//!
//! Words: a job *runs* in a task of its own and outlives the connection that brought it. What it says meanwhile are its
//! *parts*; how it ended is its *result*. An order is done *once* when doing it again would do something again; the
//! others (test, plan, sweep) change nothing that a sweep would not change anyway.
//!
//! Invariants:
//! - A job that comes twice is answered with the result of its first run, kept on disk for a day.
//! - An order that is done once is STARTED on disk before its first effect, and its result is on disk before it is told.
//!   Found started without a result, after a crash, it is not run again: its result is `unknown`.
//! - Parts are numbered from 1 without a gap and go before the result. One that headquarters has acknowledged is
//!   removed; one that it has not is sent again on the next connection, under its old number.
//! - A job ends: by itself, by its limit, or because somebody stops it.

mod execute;
mod journal;
mod parts;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use atalaya_protocol::wire;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::driver::{Device, DeviceError, Found, Word};
use crate::enforcer::Enforcer;
use crate::fault;
use crate::journal::{Database, StorageError};
use crate::uplink::ports::{JobOutput, JobRunner};
use journal::{JobJournal, Past};
use parts::Parts;

/// How long a job may take when its order does not say.
const LIMIT: Duration = Duration::from_secs(120);
/// No order may ask for longer.
const LONGEST: Duration = Duration::from_secs(3_600);
/// Jobs stopped before they came that are remembered.
const STOPPED_EARLY: usize = 64;

/// Makes a device handle of a configuration that is not in force (yet).
pub trait DeviceBuilder: Send + Sync {
    /// The handle, nothing connected.
    ///
    /// # Errors
    /// When the configuration cannot work: unknown kind, credentials that do not open.
    fn build(&self, config: &wire::DeviceConfig) -> Result<Arc<dyn Device>, DeviceError>;
}

/// Runs jobs. Dropped, it stops them.
pub struct Jobs {
    shared: Arc<Shared>,
    tasks: Mutex<JoinSet<()>>,
}

struct Shared {
    enforcer: Arc<Enforcer>,
    devices: Arc<dyn DeviceBuilder>,
    clock: Arc<dyn Clock>,
    journal: JobJournal,
    parts: Parts,
    /// One run per job id at a time: the second asker gets the first one's result.
    running: Mutex<HashMap<String, Arc<Run>>>,
    /// Jobs that somebody stopped before they came, oldest first.
    stopped_early: Mutex<VecDeque<String>>,
}

/// A job that runs.
struct Run {
    stop: CancellationToken,
    /// `None` until it ended.
    result: watch::Sender<Option<wire::JobResult>>,
}

impl Jobs {
    /// A runner. What an earlier process left is found when its job comes again.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn new(
        enforcer: Arc<Enforcer>,
        devices: Arc<dyn DeviceBuilder>,
        database: Arc<Database>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StorageError> {
        let shared = Shared {
            enforcer,
            devices,
            journal: JobJournal::new(database.clone(), clock.clone()),
            parts: Parts::open(database, clock.clone())?,
            clock,
            running: Mutex::default(),
            stopped_early: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared), tasks: Mutex::default() })
    }

    /// The run of a job, started unless it runs already.
    fn started(&self, job: wire::Job) -> watch::Receiver<Option<wire::JobResult>> {
        let mut running = self.shared.running.lock();
        if let Some(run) = running.get(&job.job_id) {
            return run.result.subscribe();
        }
        let run = Arc::new(Run { stop: CancellationToken::new(), result: watch::Sender::new(None) });
        if self.shared.was_stopped(&job.job_id) {
            run.stop.cancel();
        }
        running.insert(job.job_id.clone(), run.clone());
        let result = run.result.subscribe();
        let mut tasks = self.tasks.lock();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(run_to_end(self.shared.clone(), job, run));
        result
    }
}

async fn run_to_end(shared: Arc<Shared>, job: wire::Job, run: Arc<Run>) {
    // Also when the run panics: who waits must not wait for ever.
    let _leaves = Leaves { shared: &shared, job_id: &job.job_id };
    let result = shared.run_once(&job, &run.stop).await;
    run.result.send_replace(Some(result));
}

struct Leaves<'a> {
    shared: &'a Shared,
    job_id: &'a str,
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.shared.running.lock().remove(self.job_id);
    }
}

#[async_trait]
impl JobRunner for Jobs {
    async fn run(&self, job: wire::Job) -> wire::JobResult {
        let asked = wire::Job { job_id: job.job_id.clone(), ..Default::default() };
        let mut result = self.started(job);
        match result.wait_for(Option::is_some).await {
            Ok(ended) => ended.clone().unwrap_or_else(|| interrupted(&asked)),
            Err(_) => interrupted(&asked),
        }
    }

    fn cancel(&self, job_id: &str) {
        let running = self.shared.running.lock();
        match running.get(job_id) {
            Some(run) => run.stop.cancel(),
            None => {
                let mut early = self.shared.stopped_early.lock();
                early.push_back(job_id.to_owned());
                if early.len() > STOPPED_EARLY {
                    early.pop_front();
                }
            }
        }
    }
}

#[async_trait]
impl JobOutput for Jobs {
    fn end(&self) -> u64 {
        self.shared.parts.end()
    }

    /// A disk that cannot be read keeps nobody from being reconnected: the session goes on without output.
    fn next(&self, after: u64) -> Option<(u64, wire::JobPart)> {
        self.shared.parts.next(after).unwrap_or_else(|error| {
            tracing::warn!(%error, "what jobs said cannot be read");
            None
        })
    }

    async fn said(&self) {
        self.shared.parts.said().await;
    }

    /// A part that stays is sent again on the next connection, and dropped there.
    fn acknowledged(&self, number: u64) {
        if let Err(error) = self.shared.parts.remove(number) {
            tracing::warn!(%error, "a part that headquarters has could not be removed");
        }
    }
}

impl Shared {
    fn was_stopped(&self, job_id: &str) -> bool {
        let mut early = self.stopped_early.lock();
        let before = early.len();
        early.retain(|stopped| stopped != job_id);
        early.len() < before
    }

    async fn run_once(&self, job: &wire::Job, stop: &CancellationToken) -> wire::JobResult {
        let once = execute::is_done_once(job);
        match self.journal.past(&job.job_id) {
            Ok(Past::Ended(result)) => return *result,
            Ok(Past::Started) => return self.journal.end(interrupted(job), true).await,
            Ok(Past::Unknown) => {}
            // What was done before cannot be known: only what does no harm is done.
            Err(error) if once => return failed(job, &local(&error)),
            Err(_) => {}
        }
        if job.deadline_ms != 0 && self.clock.now_ms() > job.deadline_ms {
            let late = Found::new(Word::Late, &[], "its deadline passed before it was started");
            return self.journal.end(told(job, wire::JobStatus::Expired, late), false).await;
        }
        if stop.is_cancelled() {
            return self.journal.end(cancelled(job), false).await;
        }
        if once {
            fault::point("jobs.before_started");
            if let Err(error) = self.journal.start(&job.job_id).await {
                return failed(job, &local(&error));
            }
            fault::point("jobs.after_started");
        }
        let limit = match job.limit_ms {
            0 => LIMIT,
            ms => Duration::from_millis(ms.into()).min(LONGEST),
        };
        let result = tokio::select! {
            () = stop.cancelled() => cancelled(job),
            ended = tokio::time::timeout(limit, self.execute(job)) => ended.unwrap_or_else(|_| {
                let seconds = limit.as_secs().to_string();
                let sentence = format!("not finished within {seconds} s");
                told(job, wire::JobStatus::Failed, Found::new(Word::TooLong, &[("seconds", &seconds)], sentence))
            }),
        };
        fault::point("jobs.before_result");
        let result = self.journal.end(result, once).await;
        fault::point("jobs.after_result");
        result
    }
}

fn local(error: &StorageError) -> DeviceError {
    DeviceError::Local { words: error.to_string() }
}

fn done(job: &wire::Job) -> wire::JobResult {
    wire::JobResult { job_id: job.job_id.clone(), status: wire::JobStatus::Done.into(), ..Default::default() }
}

fn failed(job: &wire::Job, error: &DeviceError) -> wire::JobResult {
    told(job, wire::JobStatus::Failed, error.into())
}

fn cancelled(job: &wire::Job) -> wire::JobResult {
    told(job, wire::JobStatus::Cancelled, Found::new(Word::Cancelled, &[], "somebody stopped it"))
}

fn interrupted(job: &wire::Job) -> wire::JobResult {
    let sentence = "the agent stopped while it ran; what came of it is not known";
    told(job, wire::JobStatus::Unknown, Found::new(Word::Interrupted, &[], sentence))
}

fn told(job: &wire::Job, status: wire::JobStatus, found: Found) -> wire::JobResult {
    wire::JobResult {
        status: status.into(),
        detail: found.sentence,
        finding: Some(found.finding),
        ..done(job)
    }
}

#[cfg(test)]
mod tests;
