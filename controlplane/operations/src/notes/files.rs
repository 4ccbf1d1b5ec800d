use super::{FILE_LEFT, FILE_REMOVED, REMOVE, WRITE, content, subject_seen};
use crate::subject::Subject;
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, Entry},
    blobs,
    db::TenantTx,
    events::{self, EntityRef, EventType, NewEvent},
    http::MAX_UPLOAD_BYTES,
    ids::FileId,
    notes::{self, StoredFile},
    page::{Page, PageQuery},
    write_tx,
};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

/// Most bytes of a file.
pub const MAX_FILE_BYTES: usize = MAX_UPLOAD_BYTES;
/// What a blob of a file is for.
const BLOB_KIND: &str = "file";

/// A file to be left with a thing; its bytes are the request's body.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct NewFile {
    /// Id of a customer, service, device, invoice or site.
    #[param(example = "cus_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    pub subject: String,
    /// What it is called. What does not belong in a name is taken out, and an ending that is not one of its kind is added to.
    #[param(min_length = 1, example = "contrato.pdf")]
    pub name: String,
}

/// A file with its content.
#[derive(Debug)]
pub struct FileContent {
    /// What it is.
    pub file: StoredFile,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// Files of a thing, the newest first.
///
/// # Errors
/// A thing that is not there or not seen, or a cursor of another list.
pub async fn files_list(ctx: &Ctx, subject: &str, page: &PageQuery) -> Result<Page<StoredFile>, Error> {
    let mut tx = ctx.begin_read().await?;
    subject_seen(ctx, &mut tx, subject).await?;
    notes::files_list(&mut tx, subject, page).await
}

/// Leaves a file with a thing.
///
/// # Errors
/// A thing that is not there or not seen, a name or content that is not taken, too many of them, or without `note.write`.
pub async fn file_create(ctx: &Ctx, new: &NewFile, bytes: Vec<u8>) -> Result<StoredFile, Error> {
    ctx.authorize(WRITE)?;
    // Before the bytes are stored: nobody fills the store with what belongs to nothing. And before they are looked at: who does
    // not see the thing learns nothing by what is wrong with them.
    let mut tx = ctx.begin_read().await?;
    subject_seen(ctx, &mut tx, &new.subject).await?;
    tx.rollback().await?;
    if bytes.is_empty() {
        return Err(Error::invalid("", "required", "the file is empty"));
    }
    let kind = content::kind_of(&bytes).ok_or_else(|| {
        Error::invalid(
            "",
            "file_type",
            "expected a PDF, a PNG, JPEG, GIF or WebP picture, or a text in UTF-8",
        )
    })?;
    let name = content::name_of(&new.name, kind)
        .ok_or_else(|| Error::invalid("?name", "required", "expected a name with a letter or digit in it"))?;
    let stored = blobs::put(ctx, BLOB_KIND, bytes).await?;
    write_tx!(ctx, tx => {
        let subject = subject_seen(ctx, &mut tx, &new.subject).await?;
        let file = notes::file_create(ctx, &mut tx, &new.subject, &name, kind.media_type, &stored).await?;
        file_told(ctx, &mut tx, FILE_LEFT, &subject, &file).await?;
        Ok(file)
    })
}

/// A file with its content.
///
/// # Errors
/// Not found, or [`blobs::BlobError`] when its bytes are not what they were.
pub async fn file_download(ctx: &Ctx, id: &FileId) -> Result<FileContent, Error> {
    let mut tx = ctx.begin_read().await?;
    let (file, _) = seen(ctx, &mut tx, id).await?;
    tx.rollback().await?;
    let content = notes::file_content(ctx, &file).await?;
    Ok(FileContent { file, content })
}

/// Removes a file.
///
/// # Errors
/// Not found, another's without `note.remove`, or without `note.write`.
pub async fn file_remove(ctx: &Ctx, id: &FileId) -> Result<(), Error> {
    ctx.authorize(WRITE)?;
    write_tx!(ctx, tx => {
        let (file, subject) = seen(ctx, &mut tx, id).await?;
        if !ctx.permissions().allow(REMOVE) {
            notes::demand_author(ctx, &file.author_id)?;
        }
        notes::file_remove(ctx, &mut tx, &file).await?;
        file_told(ctx, &mut tx, FILE_REMOVED, &subject, &file).await
    })
}

async fn seen(ctx: &Ctx, tx: &mut TenantTx, id: &FileId) -> Result<(StoredFile, Subject), Error> {
    let file = notes::file_get(tx, id).await?;
    let subject = subject_seen(ctx, tx, &file.subject).await?;
    Ok((file, subject))
}

/// Audit row and event.
async fn file_told(
    ctx: &Ctx,
    tx: &mut TenantTx,
    kind: EventType,
    subject: &Subject,
    file: &StoredFile,
) -> Result<(), Error> {
    let entity = EntityRef::new("file", &file.id);
    let entry = if kind == FILE_LEFT {
        Entry::new("file.write", entity.clone()).after(file)?
    } else {
        Entry::new("file.remove", entity.clone()).before(file)?
    };
    audit::record(ctx, tx, entry).await?;
    let event = NewEvent::new(kind, entity, json!({"id": file.id, "subject": file.subject}));
    events::emit(ctx, tx, subject.relate(event)).await?;
    Ok(())
}
