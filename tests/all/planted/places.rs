//! Everywhere that a secret might have come to lie, as bytes.

use aho_corasick::AhoCorasick;
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

/// How the files of tables and indexes are named among the places, and those of the log of writes.
pub(super) const PG_FILES: &str = "file of PostgreSQL base/";
pub(super) const PG_LOG: &str = "file of PostgreSQL pg_wal/";

/// The files of a database as they lie on the disk, with what was updated or removed and is still there, and what its server's
/// log of writes has kept of it since then. Read by the server: it runs as another user, perhaps on another machine.
pub(super) async fn postgres_files(url: &str, since_ms: i64) -> Vec<Place> {
    let urls = postgres_urls(url).await;
    let mut connection = PgConnection::connect(&urls.superuser).await.expect("the database can be reached");
    sqlx::raw_sql("CHECKPOINT").execute(&mut connection).await.expect("a superuser may");
    let (database,): (i64,) =
        sqlx::query_as("SELECT CAST(oid AS BIGINT) FROM pg_database WHERE datname = current_database()")
            .fetch_one(&mut connection)
            .await
            .expect("the catalogue can be read");
    let tables: Vec<(String,)> =
        sqlx::query_as("SELECT CAST($1 AS TEXT) || file FROM pg_ls_dir(CAST($1 AS TEXT)) AS file")
            .bind(format!("base/{database}/"))
            .fetch_all(&mut connection)
            .await
            .expect("its folder can be listed");
    // A segment that is used again keeps its old content behind what was written last.
    let log: Vec<(String,)> = sqlx::query_as(
        "SELECT 'pg_wal/' || name FROM pg_ls_waldir() \
         WHERE modification >= to_timestamp(CAST($1 AS DOUBLE PRECISION) / 1000)",
    )
    .bind(since_ms)
    .fetch_all(&mut connection)
    .await
    .expect("the log of writes can be listed");
    assert!(tables.len() > 100 && !log.is_empty(), "{} files, {} of the log", tables.len(), log.len());
    let mut found = Vec::new();
    for (path,) in tables.into_iter().chain(log) {
        // Where it is gone meanwhile there is nothing.
        let (bytes,): (Option<Vec<u8>>,) =
            sqlx::query_as("SELECT pg_read_binary_file($1, 0, (pg_stat_file($1, true)).size, true)")
                .bind(&path)
                .fetch_one(&mut connection)
                .await
                .expect("a superuser may read it");
        let Some(bytes) = bytes else { continue };
        let of_ours = if path.starts_with("base/") {
            bytes
        } else {
            of_database(&bytes, u32::try_from(database).expect("an oid"))
        };
        found.push(Place::new(format!("file of PostgreSQL {path}"), of_ours));
    }
    found
}

/// What a segment of the log tells of a database, with what stands around it: other tests write into the same log. A record says
/// of each block in which table space and database it is (`RelFileLocator`, PostgreSQL's `access/xlogrecord.h`).
fn of_database(segment: &[u8], database: u32) -> Vec<u8> {
    const PAGE: usize = 8_192;
    /// `pg_default`, PostgreSQL's `catalog/pg_tablespace.dat`.
    const TABLE_SPACE: u32 = 1_663;
    /// Pages that what a record says may lie on behind the one on which it begins: a whole block and more.
    const BEHIND: usize = 3;
    /// Of a page, and of the first of a segment.
    const HEADER: usize = 24;
    const LONG_HEADER: usize = 40;
    let mark = [TABLE_SPACE.to_ne_bytes(), database.to_ne_bytes()].concat();
    let pages: Vec<_> = segment.chunks(PAGE).collect();
    let mut is_marked = vec![false; pages.len()];
    for hit in AhoCorasick::new([mark]).expect("a pattern is bytes").find_iter(segment) {
        is_marked[hit.start() / PAGE] = true;
    }
    // The page before as well: a mark may begin on it and end on the next.
    let is_kept = |page: usize| {
        let around = page.saturating_sub(BEHIND)..(page + 2).min(is_marked.len());
        is_marked[around].contains(&true)
    };
    // What is written over the end of a page goes on behind the header of the next (`access/xlog_internal.h`): without
    // the headers it stands together, as it is looked for.
    let header = |page: usize| if page == 0 { LONG_HEADER } else { HEADER };
    let kept = pages.iter().enumerate().filter(|(number, _)| is_kept(*number));
    kept.flat_map(|(number, page)| page.iter().copied().skip(header(number))).collect()
}

#[test]
fn of_the_log_what_is_about_a_database_is_kept_with_what_stands_around_it() {
    let mut segment = vec![0_u8; 10 * 8_192];
    segment[5 * 8_192..6 * 8_192].fill(5);
    segment[4 * 8_192 + 100..][..8]
        .copy_from_slice(&[1_663_u32.to_ne_bytes(), 77_u32.to_ne_bytes()].concat());
    let kept = of_database(&segment, 77);
    assert_eq!(
        kept.len(),
        5 * (8_192 - 24),
        "one page before, its own, three behind, each without its header"
    );
    assert!(kept.contains(&5));
    assert!(of_database(&segment, 78).is_empty());

    segment[5 * 8_192 - 3..5 * 8_192].copy_from_slice(b"wri");
    segment[5 * 8_192 + 24..][..4].copy_from_slice(b"tten");
    assert!(of_database(&segment, 77).windows(7).any(|bytes| bytes == b"written"), "over the end of a page");
}

fn of_hex(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| u8::try_from(char::from(digit).to_digit(16)?).ok();
    digits.as_bytes().chunks_exact(2).map(|pair| Some(value(pair[0])? << 4 | value(pair[1])?)).collect()
}
