//! Daily copies of the installation, each rehearsed before it counts, and what the command line does with copies.
//!
//! The mechanism is the kernel's (`archive`); here is where copies lie, when they are made, how many are kept.

mod daily;
mod folder;

pub use daily::{BackupJob, schedule};

use crate::{config::Config, worker::every_tenant_id};
use anyhow::Context;
use atalaya_kernel::{
    archive::{self, Saved, journal},
    ids::BackupId,
    runtime::Runtime,
    write_tx,
};
use folder::Folder;
use std::{path::PathBuf, sync::Arc};

/// A copy that was made and rehearsed.
#[derive(Debug)]
pub struct Made {
    /// Where it lies.
    pub path: PathBuf,
    /// What it holds.
    pub saved: Saved,
}

/// Makes a copy, rehearses its restore, and only then lets older ones go. How it went is written down either way.
///
/// # Errors
/// A folder that cannot be written or in which another copy is being made, too little room, or a copy that does not come
/// back.
pub async fn make(runtime: &Arc<Runtime>, config: &Config) -> anyhow::Result<Made> {
    let folder = Folder::open(config.backup_folder())?;
    let _claim = folder.claim()?;
    let now = runtime.clock.now();
    let id = BackupId::new(now);
    let path = folder.path_for(now);
    let platform = runtime.platform();
    let shown = path.display().to_string();
    write_tx!(platform, tx => { journal::begun(&mut tx, &id, &shown, now).await })?;
    let outcome = make_in(runtime, &folder, path).await;
    let noted = match &outcome {
        Ok(made) => Ok((
            i64::try_from(made.saved.bytes).unwrap_or(i64::MAX),
            i64::try_from(made.saved.totals.rows()).unwrap_or(i64::MAX),
        )),
        Err(error) => Err(format!("{error:#}")),
    };
    let ended = runtime.clock.now();
    write_tx!(platform, tx => {
        let noted = noted.as_ref().map(|figures| *figures).map_err(String::as_str);
        journal::ended(&mut tx, &id, noted, ended).await
    })?;
    let made = outcome?;
    folder.keep(config.backup.keep)?;
    Ok(made)
}

async fn make_in(runtime: &Arc<Runtime>, folder: &Folder, path: PathBuf) -> anyhow::Result<Made> {
    folder.has_room()?;
    let tenants = every_tenant_id(runtime).await?;
    let saved = archive::save(runtime, &tenants, &path)
        .await
        .with_context(|| format!("no copy could be made at {}", path.display()))?;
    let rehearsed = archive::rehearse(runtime, path.clone(), folder.root()).await;
    let rehearsed = rehearsed.map(|imported| imported.totals);
    match rehearsed {
        Ok(totals) if totals == saved.totals => Ok(Made { path, saved }),
        Ok(_) => {
            folder.spoiled(&path)?;
            anyhow::bail!("the copy came back with other contents; it was set aside as spoiled")
        }
        Err(error) => {
            folder.spoiled(&path)?;
            Err(error).context("the copy does not come back; it was set aside as spoiled")
        }
    }
}
