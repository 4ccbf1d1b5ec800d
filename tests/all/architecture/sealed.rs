//! Every column that holds sealed bytes is known to what brings them over to a new key: one that was forgotten would stay
//! under a key that is destroyed.

use super::sources::text;
use atalaya_server::worker::secrets::sealed_columns;
use std::collections::BTreeSet;

/// Bytes that are no secret, or whose secret is not there to be had.
const PLAIN: &[&str] = &[
    // Hashes of the audit chains and their salts.
    "actor_hash",
    "actor_salt",
    "chain",
    "content_hash",
    "content_salt",
    // What everybody may see.
    "certificate",
    "sealing_key",
];

/// Wrapped by a key outside the database, which has a way of its own.
const OUTSIDE: &[(&str, &str)] = &[("kernel_platform_key_wrap", "wrapped")];

fn columns_of_bytes() -> BTreeSet<(String, String)> {
    let schema = text("controlplane/kernel/tests/schema/sqlite.txt").expect("the schema is checked in");
    let mut table = String::new();
    let mut found = BTreeSet::new();
    for line in schema.lines() {
        let mut words = line.split_whitespace();
        match (line.starts_with(' '), words.next(), words.next(), words.next()) {
            (false, Some(name), ..) => table = name.to_owned(),
            (true, Some("column"), Some(name), Some("BYTEA")) => {
                found.insert((table.clone(), name.to_owned()));
            }
            _ => {}
        }
    }
    found.retain(|(_, column)| !PLAIN.contains(&column.as_str()));
    found
}

#[test]
fn every_sealed_column_is_brought_over_to_a_new_key() {
    let listed: BTreeSet<_> = sealed_columns()
        .iter()
        .map(|column| (column.table.to_owned(), column.column.to_owned()))
        .chain(OUTSIDE.iter().map(|(table, column)| ((*table).to_owned(), (*column).to_owned())))
        .collect();
    let there = columns_of_bytes();
    assert!(there.iter().any(|(_, column)| column == "sealed_credentials"), "the schema was read: {there:?}");
    assert_eq!(
        listed, there,
        "list it in its domain's `sealed.rs`, or say in PLAIN why its bytes need no key"
    );
}
