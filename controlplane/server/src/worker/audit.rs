//! Seals audit rows a few seconds behind their changes, and exports the heads of the chains.
//!
//! The exported file (`audit-heads.jsonl` in the data folder) is what a truncated or rewritten trail is found against; a
//! copy of it belongs where whoever can write the database cannot. A head is never exported over one that the database
//! no longer continues: then the file keeps the old one, and the log says so each minute until a person has looked.

use super::every_tenant;
use anyhow::Context;
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, AuditHead, ExportedHead},
    runtime::Runtime,
};
use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Name of the exported file.
const FILE: &str = "audit-heads.jsonl";
/// A row waits so long at most, and a little for what is before it.
const EVERY: Duration = Duration::from_secs(2);
/// Passes between two in which every head is looked at, though nothing was sealed: once a minute.
const PASSES_PER_LOOK: u32 = 30;

/// How far sealing is behind, for `/metrics`: the longest wait of a row that the last pass left, ms.
#[derive(Debug, Default)]
pub struct SealLag(AtomicI64);

impl SealLag {
    /// Milliseconds.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Seals for ever, until told to stop. One tenant's failure is logged and does not hold back the others.
///
/// # Errors
/// The database's, when it stays away.
pub async fn seal(
    runtime: Arc<Runtime>,
    data: PathBuf,
    lag: Arc<SealLag>,
    stop: CancellationToken,
) -> Result<(), Error> {
    let file = data.join(FILE);
    let mut turn = 0_u32;
    while !stop.is_cancelled() {
        let behind = pass(&runtime, &file, turn.is_multiple_of(PASSES_PER_LOOK)).await?;
        lag.0.store(behind, Ordering::Relaxed);
        turn = turn.wrapping_add(1);
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
    Ok(())
}

/// A trail's head, and whether its chain still has the link that was exported before.
struct Looked {
    head: AuditHead,
    continued: bool,
}

/// Seals what waits everywhere, once, and exports the heads that moved, or all when asked to; the longest wait left, ms.
async fn pass(runtime: &Arc<Runtime>, file: &Path, all: bool) -> Result<i64, Error> {
    let kept_before = exported(file);
    if let Err(error) = &kept_before {
        tracing::error!("{error:#}: no head is exported before the file is mended or removed");
    }
    let is_readable = kept_before.is_ok();
    let before = kept_before.unwrap_or_default();
    let mut lines = before.clone();
    let mut behind = 0;
    let sealed = audit::seal_platform(runtime).await;
    if is_to_be_looked_at(audit::PLATFORM, &sealed, all) {
        behind = kept(&mut lines, audit::PLATFORM, look_platform(runtime, &before).await);
    }
    for ctx in every_tenant(runtime, "audit").await? {
        // Not as bulk work, which people could hold back without end: a batch is short.
        let (trail, sealed) = (ctx.tenant().as_str(), audit::seal(&ctx).await);
        if is_to_be_looked_at(trail, &sealed, all) {
            behind = behind.max(kept(&mut lines, trail, look(&ctx, &before).await));
        }
    }
    if is_readable && lines != before {
        let file = file.to_owned();
        let written = tokio::task::spawn_blocking(move || write(&file, &lines)).await;
        if let Err(error) = written.map_err(anyhow::Error::from).flatten() {
            tracing::error!("the heads of the audit chains could not be exported: {error:#}");
        }
    }
    Ok(behind)
}

/// Whether a head is to be looked at: a trail to which nothing was added ends where it did. One that could not be sealed
/// is told and does not end the process, which has more to do than this.
fn is_to_be_looked_at(trail: &str, sealed: &Result<usize, Error>, all: bool) -> bool {
    if let Err(error) = sealed {
        tracing::error!(trail, %error, "audit rows could not be sealed");
    }
    all || !matches!(sealed, Ok(0))
}

/// Takes a head over where it could be read; how long the oldest unsealed row of its trail waits, ms.
fn kept(lines: &mut BTreeMap<String, ExportedHead>, trail: &str, looked: Result<Looked, Error>) -> i64 {
    match looked {
        Ok(looked) => {
            let behind = looked.head.lag_ms;
            keep(lines, looked);
            behind
        }
        Err(error) => {
            tracing::error!(trail, %error, "the head of an audit trail cannot be read");
            0
        }
    }
}

async fn look(ctx: &Ctx, before: &BTreeMap<String, ExportedHead>) -> Result<Looked, Error> {
    let head = audit::head(ctx).await?;
    let continued = match before.get(&head.trail) {
        Some(known) => audit::continues(ctx, known).await?,
        None => true,
    };
    Ok(Looked { head, continued })
}

async fn look_platform(runtime: &Runtime, before: &BTreeMap<String, ExportedHead>) -> Result<Looked, Error> {
    let platform = runtime.platform();
    let head = audit::head_platform(&platform, runtime.clock.now()).await?;
    let continued = match before.get(&head.trail) {
        Some(known) => audit::continues_platform(&platform, known).await?,
        None => true,
    };
    Ok(Looked { head, continued })
}

/// Takes a head over into what is exported, unless it does not continue the one that was.
fn keep(lines: &mut BTreeMap<String, ExportedHead>, Looked { head, continued }: Looked) {
    if !continued {
        tracing::error!(
            trail = %head.trail,
            position = head.position,
            "the audit trail does not continue the head that was exported: it was cut off or written anew, or an older copy \
             of the database was restored. See `atalaya audit verify`"
        );
        return;
    }
    let line = ExportedHead { trail: head.trail.clone(), position: head.position, chain: head.chain.clone() };
    lines.insert(head.trail, line);
}

/// The heads of the file, by trail; none when there is no file.
fn exported(file: &Path) -> anyhow::Result<BTreeMap<String, ExportedHead>> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
    };
    let heads = audit::heads_of(&text).with_context(|| format!("{} is damaged", file.display()))?;
    Ok(heads.into_iter().map(|head| (head.trail.clone(), head)).collect())
}

/// Writes the file as a whole: beside it first, so that a crash leaves the old one.
fn write(file: &Path, heads: &BTreeMap<String, ExportedHead>) -> anyhow::Result<()> {
    let beside = file.with_extension("new");
    let mut out = fs::File::create(&beside).with_context(|| format!("cannot write {}", beside.display()))?;
    for head in heads.values() {
        serde_json::to_writer(&mut out, head)?;
        out.write_all(b"\n")?;
    }
    out.sync_all()?;
    fs::rename(&beside, file).with_context(|| format!("cannot write {}", file.display()))
}
