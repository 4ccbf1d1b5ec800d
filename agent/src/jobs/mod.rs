//! One-off orders: connection test, plan of a device, sweep now.
//!
//! A job that comes twice (its result was lost on the way) is answered with the result of the first run, kept on disk
//! for a day; none of the orders changes a device other than what a sweep would change anyway.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use atalaya_protocol::wire;
use parking_lot::Mutex;
use prost::Message;

use crate::clock::Clock;
use crate::driver::{Device, DeviceError, Found, Word};
use crate::enforcer::Enforcer;
use crate::journal::Database;
use crate::uplink::ports::JobRunner;

const TREE: &str = "jobs";
const KEPT_MS: i64 = 86_400_000;
/// No job may hold its lane longer.
const LONGEST: Duration = Duration::from_secs(120);

/// Makes a device handle of a configuration that is not in force (yet).
pub trait DeviceBuilder: Send + Sync {
    /// The handle, nothing connected.
    ///
    /// # Errors
    /// When the configuration cannot work: unknown kind, credentials that do not open.
    fn build(&self, config: &wire::DeviceConfig) -> Result<Arc<dyn Device>, DeviceError>;
}

/// Runs jobs.
pub struct Jobs {
    enforcer: Arc<Enforcer>,
    devices: Arc<dyn DeviceBuilder>,
    database: Arc<Database>,
    clock: Arc<dyn Clock>,
    // One run per job id at a time: the second asker waits and gets the first one's result.
    running: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Jobs {
    /// A runner.
    pub fn new(
        enforcer: Arc<Enforcer>,
        devices: Arc<dyn DeviceBuilder>,
        database: Arc<Database>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { enforcer, devices, database, clock, running: Mutex::default() }
    }

    async fn execute(&self, job: &wire::Job) -> wire::JobResult {
        let now_ms = self.clock.now_ms();
        if job.deadline_ms != 0 && now_ms > job.deadline_ms {
            let late = Found::new(Word::Late, &[], "its deadline passed before it was started");
            return told(job, wire::JobStatus::Expired, late);
        }
        match &job.order {
            Some(wire::job::Order::TestConnection(order)) => self.test_connection(job, order).await,
            Some(wire::job::Order::PlanDevice(order)) => match self.enforcer.plan(&order.device_id).await {
                Ok(plan) => {
                    wire::JobResult { result: Some(wire::job_result::Result::Plan(plan)), ..done(job) }
                }
                Err(error) => failed(job, &error),
            },
            Some(wire::job::Order::SweepDevice(order)) => match self.enforcer.sweep(&order.device_id).await {
                Ok(()) => done(job),
                Err(error) => failed(job, &error),
            },
            None => {
                let unknown = Found::new(Word::OrderUnknown, &[], "this agent does not know the order");
                told(job, wire::JobStatus::Unsupported, unknown)
            }
        }
    }

    async fn test_connection(&self, job: &wire::Job, order: &wire::TestConnection) -> wire::JobResult {
        let Some(config) = &order.device else {
            return failed(job, &DeviceError::Config { words: "the order names no device".into() });
        };
        let device = match self.devices.build(config) {
            Ok(device) => device,
            Err(error) => return failed(job, &error),
        };
        let stages = device.test_connection().await;
        let failed = stages.iter().any(|stage| stage.status() == wire::CheckStatus::Failed);
        // Who it is, for people; the stages have said whether it can be asked.
        let identity = if failed { None } else { device.identify().identify().await.ok() };
        let identity = identity.unwrap_or_default();
        let report = wire::ConnectionReport {
            stages,
            model: identity.model,
            version: identity.version,
            identity: identity.name,
        };
        wire::JobResult { result: Some(wire::job_result::Result::Connection(report)), ..done(job) }
    }

    fn kept(&self, job_id: &str) -> Option<wire::JobResult> {
        let bytes = self.database.run(|db| db.open_tree(TREE)?.get(job_id)).ok().flatten()?;
        wire::JobResult::decode(bytes.get(8..)?).ok()
    }

    /// Keeps a result and drops those of yesterday. A disk that refuses costs a second run, no more.
    fn keep(&self, result: &wire::JobResult) {
        let now_ms = self.clock.now_ms();
        let mut value = now_ms.to_be_bytes().to_vec();
        value.extend(result.encode_to_vec());
        let kept = self.database.run(|db| {
            let tree = db.open_tree(TREE)?;
            for row in &tree {
                let (key, value) = row?;
                let at = value.get(..8).and_then(|bytes| bytes.try_into().ok()).map_or(0, i64::from_be_bytes);
                if now_ms.saturating_sub(at).saturating_abs() > KEPT_MS {
                    tree.remove(key)?;
                }
            }
            tree.insert(result.job_id.as_bytes(), value).map(drop)
        });
        if let Err(error) = kept {
            tracing::warn!(%error, "the result of a job could not be kept");
        }
    }
}

#[async_trait]
impl JobRunner for Jobs {
    async fn run(&self, job: wire::Job) -> wire::JobResult {
        let gate = self.running.lock().entry(job.job_id.clone()).or_default().clone();
        let outcome = {
            let _one_at_a_time = gate.lock().await;
            self.run_once(&job).await
        };
        // The last one out takes the gate along: two references are the map's and ours.
        self.running.lock().retain(|id, gate| *id != job.job_id || Arc::strong_count(gate) > 2);
        outcome
    }
}

impl Jobs {
    async fn run_once(&self, job: &wire::Job) -> wire::JobResult {
        if let Some(kept) = self.kept(&job.job_id) {
            return kept;
        }
        let outcome = tokio::time::timeout(LONGEST, self.execute(job)).await;
        let outcome = outcome.unwrap_or_else(|_| {
            let seconds = LONGEST.as_secs().to_string();
            let sentence = format!("not finished within {seconds} s");
            told(job, wire::JobStatus::Failed, Found::new(Word::TooLong, &[("seconds", &seconds)], sentence))
        });
        self.keep(&outcome);
        outcome
    }
}

fn done(job: &wire::Job) -> wire::JobResult {
    wire::JobResult { job_id: job.job_id.clone(), status: wire::JobStatus::Done.into(), ..Default::default() }
}

fn failed(job: &wire::Job, error: &DeviceError) -> wire::JobResult {
    told(job, wire::JobStatus::Failed, error.into())
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
