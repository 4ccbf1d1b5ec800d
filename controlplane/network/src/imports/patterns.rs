//! Patterns of comments, saved for the whole ISP.

use super::{ImportPattern, NewPattern, RUN, rules::Pattern, store};
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, Entry},
    db::TenantTx,
    events::EntityRef,
    ids::ImportPatternId,
    page::{Page, PageQuery},
    write_tx,
};
use serde_json::json;

/// Patterns of an ISP at most: each is tried on each comment.
const MOST: usize = 50;

/// Patterns, oldest first: the order in which they are tried.
///
/// # Errors
/// Without `import.run` over the whole ISP.
pub async fn patterns_list(ctx: &Ctx, page: &PageQuery) -> Result<Page<ImportPattern>, Error> {
    ctx.authorize_whole(RUN)?;
    let limit = page.limit()?;
    let mut tx = ctx.begin_read().await?;
    let rows = store::patterns_list(&mut tx, page.after()?, limit + 1).await?;
    Page::of(rows, limit, |row| row.id.clone())
}

/// Saves a pattern.
///
/// # Errors
/// What is none, one that is there, `too_many`, or without `import.run` over the whole ISP.
pub async fn pattern_create(ctx: &Ctx, new: &NewPattern) -> Result<ImportPattern, Error> {
    ctx.authorize_whole(RUN)?;
    let pattern = Pattern::parse(&new.pattern)
        .map_err(|error| Error::invalid("/pattern", error.code(), error.to_string()))?;
    let made = ImportPattern {
        id: ImportPatternId::new(ctx.now()),
        pattern: pattern.as_str().to_owned(),
        created_at: ctx.now(),
    };
    write_tx!(ctx, tx => {
        if patterns(&mut tx).await?.len() >= MOST {
            return Err(Error::conflict_with("too_many", format!("there are {MOST}: remove one"), [("limit", json!(MOST))]));
        }
        store::pattern_insert(&mut tx, &made).await?;
        note(ctx, &mut tx, Entry::new(RUN.0, entity(&made.id)).after(&made)?).await?;
        Ok(made.clone())
    })
}

/// Removes a pattern.
///
/// # Errors
/// Not found, or without `import.run` over the whole ISP.
pub async fn pattern_delete(ctx: &Ctx, id: &ImportPatternId) -> Result<(), Error> {
    ctx.authorize_whole(RUN)?;
    write_tx!(ctx, tx => {
        let before = store::pattern_get(&mut tx, id).await?;
        store::pattern_delete(&mut tx, id).await?;
        note(ctx, &mut tx, Entry::new(RUN.0, entity(id)).before(&before)?).await
    })
}

fn entity(id: &ImportPatternId) -> EntityRef {
    EntityRef::new("import_pattern", id)
}

async fn note(ctx: &Ctx, tx: &mut TenantTx, entry: Entry) -> Result<(), Error> {
    audit::record(ctx, tx, entry).await?;
    Ok(())
}

/// All patterns, in the order in which they are tried. One that an older program took and this one does not is passed over.
pub(super) async fn patterns(tx: &mut TenantTx) -> Result<Vec<Pattern>, Error> {
    let most = i64::try_from(MOST).map_err(Error::internal)?;
    let rows = store::patterns_list(tx, None, most).await?;
    Ok(rows.iter().filter_map(|row| Pattern::parse(&row.pattern).ok()).collect())
}
