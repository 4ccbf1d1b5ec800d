use super::{READY, REQUESTED, authorize, job, may, right, seen};
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, Entry},
    blobs::NewBlob,
    db::TenantTx,
    events::{self, EntityRef, EventType, NewEvent},
    ids::DataExportId,
    page::{Page, PageQuery},
    personal::{
        Person,
        exports::{self, DataExport, ExportState},
    },
    write_tx,
};
use serde_json::json;

/// A part of an export with its bytes.
#[derive(Debug)]
pub struct PartContent {
    /// What to call it.
    pub name: String,
    /// A ZIP.
    pub content: Vec<u8>,
}

/// Asks for a copy of what is held of a person; while one is being made, it is that one.
///
/// # Errors
/// A person who is not there or not seen, without the right, or without a fresh proof.
pub async fn export_request(ctx: &Ctx, person: &Person) -> Result<DataExport, Error> {
    authorize(ctx, person)?;
    write_tx!(ctx, tx => {
        seen(ctx, &mut tx, person).await?;
        let export = exports::export_request(ctx, &mut tx, person).await?;
        job::ask(ctx, &mut tx, &export.id).await?;
        let entry = Entry::new(right(person).0, entity(&export.id)).after(&export)?;
        audit::record(ctx, &mut tx, entry).await?;
        told(ctx, &mut tx, REQUESTED, person, &export.id).await?;
        Ok(export)
    })
}

fn entity(id: &DataExportId) -> EntityRef {
    EntityRef::new("data_export", id)
}

async fn told(
    ctx: &Ctx,
    tx: &mut TenantTx,
    kind: EventType,
    person: &Person,
    id: &DataExportId,
) -> Result<(), Error> {
    let facts = json!({"id": id, "person_kind": person.kind(), "person_id": person.id()});
    let event = NewEvent::new(kind, entity(id), facts);
    let related = format!("{}_id", person.kind());
    events::emit(ctx, tx, event.related(&related, person.id())).await?;
    Ok(())
}

/// Exports of a person, the newest first.
///
/// # Errors
/// A person who is not there or not seen, an id of something else, without the right, or a cursor of another list.
pub async fn exports_list(ctx: &Ctx, person: &str, page: &PageQuery) -> Result<Page<DataExport>, Error> {
    let person = Person::of(person).ok_or(Error::NotFound)?;
    if !may(ctx, &person) {
        return Err(Error::Forbidden(right(&person).0));
    }
    let mut tx = ctx.begin_read().await?;
    seen(ctx, &mut tx, &person).await?;
    exports::exports_list(ctx, &mut tx, &person, page).await
}

/// One export.
///
/// # Errors
/// [`Error::NotFound`], also for what the caller has no right to: whose export an id is, is nobody else's business.
pub async fn export_get(ctx: &Ctx, id: &DataExportId) -> Result<DataExport, Error> {
    visible(ctx, &mut ctx.begin_read().await?, id).await.map(|(export, _)| export)
}

async fn visible(ctx: &Ctx, tx: &mut TenantTx, id: &DataExportId) -> Result<(DataExport, Person), Error> {
    let export = exports::export_get(ctx, tx, id).await?;
    let person = export.person()?;
    if !may(ctx, &person) {
        return Err(Error::NotFound);
    }
    seen(ctx, tx, &person).await?;
    Ok((export, person))
}

/// A part of an export; that it was fetched stands in the audit trail.
///
/// # Errors
/// Not found as [`export_get`], `export_not_ready`, `export_expired`, or without a fresh proof.
pub async fn part_download(ctx: &Ctx, id: &DataExportId, number: i64) -> Result<PartContent, Error> {
    let mut tx = ctx.begin_read().await?;
    let (export, person) = visible(ctx, &mut tx, id).await?;
    tx.rollback().await?;
    authorize(ctx, &person)?;
    match export.state {
        ExportState::Ready => {}
        ExportState::Pending => {
            return Err(Error::conflict("export_not_ready", "it is being made: ask again in a while"));
        }
        ExportState::Expired => {
            return Err(Error::conflict("export_expired", "its week is over: ask for another one"));
        }
    }
    let part = export.parts.iter().find(|part| part.number == number).ok_or(Error::NotFound)?;
    let content = exports::part_content(ctx, part).await?;
    write_tx!(ctx, tx => {
        let entry = Entry::new(right(&person).0, entity(id)).after(&json!({"fetched_part": number}))?;
        audit::record(ctx, &mut tx, entry).await
    })?;
    Ok(PartContent { name: format!("{id}-{number}.zip"), content })
}

/// Makes an export fetchable whose bytes are stored, in the transaction that ends its job. Whether it still waited for that.
pub(super) async fn finished(
    ctx: &Ctx,
    tx: &mut TenantTx,
    export: &DataExport,
    blobs: &[NewBlob],
) -> Result<bool, Error> {
    if !exports::export_finish(ctx, tx, &export.id, blobs).await? {
        return Ok(false);
    }
    let person = export.person()?;
    let after = exports::export_get(ctx, tx, &export.id).await?;
    let entry = Entry::new(right(&person).0, entity(&export.id)).before(export)?.after(&after)?;
    audit::record(ctx, tx, entry).await?;
    told(ctx, tx, READY, &person, &export.id).await?;
    Ok(true)
}
