use crate::inventory::{DeviceRow, RowTable};
use atalaya_kernel::{
    Error,
    db::{DbError, TenantTx, Value, sql},
    ids::{ListingId, PointId},
    text::like_anywhere,
};

/// Rows of one statement: SQLite and its driver look for each `$n` among all those before it.
const ROWS: usize = 64;

/// A row as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct StoredRow {
    pub(crate) row_table: RowTable,
    pub(crate) row_name: String,
    pub(crate) fields: String,
    pub(crate) search_text: String,
    pub(crate) comment_text: String,
    pub(crate) point_id: Option<PointId>,
}

impl StoredRow {
    /// As the API shows it, nothing masked.
    pub(crate) fn shown(self) -> Result<DeviceRow, Error> {
        Ok(DeviceRow {
            fields: serde_json::from_str(&self.fields).map_err(Error::internal)?,
            table: self.row_table,
            key: self.row_name,
            point_id: self.point_id,
        })
    }
}

const SELECT: &str = "SELECT row_table, row_name, fields, search_text, comment_text, point_id FROM network_listing_row WHERE tenant_id = ";

/// Writes rows, each of them once; of two parts with one row the later one counts.
pub(crate) async fn rows_put(
    tx: &mut TenantTx,
    listing: &ListingId,
    part: i64,
    rows: &[StoredRow],
) -> Result<(), DbError> {
    for chunk in rows.chunks(ROWS) {
        let mut query = sql(
            "INSERT INTO network_listing_row (tenant_id, listing_id, row_table, row_name, part, fields, search_text, \
             comment_text, point_id) VALUES ",
        );
        for (number, row) in chunk.iter().enumerate() {
            let values: [Value; 9] = [
                tx.tenant().into(),
                listing.into(),
                row.row_table.into(),
                (&row.row_name).into(),
                part.into(),
                (&row.fields).into(),
                (&row.search_text).into(),
                (&row.comment_text).into(),
                (&row.point_id).into(),
            ];
            query = query.push(if number == 0 { "" } else { ", " }).push_list(values);
        }
        query
            .push(
                " ON CONFLICT (tenant_id, listing_id, row_table, row_name) DO UPDATE SET part = excluded.part, \
                 fields = excluded.fields, search_text = excluded.search_text, comment_text = excluded.comment_text, \
                 point_id = excluded.point_id WHERE network_listing_row.part <= excluded.part",
            )
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// Which rows a list shows.
pub(crate) struct RowFilter<'f> {
    pub(crate) table: Option<RowTable>,
    pub(crate) text: Option<&'f str>,
    /// Whether comments are searched too.
    pub(crate) comments: bool,
}

/// Rows of a listing that the caller has found, by table and name.
pub(crate) async fn rows_list(
    tx: &mut TenantTx,
    listing: &ListingId,
    filter: &RowFilter<'_>,
    after: Option<(RowTable, String)>,
    limit: i64,
) -> Result<Vec<StoredRow>, DbError> {
    let mut query = sql(SELECT).push_bind(tx.tenant()).push(" AND listing_id = ").push_bind(listing);
    if let Some(table) = filter.table {
        query = query.push(" AND row_table = ").push_bind(table);
    }
    for word in filter.text.unwrap_or_default().split_whitespace() {
        query = query.push(" AND (search_text LIKE ").push_bind(like_anywhere(word)).push(" ESCAPE '\\'");
        if filter.comments {
            query = query.push(" OR comment_text LIKE ").push_bind(like_anywhere(word)).push(" ESCAPE '\\'");
        }
        query = query.push(")");
    }
    if let Some((table, name)) = after {
        query = query
            .push(" AND (row_table, row_name) > (")
            .push_bind(table)
            .push(", ")
            .push_bind(name)
            .push(")");
    }
    query.push(" ORDER BY row_table, row_name LIMIT ").push_bind(limit).fetch_all(tx).await
}

/// All rows of some tables.
pub(crate) async fn rows_of_tables(
    tx: &mut TenantTx,
    listing: &ListingId,
    tables: &[RowTable],
) -> Result<Vec<StoredRow>, DbError> {
    sql(SELECT)
        .push_bind(tx.tenant())
        .push(" AND listing_id = ")
        .push_bind(listing)
        .push(" AND row_table IN ")
        .push_list(tables.iter().copied())
        .push(" ORDER BY row_table, row_name")
        .fetch_all(tx)
        .await
}

/// Digest of a part that was kept.
pub(crate) async fn part_digest(
    tx: &mut TenantTx,
    listing: &ListingId,
    part: i64,
) -> Result<Option<String>, DbError> {
    let row: Option<(String,)> =
        sql("SELECT digest FROM network_listing_part WHERE tenant_id = $1 AND listing_id = $2 AND part = $3")
            .bind(tx.tenant())
            .bind(listing)
            .bind(part)
            .fetch_optional(tx)
            .await?;
    Ok(row.map(|(digest,)| digest))
}

/// Notes a part; two transactions with one part meet here, and the later one runs again.
pub(crate) async fn part_insert(
    tx: &mut TenantTx,
    listing: &ListingId,
    part: i64,
    digest: &str,
) -> Result<(), DbError> {
    let inserted = sql(
        "INSERT INTO network_listing_part (tenant_id, listing_id, part, digest) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (tenant_id, listing_id, part) DO NOTHING",
    )
    .bind(tx.tenant())
    .bind(listing)
    .bind(part)
    .bind(digest)
    .execute(tx)
    .await?;
    if inserted == 1 { Ok(()) } else { Err(DbError::Conflict) }
}
