//! Everything that a database holds, as text: to look for what must not be in it.

use super::postgres::postgres_urls;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::{fs, io};

/// On SQLite the bytes of its file and of its log, free pages included; on PostgreSQL every row of every table.
///
/// # Panics
/// When the database cannot be read.
#[allow(clippy::unwrap_used, reason = "test equipment fails loudly")]
pub async fn contents(url: &str) -> String {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let mut bytes = fs::read(path).unwrap();
        match fs::read(format!("{path}-wal")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            log => bytes.extend(log.unwrap()),
        }
        return String::from_utf8_lossy(&bytes).into_owned();
    }
    let mut connection = PgConnection::connect(&postgres_urls(url).await.superuser).await.unwrap();
    let tables: Vec<(String,)> = sqlx::query_as(
        "SELECT tablename::text FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut all = String::new();
    for (table,) in tables {
        let rows = format!("SELECT COALESCE(string_agg(t::text, chr(10)), '') FROM \"{table}\" t");
        let (text,): (String,) =
            sqlx::query_as(AssertSqlSafe(rows)).fetch_one(&mut connection).await.unwrap();
        all.push_str(&text);
        all.push('\n');
    }
    connection.close().await.unwrap();
    all
}
