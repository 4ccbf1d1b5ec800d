//! What PostgreSQL's catalogue says of roles, tables, policies and rights.

use super::Unprotected;
use crate::db::{DbError, PlatformTx, sql};

/// The role of a connection.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Me {
    pub(super) name: String,
    pub(super) superuser: bool,
    pub(super) bypasses: bool,
}

pub(super) async fn me(tx: &mut PlatformTx) -> Result<Me, DbError> {
    sql(
        "SELECT CAST(rolname AS TEXT) AS name, rolsuper AS superuser, rolbypassrls AS bypasses FROM pg_roles \
         WHERE rolname = current_user",
    )
    .fetch_one(tx)
    .await
}

/// A table of the schema.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) owner: String,
    /// Whether it has a column `tenant_id`.
    pub(super) of_tenants: bool,
    pub(super) enabled: bool,
    pub(super) forced: bool,
}

pub(super) async fn tables(tx: &mut PlatformTx) -> Result<Vec<Table>, DbError> {
    sql("SELECT CAST(c.relname AS TEXT) AS name, CAST(r.rolname AS TEXT) AS owner, \
         EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped) \
         AS of_tenants, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner \
         WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') ORDER BY c.relname")
    .fetch_all(tx)
    .await
}

/// A policy, as it is and as it should be.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Policy {
    pub(super) table: String,
    pub(super) name: String,
    pub(super) permissive: bool,
    /// `*` for all commands, `r` for SELECT.
    pub(super) command: String,
    /// For which roles, separated by commas; empty for all.
    pub(super) roles: String,
    /// Which rows it lets through.
    pub(super) rows: String,
    /// Which new rows; empty when they are the same.
    pub(super) new_rows: String,
}

pub(super) async fn policies(tx: &mut PlatformTx) -> Result<Vec<Policy>, DbError> {
    sql("SELECT CAST(c.relname AS TEXT) AS \"table\", CAST(p.polname AS TEXT) AS name, p.polpermissive AS permissive, \
         CAST(p.polcmd AS TEXT) AS command, \
         COALESCE((SELECT string_agg(CAST(r.rolname AS TEXT), ',' ORDER BY r.rolname) FROM pg_roles r \
         WHERE r.oid = ANY (p.polroles)), '') AS roles, \
         COALESCE(pg_get_expr(p.polqual, p.polrelid), '') AS rows, \
         COALESCE(pg_get_expr(p.polwithcheck, p.polrelid), '') AS new_rows \
         FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = current_schema() ORDER BY c.relname, p.polname")
    .fetch_all(tx)
    .await
}

/// The history itself is read by the serving role and written by the migrator alone.
const HISTORY: &str = "kernel_migration";

/// A table that a role lacks rights on.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Ungranted {
    pub(super) name: String,
}

/// Tables that a role may not use as it has to.
pub(super) async fn ungranted(tx: &mut PlatformTx, role: &str) -> Result<Vec<Ungranted>, DbError> {
    sql("SELECT CAST(c.relname AS TEXT) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND NOT (has_table_privilege($1, c.oid, 'SELECT') \
         AND (c.relname = $2 OR (has_table_privilege($1, c.oid, 'INSERT') AND has_table_privilege($1, c.oid, 'UPDATE') \
         AND has_table_privilege($1, c.oid, 'DELETE')))) ORDER BY c.relname")
    .bind(role)
    .bind(HISTORY)
    .fetch_all(tx)
    .await
}

/// Statements that give a role what it lacks.
pub(super) async fn grants(tx: &mut PlatformTx, role: &str) -> Result<Vec<String>, Unprotected> {
    let known: Option<(bool, String)> = sql(
        "SELECT has_schema_privilege($1, current_schema(), 'USAGE'), CAST(current_schema() AS TEXT) FROM pg_roles \
         WHERE rolname = $1",
    )
    .bind(role)
    .fetch_optional(tx)
    .await?;
    let Some((enters, schema)) = known else { return Err(Unprotected::NoRole { role: role.to_owned() }) };
    let to = quoted(role);
    let mut statements = Vec::new();
    if !enters {
        statements.push(format!("GRANT USAGE ON SCHEMA {} TO {to}", quoted(&schema)));
    }
    for table in ungranted(tx, role).await? {
        let rights = if table.name == HISTORY { "SELECT" } else { "SELECT, INSERT, UPDATE, DELETE" };
        statements.push(format!("GRANT {rights} ON {} TO {to}", quoted(&table.name)));
    }
    Ok(statements)
}

/// A name as an identifier.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
