//! Blobs and rows that lost each other.
//!
//! Once a day, in this order: rows that were removed a day ago go; bytes that no row names and that are older than a day go;
//! rows whose bytes are not there are noted and told, for nothing but a copy brings those back. What the store holds that is
//! no blob of ours is left alone.
//!
//! A store holds the blobs of **one** database. A second one on the same store, a copy that was armed for instance, would
//! take the first one's newer blobs for forgotten ones. So the store carries a note ([`OWNER`]) of the installation and
//! the home that sweep it, and whoever is another one sweeps nothing.

use super::{folder, object_key, rows};
use crate::{
    Ctx, Error,
    ids::{BlobId, TenantId},
    installation::{self, Home},
    jobs::{self, Job},
    runtime::Runtime,
    time::Timestamp,
    write_tx,
};
use std::{collections::BTreeSet, sync::Arc};

/// Key of the note that says whose the store is.
pub const OWNER: &str = "owner";
/// How long bytes without a row, and rows that were removed, stay.
pub const KEPT_MS: i64 = 24 * 3_600_000;
/// Blobs of one step: a step takes less than a lease.
const STEP: usize = 200;

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Rows that were removed and are forgotten now.
    pub forgotten: u64,
    /// Bytes without a row that went.
    pub orphans: u64,
    /// Rows whose bytes are not there.
    pub missing: u64,
}

/// What a key of the store is.
enum Found {
    /// Bytes of a blob.
    Blob(TenantId, BlobId),
    /// A blob whose writing was cut off.
    Unfinished,
    /// Nothing of ours.
    Foreign,
}

fn found(key: &str) -> Found {
    if folder::is_unfinished(key) {
        return Found::Unfinished;
    }
    let parsed = key.split_once('/').and_then(|(tenant, id)| Some((tenant.parse().ok()?, id.parse().ok()?)));
    parsed.map_or(Found::Foreign, |(tenant, id)| Found::Blob(tenant, id))
}

/// Whether a key is part of a copy of the installation: not the note, nor what was never finished.
pub(crate) fn is_copied(key: &str) -> bool {
    key != OWNER && !folder::is_unfinished(key)
}

/// Sweeps. `tenants` are all there are; `job` is the claim under which it happens.
///
/// # Errors
/// [`Error::Unavailable`] when the store fails or is another installation's, the database's, or a lease that was lost: what was
/// done stays done.
pub async fn run(runtime: &Arc<Runtime>, tenants: &[TenantId], job: &Job) -> Result<Swept, Error> {
    claim(runtime).await?;
    let mut swept = Swept::default();
    for tenant in tenants {
        let ctx = Ctx::system(runtime.tenant(tenant.clone()), "blobs").in_bulk();
        let before = ctx.now().plus_millis(-KEPT_MS);
        swept.forgotten += write_tx!(ctx, tx => { Ok(rows::forget(&mut tx, before).await?) })?;
    }
    swept.orphans = orphans(runtime, job).await?;
    for tenant in tenants {
        let ctx = Ctx::system(runtime.tenant(tenant.clone()), "blobs").in_bulk();
        swept.missing += missing(&ctx, job).await?;
    }
    Ok(swept)
}

/// Demands that the store is this installation's, and makes it so where it is nobody's yet.
async fn claim(runtime: &Runtime) -> Result<(), Error> {
    let Home(home) = installation::home(runtime).await?;
    let noted = runtime.blobs.get(OWNER).await.map_err(super::BlobError::Store)?;
    match noted {
        Some(noted) if noted == home.as_bytes() => Ok(()),
        Some(_) => Err(Error::Unavailable(format!(
            "the store of blobs is swept by another installation or from another home, so nothing is swept here: give this \
             one a store of its own, or remove the object `{OWNER}` once the other one is gone (docs/operations/blobs.md)"
        ))),
        None => Ok(runtime.blobs.put(OWNER, home.into_bytes()).await.map_err(super::BlobError::Store)?),
    }
}

/// Between two steps: the lease is renewed.
async fn between(runtime: &Runtime, job: &Job) -> Result<(), Error> {
    let (platform, now) = (runtime.platform(), runtime.clock.now());
    write_tx!(platform, tx => { jobs::hold(&mut tx, job, now).await })
}

/// Removes bytes that no row names. The list is read before the rows, so a blob that is being stored meanwhile is either not
/// in it, or too young.
async fn orphans(runtime: &Arc<Runtime>, job: &Job) -> Result<u64, Error> {
    let before = runtime.clock.now().plus_millis(-KEPT_MS);
    let (mut after, mut removed, mut foreign) = (String::new(), 0, 0_u64);
    loop {
        let page = runtime.blobs.list("", &after, STEP).await.map_err(super::BlobError::Store)?;
        let is_last = page.len() < STEP;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.key);
        let (mut blobs, mut gone) = (Vec::new(), Vec::new());
        for listed in page.into_iter().filter(|listed| listed.key != OWNER) {
            let is_old = listed.written_at < before;
            match found(&listed.key) {
                Found::Blob(tenant, id) if is_old => blobs.push((tenant, id)),
                Found::Unfinished if is_old => gone.push(listed.key),
                Found::Foreign => foreign += 1,
                Found::Blob(..) | Found::Unfinished => {}
            }
        }
        gone.extend(unnamed(runtime, &blobs).await?);
        for key in gone {
            runtime.blobs.delete(&key).await.map_err(super::BlobError::Store)?;
            tracing::info!(key, "removed bytes that no row names");
            removed += 1;
        }
        between(runtime, job).await?;
        if is_last {
            break;
        }
    }
    if foreign > 0 {
        tracing::warn!(foreign, "the store of blobs holds what is no blob of ours: it is left alone");
    }
    Ok(removed)
}

/// Keys of those that no row names.
async fn unnamed(runtime: &Arc<Runtime>, blobs: &[(TenantId, BlobId)]) -> Result<Vec<String>, Error> {
    let mut gone = Vec::new();
    let tenants: BTreeSet<_> = blobs.iter().map(|(tenant, _)| tenant).collect();
    for tenant in tenants {
        let ids: Vec<_> = blobs.iter().filter(|(of, _)| of == tenant).map(|(_, id)| id.clone()).collect();
        let mut tx = Ctx::system(runtime.tenant(tenant.clone()), "blobs").begin_read().await?;
        let there: BTreeSet<_> = rows::there(&mut tx, &ids).await?.into_iter().collect();
        tx.rollback().await?;
        gone.extend(ids.iter().filter(|id| !there.contains(id)).map(|id| object_key(tenant, id)));
    }
    Ok(gone)
}

/// Notes which rows of a tenant have no bytes; how many. Rows are read before the list: bytes are stored before their row.
async fn missing(ctx: &Ctx, job: &Job) -> Result<u64, Error> {
    let (runtime, tenant) = (ctx.db().runtime().clone(), ctx.tenant().clone());
    let (mut after, mut missing) = (String::new(), 0);
    loop {
        let mut tx = ctx.begin_read().await?;
        let named = rows::page(&mut tx, &after, i64::try_from(STEP).map_err(Error::internal)?).await?;
        tx.rollback().await?;
        let (Some(first), Some(last)) = (named.first(), named.last()) else { return Ok(missing) };
        let there = between_ids(&runtime, &tenant, &first.id, &last.id).await?;
        after = last.id.to_string();
        for row in &named {
            let since: Option<Timestamp> = match (there.contains(&row.id), row.missing_since) {
                (true, None) => continue,
                (true, Some(_)) => None,
                (false, since) => {
                    missing += 1;
                    tracing::error!(%tenant, blob = %row.id, "the bytes of a blob are missing: bring them back from a copy");
                    if since.is_some() {
                        continue;
                    }
                    Some(ctx.now())
                }
            };
            write_tx!(ctx, tx => { Ok(rows::missing_set(&mut tx, &row.id, since).await?) })?;
        }
        between(&runtime, job).await?;
    }
}

/// Blobs of a tenant that the store holds, from one id to another.
async fn between_ids(
    runtime: &Runtime,
    tenant: &TenantId,
    first: &BlobId,
    last: &BlobId,
) -> Result<BTreeSet<BlobId>, Error> {
    let prefix = format!("{tenant}/");
    let mut there = BTreeSet::new();
    let first_key = object_key(tenant, first);
    // A little before the first; what else lies there does no harm.
    let mut after = first_key.get(..first_key.len() - 1).unwrap_or_default().to_owned();
    loop {
        let page = runtime.blobs.list(&prefix, &after, STEP).await.map_err(super::BlobError::Store)?;
        let is_last = page.len() < STEP;
        for listed in page {
            if let Found::Blob(_, id) = found(&listed.key) {
                if id > *last {
                    return Ok(there);
                }
                there.insert(id);
            }
            after = listed.key;
        }
        if is_last {
            return Ok(there);
        }
    }
}
