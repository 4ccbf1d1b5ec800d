//! Every column that holds sealed bytes is known to what brings them over to a new key: one that was forgotten would stay
//! under a key that is destroyed.

use super::catalogue::columns;
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
    let bytes = columns().into_iter().filter(|column| column.declared == "BYTEA");
    bytes
        .filter(|column| !PLAIN.contains(&column.name.as_str()))
        .map(|column| (column.table, column.name))
        .collect()
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
