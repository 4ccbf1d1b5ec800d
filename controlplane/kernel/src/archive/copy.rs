//! Copies as sealed streams of bytes, wherever those lie: making one, and putting one back.

use super::{ArchiveError, IN_FLIGHT, Imported, Totals, Unfinished, export, file, import};
use crate::{
    blobs::{BlobStore, Listed},
    db::Db,
    ids::TenantId,
    runtime::Runtime,
    secrets::random_token,
    time::Timestamp,
};
use parking_lot::Mutex;
use std::{
    fs,
    io::{self, BufReader, Read},
    os::unix::fs::DirBuilderExt,
    path::Path,
    sync::Arc,
};
use tokio::sync::mpsc;

/// A copy that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Its size, bytes.
    pub bytes: u64,
    /// What it holds.
    pub totals: Totals,
}

/// Copies a running installation to where `begin` says, which is called on a thread that may block. `tenants` are all there are.
/// When the future is dropped, the thread notices and abandons the copy by itself.
///
/// # Errors
/// The database's, the blobs' or the place's; the copy is abandoned then.
pub async fn save<F>(runtime: &Arc<Runtime>, tenants: &[TenantId], begin: F) -> Result<Saved, ArchiveError>
where
    F: FnOnce() -> io::Result<Box<dyn Unfinished>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(IN_FLIGHT);
    let key = file::FileKey::make(&runtime.secrets).await?;
    let writer = tokio::task::spawn_blocking(move || -> Result<u64, ArchiveError> {
        let mut out = begin()?;
        let written = file::write(&key, &mut *out, receiver).and_then(|bytes| {
            out.finish()?;
            Ok(bytes)
        });
        if written.is_err() {
            out.abandon();
        }
        written
    });
    let exported = export(&runtime.db, tenants, &*runtime.blobs, runtime.clock.now(), sender).await;
    let written = writer.await.map_err(io::Error::other)?;
    both(exported, written).map(|(totals, bytes)| Saved { bytes, totals })
}

/// Puts a copy into an empty database and blob store. `open` gives its bytes, and is called on a thread that may block, as they
/// are read on one. `runtime` has the installation key that sealed it; `db` and `serving` are as for [`import`].
///
/// # Errors
/// A copy that cannot be read or does not open, or whatever [`import`] finds.
pub async fn load<F>(
    runtime: &Arc<Runtime>,
    db: &Db,
    serving: Option<&str>,
    blobs: &dyn BlobStore,
    open: F,
) -> Result<Imported, ArchiveError>
where
    F: FnOnce() -> io::Result<Box<dyn Read + Send>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(IN_FLIGHT);
    let front = tokio::task::spawn_blocking(move || file::Sealed::of(BufReader::new(open()?)));
    let (key, rest) = front.await.map_err(io::Error::other)??.open(&runtime.secrets).await?;
    let reader = tokio::task::spawn_blocking(move || file::read(&key, rest, &sender));
    let imported = import(db, serving, blobs, runtime.clock.now(), receiver).await;
    let read = reader.await.map_err(io::Error::other)?;
    both(imported, read).map(|(imported, ())| imported)
}

/// Puts a copy into a database of its own that is thrown away again, and compares: whether these bytes, as they lie in their
/// place, would bring everything back. What it holds. `scratch` is a folder of this machine.
///
/// # Errors
/// As [`load`]; the copy is then worth nothing.
pub async fn rehearse<F>(runtime: &Arc<Runtime>, open: F, scratch: &Path) -> Result<Imported, ArchiveError>
where
    F: FnOnce() -> io::Result<Box<dyn Read + Send>> + Send + 'static,
{
    let folder = scratch.join(format!("rehearsal-{}", &random_token()[..16]));
    // What is in it lies open while the rehearsal lasts, perhaps below a folder that everybody may read.
    fs::DirBuilder::new().mode(0o700).create(&folder)?;
    let outcome = rehearse_in(runtime, open, &folder).await;
    fs::remove_dir_all(&folder)?;
    outcome
}

async fn rehearse_in<F>(runtime: &Arc<Runtime>, open: F, folder: &Path) -> Result<Imported, ArchiveError>
where
    F: FnOnce() -> io::Result<Box<dyn Read + Send>> + Send + 'static,
{
    let db = Db::open(&format!("sqlite:{}", folder.join("copy.db").display())).await?;
    let blobs = Weighed::default();
    let imported = load(runtime, &db, None, &blobs, open).await;
    db.close().await;
    let imported = imported?;
    let (count, bytes) = *blobs.0.lock();
    if (count, bytes) != (imported.totals.blobs, imported.totals.blob_bytes) {
        return Err(ArchiveError::Differs {
            table: "files".to_owned(),
            copied: imported.totals.blobs,
            found: count,
        });
    }
    Ok(imported)
}

/// Copies one database straight into another; blobs stay where they are.
///
/// # Errors
/// Either database's.
pub async fn transfer(
    from: &Db,
    tenants: &[TenantId],
    to: &Db,
    serving: Option<&str>,
    now: Timestamp,
) -> Result<Imported, ArchiveError> {
    let (sender, receiver) = mpsc::channel(IN_FLIGHT);
    let (exported, imported) = tokio::join!(
        export(from, tenants, &NoBlobs, now, sender),
        import(to, serving, &NoBlobs, now, receiver)
    );
    both(imported, exported).map(|(imported, _)| imported)
}

/// Of two ends of a channel, the one that failed first says why; the other one only noticed.
fn both<A, B>(one: Result<A, ArchiveError>, other: Result<B, ArchiveError>) -> Result<(A, B), ArchiveError> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (Err(ArchiveError::ReceiverGone | ArchiveError::CutOff), Err(error))
        | (Err(error), _)
        | (_, Err(error)) => Err(error),
    }
}

/// Where blobs are not part of the copy.
struct NoBlobs;

/// Counts the files put into it, and their bytes.
#[derive(Default)]
struct Weighed(Mutex<(u64, u64)>);

/// A store that gives nothing back: only what is put matters.
macro_rules! nothing_stored {
    ($name:ident, |$this:ident, $bytes:ident| $put:expr) => {
        #[async_trait::async_trait]
        impl BlobStore for $name {
            async fn put(&self, _: &str, $bytes: Vec<u8>) -> io::Result<()> {
                let $this = self;
                $put;
                Ok(())
            }
            async fn get(&self, _: &str) -> io::Result<Option<Vec<u8>>> {
                Ok(None)
            }
            async fn delete(&self, _: &str) -> io::Result<()> {
                Ok(())
            }
            async fn list(&self, _: &str, _: &str, _: usize) -> io::Result<Vec<Listed>> {
                Ok(Vec::new())
            }
        }
    };
}
nothing_stored!(NoBlobs, |_this, bytes| drop(bytes));
nothing_stored!(Weighed, |this, bytes| {
    let mut weighed = this.0.lock();
    weighed.0 += 1;
    weighed.1 += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
});
