//! Bringing a database to the program's schema: who may, what is said of it, and who may serve.

use super::{Database, block_on};
use atalaya_kernel::testing::{execute, postgres_empty};
use atalaya_tests::harness::{ControlPlane, Options, run_command};

fn migrate(options: &Options, arguments: &[&str]) -> Result<String, String> {
    run_command(options, &[&["migrate"], arguments].concat(), "").map_err(|error| error.to_string())
}

/// What a control plane that must not start says of it.
fn refused(options: &Options) -> String {
    match ControlPlane::start(options.clone()) {
        Ok(_) => panic!("it serves"),
        Err(error) => error.to_string(),
    }
}

/// The way from nothing to the program's schema, and a schema from the future.
fn the_schema_is_brought_up(options: &Options, tamper: &str) {
    let behind = migrate(options, &["--status"]).expect_err("nothing is there yet");
    assert!(behind.contains("the schema is behind: run `atalaya migrate`"), "{behind}");
    let planned = migrate(options, &["--dry-run"]).expect("it only looks");
    assert!(planned.starts_with("schema 0000, ") && planned.contains("0001 kernel_foundation"), "{planned}");
    let planned_again = migrate(options, &["--dry-run"]).expect("it only looks");
    assert_eq!(planned, planned_again, "looking changed something");
    let ran = migrate(options, &[]).expect("it may");
    assert!(ran.starts_with("0001 kernel_foundation") && ran.ends_with("done"), "{ran}");
    assert_eq!(migrate(options, &[]).expect("it may"), "nothing to do");
    let status = migrate(options, &["--status"]).expect("it is up to date");
    assert!(status.ends_with(", 0 to run"), "{status}");

    let future = "INSERT INTO kernel_migration (number, name, digest, applied_at) VALUES (9001, 'x', 'x', 0)";
    block_on(execute(tamper, future)).expect("it can be tampered with");
    for said in [
        migrate(options, &[]).expect_err("it is newer"),
        migrate(options, &["--status"]).expect_err("it is newer"),
        refused(options),
    ] {
        assert!(said.contains("schema 9001, newer than this program's"), "{said}");
    }
    block_on(execute(tamper, "DELETE FROM kernel_migration WHERE number = 9001")).expect("it can be mended");
}

#[test]
fn sqlite_is_brought_up_by_a_command() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = Database::Sqlite.options(folder.path());
    let file = options.folder.join("data/atalaya.db");
    the_schema_is_brought_up(&options, &format!("sqlite:{}", file.display()));
}

#[test]
fn postgresql_is_brought_up_by_its_owner_and_served_by_another() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let urls = block_on(postgres_empty());
    let with = |database: &str, owner: Option<&str>, name: &str| Options {
        database: Some(database.to_owned()),
        database_owner: owner.map(str::to_owned),
        ..Options::in_folder(&folder.path().join(name))
    };
    let alone = with(&urls.serving, None, "alone");
    let said = refused(&alone);
    assert!(said.contains("atalaya_app may not change it") && said.contains("database_owner"), "{said}");

    the_schema_is_brought_up(&with(&urls.serving, Some(&urls.owner), "both"), &urls.superuser);
    assert_eq!(migrate(&alone, &[]).expect("there is nothing to do"), "nothing to do");
    drop(ControlPlane::start(alone).expect("it serves, and has never known the owner"));

    let said = refused(&with(&urls.superuser, None, "superuser"));
    assert!(said.contains("postgres is a superuser") && said.contains("install.md"), "{said}");
    drop(ControlPlane::start(with(&urls.owner, None, "alone")).expect("one role for everything serves"));
    block_on(execute(&urls.owner, "ALTER TABLE money_plan NO FORCE ROW LEVEL SECURITY")).expect("it owns it");
    let said = refused(&with(&urls.serving, None, "opened"));
    assert!(said.contains("1 of row security") && said.contains("database_owner"), "{said}");
}
