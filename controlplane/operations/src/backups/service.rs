//! Reading the journal of copies, and asking for one.

use super::{BackupRow, BackupSeen, BackupTarget, seen};
use crate::home::BACKUP_READ;
use atalaya_kernel::{
    Ctx, Error,
    archive::journal::{self, Backup},
    audit::Entry,
    events::EntityRef,
    ids::BackupId,
    jobs,
    page::{Page, PageQuery},
    runtime::Runtime,
    time::Timestamp,
    write_tx,
};
use atalaya_people::platform::PlatformCtx;
use std::sync::Arc;

/// What an ISP sees of the copies.
///
/// # Errors
/// [`Error::Forbidden`], a wrong page.
pub async fn list(ctx: &Ctx, page: &PageQuery) -> Result<Page<BackupSeen>, Error> {
    ctx.authorize(BACKUP_READ)?;
    page_of(ctx.db().runtime(), page, |backup, newest| seen(&backup, newest)).await
}

/// What an operator sees of them.
///
/// # Errors
/// A wrong page.
pub async fn list_for_operator(ctx: &PlatformCtx, page: &PageQuery) -> Result<Page<BackupRow>, Error> {
    let row = |backup: Backup, newest| BackupRow {
        seen: seen(&backup, newest),
        id: backup.id,
        target: BackupTarget::of(&backup.path),
        path: backup.path,
        bytes: backup.bytes,
        total_rows: backup.total_rows,
        error: backup.error,
    };
    page_of(ctx.runtime(), page, row).await
}

async fn page_of<T>(
    runtime: &Arc<Runtime>,
    page: &PageQuery,
    convert: impl Fn(Backup, bool) -> T,
) -> Result<Page<T>, Error> {
    let (limit, after) = (page.limit()?, page.after::<(Timestamp, BackupId)>()?);
    let mut tx = runtime.platform().begin_read().await?;
    let rows = journal::page(&mut tx, after.as_ref(), limit + 1).await?;
    tx.rollback().await?;
    let mut newest = after.is_none();
    let page = Page::of(rows, limit, |backup| (backup.started_at, backup.id.clone()))?;
    Ok(page.map(|backup| convert(backup, std::mem::take(&mut newest))))
}

/// Asks for a copy. Whoever asks twice within a minute gets one.
///
/// # Errors
/// The database's.
pub async fn ask(ctx: &PlatformCtx) -> Result<(), Error> {
    let (platform, now) = (ctx.runtime().platform(), ctx.now());
    let key = format!("asked/{}", now.as_millis() / 60_000);
    write_tx!(platform, tx => {
        jobs::enqueue(&mut tx, journal::job(key.clone(), now), now).await?;
        ctx.record(&mut tx, Entry::new("backup.asked", EntityRef::new("backup", "now"))).await
    })
}
