//! Everywhere that a secret might have come to lie, as bytes.

use atalaya_kernel::testing::postgres_urls;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::{fs, path::Path};

/// A place and what lies there.
pub(super) struct Place {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

impl Place {
    pub(super) fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into() }
    }
}

/// Every file below a folder.
pub(super) fn files(folder: &Path) -> Vec<Place> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("a folder can be read") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                open.push(path);
            } else if let Ok(mut bytes) = fs::read(&path) {
                // One that was renamed or removed meanwhile is looked for under its new name. PEM breaks its lines anywhere.
                if path.extension().is_some_and(|suffix| suffix == "pem") {
                    bytes.retain(|byte| *byte != b'\n');
                }
                found.push(Place::new(path.display().to_string(), bytes));
            }
        }
    }
    found
}

/// Every value of every table: texts as they are, bytes as bytes. A row as PostgreSQL prints it has its quotes doubled.
pub(super) async fn dump(url: &str) -> Vec<Place> {
    let urls = postgres_urls(url).await;
    let mut connection = PgConnection::connect(&urls.superuser).await.expect("the database can be reached");
    let tables: Vec<(String, Vec<String>)> = sqlx::query_as(
        "SELECT CAST(c.relname AS TEXT), array_agg(CAST(a.attname AS TEXT)) \
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
         WHERE c.relkind = 'r' AND c.relnamespace = CAST('public' AS regnamespace) GROUP BY c.relname",
    )
    .fetch_all(&mut connection)
    .await
    .expect("the catalogue can be read");
    assert!(tables.len() > 20, "these are not our tables: {tables:?}");
    let mut found = Vec::new();
    for (table, columns) in tables {
        let columns: Vec<_> = columns.iter().map(|column| format!("CAST(\"{column}\" AS TEXT)")).collect();
        let statement = format!("SELECT ARRAY[{}] FROM \"{table}\"", columns.join(", "));
        let rows: Vec<(Vec<Option<String>>,)> = sqlx::query_as(AssertSqlSafe(statement))
            .fetch_all(&mut connection)
            .await
            .expect("a table can be read");
        let mut bytes = Vec::new();
        for value in rows.into_iter().flat_map(|(values,)| values).flatten() {
            match value.strip_prefix("\\x").and_then(of_hex) {
                Some(given) => bytes.extend(given),
                None => bytes.extend(value.into_bytes()),
            }
            bytes.push(b'\n');
        }
        found.push(Place::new(format!("table {table}"), bytes));
    }
    found
}

fn of_hex(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| u8::try_from(char::from(digit).to_digit(16)?).ok();
    digits.as_bytes().chunks_exact(2).map(|pair| Some(value(pair[0])? << 4 | value(pair[1])?)).collect()
}
