//! Notes and files that people leave with a thing of any sort.
//!
//! The thing is a *subject*, known by its id alone: this module knows no domain. Whether somebody may see the subject, and hence what
//! is left with it, is asked of its owner before anything here is called.
//!
//! - A note is changed by whoever wrote it and by nobody else; anybody who may write notes pins one. What was said stays in the
//!   audit trail.
//! - A file is a blob with a name: its bytes are as sealed and as checked as any ([`crate::blobs`]).
//! - A thing has a bounded number of both ([`MAX_NOTES`], [`MAX_FILES`]). That is against heaps and no promise: two people who write
//!   at the same instant may be one over it.

mod rows;

use crate::{
    Ctx, Error,
    blobs::{self, NewBlob},
    db::TenantTx,
    ids::{BlobId, FileId, NoteId},
    page::{Page, PageQuery},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// Most notes of one thing.
pub const MAX_NOTES: i64 = 500;
/// Most files of one thing.
pub const MAX_FILES: i64 = 100;

/// Something that somebody wrote about a thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow, ToSchema)]
pub struct Note {
    /// Which.
    pub id: NoteId,
    /// Id of the thing.
    #[schema(example = "cus_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    pub subject: String,
    /// What it says.
    #[schema(example = "Llamar después de las 18 h")]
    pub text: String,
    /// Whether it stands above the others.
    pub pinned: bool,
    /// Id of who wrote it.
    #[schema(example = "usr_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    pub author_id: String,
    /// Their name at the time.
    #[schema(example = "Rosa Quispe")]
    pub author_name: String,
    /// Grows with each change.
    pub version: i64,
    /// When written.
    pub created_at: Timestamp,
    /// When last changed.
    pub updated_at: Timestamp,
}

/// A file that somebody left with a thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow, ToSchema)]
pub struct StoredFile {
    /// Which.
    pub id: FileId,
    /// Id of the thing.
    #[schema(example = "cus_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    pub subject: String,
    /// What it is called.
    #[schema(example = "contrato.pdf")]
    pub name: String,
    /// Media type, as its first bytes say.
    #[schema(example = "application/pdf")]
    pub media_type: String,
    /// Bytes.
    #[schema(example = 48_210)]
    pub size: i64,
    /// Id of who left it.
    #[schema(example = "usr_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    pub author_id: String,
    /// Their name at the time.
    #[schema(example = "Rosa Quispe")]
    pub author_name: String,
    /// When left.
    pub created_at: Timestamp,
    #[serde(skip)]
    blob_id: BlobId,
}

/// Notes of a thing, the pinned ones first and then the newest.
///
/// # Errors
/// A cursor of another list, or the database's.
pub async fn notes_list(tx: &mut TenantTx, subject: &str, page: &PageQuery) -> Result<Page<Note>, Error> {
    let limit = page.limit()?;
    let notes = rows::notes_list(tx, subject, page.after()?, limit + 1).await?;
    Page::of(notes, limit, |note| (note.pinned, note.id.clone()))
}

/// One note.
///
/// # Errors
/// [`Error::NotFound`], or the database's.
pub async fn note_get(tx: &mut TenantTx, id: &NoteId) -> Result<Note, Error> {
    Ok(rows::note_find(tx, id).await?)
}

/// Writes a note as whoever acts.
///
/// # Errors
/// [`Error::Conflict`] `too_many` when the thing has [`MAX_NOTES`] already, or the database's.
pub async fn note_create(ctx: &Ctx, tx: &mut TenantTx, subject: &str, text: String) -> Result<Note, Error> {
    demand_room(rows::notes_count(tx, subject).await?, MAX_NOTES)?;
    let (_, author_id, author_name) = ctx.principal().parts();
    let now = ctx.now();
    let note = Note {
        id: NoteId::new(now),
        subject: subject.to_owned(),
        text,
        pinned: false,
        author_id,
        author_name,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    rows::note_insert(tx, &note).await?;
    Ok(note)
}

/// Changes a note that is still at `version`.
///
/// # Errors
/// Changed meanwhile, [`Error::Conflict`] `not_the_author` when another's words are to be changed, or the database's.
pub async fn note_update(
    ctx: &Ctx,
    tx: &mut TenantTx,
    before: &Note,
    version: i64,
    text: Option<String>,
    pinned: Option<bool>,
) -> Result<Note, Error> {
    if text.is_some() {
        demand_author(ctx, &before.author_id)?;
    }
    let after = Note {
        text: text.unwrap_or_else(|| before.text.clone()),
        pinned: pinned.unwrap_or(before.pinned),
        version: before.version + 1,
        updated_at: ctx.now(),
        ..before.clone()
    };
    if before.version != version || !rows::note_write(tx, &after, version).await? {
        return Err(Error::VersionConflict { current: before.version });
    }
    Ok(after)
}

/// Removes a note.
///
/// # Errors
/// The database's.
pub async fn note_remove(tx: &mut TenantTx, note: &Note) -> Result<(), Error> {
    Ok(rows::note_delete(tx, &note.id).await?)
}

/// Demands that a thing that has so many has room for one more.
fn demand_room(has: i64, limit: i64) -> Result<(), Error> {
    if has < limit {
        return Ok(());
    }
    let detail = format!("there are {limit} already: remove one first");
    Err(Error::conflict_with("too_many", detail, [("limit", json!(limit))]))
}

/// Demands that what is to be changed or removed is of whoever acts.
///
/// # Errors
/// [`Error::Conflict`] `not_the_author`.
pub fn demand_author(ctx: &Ctx, author_id: &str) -> Result<(), Error> {
    if ctx.principal().parts().1 == author_id {
        return Ok(());
    }
    Err(Error::conflict("not_the_author", "somebody else wrote or left this"))
}

/// Files of a thing, the newest first.
///
/// # Errors
/// A cursor of another list, or the database's.
pub async fn files_list(
    tx: &mut TenantTx,
    subject: &str,
    page: &PageQuery,
) -> Result<Page<StoredFile>, Error> {
    let limit = page.limit()?;
    let files = rows::files_list(tx, subject, page.after()?, limit + 1).await?;
    Page::of(files, limit, |file| file.id.clone())
}

/// One file, without its content.
///
/// # Errors
/// [`Error::NotFound`], or the database's.
pub async fn file_get(tx: &mut TenantTx, id: &FileId) -> Result<StoredFile, Error> {
    Ok(rows::file_find(tx, id).await?)
}

/// Leaves content whose bytes are stored with a thing.
///
/// # Errors
/// [`Error::Conflict`] `too_many` when the thing has [`MAX_FILES`] already, or the database's.
pub async fn file_create(
    ctx: &Ctx,
    tx: &mut TenantTx,
    subject: &str,
    name: &str,
    media_type: &str,
    content: &NewBlob,
) -> Result<StoredFile, Error> {
    demand_room(rows::files_count(tx, subject).await?, MAX_FILES)?;
    let (_, author_id, author_name) = ctx.principal().parts();
    let now = ctx.now();
    blobs::record(tx, content, now).await?;
    let file = StoredFile {
        id: FileId::new(now),
        subject: subject.to_owned(),
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        size: content.bytes(),
        author_id,
        author_name,
        created_at: now,
        blob_id: content.id.clone(),
    };
    rows::file_insert(tx, &file).await?;
    Ok(file)
}

/// The content of a file that the caller may see.
///
/// # Errors
/// As [`blobs::get`].
pub async fn file_content(ctx: &Ctx, file: &StoredFile) -> Result<Vec<u8>, Error> {
    Ok(blobs::get(ctx, &file.blob_id).await?.content)
}

/// Removes a file.
///
/// # Errors
/// The database's.
pub async fn file_remove(ctx: &Ctx, tx: &mut TenantTx, file: &StoredFile) -> Result<(), Error> {
    rows::file_delete(tx, &file.id).await?;
    blobs::remove(tx, &file.blob_id, ctx.now()).await
}

/// Removes all notes and files of some things, whoever left them: for the erasure of a person. 5,000 things at most, for SQLite
/// binds no more.
///
/// # Errors
/// The database's.
pub async fn erase(ctx: &Ctx, tx: &mut TenantTx, subjects: &[String]) -> Result<(), Error> {
    for file in rows::files_of(tx, subjects).await? {
        file_remove(ctx, tx, &file).await?;
    }
    Ok(rows::notes_delete(tx, subjects).await?)
}
