use super::store;
use crate::{keys, platform::plans};
use atalaya_kernel::{Ctx, Error, Principal, ids::ApiKeyId, write_tx};

/// Part of a limit that is taken at once: its twentieth, so that a busy program costs twenty transactions a minute.
const PARTS: i64 = 20;

/// Whose requests are counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// All of the tenant's.
    Tenant,
    /// One key's.
    Key(ApiKeyId),
}

impl Subject {
    /// Against which limits a request of a context counts. An operator of the installation counts against none.
    pub fn of(ctx: &Ctx) -> Vec<Self> {
        match ctx.principal() {
            Principal::ApiKey { id, .. } => vec![Self::Key(id.clone()), Self::Tenant],
            Principal::User { .. } | Principal::Token { .. } => vec![Self::Tenant],
            _ => Vec::new(),
        }
    }
    /// As it is kept.
    fn as_text(&self) -> &str {
        match self {
            Self::Tenant => "tenant",
            Self::Key(id) => id.as_str(),
        }
    }
}

/// What a process was handed of a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Requests in a minute at most.
    pub limit: i64,
    /// Requests that this process may let pass now.
    pub granted: i64,
    /// What is left for all processes after it.
    pub left: i64,
}

/// Takes a part of what is left of a minute, counted since 1970; none where nothing is limited.
///
/// # Errors
/// The database's.
pub async fn lease(ctx: &Ctx, subject: &Subject, minute: i64) -> Result<Option<Lease>, Error> {
    // Not the request's own context: its claim commits with its effect.
    let system = Ctx::system(ctx.db().clone(), "quota");
    let mut tx = system.begin_read().await?;
    let limit = match subject {
        Subject::Tenant => plans::plan_of(&mut tx).await?.and_then(|plan| plan.requests_per_minute),
        Subject::Key(id) => keys::requests_per_minute(&mut tx, id).await?,
    };
    tx.rollback().await?;
    let Some(limit) = limit else { return Ok(None) };
    write_tx!(system, tx => {
        let taken = store::window_lock(&mut tx, subject.as_text(), minute).await?;
        let left = (limit - taken).max(0);
        let granted = (limit / PARTS).max(1).min(left);
        if granted > 0 {
            store::window_take(&mut tx, subject.as_text(), minute, granted).await?;
        }
        Ok(Some(Lease { limit, granted, left: left - granted }))
    })
}
