//! The index made anew from what the owners of things list.

use super::{
    Entry,
    batch::{self, Pieces},
    writes,
};
use crate::{
    Ctx, Error,
    db::TenantTx,
    jobs::{self, Job},
    write_tx,
};
use std::collections::{BTreeMap, BTreeSet};

/// Things of one transaction. On SQLite it holds the writer, as measured for some 30 ms among a hundred thousand things: of more
/// things a page of the index is written less often, and a person waits for longer.
const STEP: usize = 250;

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
    writes::plan_anew(tx).await?;
    let mut entries = source.entries(tx, after, STEP).await?;
    let mut written: BTreeMap<String, Entry> = BTreeMap::new();
    let is_written = |written: &BTreeMap<_, _>, entry: &Entry| {
        written.get(&entry.subject).is_some_and(|other| other == entry)
    };
    let (indexed, last) = loop {
        let new: Vec<_> = entries.iter().filter(|entry| !is_written(&written, entry)).collect();
        // Whoever changes one of them now waits for us, and whoever was faster is read below.
        writes::entries_write(tx, &new, ctx.now()).await?;
        let last =
            (entries.len() == STEP).then(|| entries.last().map(|entry| entry.subject.clone())).flatten();
        // Before the things: what has an entry and is no thing any more is gone.
        let indexed = writes::subjects_between(tx, source.kind(), after, last.as_deref()).await?;
        let again = source.entries(tx, after, STEP).await?;
        written.extend(entries.into_iter().map(|entry| (entry.subject.clone(), entry)));
        entries = again;
        // On SQLite they always are: nobody else writes. Elsewhere one may have been made or changed before it was locked.
        if entries.iter().all(|entry| is_written(&written, entry)) {
            break (indexed, last);
        }
    };
    let there: BTreeSet<&str> = entries.iter().map(|entry| entry.subject.as_str()).collect();
    batch::update(tx, &entries.iter().collect::<Vec<_>>(), Pieces::OfAll).await?;
    let gone: Vec<&str> =
        indexed.iter().map(String::as_str).filter(|subject| !there.contains(subject)).collect();
    batch::remove(tx, &gone).await?;
    let count = |number: usize| u64::try_from(number).map_err(Error::internal);
    Ok(Step { written: count(entries.len())?, removed: count(gone.len())?, last })
}
