//! What is forgotten, and when.

use super::store;
use atalaya_kernel::{Ctx, Error, write_tx};

/// Rows of people who did not become customers are kept no longer after somebody worked on them, ms.
const KEPT_MS: i64 = 30 * 24 * 3_600_000;
/// An import that is not ready after so long was broken off, ms.
const PATIENCE_MS: i64 = 15 * 60_000;

/// Forgets imports that nobody went on with.
///
/// # Errors
/// The database's.
pub(crate) async fn imports_keep(ctx: &Ctx) -> Result<(), Error> {
    let now = ctx.now();
    loop {
        let mut tx = ctx.begin_read().await?;
        let over =
            store::imports_over(&mut tx, now.plus_millis(-KEPT_MS), now.plus_millis(-PATIENCE_MS)).await?;
        tx.rollback().await?;
        if over.is_empty() {
            return Ok(());
        }
        for id in over {
            write_tx!(ctx, tx => { Ok(store::import_forget(&mut tx, &id).await?) })?;
        }
    }
}
