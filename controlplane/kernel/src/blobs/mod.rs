//! Files and pictures of tenants.
//!
//! A *blob* is content that never changes, and a row that names it: whose it is, what it is for, how long, its SHA-256, and the
//! key that seals its bytes. The bytes lie outside the database, in a folder or an object store ([`BlobStore`]), under
//! `TENANT/BLOB`.
//!
//! - **Bytes before the row.** [`put`] makes them durable, then [`record`] names them in the transaction of whatever wants
//!   them. If that does not commit, nobody knows the bytes, and [`sweep`] removes them a day later.
//! - **The row before the bytes goes.** [`remove`] only notes it. A day later the row goes, and with it the key: nobody opens the
//!   bytes any more. Then the bytes go. A copy of the installation that was begun before still has both.
//! - **What is read is what was stored**, or an error that says which ([`BlobError`]): the chunks are authenticated, and the
//!   content is compared with its SHA-256.
//! - Who may read a blob is decided by the domain whose row names it. This module knows tenants only; one tenant's id means
//!   nothing in another.

mod folder;
mod rows;
mod sealing;
mod store;
pub mod sweep;

pub use folder::FolderStore;
pub use store::{BlobStore, Listed, demand_key, is_key};

use crate::{
    Ctx, Error,
    db::{PlatformTx, TenantTx},
    ids::{BlobId, TenantId},
    runtime::Runtime,
    secrets::SecretBytes,
    time::Timestamp,
};
use rows::BlobRow;
use sealing::Unopened;
use std::io;
use tokio::sync::SemaphorePermit;

/// Most bytes of content: it is sealed and opened in memory.
pub const MAX_BYTES: usize = 64 << 20;
/// Contents that are sealed or opened at the same time, MiB: what comes beyond waits. Each is in memory twice.
pub(crate) const ROOM: usize = 256;

/// A blob that does not give its content back.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is a row and nothing in its place.
    #[error("the bytes of {0} are missing: bring them back from a copy (docs/operations/blobs.md)")]
    Missing(BlobId),
    /// What is in its place is not what was stored.
    #[error(
        "the bytes of {0} are not those that were stored: bring them back from a copy (docs/operations/blobs.md)"
    )]
    Changed(BlobId),
    /// It was stored by a newer program.
    #[error("{0} was stored in a format that this program does not know: update it")]
    NewerFormat(BlobId),
    /// The place failed.
    #[error("the store of blobs: {0}")]
    Store(#[from] io::Error),
}

impl From<BlobError> for Error {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Store(_) => Self::Unavailable(error.to_string()),
            _ => Self::internal(error),
        }
    }
}

/// Content whose bytes are stored, and that no row names yet: [`record`] it.
#[must_use = "bytes that no row names are removed after a day"]
#[derive(Debug)]
pub struct NewBlob {
    /// Its id.
    pub id: BlobId,
    kind: &'static str,
    sha256: String,
    bytes: i64,
    key: SecretBytes,
}

/// A blob, read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// What it is for, as it was stored.
    pub kind: String,
    /// SHA-256 of the content, hexadecimal: it makes a good `ETag`.
    pub sha256: String,
    /// The content.
    pub content: Vec<u8>,
}

/// All blobs of the installation, for its own health figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// How many.
    pub blobs: i64,
    /// Bytes of their contents.
    pub bytes: i64,
    /// Those whose bytes the last sweep did not find.
    pub missing: i64,
}

/// Where a blob's bytes lie in the store.
fn object_key(tenant: &TenantId, id: &BlobId) -> String {
    format!("{tenant}/{id}")
}

/// What a blob's key is sealed in.
pub(crate) fn key_context(id: &str) -> String {
    format!("kernel_blob/{id}/key")
}

/// Seals content of the context's tenant and stores its bytes. `kind` says what it is for (`logo`). Outside of any
/// transaction: it takes as long as the store does.
///
/// # Errors
/// Content beyond [`MAX_BYTES`], or [`Error::Unavailable`] when the store fails.
pub async fn put(ctx: &Ctx, kind: &'static str, content: Vec<u8>) -> Result<NewBlob, Error> {
    if content.len() > MAX_BYTES {
        return Err(Error::invalid("", "too_large", format!("at most {} MiB", MAX_BYTES >> 20)));
    }
    let bytes = i64::try_from(content.len()).map_err(Error::internal)?;
    let runtime = ctx.db().runtime();
    let _room = room(runtime, bytes).await?;
    let sealed = tokio::task::spawn_blocking(move || sealing::seal(&content)).await;
    let sealed = sealed.map_err(Error::internal)?.map_err(Error::internal)?;
    let id = BlobId::new(ctx.now());
    let stored = runtime.blobs.put(&object_key(ctx.tenant(), &id), sealed.bytes).await;
    stored.map_err(BlobError::Store)?;
    Ok(NewBlob { id, kind, sha256: sealed.sha256, bytes, key: sealed.key })
}

/// Waits for room in memory for content of so many bytes.
async fn room(runtime: &Runtime, bytes: i64) -> Result<SemaphorePermit<'_>, Error> {
    let room = u32::try_from((bytes >> 20) + 1).map_err(Error::internal)?;
    runtime.blob_room.acquire_many(room).await.map_err(Error::internal)
}

/// Names a blob, in the transaction of whatever wants it.
///
/// # Errors
/// The database's.
pub async fn record(tx: &mut TenantTx, blob: &NewBlob, now: Timestamp) -> Result<(), Error> {
    let runtime = tx.runtime().clone();
    let sealed_key = runtime.secrets.seal(tx, &key_context(blob.id.as_str()), blob.key.expose()).await?;
    let row = BlobRow {
        kind: blob.kind.to_owned(),
        content_sha256: blob.sha256.clone(),
        content_bytes: blob.bytes,
        sealed_key,
    };
    Ok(rows::insert(tx, &blob.id, row, now).await?)
}

/// Reads a blob of the context's tenant and checks it.
///
/// # Errors
/// [`Error::NotFound`] for one that is not there or was removed, [`Error::Unavailable`] when the store fails, and
/// [`BlobError`] within [`Error::Internal`] when its bytes are not what they were.
pub async fn get(ctx: &Ctx, id: &BlobId) -> Result<Blob, Error> {
    let runtime = ctx.db().runtime();
    let mut tx = ctx.begin_read().await?;
    let row = rows::find(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let key = runtime.secrets.open(&mut tx, &key_context(id.as_str()), &row.sealed_key).await?;
    tx.rollback().await?;
    let _room = room(runtime, row.content_bytes).await?;
    let stored = runtime.blobs.get(&object_key(ctx.tenant(), id)).await.map_err(BlobError::Store)?;
    let stored = stored.ok_or_else(|| BlobError::Missing(id.clone()))?;
    let opened = tokio::task::spawn_blocking(move || {
        let content = sealing::open(&key, &stored)?;
        Ok((sealing::sha256(&content), content))
    });
    let (sha256, content) = opened.await.map_err(Error::internal)?.map_err(|why| match why {
        Unopened::Changed => BlobError::Changed(id.clone()),
        Unopened::Newer => BlobError::NewerFormat(id.clone()),
    })?;
    if sha256 != row.content_sha256 || i64::try_from(content.len()).ok() != Some(row.content_bytes) {
        return Err(BlobError::Changed(id.clone()).into());
    }
    Ok(Blob { kind: row.kind, sha256, content })
}

/// Removes a blob, in the transaction of whatever wanted it. It is gone at once for everybody who asks.
///
/// # Errors
/// [`Error::NotFound`] for one that is not there, or the database's.
pub async fn remove(tx: &mut TenantTx, id: &BlobId, now: Timestamp) -> Result<(), Error> {
    if rows::remove(tx, id, now).await? { Ok(()) } else { Err(Error::NotFound) }
}

/// How many there are, of all tenants.
///
/// # Errors
/// The database's.
pub async fn figures(tx: &mut PlatformTx) -> Result<Figures, Error> {
    let (blobs, bytes, missing) = rows::figures(tx).await?;
    Ok(Figures { blobs, bytes, missing })
}
