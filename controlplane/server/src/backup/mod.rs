//! Daily copies of the installation, each rehearsed before it counts, and what the command line does with copies.
//!
//! The mechanism is the kernel's (`archive`); here is where copies lie ([`Place`]: a folder or an object store), when they are
//! made, how many are kept. A copy counts once its place has it whole and a restore of it, read back from that place, held what
//! was copied.

mod daily;
mod folder;
mod object_store;
mod place;

pub use daily::{BackupJob, schedule};
pub use folder::Folder;
pub use object_store::ObjectStore;
pub use place::{Claim, CopyName, Found, NotACopy, Place};

use crate::worker::every_tenant_id;
use anyhow::{Context, bail};
use atalaya_kernel::{
    archive::{self, Saved, journal},
    ids::BackupId,
    runtime::Runtime,
    write_tx,
};
use std::{path::Path, sync::Arc};

/// A copy that was made and rehearsed.
#[derive(Debug)]
pub struct Made {
    /// Where it lies.
    pub shown: String,
    /// What it holds.
    pub saved: Saved,
}

/// Makes a copy, rehearses its restore, and only then lets older ones go until `newest` are left. How it went is written down
/// either way.
///
/// # Errors
/// A place that cannot be written or in which another copy is being made, too little room, or a copy that does not come back.
pub async fn make(runtime: &Arc<Runtime>, place: &Arc<dyn Place>, newest: u32) -> anyhow::Result<Made> {
    let _claim = blocking(place, |place| place.claim()).await?;
    let now = runtime.clock.now();
    let id = BackupId::new(now);
    let lying = blocking(place, |place| place.list()).await;
    let name = CopyName::free(now, lying.as_deref().unwrap_or_default());
    let platform = runtime.platform();
    let shown = place.shown(&name);
    write_tx!(platform, tx => { journal::begun(&mut tx, &id, &shown, now).await })?;
    let outcome = match lying {
        Ok(lying) => make_in(runtime, place, &name, lying.last().map_or(0, |last| last.bytes)).await,
        Err(error) => Err(error.context("the place of the copies cannot be read")),
    };
    let noted = match &outcome {
        Ok(saved) => Ok((
            i64::try_from(saved.bytes).unwrap_or(i64::MAX),
            i64::try_from(saved.totals.rows()).unwrap_or(i64::MAX),
        )),
        Err(error) => Err(format!("{error:#}")),
    };
    let ended = runtime.clock.now();
    write_tx!(platform, tx => {
        let noted = noted.as_ref().map(|figures| *figures).map_err(String::as_str);
        journal::ended(&mut tx, &id, noted, ended).await
    })?;
    let saved = outcome?;
    blocking(place, move |place| keep(place, newest)).await?;
    Ok(Made { shown, saved })
}

async fn make_in(
    runtime: &Arc<Runtime>,
    place: &Arc<dyn Place>,
    name: &CopyName,
    last_bytes: u64,
) -> anyhow::Result<Saved> {
    let now = runtime.clock.now();
    blocking(place, move |place| {
        place.sweep(now)?;
        has_room(place.scratch(), last_bytes)
    })
    .await?;
    let tenants = every_tenant_id(runtime).await?;
    let (to, named) = (place.clone(), name.clone());
    let saved = archive::save(runtime, &tenants, move || to.begin(&named))
        .await
        .with_context(|| format!("no copy could be made at {}", place.shown(name)))?;
    let (from, named) = (place.clone(), name.clone());
    let rehearsed = archive::rehearse(runtime, move || from.open(&named), place.scratch()).await;
    let why = match rehearsed.map(|imported| imported.totals) {
        Ok(totals) if totals == saved.totals => return Ok(saved),
        Ok(_) => None,
        Err(error) => Some(error),
    };
    let named = name.clone();
    let became = blocking(place, move |place| place.set_aside(&named)).await?;
    match why {
        None => bail!("the copy came back with other contents; {became}"),
        Some(error) => Err(error).with_context(|| format!("the copy does not come back; {became}")),
    }
}

/// Removes all copies but the newest; one of them always stays.
///
/// # Errors
/// The place's.
fn keep(place: &dyn Place, newest: u32) -> anyhow::Result<()> {
    let copies = place.list()?;
    let surplus = copies.len().saturating_sub(usize::try_from(newest.max(1))?);
    for Found { name, .. } in copies.iter().take(surplus) {
        place.remove(name).with_context(|| format!("cannot remove the old copy {}", place.shown(name)))?;
    }
    Ok(())
}

/// Fails when a copy of the last one's size, and its rehearsal of several times that, might fill the disk: the database usually
/// lies on the same one, and it goes first.
fn has_room(scratch: &Path, last_bytes: u64) -> anyhow::Result<()> {
    let needed = last_bytes.saturating_mul(12).max(64 << 20);
    let disk = rustix::fs::statvfs(scratch)?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free < needed {
        bail!(
            "{} has {} MiB free and a copy with its rehearsal may need {}: free some or name another folder ([backup] folder, or data_dir with [backup.s3])",
            scratch.display(),
            free >> 20,
            needed >> 20
        );
    }
    Ok(())
}

/// Has a place do something on a thread that may block.
///
/// # Errors
/// Its own.
pub async fn blocking<T: Send + 'static>(
    place: &Arc<dyn Place>,
    work: impl FnOnce(&dyn Place) -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let place = place.clone();
    tokio::task::spawn_blocking(move || work(&*place)).await.context("the place of the copies")?
}
