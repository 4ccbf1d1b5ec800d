//! Every table that names a person, and every column of it, was decided about: what is held of somebody is shown to them when they
//! ask, or it is said why not. A table that nobody thought of would be missing from their copy.

use super::catalogue::{Column, columns};
use atalaya_kernel::personal::{Empty, Erased, Erasure, Held, PersonKind};
use atalaya_operations::{erasure::ERASED, personal::HELD};
use atalaya_server::worker::secrets::sealed_columns;
use std::collections::{BTreeMap, BTreeSet};

/// Columns that name a person or a thing of theirs.
const NAMING: &[&str] = &[
    "customer_id",
    "user_id",
    "person_id",
    "service_id",
    "attachment_id",
    "subject",
    "author_id",
    "actor_id",
    "asked_by",
    "created_by",
    "decided_by",
    "made_by",
    "requested_by",
];

/// Tables with such a column that hold nothing of a tenant's customers or users.
const OTHERS: &[&str] = &[
    // Of those who run the installation.
    "kernel_platform_audit",
    "people_operator_guess",
    // The first line of an ISP's own words.
    "people_notice_text",
];

/// Words of columns that hold what opens something.
const SECRET: &[&str] = &["hash", "token", "secret", "sealed", "salt", "digest", "password", "key"];
/// Columns with such a word that hold nothing of the kind.
const HARMLESS: &[(&str, &str)] = &[("network_point", "access_key")];

fn held() -> impl Iterator<Item = &'static Held> {
    HELD.iter().flat_map(|list| list.iter())
}

fn by_table() -> BTreeMap<String, Vec<Column>> {
    let mut tables: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    for column in columns() {
        tables.entry(column.table.clone()).or_default().push(column);
    }
    tables
}

#[test]
fn every_table_that_names_a_person_was_decided_about() {
    let decided: BTreeSet<&str> = held().map(|held| held.table).chain(OTHERS.iter().copied()).collect();
    let naming = columns().into_iter().filter(|column| NAMING.contains(&column.name.as_str()));
    let open: Vec<_> = naming.filter(|column| !decided.contains(column.table.as_str())).collect();
    assert!(open.is_empty(), "list the table in its domain's `personal.rs`, or above whose it is: {open:#?}");
}

#[test]
fn every_column_is_shown_or_it_is_said_why_not() {
    let tables = by_table();
    for held in held() {
        let table = tables.get(held.table).unwrap_or_else(|| panic!("there is no table {}", held.table));
        let name = format!("{} by {}", held.table, held.by);
        let declared =
            |column: &str| table.iter().find(|it| it.name == column).map(|it| it.declared.as_str());
        assert_eq!(declared("tenant_id"), Some("TEXT"), "{name} is a tenant's");
        let led = held.things.iter().map(|(column, _)| *column).chain(held.key).chain([held.by]);
        for column in led {
            assert_eq!(declared(column), Some("TEXT"), "{name}: {column}");
        }
        for (column, how) in held.shown {
            assert_eq!(declared(column), Some(how.column_type()), "{name}: {column}");
        }
        for (column, why) in held.left_out {
            assert!(*column == "*" || declared(column).is_some(), "{name}: there is no {column}");
            assert!(!why.is_empty(), "{name}: why {column} is left out");
        }
        let shown: BTreeSet<&str> = held.shown.iter().map(|(column, _)| *column).collect();
        let left_out: BTreeSet<&str> = held.left_out.iter().map(|(column, _)| *column).collect();
        let both: Vec<_> = shown.intersection(&left_out).collect();
        assert!(both.is_empty(), "{name}: {both:?}");
        let decided =
            |column: &str| shown.contains(column) || left_out.contains(column) || left_out.contains("*");
        let open: Vec<_> = table
            .iter()
            .map(|column| column.name.as_str())
            .filter(|column| *column != "tenant_id" && !decided(column))
            .collect();
        assert!(open.is_empty(), "{name}: show {open:?}, or say why not");
        assert_eq!(held.is_shown(), !held.document.is_empty(), "{name}: what is shown has a name");
    }
}

#[test]
fn nothing_that_opens_something_is_shown() {
    let sealed = sealed_columns();
    for held in held() {
        for (column, _) in held.shown {
            let is_sealed = sealed.iter().any(|it| it.table == held.table && it.column == *column);
            let words: BTreeSet<&str> = column.split('_').collect();
            let is_secret =
                SECRET.iter().any(|word| words.contains(word)) && !HARMLESS.contains(&(held.table, *column));
            assert!(!is_sealed && !is_secret, "{}.{column}", held.table);
        }
    }
}

#[test]
fn each_document_is_made_of_one_table() {
    let mut seen = BTreeMap::new();
    for held in held().filter(|held| held.is_shown()) {
        let before = seen.insert((held.of, held.document), held.table);
        assert!(before.is_none(), "{:?} {}", held.of, held.document);
    }
}

fn erased() -> impl Iterator<Item = &'static Erased> {
    ERASED.iter().flat_map(|list| list.iter())
}

#[test]
fn what_becomes_of_each_table_at_an_erasure_was_decided_once() {
    let places = |all: Vec<(&'static str, PersonKind, &'static str)>| {
        let mut counted: BTreeMap<_, usize> = BTreeMap::new();
        for (table, of, by) in all {
            *counted.entry((table, of.as_str(), by)).or_default() += 1;
        }
        counted
    };
    let held = places(held().map(|held| (held.table, held.of, held.by)).collect());
    let erased = places(erased().map(|erased| (erased.table, erased.of, erased.by)).collect());
    assert_eq!(erased, held, "`erased.rs` and `personal.rs` of a domain list the same rows, each once");
}

#[test]
fn what_is_emptied_can_be_empty_and_is_shown_to_be_so() {
    let tables = by_table();
    for erased in erased() {
        let table = tables.get(erased.table).unwrap_or_else(|| panic!("there is no table {}", erased.table));
        let name = format!("{} by {}", erased.table, erased.by);
        let find = |column: &str| {
            let found = table.iter().find(|it| it.name == column);
            found.unwrap_or_else(|| panic!("{name}: there is no {column}"))
        };
        find(erased.by);
        for (column, _) in erased.things {
            assert_eq!(find(column).declared, "TEXT", "{name}: {column}");
        }
        match erased.how {
            Erasure::Kept(why) | Erasure::ByCode(why) => assert!(!why.is_empty(), "{name}"),
            Erasure::Removed => {}
            Erasure::Emptied(columns) => {
                assert!(!columns.is_empty(), "{name} empties something");
                for (column, empty) in columns {
                    let is_text = find(column).declared == "TEXT";
                    assert!(matches!(empty, Empty::Null) || is_text, "{name}: {column} is no text");
                    assert_ne!(*column, erased.by, "{name}: the row would not be found again");
                }
            }
        }
    }
}
