use super::{REMOVE, REMOVED, WRITE, WRITTEN, subject_seen};
use crate::subject::Subject;
use atalaya_kernel::{
    Ctx, Error, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::{self, EntityRef, EventType, NewEvent},
    ids::NoteId,
    notes::{self, Note},
    page::{Page, PageQuery},
    write_tx,
};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

/// Most letters of a note.
const LONGEST: usize = 4_000;

/// A note to be written.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNote {
    /// Id of a customer, service, device, invoice or site.
    #[schema(example = "cus_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    pub subject: String,
    /// What it says.
    #[schema(min_length = 1, max_length = 4_000, example = "Llamar después de las 18 h")]
    pub text: String,
}

/// What to change of a note; absent fields stay.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteChange {
    /// What it says; whoever wrote it changes it.
    #[schema(min_length = 1, max_length = 4_000, example = "Llamar después de las 19 h")]
    pub text: Option<String>,
    /// Whether it stands above the others; whoever may write notes pins any.
    pub pinned: Option<bool>,
}

/// Notes of a thing, the pinned ones first and then the newest.
///
/// # Errors
/// A thing that is not there or not seen, or a cursor of another list.
pub async fn notes_list(ctx: &Ctx, subject: &str, page: &PageQuery) -> Result<Page<Note>, Error> {
    let mut tx = ctx.begin_read().await?;
    subject_seen(ctx, &mut tx, subject).await?;
    notes::notes_list(&mut tx, subject, page).await
}

/// One note.
///
/// # Errors
/// Not found.
pub async fn note_get(ctx: &Ctx, id: &NoteId) -> Result<Note, Error> {
    seen(ctx, &mut ctx.begin_read().await?, id).await.map(|(note, _)| note)
}

/// Leaves a note with a thing.
///
/// # Errors
/// A thing that is not there or not seen, no words or too many, or without `note.write`.
pub async fn note_create(ctx: &Ctx, new: NewNote) -> Result<Note, Error> {
    ctx.authorize(WRITE)?;
    let mut validation = Validation::new();
    let text = validation.text(&new.text, "/text", LONGEST);
    validation.finish()?;
    write_tx!(ctx, tx => {
        let subject = subject_seen(ctx, &mut tx, &new.subject).await?;
        let note = notes::note_create(ctx, &mut tx, &new.subject, text.clone()).await?;
        note_told(ctx, &mut tx, WRITTEN, &subject, None, Some(&note)).await?;
        Ok(note)
    })
}

/// Changes or pins a note that is still at `version`.
///
/// # Errors
/// Not found, changed meanwhile, another's words, or without `note.write`.
pub async fn note_update(ctx: &Ctx, id: &NoteId, version: i64, change: NoteChange) -> Result<Note, Error> {
    ctx.authorize(WRITE)?;
    let mut validation = Validation::new();
    let text = change.text.as_deref().map(|text| validation.text(text, "/text", LONGEST));
    validation.finish()?;
    write_tx!(ctx, tx => {
        let (before, subject) = seen(ctx, &mut tx, id).await?;
        let after = notes::note_update(ctx, &mut tx, &before, version, text.clone(), change.pinned).await?;
        note_told(ctx, &mut tx, WRITTEN, &subject, Some(&before), Some(&after)).await?;
        Ok(after)
    })
}

/// Removes a note.
///
/// # Errors
/// Not found, another's without `note.remove`, or without `note.write`.
pub async fn note_remove(ctx: &Ctx, id: &NoteId) -> Result<(), Error> {
    ctx.authorize(WRITE)?;
    write_tx!(ctx, tx => {
        let (note, subject) = seen(ctx, &mut tx, id).await?;
        if !ctx.permissions().allow(REMOVE) {
            notes::demand_author(ctx, &note.author_id)?;
        }
        notes::note_remove(&mut tx, &note).await?;
        note_told(ctx, &mut tx, REMOVED, &subject, Some(&note), None).await
    })
}

async fn seen(ctx: &Ctx, tx: &mut TenantTx, id: &NoteId) -> Result<(Note, Subject), Error> {
    let note = notes::note_get(tx, id).await?;
    let subject = subject_seen(ctx, tx, &note.subject).await?;
    Ok((note, subject))
}

/// Audit row and event. One of the two states is there.
async fn note_told(
    ctx: &Ctx,
    tx: &mut TenantTx,
    kind: EventType,
    subject: &Subject,
    before: Option<&Note>,
    after: Option<&Note>,
) -> Result<(), Error> {
    let Some(note) = after.or(before) else { return Ok(()) };
    let entity = EntityRef::new("note", &note.id);
    let action = if after.is_some() { WRITE } else { REMOVE };
    let mut entry = Entry::new(action.0, entity.clone());
    if let Some(before) = before {
        entry = entry.before(before)?;
    }
    if let Some(after) = after {
        entry = entry.after(after)?;
    }
    audit::record(ctx, tx, entry).await?;
    let event = NewEvent::new(kind, entity, json!({"id": note.id, "subject": note.subject}));
    events::emit(ctx, tx, subject.relate(event)).await?;
    Ok(())
}
