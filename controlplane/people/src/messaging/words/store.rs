use crate::messaging::TemplateName;
use atalaya_kernel::{
    db::{DbError, TenantTx, sql},
    time::Timestamp,
};

/// Words of an ISP's own.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct TextRow {
    pub(super) template: TemplateName,
    pub(super) language: String,
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) version: i64,
}

const COLUMNS: &str = "template, language, subject, text, version";

pub(super) async fn texts_list(tx: &mut TenantTx) -> Result<Vec<TextRow>, DbError> {
    sql("SELECT ")
        .push(COLUMNS)
        .push(" FROM people_notice_text WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .fetch_all(tx)
        .await
}

pub(super) async fn text_find(
    tx: &mut TenantTx,
    template: TemplateName,
    language: &str,
) -> Result<Option<TextRow>, DbError> {
    sql("SELECT ")
        .push(COLUMNS)
        .push(" FROM people_notice_text WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND template = ")
        .push_bind(template)
        .push(" AND language = ")
        .push_bind(language)
        .fetch_optional(tx)
        .await
}

/// Writes a row of version 1, or the next version of one; whether what was there is what it was made from.
pub(super) async fn text_write(tx: &mut TenantTx, row: &TextRow, now: Timestamp) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let statement = if row.version == 1 {
        sql(
            "INSERT INTO people_notice_text (tenant_id, template, language, subject, text, version, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (tenant_id, template, language) DO NOTHING",
        )
    } else {
        sql("UPDATE people_notice_text SET subject = $4, text = $5, version = $6, updated_at = $7 \
             WHERE tenant_id = $1 AND template = $2 AND language = $3 AND version = $6 - 1")
    };
    let rows = statement
        .bind(tenant)
        .bind(row.template)
        .bind(&row.language)
        .bind(&row.subject)
        .bind(&row.text)
        .bind(row.version)
        .bind(now)
        .execute(tx)
        .await?;
    Ok(rows == 1)
}

pub(super) async fn text_remove(
    tx: &mut TenantTx,
    template: TemplateName,
    language: &str,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("DELETE FROM people_notice_text WHERE tenant_id = $1 AND template = $2 AND language = $3")
        .bind(tenant)
        .bind(template)
        .bind(language)
        .execute(tx)
        .await?;
    Ok(())
}
