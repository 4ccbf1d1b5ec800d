//! Owns every long-running task of the process.
//!
//! A daemon whose poller died silently looks healthy and measures nothing. So a task that ends before it was asked to
//! ends the process with its name, whether it returned, failed or panicked; the service manager starts a fresh one.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Why the process ends.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// A task returned though nobody asked it to.
    #[error("task `{task}` ended unexpectedly")]
    Early {
        /// Its name.
        task: &'static str,
    },
    /// A task failed.
    #[error("task `{task}` failed: {reason}")]
    Failed {
        /// Its name.
        task: &'static str,
        /// The whole chain of the error.
        reason: String,
    },
    /// A task panicked: a broken invariant.
    #[error("a task panicked: {0}")]
    Panicked(String),
    /// Tasks did not stop within their time when asked.
    #[error("{0} task(s) did not stop in time")]
    Stuck(usize),
}

/// The tasks of the process and the token that asks them to stop.
#[derive(Debug, Default)]
pub struct Supervisor {
    tasks: JoinSet<(&'static str, anyhow::Result<()>)>,
    stop: CancellationToken,
}

impl Supervisor {
    /// No tasks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The token every task watches; cancelled at [`Supervisor::stop`].
    pub fn token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Starts a task that runs until the token is cancelled.
    pub fn start(
        &mut self,
        name: &'static str,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        self.tasks.spawn(async move { (name, task.await) });
    }

    /// Waits for the first task that ends though nobody asked; waits for ever while all is well.
    pub async fn first_end(&mut self) -> Ended {
        match self.tasks.join_next().await {
            None => std::future::pending().await,
            Some(Ok((task, Ok(())))) => Ended::Early { task },
            Some(Ok((task, Err(error)))) => Ended::Failed { task, reason: format!("{error:#}") },
            Some(Err(join)) => Ended::Panicked(join.to_string()),
        }
    }

    /// Asks every task to stop and waits for them.
    ///
    /// # Errors
    /// The first task that failed while stopping, or [`Ended::Stuck`] after `patience`.
    pub async fn stop(&mut self, patience: Duration) -> Result<(), Ended> {
        self.stop.cancel();
        let drained = tokio::time::timeout(patience, async {
            let mut worst = Ok(());
            while let Some(joined) = self.tasks.join_next().await {
                let outcome = match joined {
                    Ok((_, Ok(()))) => Ok(()),
                    Ok((task, Err(error))) => Err(Ended::Failed { task, reason: format!("{error:#}") }),
                    Err(join) => Err(Ended::Panicked(join.to_string())),
                };
                worst = worst.and(outcome);
            }
            worst
        });
        drained.await.unwrap_or_else(|_| Err(Ended::Stuck(self.tasks.len())))
    }
}

/// Signs of life of a loop: what the service manager's watchdog is fed from. A loop that stands still stops beating.
#[derive(Debug, Default)]
pub struct Liveness {
    beats: AtomicU64,
}

impl Liveness {
    /// The loop turned.
    pub fn beat(&self) {
        self.beats.fetch_add(1, Ordering::Relaxed);
    }

    /// Turns so far.
    pub fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_ends_by_itself_is_named() {
        let mut supervisor = Supervisor::new();
        let token = supervisor.token();
        supervisor.start("steady", async move {
            token.cancelled().await;
            Ok(())
        });
        supervisor.start("flaky", async { anyhow::bail!("lost its socket") });
        let ended = supervisor.first_end().await.to_string();
        assert_eq!(ended, "task `flaky` failed: lost its socket");
        supervisor.stop(Duration::from_secs(5)).await.unwrap();
    }

    #[tokio::test]
    async fn a_task_that_does_not_stop_is_told() {
        let mut supervisor = Supervisor::new();
        supervisor.start("deaf", std::future::pending());
        assert!(matches!(supervisor.stop(Duration::from_millis(20)).await, Err(Ended::Stuck(1))));
    }
}
