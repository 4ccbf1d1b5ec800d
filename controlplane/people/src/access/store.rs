use super::{RoleKey, model::Rights};
use atalaya_kernel::{
    Error,
    db::{DbError, TenantTx, sql},
    ids::{RoleId, UserId},
    time::Timestamp,
};
use std::collections::BTreeMap;

/// A role of the tenant as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct RoleRow {
    pub(super) id: RoleId,
    pub(super) name: String,
    pub(super) description: String,
    /// JSON array of names.
    pub(super) allowed: String,
    /// JSON array of names.
    pub(super) denied: String,
    pub(super) version: i64,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

impl RoleRow {
    pub(super) fn rights(&self) -> Result<Rights, Error> {
        Ok(Rights {
            everything: false,
            allow: serde_json::from_str(&self.allowed).map_err(Error::internal)?,
            deny: serde_json::from_str(&self.denied).map_err(Error::internal)?,
        })
    }
}

const SELECT: &str = "SELECT id, name, description, allowed, denied, version, created_at, updated_at FROM people_role WHERE tenant_id = ";

pub(super) async fn role_get(tx: &mut TenantTx, id: &RoleId) -> Result<RoleRow, DbError> {
    sql(SELECT).push_bind(tx.tenant()).push(" AND id = ").push_bind(id).fetch_one(tx).await
}

/// Roles by id, those that exist.
pub(super) async fn roles_by_ids(
    tx: &mut TenantTx,
    ids: impl IntoIterator<Item = &RoleId>,
) -> Result<Vec<RoleRow>, DbError> {
    sql(SELECT).push_bind(tx.tenant()).push(" AND id IN ").push_list(ids).fetch_all(tx).await
}

/// Every role of the tenant, by name.
pub(super) async fn roles_all(tx: &mut TenantTx) -> Result<Vec<RoleRow>, DbError> {
    sql(SELECT).push_bind(tx.tenant()).push(" ORDER BY name, id").fetch_all(tx).await
}

pub(super) async fn role_insert(tx: &mut TenantTx, row: &RoleRow) -> Result<(), Error> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO people_role (tenant_id, id, name, description, allowed, denied, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
    .bind(tenant)
    .bind(&row.id)
    .bind(&row.name)
    .bind(&row.description)
    .bind(&row.allowed)
    .bind(&row.denied)
    .bind(row.version)
    .bind(row.created_at)
    .bind(row.updated_at)
    .execute(tx)
    .await
    .map_err(name_taken)?;
    Ok(())
}

/// Writes the role if `expected` is still its version.
pub(super) async fn role_write(tx: &mut TenantTx, row: &RoleRow, expected: i64) -> Result<bool, Error> {
    let tenant = tx.tenant().clone();
    let rows = sql("UPDATE people_role SET name = $1, description = $2, allowed = $3, denied = $4, version = $5, updated_at = $6 \
                    WHERE tenant_id = $7 AND id = $8 AND version = $9")
    .bind(&row.name)
    .bind(&row.description)
    .bind(&row.allowed)
    .bind(&row.denied)
    .bind(row.version)
    .bind(row.updated_at)
    .bind(tenant)
    .bind(&row.id)
    .bind(expected)
    .execute(tx)
    .await
    .map_err(name_taken)?;
    Ok(rows == 1)
}

pub(super) async fn role_delete(tx: &mut TenantTx, id: &RoleId) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("DELETE FROM people_role WHERE tenant_id = $1 AND id = $2").bind(tenant).bind(id).execute(tx).await?;
    Ok(())
}

/// How many users have each role, their first or another.
pub(super) async fn users_by_role(tx: &mut TenantTx) -> Result<BTreeMap<RoleKey, i64>, DbError> {
    let tenant = tx.tenant().clone();
    let rows: Vec<(RoleKey, i64)> = sql("SELECT role, CAST(COUNT(*) AS BIGINT) FROM ( \
         SELECT role, id AS user_id FROM people_user WHERE tenant_id = $1 \
         UNION SELECT role, user_id FROM people_user_role WHERE tenant_id = $1) AS held GROUP BY role")
    .bind(tenant)
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().collect())
}

/// Writes the roles of a user beyond the first.
pub(crate) async fn further_roles_put(
    tx: &mut TenantTx,
    user: &UserId,
    roles: &[RoleKey],
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("DELETE FROM people_user_role WHERE tenant_id = $1 AND user_id = $2")
        .bind(&tenant)
        .bind(user)
        .execute(tx)
        .await?;
    for (position, role) in (0_i64..).zip(roles) {
        sql("INSERT INTO people_user_role (tenant_id, user_id, role, position) VALUES ($1, $2, $3, $4)")
            .bind(&tenant)
            .bind(user)
            .bind(role)
            .bind(position)
            .execute(tx)
            .await?;
    }
    Ok(())
}

fn name_taken(error: DbError) -> Error {
    if error.violates_unique("people_role", &["tenant_id", "name"]) {
        return Error::invalid("/name", "taken", "another role has this name");
    }
    error.into()
}
