//! Sealing: rows that have committed are joined to the chain, some hundred at a time, a few seconds behind.
//!
//! The transaction of a change does not wait for the chain, which is one after another for the whole ISP. The head's row is
//! the lock: two processes that seal at once do it one after the other, and one that stalled and wakes again finds the head
//! moved and changes nothing. Order in the chain is the order of sealing: a row that committed late comes later.

use super::{
    chain::{self, SALT_BYTES, Sealed},
    trail::{Seal, Trail},
};
use crate::{
    Ctx, Error,
    db::{DbError, Handle, PlatformDb},
    runtime::Runtime,
    secrets::fill_random,
    time::Timestamp,
    write_tx,
};
use serde::Serialize;

/// Rows of one transaction, so that it stays short.
const BATCH: i64 = 256;

/// Where a trail's chain ends and what waits to be joined to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct AuditHead {
    /// The tenant's id, or `platform`.
    #[schema(example = "ten_01jc4x6y1ze5svb9s5a7r6m2ka")]
    pub trail: String,
    /// Rows sealed; the position of the last one.
    #[schema(example = 1204)]
    pub position: i64,
    /// Its link, hexadecimal. Kept elsewhere, it proves later that nothing up to here was changed or cut off.
    #[schema(example = "9f1c3a5e0b7d2f4a6c8e1b3d5f7a9c0e2b4d6f8a1c3e5b7d9f0a2c4e6b8d1f3a")]
    pub chain: String,
    /// When it was last added to; none before the first time.
    pub sealed_at: Option<Timestamp>,
    /// Rows that are not sealed yet.
    #[schema(example = 0)]
    pub unsealed: i64,
    /// How long the oldest of them has waited, ms; 0 when there is none. Some seconds at most while the server runs.
    #[schema(example = 0)]
    pub lag_ms: i64,
}

/// Seals what waits in the context's tenant; rows sealed.
///
/// # Errors
/// The database's.
pub async fn seal(ctx: &Ctx) -> Result<usize, Error> {
    let trail = Trail::of_tenant(ctx.tenant());
    let mut sealed = 0;
    loop {
        // Looking is a read: an idle tenant does not take the writer's turn.
        if trail.unsealed(&mut ctx.begin_read().await?, 1).await?.is_empty() {
            return Ok(sealed);
        }
        sealed += write_tx!(ctx, tx => { batch(&mut tx, &trail, ctx.now()).await })?;
    }
}

/// Seals what waits in the installation's own trail; rows sealed.
///
/// # Errors
/// The database's.
pub async fn seal_platform(runtime: &Runtime) -> Result<usize, Error> {
    let (trail, platform) = (Trail::of_platform(), runtime.platform());
    let mut sealed = 0;
    loop {
        if trail.unsealed(&mut platform.begin_read().await?, 1).await?.is_empty() {
            return Ok(sealed);
        }
        sealed += write_tx!(platform, tx => { batch(&mut tx, &trail, runtime.clock.now()).await })?;
    }
}

async fn batch(tx: &mut impl Handle, trail: &Trail, now: Timestamp) -> Result<usize, Error> {
    let head = trail.head_lock(tx, &chain::START, now).await?;
    let rows = trail.unsealed(tx, BATCH).await?;
    let mut previous =
        head.chain[..].try_into().map_err(|_| Error::internal("the head of an audit chain is no SHA-256"))?;
    let mut seals = Vec::with_capacity(rows.len());
    for (row, position) in rows.iter().zip(head.position + 1..) {
        let seal = sealed(trail, row, &previous, position);
        previous = seal.chain;
        seals.push(seal);
    }
    let Some(last) = seals.last() else { return Ok(0) };
    if trail.seal(tx, &seals).await? != u64::try_from(seals.len()).map_err(Error::internal)? {
        return Err(DbError::Conflict.into());
    }
    trail.head_move(tx, head.position, last, now).await?;
    Ok(seals.len())
}

fn sealed(trail: &Trail, row: &Sealed, previous: &chain::Hash, position: i64) -> Seal {
    let salt = || {
        let mut salt = vec![0; SALT_BYTES];
        fill_random(&mut salt);
        salt
    };
    let (actor_salt, content_salt) = (salt(), salt());
    let (actor_hash, content_hash) = (row.hash_of_actor(&actor_salt), row.hash_of_content(&content_salt));
    let chain = row.link(trail.name(), previous, position, &actor_hash, &content_hash);
    Seal { id: row.id.clone(), position, actor_salt, actor_hash, content_salt, content_hash, chain }
}

/// Where the chain of the context's tenant ends.
///
/// # Errors
/// The database's.
pub async fn head(ctx: &Ctx) -> Result<AuditHead, Error> {
    read(&mut ctx.begin_read().await?, &Trail::of_tenant(ctx.tenant()), ctx.now()).await
}

/// Where the chain of the installation's own trail ends.
///
/// # Errors
/// The database's.
pub async fn head_platform(platform: &PlatformDb, now: Timestamp) -> Result<AuditHead, Error> {
    read(&mut platform.begin_read().await?, &Trail::of_platform(), now).await
}

async fn read(tx: &mut impl Handle, trail: &Trail, now: Timestamp) -> Result<AuditHead, Error> {
    let head = trail.head(tx).await?;
    let (unsealed, oldest) = trail.waiting(tx).await?;
    let (position, chain, sealed_at) = match head {
        Some(head) => (head.position, hex::encode(head.chain), Some(head.sealed_at)),
        None => (0, hex::encode(chain::START), None),
    };
    let lag_ms = oldest.map_or(0, |oldest| (now.as_millis() - oldest.as_millis()).max(0));
    Ok(AuditHead { trail: trail.name().to_owned(), position, chain, sealed_at, unsealed, lag_ms })
}
