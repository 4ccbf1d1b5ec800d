//! SQL of notes and files.

use super::{Note, StoredFile};
use crate::{
    db::{DbError, TenantTx, sql},
    ids::{FileId, NoteId},
};

const NOTES: &str = "SELECT id, subject, text, pinned, author_id, author_name, version, created_at, updated_at FROM kernel_note \
                     WHERE tenant_id = ";
const FILES: &str = "SELECT id, subject, name, media_type, size, author_id, author_name, created_at, blob_id FROM kernel_file \
                     WHERE tenant_id = ";

pub(super) async fn notes_count(tx: &mut TenantTx, subject: &str) -> Result<i64, DbError> {
    count(
        tx,
        "SELECT CAST(COUNT(*) AS BIGINT) FROM kernel_note WHERE tenant_id = $1 AND subject = $2",
        subject,
    )
    .await
}

pub(super) async fn files_count(tx: &mut TenantTx, subject: &str) -> Result<i64, DbError> {
    count(
        tx,
        "SELECT CAST(COUNT(*) AS BIGINT) FROM kernel_file WHERE tenant_id = $1 AND subject = $2",
        subject,
    )
    .await
}

async fn count(tx: &mut TenantTx, statement: &'static str, subject: &str) -> Result<i64, DbError> {
    let (count,): (i64,) = sql(statement).bind(tx.tenant()).bind(subject).fetch_one(tx).await?;
    Ok(count)
}

pub(super) async fn notes_list(
    tx: &mut TenantTx,
    subject: &str,
    after: Option<(bool, NoteId)>,
    limit: i64,
) -> Result<Vec<Note>, DbError> {
    let mut query = sql(NOTES).push_bind(tx.tenant()).push(" AND subject = ").push_bind(subject);
    if let Some((pinned, id)) = after {
        query = query.push(" AND (pinned, id) < (").push_bind(pinned).push(", ").push_bind(id).push(")");
    }
    query.push(" ORDER BY pinned DESC, id DESC LIMIT ").push_bind(limit).fetch_all(tx).await
}

pub(super) async fn note_find(tx: &mut TenantTx, id: &NoteId) -> Result<Note, DbError> {
    sql(NOTES).push_bind(tx.tenant()).push(" AND id = ").push_bind(id).fetch_one(tx).await
}

pub(super) async fn note_insert(tx: &mut TenantTx, note: &Note) -> Result<(), DbError> {
    sql("INSERT INTO kernel_note (tenant_id, id, subject, text, pinned, author_id, author_name, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
    .bind(tx.tenant())
    .bind(&note.id)
    .bind(&note.subject)
    .bind(&note.text)
    .bind(note.pinned)
    .bind(&note.author_id)
    .bind(&note.author_name)
    .bind(note.version)
    .bind(note.created_at)
    .bind(note.updated_at)
    .execute(tx)
    .await
    .map(drop)
}

/// Writes the note if `expected` is still its version.
pub(super) async fn note_write(tx: &mut TenantTx, note: &Note, expected: i64) -> Result<bool, DbError> {
    let rows = sql("UPDATE kernel_note SET text = $1, pinned = $2, version = $3, updated_at = $4 \
                    WHERE tenant_id = $5 AND id = $6 AND version = $7")
    .bind(&note.text)
    .bind(note.pinned)
    .bind(note.version)
    .bind(note.updated_at)
    .bind(tx.tenant())
    .bind(&note.id)
    .bind(expected)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}

pub(super) async fn note_delete(tx: &mut TenantTx, id: &NoteId) -> Result<(), DbError> {
    sql("DELETE FROM kernel_note WHERE tenant_id = $1 AND id = $2")
        .bind(tx.tenant())
        .bind(id)
        .execute(tx)
        .await
        .map(drop)
}

pub(super) async fn files_list(
    tx: &mut TenantTx,
    subject: &str,
    after: Option<FileId>,
    limit: i64,
) -> Result<Vec<StoredFile>, DbError> {
    let mut query = sql(FILES).push_bind(tx.tenant()).push(" AND subject = ").push_bind(subject);
    if let Some(after) = after {
        query = query.push(" AND id < ").push_bind(after);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(limit).fetch_all(tx).await
}

pub(super) async fn file_find(tx: &mut TenantTx, id: &FileId) -> Result<StoredFile, DbError> {
    sql(FILES).push_bind(tx.tenant()).push(" AND id = ").push_bind(id).fetch_one(tx).await
}

pub(super) async fn file_insert(tx: &mut TenantTx, file: &StoredFile) -> Result<(), DbError> {
    sql("INSERT INTO kernel_file (tenant_id, id, subject, name, media_type, size, author_id, author_name, created_at, blob_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
    .bind(tx.tenant())
    .bind(&file.id)
    .bind(&file.subject)
    .bind(&file.name)
    .bind(&file.media_type)
    .bind(file.size)
    .bind(&file.author_id)
    .bind(&file.author_name)
    .bind(file.created_at)
    .bind(&file.blob_id)
    .execute(tx)
    .await
    .map(drop)
}

pub(super) async fn file_delete(tx: &mut TenantTx, id: &FileId) -> Result<(), DbError> {
    sql("DELETE FROM kernel_file WHERE tenant_id = $1 AND id = $2")
        .bind(tx.tenant())
        .bind(id)
        .execute(tx)
        .await
        .map(drop)
}

/// Files of any of some things.
pub(super) async fn files_of(tx: &mut TenantTx, subjects: &[String]) -> Result<Vec<StoredFile>, DbError> {
    sql(FILES).push_bind(tx.tenant()).push(" AND subject IN ").push_list(subjects).fetch_all(tx).await
}

/// Deletes the notes of some things.
pub(super) async fn notes_delete(tx: &mut TenantTx, subjects: &[String]) -> Result<(), DbError> {
    sql("DELETE FROM kernel_note WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND subject IN ")
        .push_list(subjects)
        .execute(tx)
        .await
        .map(drop)
}
