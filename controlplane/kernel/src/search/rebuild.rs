//! The index made anew from what the owners of things list.

use super::{Entry, learn_pieces, put, remove, rows};
use crate::{
    Ctx, Error,
    db::TenantTx,
    jobs::{self, Job},
    write_tx,
};
use std::collections::BTreeSet;

/// Things of one transaction: on SQLite it holds the writer.
const STEP: usize = 100;

/// Whoever owns things of one kind.
#[async_trait::async_trait]
pub trait Source: Send + Sync + 'static {
    /// Name of the [`super::Kind`].
    fn kind(&self) -> &'static str;
    /// Entries of the next `limit` things behind an id, in the order of ids; fewer: there are no more.
    ///
    /// # Errors
    /// The database's.
    async fn entries(&self, tx: &mut TenantTx, after: &str, limit: usize) -> Result<Vec<Entry>, Error>;
}

/// What was made anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Things that are there.
    pub written: u64,
    /// Entries of things that are gone.
    pub removed: u64,
}

/// Makes the index of the context's tenant anew, a few things at a time: people find and change meanwhile. `job` is the claim
/// under which it happens, when it is one of the tenant's jobs.
///
/// # Errors
/// The database's, or a lease that was lost; what was done stays done.
pub async fn rebuild(ctx: &Ctx, sources: &[&dyn Source], job: Option<&Job>) -> Result<Rebuilt, Error> {
    let mut rebuilt = Rebuilt::default();
    for source in sources {
        let mut after = String::new();
        loop {
            let step = write_tx!(ctx, tx => {
                if let Some(job) = job {
                    jobs::hold(&mut tx, job, ctx.now()).await?;
                }
                step(ctx, &mut tx, *source, &after).await
            })?;
            rebuilt.written += step.written;
            rebuilt.removed += step.removed;
            let Some(last) = step.last else { break };
            after = last;
        }
    }
    Ok(rebuilt)
}

struct Step {
    written: u64,
    removed: u64,
    /// The last one, when there may be more.
    last: Option<String>,
}

async fn step(ctx: &Ctx, tx: &mut TenantTx, source: &dyn Source, after: &str) -> Result<Step, Error> {
    let first = source.entries(tx, after, STEP).await?;
    let end = |entries: &[Entry]| {
        (entries.len() == STEP).then(|| entries.last().map(|entry| entry.subject.clone())).flatten()
    };
    // Whoever changes one of them now waits for us, and whoever was faster is read below.
    for entry in &first {
        rows::entry_write(tx, entry, ctx.now()).await?;
    }
    // Before the things: what has an entry and is no thing any more is gone.
    let indexed = rows::subjects_between(tx, source.kind(), after, end(&first).as_deref()).await?;
    let entries = source.entries(tx, after, STEP).await?;
    let there: BTreeSet<&str> = entries.iter().map(|entry| entry.subject.as_str()).collect();
    for entry in &entries {
        put(tx, entry, ctx.now()).await?;
        // Those of its words that were there already may have lost theirs.
        learn_pieces(tx, &entry.words().into_iter().collect::<Vec<_>>()).await?;
    }
    let last = end(&entries);
    let gone = indexed.iter().filter(|subject| !there.contains(subject.as_str()));
    let gone: Vec<_> = gone.filter(|subject| last.as_ref().is_none_or(|last| *subject <= last)).collect();
    for subject in &gone {
        remove(tx, subject).await?;
    }
    let count = |number: usize| u64::try_from(number).map_err(Error::internal);
    Ok(Step { written: count(entries.len())?, removed: count(gone.len())?, last })
}
