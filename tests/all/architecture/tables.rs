//! A table belongs to one domain, and a migration has one number.

use super::sources::{paths, programs, text};
use std::collections::BTreeMap;

struct Migration {
    file: &'static str,
    number: &'static str,
    domain: &'static str,
    dialect: Option<&'static str>,
}

/// `NNNN_domain_change.sql`, with `.sqlite` or `.postgres` where the dialects differ.
fn migrations() -> Vec<Migration> {
    let files = paths().iter().filter_map(|path| path.strip_prefix("migrations/")?.strip_suffix(".sql"));
    let migrations: Vec<_> = files
        .map(|file| {
            let (name, dialect) = file.split_once('.').map_or((file, None), |(name, d)| (name, Some(d)));
            let mut parts = name.splitn(3, '_');
            let (Some(number), Some(domain), Some(_)) = (parts.next(), parts.next(), parts.next()) else {
                panic!("{file}.sql is not NNNN_domain_change.sql");
            };
            assert!(number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit()), "{file}.sql");
            assert!(matches!(dialect, None | Some("sqlite" | "postgres")), "{file}.sql");
            Migration { file, number, domain, dialect }
        })
        .collect();
    assert!(!migrations.is_empty(), "there are no migrations");
    migrations
}

/// Table → domain, as the migrations make them.
fn tables() -> BTreeMap<String, &'static str> {
    let mut tables = BTreeMap::new();
    for migration in migrations() {
        let sql = text(&format!("migrations/{}.sql", migration.file)).expect("a migration is text");
        let made = sql.split("CREATE TABLE ").skip(1).map(|rest| rest.trim_start_matches("IF NOT EXISTS "));
        for table in made.filter_map(|rest| rest.split([' ', '(', '\n']).next()) {
            tables.insert(table.to_owned(), migration.domain);
        }
    }
    tables
}

/// Numbers that no script has, and why.
const LEFT_OUT: &[u16] = &[];

#[test]
fn a_migration_has_one_number() {
    let mut seen: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for migration in migrations() {
        seen.entry((migration.number, migration.dialect)).or_default().push(migration.file);
    }
    let twice: Vec<_> = seen.into_iter().filter(|(_, files)| files.len() > 1).collect();
    assert!(twice.is_empty(), "{twice:#?}");
    let mut numbers: Vec<u16> =
        migrations().iter().map(|migration| migration.number.parse().expect("four digits")).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let last = *numbers.last().expect("there is one");
    let missing: Vec<_> = (1..=last).filter(|number| !numbers.contains(number)).collect();
    assert_eq!(
        missing, LEFT_OUT,
        "a database that has passed a number would run its script after later ones"
    );
}

#[test]
fn a_table_carries_its_domain_in_its_name() {
    for (table, domain) in tables() {
        assert!(table.starts_with(&format!("{domain}_")), "{table} is made by a migration of {domain}");
    }
}

#[test]
fn a_domain_names_no_table_of_another() {
    let tables = tables();
    let mut found = Vec::new();
    for source in programs() {
        let home = source.path.strip_prefix("controlplane/").and_then(|path| path.split('/').next());
        for literal in &source.strings {
            let words = literal.text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            for word in words.filter(|word| tables.get(*word).is_some_and(|owner| Some(*owner) != home)) {
                found.push(format!("{} names {word}", source.place(literal.offset)));
            }
        }
    }
    assert!(found.is_empty(), "ask the domain that owns the table, or follow its events\n{found:#?}");
}
