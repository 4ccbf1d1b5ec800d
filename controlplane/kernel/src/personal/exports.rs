//! Copies of what is held of a person: asked for, made by a job, fetched for a limited time, then swept away.

use super::{Person, PersonKind};
use crate::{
    Ctx, Error,
    blobs::{self, NewBlob},
    db::{DbError, TenantTx, sql},
    ids::{BlobId, DataExportId},
    page::{Page, PageQuery},
    text_enum,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

/// How long one can be fetched, ms.
pub const KEPT_MS: i64 = 7 * 24 * 3_600_000;

text_enum! {
    /// What became of an export.
    pub enum ExportState {
        /// It is being made.
        Pending = "pending",
        /// It can be fetched.
        Ready = "ready",
        /// It could be fetched, and is gone.
        Expired = "expired",
    }
}

/// A copy of what is held of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DataExport {
    /// Which.
    pub id: DataExportId,
    /// Which sort of person.
    pub person_kind: PersonKind,
    /// Whose data.
    #[schema(example = "cus_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    pub person_id: String,
    /// What became of it.
    pub state: ExportState,
    /// Id of who asked for it.
    #[schema(example = "usr_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    pub requested_by: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Since when it can be fetched.
    pub ready_at: Option<Timestamp>,
    /// Until when it can be fetched.
    pub expires_at: Option<Timestamp>,
    /// The files to fetch, in order; most often one.
    pub parts: Vec<ExportPart>,
}

impl DataExport {
    /// Whose it is.
    ///
    /// # Errors
    /// A row that names nobody.
    pub fn person(&self) -> Result<Person, Error> {
        Person::of(&self.person_id).ok_or_else(|| Error::internal("an export is of a customer or a user"))
    }
}

/// A ZIP of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow, ToSchema)]
pub struct ExportPart {
    /// From 1.
    pub number: i64,
    /// Bytes.
    #[schema(example = 48_210)]
    pub size: i64,
    #[serde(skip)]
    blob_id: BlobId,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: DataExportId,
    person_kind: PersonKind,
    person_id: String,
    state: ExportState,
    requested_by: String,
    created_at: Timestamp,
    ready_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

const SELECT: &str = "SELECT id, person_kind, person_id, state, requested_by, created_at, ready_at, expires_at \
                      FROM kernel_data_export WHERE tenant_id = ";

async fn with_parts(tx: &mut TenantTx, row: Row, now: Timestamp) -> Result<DataExport, DbError> {
    let parts = parts(tx, &row.id).await?;
    let is_over = row.expires_at.is_some_and(|until| now >= until);
    Ok(DataExport {
        id: row.id,
        person_kind: row.person_kind,
        person_id: row.person_id,
        // From that instant on, not only once it was swept.
        state: if is_over { ExportState::Expired } else { row.state },
        requested_by: row.requested_by,
        created_at: row.created_at,
        ready_at: row.ready_at,
        expires_at: row.expires_at,
        parts: if is_over { Vec::new() } else { parts },
    })
}

async fn parts(tx: &mut TenantTx, id: &DataExportId) -> Result<Vec<ExportPart>, DbError> {
    sql("SELECT number, size, blob_id FROM kernel_data_export_part WHERE tenant_id = $1 AND export_id = $2 ORDER BY number")
        .bind(tx.tenant())
        .bind(id)
        .fetch_all(tx)
        .await
}

/// One export.
///
/// # Errors
/// [`Error::NotFound`], or the database's.
pub async fn export_get(ctx: &Ctx, tx: &mut TenantTx, id: &DataExportId) -> Result<DataExport, Error> {
    let row: Row = sql(SELECT).push_bind(tx.tenant()).push(" AND id = ").push_bind(id).fetch_one(tx).await?;
    Ok(with_parts(tx, row, ctx.now()).await?)
}

/// Exports of a person, the newest first.
///
/// # Errors
/// A cursor of another list, or the database's.
pub async fn exports_list(
    ctx: &Ctx,
    tx: &mut TenantTx,
    person: &Person,
    page: &PageQuery,
) -> Result<Page<DataExport>, Error> {
    let limit = page.limit()?;
    let after: Option<DataExportId> = page.after()?;
    let mut query = sql(SELECT).push_bind(tx.tenant()).push(" AND person_id = ").push_bind(person.id());
    if let Some(after) = after {
        query = query.push(" AND id < ").push_bind(after);
    }
    let rows: Vec<Row> = query.push(" ORDER BY id DESC LIMIT ").push_bind(limit + 1).fetch_all(tx).await?;
    let mut exports = Vec::with_capacity(rows.len());
    for row in rows {
        exports.push(with_parts(tx, row, ctx.now()).await?);
    }
    Page::of(exports, limit, |export| export.id.clone())
}

/// Notes that an export of a person is wanted by whoever acts; the one that is being made, when there is one.
///
/// # Errors
/// The database's.
pub async fn export_request(ctx: &Ctx, tx: &mut TenantTx, person: &Person) -> Result<DataExport, Error> {
    let pending: Option<Row> = sql(SELECT)
        .push_bind(tx.tenant())
        .push(" AND state = 'pending' AND person_id = ")
        .push_bind(person.id())
        .push(" LIMIT 1")
        .fetch_optional(tx)
        .await?;
    if let Some(pending) = pending {
        return Ok(with_parts(tx, pending, ctx.now()).await?);
    }
    let export = DataExport {
        id: DataExportId::new(ctx.now()),
        person_kind: person.kind(),
        person_id: person.id().to_owned(),
        state: ExportState::Pending,
        requested_by: ctx.principal().parts().1,
        created_at: ctx.now(),
        ready_at: None,
        expires_at: None,
        parts: Vec::new(),
    };
    sql("INSERT INTO kernel_data_export (tenant_id, id, person_kind, person_id, state, requested_by, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)")
    .bind(tx.tenant())
    .bind(&export.id)
    .bind(export.person_kind)
    .bind(&export.person_id)
    .bind(export.state)
    .bind(&export.requested_by)
    .bind(export.created_at)
    .execute(tx)
    .await?;
    Ok(export)
}

/// Makes an export whose bytes are stored fetchable. Whether it still waited for that.
///
/// # Errors
/// The database's.
pub async fn export_finish(
    ctx: &Ctx,
    tx: &mut TenantTx,
    id: &DataExportId,
    blobs: &[NewBlob],
) -> Result<bool, Error> {
    let now = ctx.now();
    let changed = sql("UPDATE kernel_data_export SET state = $1, ready_at = $2, expires_at = $3 \
                       WHERE tenant_id = $4 AND id = $5 AND state = $6")
    .bind(ExportState::Ready)
    .bind(now)
    .bind(now.plus_millis(KEPT_MS))
    .bind(tx.tenant())
    .bind(id)
    .bind(ExportState::Pending)
    .execute(tx)
    .await?;
    if changed != 1 {
        return Ok(false);
    }
    for (number, blob) in (1_i64..).zip(blobs) {
        blobs::record(tx, blob, now).await?;
        sql("INSERT INTO kernel_data_export_part (tenant_id, export_id, number, blob_id, size) VALUES ($1, $2, $3, $4, $5)")
            .bind(tx.tenant())
            .bind(id)
            .bind(number)
            .bind(&blob.id)
            .bind(blob.bytes())
            .execute(tx)
            .await?;
    }
    Ok(true)
}

/// The bytes of a part that the caller may fetch.
///
/// # Errors
/// As [`blobs::get`].
pub async fn part_content(ctx: &Ctx, part: &ExportPart) -> Result<Vec<u8>, Error> {
    Ok(blobs::get(ctx, &part.blob_id).await?.content)
}

/// Takes the bytes of exports away whose time is over; how many exports.
///
/// # Errors
/// The database's.
pub async fn exports_expire(ctx: &Ctx, tx: &mut TenantTx) -> Result<usize, Error> {
    let over: Vec<DataExportId> =
        sql("SELECT id FROM kernel_data_export WHERE tenant_id = $1 AND state = 'ready' AND expires_at <= $2 ORDER BY id LIMIT 100")
            .bind(tx.tenant())
            .bind(ctx.now())
            .fetch_column(tx)
            .await?;
    for id in &over {
        export_expire(ctx, tx, id).await?;
    }
    Ok(over.len())
}

/// Ends every export of a person, also one that is being made; the bytes go.
///
/// # Errors
/// The database's.
pub async fn exports_end(ctx: &Ctx, tx: &mut TenantTx, person: &Person) -> Result<(), Error> {
    let all: Vec<DataExportId> =
        sql("SELECT id FROM kernel_data_export WHERE tenant_id = $1 AND person_id = $2 ORDER BY id")
            .bind(tx.tenant())
            .bind(person.id())
            .fetch_column(tx)
            .await?;
    for id in &all {
        export_expire(ctx, tx, id).await?;
    }
    Ok(())
}

async fn export_expire(ctx: &Ctx, tx: &mut TenantTx, id: &DataExportId) -> Result<(), Error> {
    for part in parts(tx, id).await? {
        sql("DELETE FROM kernel_data_export_part WHERE tenant_id = $1 AND export_id = $2 AND number = $3")
            .bind(tx.tenant())
            .bind(id)
            .bind(part.number)
            .execute(tx)
            .await?;
        blobs::remove(tx, &part.blob_id, ctx.now()).await?;
    }
    sql("UPDATE kernel_data_export SET state = $1 WHERE tenant_id = $2 AND id = $3")
        .bind(ExportState::Expired)
        .bind(tx.tenant())
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}
