//! One copy a day, by whichever process comes first.

use super::{Place, make};
use crate::config::Config;
use atalaya_kernel::{
    Error,
    archive::journal,
    jobs::{self, Handler, Job},
    runtime::Runtime,
    schedule::{Days, Schedule},
    write_tx,
};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// How often it is looked whether the hour has come.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// A copy takes minutes and a lease seconds.
const RENEW_EVERY: Duration = Duration::from_secs(4);

/// Asks for the day's copy once its hour has come, until told to stop. A machine that was off at that hour makes it when
/// it is on again.
///
/// # Errors
/// The database's, when it stays away.
pub async fn schedule(
    runtime: Arc<Runtime>,
    config: Arc<Config>,
    stop: CancellationToken,
) -> Result<(), Error> {
    while !stop.is_cancelled() {
        if let Some(key) = due(&config, &runtime) {
            let (platform, now) = (runtime.platform(), runtime.clock.now());
            write_tx!(platform, tx => {
                Ok(jobs::enqueue(&mut tx, journal::job(key.clone(), now), now).await?)
            })?;
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
    Ok(())
}

/// The day whose copy is due, as the key of its job.
fn due(config: &Config, runtime: &Runtime) -> Option<String> {
    let backup = &config.backup;
    let schedule = Schedule::new(Days::Every, backup.at.minute_of_day(), backup.time_zone.clone());
    let schedule = schedule.expect("a time of the day is below 24:00");
    schedule.due(runtime.clock.now()).filter(|_| config.backs_up_daily()).map(|day| day.to_string())
}

/// Makes the day's copy.
pub struct BackupJob {
    /// Where it is to lie.
    pub place: Arc<dyn Place>,
    /// How many are kept.
    pub keep: u32,
}

#[async_trait::async_trait]
impl Handler for BackupJob {
    fn kind(&self) -> &'static str {
        journal::JOB
    }

    async fn run(&self, runtime: &Arc<Runtime>, job: &Job) -> Result<(), Error> {
        let made = tokio::select! {
            made = make(runtime, &self.place, self.keep) => made.map_err(|error| Error::Unavailable(format!("{error:#}")))?,
            lost = keep_lease(runtime, job) => return Err(lost),
        };
        tracing::info!(place = %made.shown, bytes = made.saved.bytes, rows = made.saved.totals.rows(), "copied and rehearsed");
        Ok(())
    }
}

/// Renews the lease until it is lost.
async fn keep_lease(runtime: &Arc<Runtime>, job: &Job) -> Error {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        let (platform, now) = (runtime.platform(), runtime.clock.now());
        if let Err(error) = write_tx!(platform, tx => { jobs::hold(&mut tx, job, now).await }) {
            return error;
        }
    }
}
