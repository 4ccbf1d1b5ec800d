//! Finding what was changed, is missing or was cut off, by walking a chain from its start to its head.

use super::{
    chain::{self, Hash},
    trail::Trail,
};
use crate::{
    Ctx, Error,
    db::{DbError, Handle, PlatformDb},
};
use serde::{Deserialize, Serialize};

/// Rows looked at in one read.
const PAGE: i64 = 1_000;

/// A head that was kept elsewhere: one line of an exported file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedHead {
    /// The tenant's id, or `platform`.
    pub trail: String,
    /// Position of the last row sealed then.
    pub position: i64,
    /// Its link, hexadecimal.
    pub chain: String,
}

/// A trail that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Rows, from the first to the head.
    pub rows: i64,
    /// Of these, rows whose actor or contents were erased; their hashes hold.
    pub erased: i64,
    /// Rows that are not in the chain yet: nothing can be said of them.
    pub unsealed: i64,
}

/// What is wrong with a trail, and where it begins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A row says something else than what was sealed, or another was put in its place.
    #[error("row {id} at position {position} was changed")]
    Changed {
        /// Which.
        id: String,
        /// Where.
        position: i64,
    },
    /// A row is missing, and later ones are there.
    #[error("the row at position {position} is missing: the next one is {next} at position {next_position}")]
    Gap {
        /// Where.
        position: i64,
        /// The next row that is there.
        next: String,
        /// Where that one is.
        next_position: i64,
    },
    /// The trail ends before its head does.
    #[error("the trail was cut off: it ends at position {rows}, and {whose} is at {head}")]
    Truncated {
        /// Last position that is there.
        rows: i64,
        /// Position of the head.
        head: i64,
        /// `its head`, `an exported head`.
        whose: &'static str,
    },
    /// Everything fits together, and is not what it was.
    #[error("the trail was written anew: at position {position} the chain is not the one of {whose}")]
    Rewritten {
        /// Where.
        position: i64,
        /// `its head`, `an exported head`.
        whose: &'static str,
    },
    /// Rows claim places that the head does not know.
    #[error("a row claims position {position}, beyond the head at {head}")]
    Beyond {
        /// Which place.
        position: i64,
        /// Position of the head.
        head: i64,
    },
}

/// Heads of an exported text, one JSON object a line, as the API and the command line give them.
///
/// # Errors
/// [`Error::Invalid`] with the number of the line that is none.
pub fn heads_of(text: &str) -> Result<Vec<ExportedHead>, Error> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|error| {
                Error::invalid("/head", "malformed", format!("line {}: {error}", number + 1))
            })
        })
        .collect()
}

/// Whether the chain of the context's tenant still has the link of a head that was exported before.
///
/// # Errors
/// The database's.
pub async fn continues(ctx: &Ctx, exported: &ExportedHead) -> Result<bool, Error> {
    has_link(&mut ctx.begin_read().await?, &Trail::of_tenant(ctx.tenant()), exported).await
}

/// The same for the installation's own trail.
///
/// # Errors
/// The database's.
pub async fn continues_platform(platform: &PlatformDb, exported: &ExportedHead) -> Result<bool, Error> {
    has_link(&mut platform.begin_read().await?, &Trail::of_platform(), exported).await
}

async fn has_link(tx: &mut impl Handle, trail: &Trail, exported: &ExportedHead) -> Result<bool, Error> {
    if exported.position == 0 {
        return Ok(true);
    }
    let link = trail.link_at(tx, exported.position).await?;
    Ok(link.is_some_and(|link| hex::encode(link) == exported.chain))
}

/// Walks the chain of the context's tenant and compares it with heads that were exported before; those of other trails are
/// passed over.
///
/// # Errors
/// The database's. What is wrong with the trail is the answer.
pub async fn verify(ctx: &Ctx, exported: &[ExportedHead]) -> Result<Result<Verified, Fault>, Error> {
    Ok(walk(&mut ctx.begin_read().await?, &Trail::of_tenant(ctx.tenant()), exported).await?)
}

/// The same for the installation's own trail.
///
/// # Errors
/// The database's.
pub async fn verify_platform(
    platform: &PlatformDb,
    exported: &[ExportedHead],
) -> Result<Result<Verified, Fault>, Error> {
    Ok(walk(&mut platform.begin_read().await?, &Trail::of_platform(), exported).await?)
}

const OWN: &str = "its head";
const EXPORTED: &str = "an exported head";

async fn walk(
    tx: &mut impl Handle,
    trail: &Trail,
    exported: &[ExportedHead],
) -> Result<Result<Verified, Fault>, DbError> {
    let head = trail.head(tx).await?;
    let (end, end_link) =
        head.as_ref().map_or((0, chain::START.to_vec()), |head| (head.position, head.chain.clone()));
    let marks: Vec<_> = exported.iter().filter(|mark| mark.trail == trail.name()).collect();
    let (mut position, mut link): (i64, Hash) = (0, chain::START);
    let mut erased = 0;
    // Rows sealed while we walk are left to the next time.
    'walk: loop {
        let rows = trail.sealed_after(tx, position, PAGE).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let at = row.position.unwrap_or_default();
            if at > end {
                break 'walk;
            }
            if at != position + 1 {
                return Ok(Err(Fault::Gap { position: position + 1, next: row.id, next_position: at }));
            }
            let Some(next) = row.verified(trail.name(), &link, at) else {
                return Ok(Err(Fault::Changed { id: row.id, position: at }));
            };
            erased += i64::from(row.is_actor_erased() || row.is_content_erased());
            (position, link) = (at, next);
            if marks.iter().any(|mark| mark.position == at && mark.chain != hex::encode(link)) {
                return Ok(Err(Fault::Rewritten { position: at, whose: EXPORTED }));
            }
        }
    }
    if position < end {
        return Ok(Err(Fault::Truncated { rows: position, head: end, whose: OWN }));
    }
    if let Some(mark) = marks.iter().filter(|mark| mark.position > position).max_by_key(|mark| mark.position)
    {
        return Ok(Err(Fault::Truncated { rows: position, head: mark.position, whose: EXPORTED }));
    }
    if link[..] != end_link[..] {
        return Ok(Err(Fault::Rewritten { position, whose: OWN }));
    }
    // The last place is read before the head: sealing moves both at once, so an honest head is never behind it.
    let last = trail.last_position(tx).await?;
    let now = trail.head(tx).await?.map_or(0, |head| head.position);
    if let Some(position) = last.filter(|position| *position > now) {
        return Ok(Err(Fault::Beyond { position, head: now }));
    }
    let (unsealed, _) = trail.waiting(tx).await?;
    Ok(Ok(Verified { rows: position, erased, unsealed }))
}
