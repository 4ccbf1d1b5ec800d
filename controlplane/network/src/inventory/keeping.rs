//! What is forgotten, and when.

use super::store;
use atalaya_kernel::{Ctx, Error, write_tx};

/// Names and comments of people are kept no longer, ms.
const KEPT_MS: i64 = 7 * 24 * 3_600_000;
/// A listing to which nothing was added for so long has broken off, ms.
const PATIENCE_MS: i64 = 30 * 60_000;

/// Ends listings that broke off, and forgets those that are old or were followed by two newer ones; parts forgotten. Part by part, so
/// that others get their turn at the writer.
///
/// # Errors
/// The database's.
pub(crate) async fn listings_keep(ctx: &Ctx) -> Result<u64, Error> {
    let now = ctx.now();
    write_tx!(ctx, tx => {
        store::listings_give_up(&mut tx, now.plus_millis(-PATIENCE_MS), now).await?;
        Ok(store::listings_expire(&mut tx, now.plus_millis(-KEPT_MS)).await?)
    })?;
    let mut forgotten = 0;
    loop {
        let mut tx = ctx.begin_read().await?;
        let over = store::listings_over(&mut tx).await?;
        tx.rollback().await?;
        if over.is_empty() {
            return Ok(forgotten);
        }
        for id in over {
            while write_tx!(ctx, tx => { Ok(store::part_forget(&mut tx, &id).await?) })? {
                forgotten += 1;
            }
            write_tx!(ctx, tx => { Ok(store::listing_forget(&mut tx, &id).await?) })?;
        }
    }
}
