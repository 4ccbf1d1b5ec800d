//! What a migrated database's catalogue says of its schema, one line a thing, so that two of them can be compared.

use crate::db::{Db, DbError, Dialect, PlatformDb, sql};

/// Lines of the schema as the database itself tells it: columns, keys, indexes, and on PostgreSQL row security.
///
/// # Errors
/// The database's.
pub async fn schema(db: &Db) -> Result<String, DbError> {
    let mut tx = PlatformDb::new(db.clone()).begin_read().await?;
    let statements: &[&'static str] = match db.dialect() {
        Dialect::Sqlite => &SQLITE,
        Dialect::Postgres => &POSTGRES,
    };
    let mut lines: Vec<String> = Vec::new();
    for statement in statements {
        lines.extend(sql(statement).fetch_column::<String>(&mut tx).await?);
    }
    // By table, and within a table by kind: each line begins with the table.
    lines.sort();
    let mut text = String::new();
    let mut table = "";
    for line in &lines {
        let (of, rest) = line.split_once(' ').unwrap_or((line, ""));
        if of != table {
            text.push_str(if table.is_empty() { "" } else { "\n" });
            text.push_str(&format!("{of}\n"));
            table = of;
        }
        text.push_str(&format!("    {rest}\n"));
    }
    Ok(text)
}

const SQLITE: [&str; 3] = [
    "SELECT m.name || ' column ' || c.name || ' ' || c.type || CASE WHEN c.\"notnull\" = 1 THEN ' NOT NULL' ELSE '' END || \
     CASE WHEN c.dflt_value IS NULL THEN '' ELSE ' DEFAULT ' || c.dflt_value END || \
     CASE WHEN c.pk = 0 THEN '' ELSE ' PRIMARY KEY ' || c.pk END \
     FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'",
    "SELECT t.name || ' key ' || group_concat(t.\"from\", ', ') || ' -> ' || t.\"table\" || ' (' || group_concat(t.\"to\", ', ') || \
     ') ON DELETE ' || t.on_delete FROM (SELECT m.name, f.* FROM sqlite_master m, pragma_foreign_key_list(m.name) f \
     WHERE m.type = 'table' ORDER BY m.name, f.id, f.seq) t GROUP BY t.name, t.id",
    "SELECT t.name || ' index ' || CASE WHEN t.origin = 'u' THEN '' ELSE t.index_name || ' ' END || '(' || \
     group_concat(t.column_name, ', ') || ')' || CASE WHEN t.\"unique\" = 1 THEN ' UNIQUE' ELSE '' END || \
     CASE WHEN t.partial = 1 THEN ' ' || substr(t.text, instr(t.text, 'WHERE')) ELSE '' END \
     FROM (SELECT m.name, i.name AS index_name, i.origin, i.\"unique\", i.partial, c.name AS column_name, s.sql AS text \
     FROM sqlite_master m, pragma_index_list(m.name) i, pragma_index_info(i.name) c, sqlite_master s \
     WHERE m.type = 'table' AND i.origin <> 'pk' AND s.type = 'index' AND s.name = i.name ORDER BY m.name, i.name, c.seqno) t \
     GROUP BY t.name, t.index_name",
];

const POSTGRES: [&str; 4] = [
    "SELECT table_name || ' column ' || column_name || ' ' || data_type || CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' \
     END || COALESCE(' DEFAULT ' || column_default, '') FROM information_schema.columns WHERE table_schema = current_schema()",
    "SELECT c.relname || ' ' || k.conname || ' ' || pg_get_constraintdef(k.oid) FROM pg_constraint k \
     JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname = current_schema() AND k.contype IN ('p', 'u', 'f', 'c')",
    "SELECT i.tablename || ' index ' || i.indexname || substr(i.indexdef, strpos(i.indexdef, ' USING')) || \
     CASE WHEN i.indexdef LIKE 'CREATE UNIQUE%' THEN ' UNIQUE' ELSE '' END FROM pg_indexes i \
     WHERE i.schemaname = current_schema() AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conname = i.indexname \
     AND k.contype IN ('p', 'u'))",
    "SELECT c.relname || ' policy ' || p.polname || ' ' || CAST(p.polcmd AS TEXT) || ' ' || \
     COALESCE((SELECT string_agg(CAST(r.rolname AS TEXT), ',') FROM pg_roles r WHERE r.oid = ANY (p.polroles)), 'PUBLIC') || \
     ' ' || pg_get_expr(p.polqual, p.polrelid) || CASE WHEN c.relforcerowsecurity THEN ' FORCED' ELSE '' END FROM pg_policy p \
     JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema()",
];
