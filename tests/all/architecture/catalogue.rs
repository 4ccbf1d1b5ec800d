//! What the checked-in schema says of tables.

use super::sources::text;

/// A column of a table, as SQLite has it: the same everywhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Column {
    pub(super) table: String,
    pub(super) name: String,
    /// `TEXT`, `BIGINT`, …
    pub(super) declared: String,
}

/// Every column of every table.
pub(super) fn columns() -> Vec<Column> {
    let schema = text("controlplane/kernel/tests/schema/sqlite.txt").expect("the schema is checked in");
    let mut table = String::new();
    let mut found = Vec::new();
    for line in schema.lines() {
        let mut words = line.split_whitespace();
        match (line.starts_with(' '), words.next(), words.next(), words.next()) {
            (false, Some(name), ..) => table = name.to_owned(),
            (true, Some("column"), Some(name), Some(declared)) => {
                found.push(Column {
                    table: table.clone(),
                    name: name.to_owned(),
                    declared: declared.to_owned(),
                });
            }
            _ => {}
        }
    }
    assert!(found.len() > 300, "the schema was read: {found:?}");
    found
}
